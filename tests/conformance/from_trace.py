"""The record of a session that a trace kept.

A trace tells of chunks later than they left, many at a time; from their lags and the schedule, the
moment of each is known. It keeps no close: the client leaves by itself after the last message.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.session_log import Audio, LogEntry, Received, Sent
from workers.jobs import events
from workers.jobs.events import (
    Began,
    ChunksSent,
    Ended,
    MessageReceived,
    MessageSent,
    Slipped,
    TraceEvent,
    TurnReceived,
    Warned,
)
from workers.protocol import messages
from workers.traces import trace_file
from workers.traces.trace_file import TimedEvent


def log_from_trace(path: Path) -> tuple[dict[str, str], list[LogEntry]]:
    """Parameters and record of a trace; raises `Malformed` for something that is none."""
    traced = list(trace_file.read_trace(path))
    with path.open(encoding="utf-8") as file:
        settings = json.loads(file.readline())["settings"]
    parameters = {**dict(settings["params"]), "speech_model": settings["speech_model"]}
    timed = [(each.t, entry) for each in traced for entry in _log_entries(each.event)]
    timed += _timed_chunks(traced, settings["chunk_ms"], late=settings["release"] == "end")
    timed.sort(key=lambda pair: pair[0])
    return parameters, [entry for _, entry in timed]


def _log_entries(event: TraceEvent) -> Iterator[LogEntry]:
    match event:
        case MessageSent(message=message):
            yield Sent(messages.decode_from_client(json.dumps(dict(message))))
        case MessageReceived(message=message):
            yield Received(dict(message))
        case TurnReceived():
            yield Received({**events.event_to_json(event), "type": messages.Turn.type})
        case Warned(warning=words, code=int(code)):  # without a code, it is the client's own
            yield Received(messages.to_json(messages.Warning(words, code)))
        case _:
            pass


def _timed_chunks(
    traced: list[TimedEvent], chunk_ms: int, *, late: bool
) -> Iterator[tuple[float, LogEntry]]:
    """Each chunk and when it had left."""
    start, rate = 0.0, 16_000
    for each in traced:
        if isinstance(each.event, Began):
            start, rate = each.t, each.event.sample_rate
    chunk = -(-rate * chunk_ms // 1000) / rate  # whole samples
    happened = [each.event for each in traced]
    sent = [event.sent_seconds for event in happened if isinstance(event, Ended)]
    slips = [event for event in happened if isinstance(event, Slipped)]
    for event in happened:
        if not isinstance(event, ChunksSent):
            continue
        for number, lag in enumerate(event.lag_us, start=event.first):
            position = number * chunk
            seconds = min(chunk, sent[0] - position) if sent else chunk
            slipped = sum(slip.stalled_ms for slip in slips if slip.at_seconds <= position) / 1000
            due = start + position + slipped + (seconds if late else 0)
            yield due + lag / 1e6, Audio(seconds * 1000)
