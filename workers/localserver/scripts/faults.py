"""What can go wrong in a scripted session, and what a script may say about each of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class FaultPoint(Enum):
    """A point of the conversation; the values are the script's."""

    CONNECT = "connect"
    """The client was let in and waits for its Begin."""
    BEGIN = "begin"
    """Begin has just been sent."""
    TERMINATE = "terminate"
    """The client's Terminate has just arrived."""


class FaultKind(Enum):
    """The faults; the values are the script's."""

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
    """Something that goes wrong once."""

    kind: FaultKind
    after: FaultPoint | float
    """A moment, or so many seconds of received audio."""
    code: int = 0
    text: str = ""
    seconds: float | None = None
    """How long it lasts; None: for good."""

    def is_due(self, now: FaultPoint | float) -> bool:
        """Whether it is its time, at a moment or after so many seconds of received audio."""
        if isinstance(self.after, FaultPoint) or isinstance(now, FaultPoint):
            return self.after is now
        return self.after <= now


FAULT_KEYS = ("what", "after", "code", "text", "seconds")

CLOSE_CODES = (range(1000, 1004), range(1007, 1015), range(3000, 5000))
"""The codes with which a WebSocket may be closed."""

BUSY_CODES = (range(1008, 1009), range(3009, 3010))
"""The vendor's pages disagree."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What may be said about a kind of fault, and what holds when nothing is."""

    point: FaultPoint | None = None
    """The only one at which it makes sense; None: the script says when."""
    code: int | None = None
    """None: it has no code."""
    codes: tuple[range, ...] = CLOSE_CODES
    """Those it may have."""
    text: str | None = None
    """None: it has no text."""
    is_close_reason: bool = False
    """Whether the text is a close's reason, for which there is little room."""
    has_duration: bool = False
    """Whether it may end after some seconds."""

    @property
    def allowed_keys(self) -> list[str]:
        """All that a script may say of it."""
        says = {
            "after": self.point is None,
            "code": self.code is not None,
            "text": self.text is not None,
            "seconds": self.has_duration,
        }
        return [key for key in FAULT_KEYS if says.get(key, True)]


_CANCELLED_TEXT = "Session Cancelled: An error occurred"

FAULT_RULES: Mapping[FaultKind, FaultRule] = {
    FaultKind.REFUSE: FaultRule(
        FaultPoint.CONNECT, 1008, text="Unauthorized Connection: Invalid API key"
    ),
    FaultKind.BUSY: FaultRule(
        FaultPoint.CONNECT,
        1008,
        BUSY_CODES,
        "Unauthorized Connection: Too many concurrent sessions",
    ),
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
