"""The events of a job: sessions report them, traces hold them, and `JobState` folds them.

The JSON object of an event is the same in a trace and in the output of ``paceline run --json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar, TypeAlias, get_args

from workers.audio.recording import Recording
from workers.errors import Malformed
from workers.jobs.job import Half, JobId
from workers.pacing.certificate import Certificate, LagSummary, ReadAudio
from workers.protocol import codec
from workers.protocol.codec import JsonObject
from workers.protocol.messages import Turn
from workers.ranges import (
    CHANNEL,
    FILE_BYTES,
    LAG_US,
    LEVEL_DB,
    MONOTONIC_S,
    POSITION_MS,
    RATE_HZ,
    SENT_RATE_HZ,
    SHA256,
    SPEED,
    TURN_NUMBER,
    Count,
    Milliseconds,
    Seconds,
)


class Outcome(Enum):
    """How an attempt ended. `Ended.reason` says why in words."""

    DONE = "done"  # all audio was sent and the server confirmed the end
    CANCELLED = "cancelled"  # the user cancelled it; the transcript so far is kept
    INTERRUPTED = "interrupted"  # the program ended first; ``paceline resume`` continues the job
    HANDED_OVER = "handed_over"  # the session neared its maximum duration; another continues
    UNREADABLE = "unreadable"  # the recording could not be read to its end
    UNREACHABLE = "unreachable"  # no answer from the server, or no session; retried
    UNAUTHORISED = "unauthorised"  # the service refused the key or the account
    BUSY = "busy"  # the account or the engine has too many sessions; the job is queued again
    REFUSED = "refused"  # an error that another attempt would get again
    LOST = "lost"  # the connection broke, or the server gave up or never confirmed the end; retried
    UNWRITABLE = "unwritable"  # the trace could not be written, so the session was stopped
    CRASHED = "crashed"  # the session's process died; its log may say why; retried


@dataclass(frozen=True, slots=True)
class Queued:
    """The file was probed and the job is queued. Describes the recording, in seconds and Hz."""

    type: ClassVar[str] = "queued"
    seconds: Seconds
    rate: Annotated[int, RATE_HZ]
    channels: Annotated[int, CHANNEL]
    format: str
    from_seconds: Seconds = 0.0  # where streaming starts
    until_seconds: Seconds | None = None  # where it ends; None: at the end of the recording
    is_exact: bool = True  # whether ``seconds`` was counted; False: estimated
    missing_seconds: Seconds = 0.0  # how much the header announces beyond what can be decoded
    warnings: tuple[str, ...] = ()  # what is wrong with the recording; each a sentence
    speed: Annotated[float, SPEED] = 1.0  # seconds of audio to send per second
    is_growing: bool = False  # whether it is still being written; ``seconds`` is its length so far
    same_as: str = ""  # an earlier recording of the run with the same content

    @classmethod
    def of(cls, recording: Recording, speed: float = 1.0, same_as: str = "") -> "Queued":
        """The event for a recording that was probed."""
        return cls(
            seconds=recording.seconds,
            rate=recording.rate,
            channels=recording.channels,
            format=recording.format,
            from_seconds=recording.start_seconds,
            until_seconds=None if recording.options.end_s is None else recording.end_seconds,
            is_exact=recording.is_exact,
            missing_seconds=round(recording.missing_seconds, 3),
            warnings=recording.warnings,
            speed=speed,
            is_growing=recording.is_growing,
            same_as=same_as,
        )


@dataclass(frozen=True, slots=True)
class Fetched:
    """So much of the recording has arrived from the network or a pipe, before the job is queued."""

    type: ClassVar[str] = "fetched"
    bytes: Annotated[int, FILE_BYTES]
    total_bytes: Annotated[int, FILE_BYTES] | None = None  # None: not known


@dataclass(frozen=True, slots=True)
class Connecting:
    """The session's process has started and dials the server."""

    type: ClassVar[str] = "connecting"
    to: str  # the server's address, without secrets and parameters
    sha256: Annotated[str, SHA256]  # of the recording's bytes, hexadecimal
    from_ms: Annotated[int, POSITION_MS] = 0
    """Where in the recording this attempt starts; later parts of the transcript are dropped."""
    from_turn: Annotated[int, TURN_NUMBER] = 0
    """The ``turn_order`` of its first turn; continues the numbers of earlier attempts."""
    kept_words: Count | None = None
    """How many words of the previous turn are kept if it was split; None: all of them."""
    hashed_bytes: Annotated[int, FILE_BYTES] | None = None
    """Up to where the file was hashed, as it is still being written; None: the whole file."""
    node: str | None = None
    """The machine of a fleet on which the session runs; None: the one on which the program runs."""


