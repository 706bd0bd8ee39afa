"""What can go wrong in a scripted session, and what a script may say about each of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Moment(Enum):
    """A point of the conversation; the values are the script's."""

    CONNECT = "connect"
    """The client was let in and waits for its Begin."""
    BEGIN = "begin"
    """Begin has just been sent."""
    TERMINATE = "terminate"
    """The client's Terminate has just arrived."""


class What(Enum):
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

    what: What
    after: Moment | float
    """A moment, or so many seconds of received audio."""
    code: int = 0
    text: str = ""
    seconds: float | None = None
    """How long it lasts; None: for good."""

    def strikes(self, now: Moment | float) -> bool:
        """Whether it is its time, at a moment or after so many seconds of received audio."""
        if isinstance(self.after, Moment) or isinstance(now, Moment):
            return self.after is now
        return self.after <= now


FAULT_KEYS = ("what", "after", "code", "text", "seconds")

CLOSING = (range(1000, 1004), range(1007, 1015), range(3000, 5000))
"""The codes with which a WebSocket may be closed."""

BUSY = (range(1008, 1009), range(3009, 3010))
"""The vendor's pages disagree."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be said about a kind of fault, and what holds when nothing is."""

    moment: Moment | None = None
    """The only one at which it makes sense; None: the script says when."""
    code: int | None = None
    """None: it has no code."""
    codes: tuple[range, ...] = CLOSING
    """Those it may have."""
    text: str | None = None
    """None: it has no text."""
    reason: bool = False
    """Whether the text is a close's reason, for which there is little room."""
    lasts: bool = False
    """Whether it may end after some seconds."""

    @property
    def keys(self) -> list[str]:
        """All that a script may say of it."""
        says = {
            "after": self.moment is None,
            "code": self.code is not None,
            "text": self.text is not None,
            "seconds": self.lasts,
        }
        return [key for key in FAULT_KEYS if says.get(key, True)]


_BROKEN = "Session Cancelled: An error occurred"

TERMS: Mapping[What, Terms] = {
    What.REFUSE: Terms(Moment.CONNECT, 1008, text="Unauthorized Connection: Invalid API key"),
    What.BUSY: Terms(
        Moment.CONNECT, 1008, BUSY, "Unauthorized Connection: Too many concurrent sessions"
    ),
    What.NO_BEGIN: Terms(Moment.CONNECT),
    What.ERROR: Terms(code=3005, text=_BROKEN),
    What.ERROR_WITHOUT_CLOSE: Terms(code=3005, text=_BROKEN),
    What.CLOSE_WITHOUT_ERROR: Terms(code=1011, text="", reason=True),
    What.CUT: Terms(),
    What.RESET: Terms(),
    What.SILENCE: Terms(),
    What.STALL_READING: Terms(lasts=True),
    What.UNKNOWN_TYPE: Terms(text="Novelty"),
    What.WARNING: Terms(code=1201, codes=(range(10_000),), text="A scripted warning"),
    What.GARBAGE: Terms(text="{this is no JSON"),
    What.DUPLICATE_FINAL: Terms(),
    What.EXTRA_EMPTY_FINAL: Terms(),
    What.NO_TERMINATION: Terms(Moment.TERMINATE),
    What.TERMINATION_WITHOUT_CLOSE: Terms(Moment.TERMINATE),
}
