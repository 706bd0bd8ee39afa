"""Which values a number or a text may have: the one table for options, settings and files.

A dataclass names the range of a field in its annotation, as in ``Annotated[int, CHUNK_MS]``, and
`workers.protocol.codec` checks it wherever the dataclass is read. Options and manifests use the
same ranges. Imports no other Paceline module, because the command line loads it for its help.

Numbers that a server chose, such as the times of words, have no range here: what a session has
written must always be readable.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, get_args, get_origin, get_type_hints

MAX_SHOWN_CHARS = 40
"""How much of a wrong value a message repeats."""


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from ``low`` to ``high``, both included."""

    low: float
    high: float
    unit: str = ""

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high

    def __str__(self) -> str:
        return f"from {_plain(self.low)} to {_plain(self.high)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Text:
    """Texts of at most ``max_chars`` that match ``pattern``; ``meaning`` says what they are. A path
    may have bytes that are not UTF-8, but no text has a NUL, which no system call takes."""

    meaning: str
    max_chars: int
    pattern: re.Pattern[str] | None = None

    def __contains__(self, text: str) -> bool:
        if len(text) > self.max_chars or "\0" in text:
            return False
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return False
        return self.pattern is None or self.pattern.fullmatch(text) is not None

    def __str__(self) -> str:
        return f"{self.meaning} of at most {self.max_chars:,} characters"


# --- what users set

CHUNK_MS = Range(50, 1000, "ms")
"""Audio in one binary frame, by the protocol; only the last frame may be shorter."""
SENT_RATE_HZ = Range(8000, 48_000, "Hz")
"""Sample rates that are sent."""
SPEED = Range(0.5, 20)
"""Seconds of audio to send per second; 1 is the speed of speech."""
SPEED_LIMIT = Range(1, 25)
"""The speed up to which the embedded engine accepts audio."""
SESSIONS = Range(1, 100_000)
STARTS_PER_MINUTE = Range(1, 1_000_000)
ATTEMPTS = Range(1, 1_000_000)
"""Attempts of a job that may fail before the job fails."""
DEAD_AFTER_S = Range(1, 1_000_000, "s")
REPEATS = Range(1, 10_000)
SHARDS = Range(1, 10_000)
COUNTED = Range(1, 10**9)
"""A number of things that nothing else limits."""
POSITION_S = Range(0, 1_000_000, "s")
"""A position in a recording that a user gives: up to 11 days."""
REFRESH_S = Range(0.1, 2, "seconds")
PRICE_PER_HOUR = Range(0, 10_000, "an hour")
BUDGET = Range(1e-6, 1_000_000)
"""Money, or hours of open sockets."""
COST = Range(0, 1_000_000)
"""What a run may cost before the user is asked."""
CURRENCY = Text("a code such as USD, or nothing", 3, re.compile(r"([A-Z]{3})?"))
TRACK = Text(
    "the number or the language of an audio track",
    40,
    re.compile(r"([1-9]\d{0,3}|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?"),
)

# --- what recordings have

RATE_HZ = Range(1000, 768_000, "Hz")
"""Other rates come from damaged headers and would make durations meaningless."""
RAW_CHANNELS = Range(1, 64)
CHANNEL = Range(1, 1024)
"""The number of a channel; no decoder has more."""
SECONDS = Range(0, 1e13, "s")
"""A duration, or a position in a recording: as much as a damaged header may announce."""
FILE_BYTES = Range(0, 2**63 - 1, "bytes")
PATH = Text("a path or a URL", 32_768)

# --- what a run notes

PART_NUMBER = Range(0, 1_000_000)
JOB_NUMBER = Range(1, 2**31 - 1)
PAIR_NUMBER = Range(0, 2**31 - 3)
PAIR_CHANNEL = Range(1, 2)
ATTEMPT_NUMBER = Range(0, 1_000_000)
TIME_S = Range(-366 * 86_400, 366 * 86_400, "s")
"""A time on the clock of an attempt: no session lasts a year."""
MONOTONIC_S = Range(-1e12, 1e12, "s")
POSITION_MS = Range(0, 10**16, "ms")
TURN_NUMBER = Range(0, 2**31 - 1)
COUNT = Range(0, 2**53)
WALL_S = Range(0, 2.5e11, "s")
"""A time since the epoch, up to the year 9891."""
LAG_MS = Range(0, 1e12, "ms")
DRIFT_MS = Range(-1e12, 1e12, "ms")
LAG_US = Range(0, 2**32 - 1, "µs")
LEVEL_DB = Range(-1000, 1000, "dBFS")
SHA256 = Text("a hash in hexadecimal", 64, re.compile(r"[0-9a-f]*"))

Seconds: TypeAlias = Annotated[float, SECONDS]
Milliseconds: TypeAlias = Annotated[float, LAG_MS]
Count: TypeAlias = Annotated[int, COUNT]


def range_of(cls: type, field: str) -> Range:
    """The range of a dataclass's field; of a tuple, that of its items."""
    (found,) = ranges_in(get_type_hints(cls, include_extras=True)[field])
    assert isinstance(found, Range)
    return found


def ranges_in(hint: Any) -> tuple[Range | Text, ...]:
    """The ranges that an annotation names anywhere."""
    named = [extra for extra in get_args(hint)[1:] if isinstance(extra, Range | Text)]
    if get_origin(hint) is Annotated and named:
        return tuple(named)
    return tuple(found for inner in get_args(hint) for found in ranges_in(inner))


def shown(value: object) -> str:
    """A value in a message: short, on one line, and without control characters."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            cut = value[:MAX_SHOWN_CHARS]
            return f"{cut!r}…" if len(value) > len(cut) else repr(cut)
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case float():
            return f"{value:g}"
        case int() if abs(value) >= 10**MAX_SHOWN_CHARS:
            return "a number with over 40 digits"
    return repr(value)[:MAX_SHOWN_CHARS]


def _plain(number: float) -> str:
    """A number without an exponent, as far as that is short."""
    if abs(number) >= 1e15:
        return f"{number:.0e}".replace("e+", "e")
    return f"{number:,.15g}"