@dataclass(frozen=True, slots=True)
class Readied:
    """The server accepted the session of one half of a pair. It waits for the pair's clock, which
    starts when both halves are ready, or when the other one has failed."""

    type: ClassVar[str] = "ready"


@dataclass(frozen=True, slots=True)
class Began:
    """The server accepted the session; the schedule's clock starts here."""

    type: ClassVar[str] = "began"
    session_id: str
    model: str  # as reported by the server, or else as requested
    sample_rate: Annotated[int, SENT_RATE_HZ]  # of the audio sent, in Hz
    expires_at: int
    connect_ms: Milliseconds  # from dialing until the socket was open
    begin_ms: Milliseconds  # from the open socket until Begin
    clock_s: Annotated[float, MONOTONIC_S] | None = None
    """Only for half of a pair: when the pair's clock started, on the machine's monotonic clock."""
    clock_chunk: Count | None = None
    """On which beat of that clock the first chunk is due. The beats are one chunk apart, and number
    0 is ``clock_s``; an attempt that starts later joins on a later beat."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How much audio was sent, how late chunks left, and how loud they were."""

    type: ClassVar[str] = "progress"
    sent_seconds: Seconds
    total_seconds: Seconds
    lag_ms: LagSummary
    levels_db: tuple[Annotated[int, LEVEL_DB], ...] = ()
    """RMS of each chunk sent since the last report, oldest first, in dBFS, at least -99."""
    waiting: bool | None = None  # True: all that was written is sent, and more is awaited


@dataclass(frozen=True, slots=True)
class TurnReceived:
    """The server's latest update of a turn, with times on the recording's clock."""

    type: ClassVar[str] = "turn"
    turn: Turn
    cut: bool = False  # the session ended within this turn, so another attempt receives it again


@dataclass(frozen=True, slots=True)
class Warned:
    """Something went wrong, but the session continues. A fault of the recording has a position."""

    type: ClassVar[str] = "warning"
    warning: str
    code: int | None = None
    at_seconds: Seconds | None = None  # where in the recording the fault is; None: elsewhere
    missing_seconds: Seconds | None = None  # how much of it cannot be decoded there, if known


@dataclass(frozen=True, slots=True)
class Slipped:
    """A stall was longer than the catch-up limit, so the schedule moved."""

    type: ClassVar[str] = "slip"
    at_seconds: Seconds  # position in the recording
    stalled_ms: Milliseconds


@dataclass(frozen=True, slots=True)
class Waited:
    """The recording was still being written and had no more audio yet, so the schedule waited."""

    type: ClassVar[str] = "waited"
    at_seconds: Seconds  # position in the recording
    waited_ms: Milliseconds


@dataclass(frozen=True, slots=True)
class RecordingRead:
    """The recording was read as far as this attempt did, and its file was looked at again."""

    type: ClassVar[str] = "read"
    audio: ReadAudio
    sha256: Annotated[str, SHA256] | None = (
        None  # of the whole file, if that differs from ``connecting``
    )


