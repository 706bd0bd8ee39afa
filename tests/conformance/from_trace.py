"""The log of a session, rebuilt from its trace.

A trace reports chunks later than they left, many at once; `ChunkTimes` knows the moment of each. It
keeps no close: the client leaves by itself after the last message.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.session_log import Audio, LogEntry, Received, Sent
from workers.errors import Malformed
from workers.jobs import events
from workers.jobs.events import MessageReceived, MessageSent, TraceEvent, TurnReceived, Warned
from workers.protocol import messages
from workers.traces.reader import TraceReader


def log_from_trace(path: Path) -> tuple[dict[str, str], list[LogEntry]]:
    """Parameters and log of a trace; raises `Malformed` for a file that is none."""
    trace = TraceReader(path)
    if trace.head is None:
        raise Malformed(f"{path.name} is empty")
    settings = trace.head.settings
    parameters = {**dict(settings.params), "speech_model": settings.speech_model}
    timed = [(each.t, entry) for each in trace for entry in _log_entries(each.event)]
    timed += [(chunk.sent_s, Audio(chunk.seconds * 1000)) for chunk in trace.chunk_times]
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
