"""The trace format: its version, its first line, the layout of lines, and the order rule.

``docs/trace-format.md`` describes the format for other programs; a test keeps the two consistent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.audio.recording import Recording
from workers.jobs import events
from workers.jobs.events import TraceEvent, TurnReceived
from workers.jobs.job import Half, StreamSettings
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.protocol import codec
from workers.protocol.codec import Json

TRACE_VERSION = 2

MAX_LINE_BYTES = 128 * 1024 * 1024
"""The longest line that a reader accepts. The longest possible message is shorter."""

HEAD_TYPE = "trace"

# Made once: `json.dumps` makes a new encoder for every call with options.
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHead:
    """The first line of a trace: which attempt it belongs to, and how it is streamed."""

    version: int = TRACE_VERSION
    wall: str = ""
    """UTC time of the first line, ISO 8601. The writer fills in the current time."""
    job: int
    attempt: int
    file: str
    recording: Recording | None = None
    settings: StreamSettings = field(default_factory=StreamSettings)
    seam: ResumePoint = RECORDING_START  # where in the recording the attempt starts
    endpoint: str = ""
    half: Half | None = None  # which half of a pair the job is


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """One event of a trace and its time in seconds on the attempt's clock."""

    t: float
    event: TraceEvent


def needs_progress_first(event: TraceEvent) -> bool:
    """Whether a writer must report the progress of sending before it writes this event.

    The order rule: a `Progressed` that includes every chunk sent so far precedes each final turn.
    No turn can end after the sent audio. So another attempt never continues after that audio,
    whatever times the turn has. The session's recorder keeps the rule; `TraceIndex` and
    `ResumeTracker` rely on it.
    """
    return isinstance(event, TurnReceived) and event.turn.end_of_turn


def head_line(head: TraceHead) -> bytes:
    """The first line of a trace."""
    return _encode_line(0.0, {"type": HEAD_TYPE, **codec.dump(head)})


def event_line(t: float, event: TraceEvent) -> bytes:
    """The line of an event; ``t`` in seconds on the attempt's clock."""
    return _encode_line(t, events.event_to_json(event))


def _encode_line(t: float, fields: Mapping[str, Json]) -> bytes:
    """Puts ``t`` and ``type`` first: `reader.LINE_START` finds them without parsing the line."""
    time = {"t": round(t, 6)}
    record = {**time, **fields, **time}  # a server may have sent fields with these names
    # A lone surrogate is legal in JSON but not in UTF-8, so it is written as its JSON escape.
    return _encode_json(record).encode("utf-8", "backslashreplace") + b"\n"