@dataclass(frozen=True, slots=True)
class Ended:
    type: ClassVar[str] = "ended"
    outcome: Outcome
    reason: str
    hint: str = ""  # what the user can do; may be empty
    code: int | None = None  # the server's error or close code, if any
    sent_seconds: Seconds = 0.0  # the position in the recording up to which audio was sent
    open_seconds: Seconds = 0.0  # how long the socket was open, which is what the service bills
    certificate: Certificate | None = None  # None if no audio was sent
    retry_after_s: float | None = None  # how long the server asked to wait, if it did


@dataclass(frozen=True, slots=True)
class Retrying:
    """Another attempt will follow; the report has the number of that attempt. A refused session
    does not count as an attempt, so its number is used again."""

    type: ClassVar[str] = "retrying"
    reason: str  # why the previous attempt ended
    in_seconds: Seconds  # seconds until its earliest start
    from_seconds: Seconds  # where in the recording it will start


@dataclass(frozen=True, slots=True)
class ChunksSent:
    """Trace only: the lags in microseconds of chunk ``first`` and the chunks after it."""

    type: ClassVar[str] = "chunks"
    first: Count
    lag_us: tuple[Annotated[int, LAG_US], ...]


@dataclass(frozen=True, slots=True)
class MessageSent:
    """Trace only: a control message that the client sent."""

    type: ClassVar[str] = "sent"
    message: Mapping[str, codec.Json]


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Trace only: a message without an event of its own, as received; or a turn that was ignored or
    published without its words, because they cannot be true."""

    type: ClassVar[str] = "received"
    message: Mapping[str, codec.Json]


Event: TypeAlias = (
    Queued
    | Fetched
    | Connecting
    | Readied
    | Began
    | Progressed
    | TurnReceived
    | Warned
    | Slipped
    | Waited
    | RecordingRead
    | Retrying
    | Ended
)
TraceEvent: TypeAlias = Event | ChunksSent | MessageSent | MessageReceived
TRACE_ONLY = (ChunksSent, MessageSent, MessageReceived)


@dataclass(frozen=True, slots=True)
class JobReport:
    """An event with its job, attempt and time."""

    job: JobId
    attempt: int  # counts from 1; for a queued job, the number of the next attempt
    file: str
    t: float  # seconds since the session's process started, on its monotonic clock
    event: Event
    half: Half | None = None  # which half of a pair the job is


_EVENT_TYPES: Mapping[str, type[TraceEvent]] = {cls.type: cls for cls in get_args(TraceEvent)}


def event_to_json(event: TraceEvent) -> JsonObject:
    """The JSON object of an event; a turn has the field names of the protocol."""
    if isinstance(event, TurnReceived):
        wire = codec.dump(event.turn)
        wire.pop("cut", None)  # a server may use the name for a field of its own
        cut: JsonObject = {"cut": True} if event.cut else {}
        return {"type": event.type, **wire, **cut}
    return {"type": event.type, **codec.dump(event)}


def event_from_json(record: Mapping[str, codec.Json]) -> TraceEvent:
    """The event of a JSON object; raises `Malformed` for an unknown type or a bad field."""
    kind = record.get("type")
    if kind == TurnReceived.type:
        wire = {name: value for name, value in record.items() if name != "cut"}
        return TurnReceived(codec.load(Turn, wire, TurnReceived.type), record.get("cut") is True)
    if not isinstance(kind, str) or kind not in _EVENT_TYPES:
        raise Malformed(f"there is no event of type {str(kind)[:40]!r}")
    return codec.load(_EVENT_TYPES[kind], record, kind)


def report_to_json(report: JobReport) -> JsonObject:
    """The JSON object of a report, as ``run --json`` prints it."""
    event = event_to_json(report.event)
    head: JsonObject = {"type": event["type"], "job": report.job, "attempt": report.attempt}
    head |= {"file": report.file, "t": round(report.t, 4)}
    if (half := report.half) is not None:
        head |= codec.dump(half)
    return {**head, **event, **head}  # a server may use the names for fields of its own
