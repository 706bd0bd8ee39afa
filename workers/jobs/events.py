"""What happens to a job, as facts: the one vocabulary of trace, queue, screen and ``--json``.

A session says them, its trace keeps them, and everything that shows or measures a session folds
over them. As JSON, an event is an object with a ``type``; the same object stands in a trace and on
the standard output of ``paceline run --json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from workers.errors import Malformed
from workers.jobs.job import JobId
from workers.pacing.certificate import Certificate, LagSummary
from workers.protocol import codec
from workers.protocol.codec import JsonObject
from workers.protocol.messages import Turn


class Outcome(Enum):
    """How an attempt ended. `Ended.reason` says why in words."""

    DONE = "done"
    """All audio was sent and the server confirmed the end."""
    CANCELLED = "cancelled"
    """The user did not want it any more; what was heard until then is kept."""
    INTERRUPTED = "interrupted"
    """The program ended before it did; ``paceline resume`` goes on with it."""
    HANDED_OVER = "handed_over"
    """The session neared its longest duration; a further one goes on."""
    UNREADABLE = "unreadable"
    """The recording could not be read, or not to its end."""
    UNREACHABLE = "unreachable"
    """Nobody answered at the endpoint, or it never began the session. Retried."""
    UNAUTHORISED = "unauthorised"
    """The service refused the key or the account."""
    BUSY = "busy"
    """Too many sessions for the account or the engine; the job waits for its turn again."""
    REFUSED = "refused"
    """An error that a further attempt would only meet again."""
    LOST = "lost"
    """The connection broke, the server gave up, or it never confirmed the end. Retried."""
    UNWRITABLE = "unwritable"
    """The trace could not be written, so the session was stopped."""
    CRASHED = "crashed"
    """The session's process died; its log says more. Retried."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The job waits for a free place. Facts of the recording, seconds and Hz."""

    type: ClassVar[str] = "queued"
    seconds: float
    rate: int
    channels: int
    format: str


@dataclass(frozen=True, slots=True)
class Connecting:
    """A process has started and calls the server."""

    type: ClassVar[str] = "connecting"
    to: str
    """The address, without secrets and without parameters."""
    sha256: str
    """Of the recording's bytes, in hexadecimal."""
    from_ms: int = 0
    """Where in the recording it takes over from the attempt before; what was heard behind it is
    dropped."""
    from_turn: int = 0
    """The ``turn_order`` of its first turn, so that those of a job never repeat."""
    kept_words: int | None = None
    """Of the turn before that, where it was divided: the rest of it is dropped. None: all words."""


@dataclass(frozen=True, slots=True)
class Began:
    """The server accepted the session; from here the clock of the schedule runs."""

    type: ClassVar[str] = "began"
    session_id: str
    model: str
    """As the server says it, else as it was asked for."""
    sample_rate: int
    """In Hz: of what is sent, and declared."""
    expires_at: int
    connect_ms: float
    """Dialling until the socket was open."""
    begin_ms: float
    """Open socket until Begin."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far the audio has been sent, how late the chunks left, and how loud they are."""

    type: ClassVar[str] = "progress"
    sent_seconds: float
    total_seconds: float
    lag_ms: LagSummary
    levels_db: tuple[int, ...] = ()
    """Of each chunk sent since this was last told, oldest first: RMS in dBFS, -99 at the least."""


@dataclass(frozen=True, slots=True)
class TurnReceived:
    """The server's latest reading of a turn, its times on the recording's clock."""

    type: ClassVar[str] = "turn"
    turn: Turn
    cut: bool = False
    """The session was ended in mid-recording, and the turn with it: a resumption hears it anew."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the session survived."""

    type: ClassVar[str] = "warning"
    warning: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Slipped:
    """A stall beyond the catch-up bound moved the schedule."""

    type: ClassVar[str] = "slip"
    at_seconds: float
    """Where in the audio."""
    stalled_ms: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The attempt is over."""

    type: ClassVar[str] = "ended"
    outcome: Outcome
    reason: str
    hint: str = ""
    """What the user can do about it; may be empty."""
    code: int | None = None
    """The server's error or close code, where it sent one."""
    sent_seconds: float = 0.0
    """Up to where in the recording audio was sent."""
    open_seconds: float = 0.0
    """How long the socket was open: this is what a service bills."""
    certificate: Certificate | None = None
    """None when no audio was sent."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """A further attempt will be made; the report names its number.

    One that the server had no place for is no attempt, so its number comes again.
    """

    type: ClassVar[str] = "retrying"
    reason: str
    """What ended the one before."""
    in_seconds: float
    """Until the earliest moment that it may start."""
    from_seconds: float
    """Where in the recording it will go on."""


@dataclass(frozen=True, slots=True)
class ChunksSent:
    """Trace only: the lags in microseconds of chunk ``first`` and those after it."""

    type: ClassVar[str] = "chunks"
    first: int
    lag_us: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MessageSent:
    """Trace only: a control message that the client sent, by its wire type."""

    type: ClassVar[str] = "sent"
    message: Mapping[str, codec.Json]


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Trace only: a message without an event of its own, as it came over the wire."""

    type: ClassVar[str] = "received"
    message: Mapping[str, codec.Json]


Event: TypeAlias = (
    Queued | Connecting | Began | Progressed | TurnReceived | Warned | Slipped | Retrying | Ended
)
TraceEvent: TypeAlias = Event | ChunksSent | MessageSent | MessageReceived
TRACE_ONLY = (ChunksSent, MessageSent, MessageReceived)


@dataclass(frozen=True, slots=True)
class JobReport:
    """An event on its way to whoever watches: which job, which attempt, and when."""

    job: JobId
    attempt: int
    """Counts from 1; a job in the queue names the attempt to come."""
    file: str
    t: float
    """Seconds since the attempt's process started, on its monotonic clock."""
    event: Event


_EVENT_TYPES: Mapping[str, type[Any]] = {
    cls.type: cls
    for cls in (
        Queued,
        Connecting,
        Began,
        Progressed,
        Warned,
        Slipped,
        Retrying,
        Ended,
        ChunksSent,
        MessageSent,
        MessageReceived,
    )
}


def event_to_json(event: TraceEvent) -> JsonObject:
    """The object of an event; a turn keeps the wire's field names."""
    if isinstance(event, TurnReceived):
        wire = codec.dump(event.turn)
        wire.pop("cut", None)  # a server may call a field of its own so
        cut: JsonObject = {"cut": True} if event.cut else {}
        return {"type": event.type, **wire, **cut}
    return {"type": event.type, **codec.dump(event)}


def event_from_json(record: Mapping[str, codec.Json]) -> TraceEvent:
    """The event of an object; raises `Malformed` for an unknown type or a bad field."""
    kind = record.get("type")
    if kind == TurnReceived.type:
        wire = {name: value for name, value in record.items() if name != "cut"}
        return TurnReceived(codec.load(Turn, wire, TurnReceived.type), record.get("cut") is True)
    if not isinstance(kind, str) or kind not in _EVENT_TYPES:
        raise Malformed(f"there is no event of type {str(kind)[:40]!r}")
    event: TraceEvent = codec.load(_EVENT_TYPES[kind], record, kind)
    return event


def report_to_json(report: JobReport) -> JsonObject:
    """The object of a report, as ``run --json`` prints it."""
    event = event_to_json(report.event)
    whose: JsonObject = {
        "type": event["type"],
        "job": report.job,
        "attempt": report.attempt,
        "file": report.file,
        "t": round(report.t, 4),
    }
    return {**whose, **event, **whose}  # a server may call fields of its own so
