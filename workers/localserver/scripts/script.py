"""The data classes of a script: the words of each session, their delays, and the faults.

`script_file` reads them from TOML; `scripted_backend` and `faulty_client_socket` act on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, pairwise

from workers.localserver.recogniser_protocol import RecognisedWord, RecognisedWords


class FaultPoint(Enum):
    """A moment of the session; the values are those of the file format."""

    CONNECT = "connect"  # the client is admitted and waits for Begin
    BEGIN = "begin"  # Begin has just been sent
    TERMINATE = "terminate"  # the client's Terminate has just arrived


class FaultKind(Enum):
    """The faults; the values are those of the file format."""

    REFUSE = "refuse"
    BUSY = "busy"
    NO_BEGIN = "no_begin"
    ERROR = "error"
    ERROR_WITHOUT_CLOSE = "error_without_close"
    CLOSE_WITHOUT_ERROR = "close_without_error"
    CUT = "cut"
    RESET = "reset"
    SILENCE = "silence"
    STALL_READING = "stall_reading"
    UNKNOWN_TYPE = "unknown_type"
    WARNING = "warning"
    GARBAGE = "garbage"
    DUPLICATE_FINAL = "duplicate_final"
    EXTRA_EMPTY_FINAL = "extra_empty_final"
    NO_TERMINATION = "no_termination"
    TERMINATION_WITHOUT_CLOSE = "termination_without_close"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happens once."""

    kind: FaultKind
    after: FaultPoint | float  # a point of the session, or seconds of received audio
    code: int = 0
    text: str = ""
    seconds: float | None = None  # how long it lasts; None: until the end

    def is_due(self, now: FaultPoint | float) -> bool:
        """Whether it happens at this point, or after this many seconds of received audio."""
        if isinstance(self.after, FaultPoint) or isinstance(now, FaultPoint):
            return self.after is now
        return self.after <= now


FAULT_KEYS = ("what", "after", "code", "text", "seconds")

CLOSE_CODES = (range(1000, 1004), range(1007, 1015), range(3000, 5000))
"""The close codes that a WebSocket server may send."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """The keys that a kind of fault supports, and their defaults."""

    point: FaultPoint | None = None
    """The only point that makes sense; None: the script sets ``after``."""
    code: int | None = None  # default code; None: it has no code
    codes: tuple[range, ...] = CLOSE_CODES  # valid codes
    text: str | None = None  # default text; None: it has no text
    is_close_reason: bool = False  # whether the text goes into a close frame, which is short
    has_duration: bool = False  # whether it supports ``seconds``

    @property
    def allowed_keys(self) -> list[str]:
        optional = {
            "after": self.point is None,
            "code": self.code is not None,
            "text": self.text is not None,
            "seconds": self.has_duration,
        }
        return [key for key in FAULT_KEYS if optional.get(key, True)]


_CANCELLED_TEXT = "Session Cancelled: An error occurred"

_BAD_KEY_TEXT = "Unauthorized Connection: Invalid API key"
_BUSY_TEXT = "Unauthorized Connection: Too many concurrent sessions"
_BUSY_CODES = (range(1008, 1009), range(3009, 3010))  # the vendor's pages disagree on the code

FAULT_RULES: Mapping[FaultKind, FaultRule] = {
    FaultKind.REFUSE: FaultRule(FaultPoint.CONNECT, 1008, text=_BAD_KEY_TEXT),
    FaultKind.BUSY: FaultRule(FaultPoint.CONNECT, 1008, _BUSY_CODES, _BUSY_TEXT),
    FaultKind.NO_BEGIN: FaultRule(FaultPoint.CONNECT),
    FaultKind.ERROR: FaultRule(code=3005, text=_CANCELLED_TEXT),
    FaultKind.ERROR_WITHOUT_CLOSE: FaultRule(code=3005, text=_CANCELLED_TEXT),
    FaultKind.CLOSE_WITHOUT_ERROR: FaultRule(code=1011, text="", is_close_reason=True),
    FaultKind.CUT: FaultRule(),
    FaultKind.RESET: FaultRule(),
    FaultKind.SILENCE: FaultRule(),
    FaultKind.STALL_READING: FaultRule(has_duration=True),
    FaultKind.UNKNOWN_TYPE: FaultRule(text="Novelty"),
    FaultKind.WARNING: FaultRule(code=1201, codes=(range(10_000),), text="A scripted warning"),
    FaultKind.GARBAGE: FaultRule(text="{this is no JSON"),
    FaultKind.DUPLICATE_FINAL: FaultRule(),
    FaultKind.EXTRA_EMPTY_FINAL: FaultRule(),
    FaultKind.NO_TERMINATION: FaultRule(FaultPoint.TERMINATE),
    FaultKind.TERMINATION_WITHOUT_CLOSE: FaultRule(FaultPoint.TERMINATE),
}


@dataclass(frozen=True, slots=True)
class ReportDelays:
    """Delays in seconds from the arrival of the last sample of a word."""

    partial_after: float = 0.2  # delay of the partial that contains the word
    final_after: float = 0.5  # delay of the final turn after its last word


@dataclass(frozen=True, slots=True)
class PartialWord:
    """How a word appears in partials before it is right."""

    first_text: str = ""  # the text until it is corrected; empty: as in the final
    corrected_after: float = 0.0  # seconds from the first partial with it to the corrected one
    shown_before: float = 0.0  # seconds of audio before its end at which it counts as received


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """The words of a turn and when they are reported."""

    words: RecognisedWords
    delays: ReportDelays = ReportDelays()
    partial_words: tuple[PartialWord | None, ...] = ()
    """One for each word; empty if all appear when they end, as they are."""


@dataclass(frozen=True, slots=True)
class SessionScript:
    """The words and faults of one session."""

    turns: tuple[ScriptedTurn, ...] = ()
    faults: tuple[Fault, ...] = ()
    begin_after: float = 0.0  # seconds from the open socket to Begin
    termination_after: float = 0.0  # seconds from the last final turn to Termination


@dataclass(frozen=True, slots=True)
class Script:
    """The sessions of a scripted server."""

    sessions: tuple[SessionScript, ...]

    def session(self, number: int) -> SessionScript:
        """The script of session ``number``, from 0; further sessions repeat the last script."""
        return self.sessions[min(number, len(self.sessions) - 1)]


def words_by_length(text: str, start_ms: int, end_ms: int) -> RecognisedWords:
    """Spreads a text over a time span; the duration of a word is proportional to its length.

    If the span is too short, some words have no duration.
    """
    words = text.split()
    letters = list(accumulate(map(len, words), initial=0))
    bounds = [start_ms + (end_ms - start_ms) * before // max(letters[-1], 1) for before in letters]
    return tuple(
        RecognisedWord(word, *times, confidence=1.0)
        for word, times in zip(words, pairwise(bounds), strict=True)
    )
