import json
from typing import Any

import pytest

from workers.errors import Malformed
from workers.jobs import events
from workers.jobs.events import (
    Began,
    ChunksSent,
    Connecting,
    Ended,
    Fetched,
    JobReport,
    MessageReceived,
    MessageSent,
    Outcome,
    Progressed,
    Queued,
    Readied,
    RecordingRead,
    Retrying,
    Slipped,
    TraceEvent,
    TurnReceived,
    Waited,
    Warned,
    event_from_json,
    event_to_json,
    report_to_json,
)
from workers.jobs.job import JobId
from workers.pacing.certificate import Certificate, LagPercentiles, LagSummary, ReadAudio, Verdict
from workers.pacing.schedule import Release
from workers.protocol.messages import Turn, Word

PROOF = Certificate(
    Verdict.HELD,
    Release.START,
    "monotonic",
    100,
    16000,
    300,
    30.0,
    LagPercentiles(0.1, 0.2, 0.9, 1.5, 2.0),
    0,
    0.0,
    0.01,
)
ALL: list[TraceEvent] = [
    Fetched(1000, 2000),
    Queued(30.0, 16000, 1, "WAV PCM_16", 0.0, None, False, 2.5, ("it stops early",)),
    Connecting("wss://host/v3/ws", "ab" * 32),
    Began("0b6f", "u3-rt-pro", 16000, 1790010800, 12.5, 80.0),
    Progressed(1.5, 30.0, LagSummary(0.1, 0.1, 0.9, 2.0), (-23, -99)),
    TurnReceived(Turn(0, True, "Hi.", words=(Word("Hi.", 0, 90, 0.9, True),), extra={"x": 1})),
    TurnReceived(Turn(1, True, "Cut o"), cut=True),
    Warned("careful", 1201),
    Warned("0.4 s cannot be decoded at 0:07", None, 7.0, 0.4),
    Slipped(12.0, 6100.0),
    Waited(13.0, 152.4),
    RecordingRead(ReadAudio(29.6, True, 30.0, False), "cd" * 32),
    Retrying("the connection broke", 1.5, 12.4),
    Readied(),
    Began("s-2", "u3", 16000, 0, 1.5, 0.5, clock_s=7201.25, clock_chunk=38),
    Ended(Outcome.DONE, "done", "", None, 30.0, 31.2, PROOF),
    ChunksSent(0, (120, 95, 101)),
    MessageSent({"type": "Terminate"}),
    MessageReceived({"type": "Heartbeat", "total_audio_received_ms": 5000}),
]


@pytest.mark.parametrize("event", ALL, ids=lambda e: e.type)
def test_every_event_survives_its_json(event: TraceEvent) -> None:
    """A trace says exactly what happened."""
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_no_event_is_missing_here() -> None:
    """The list above is all there is, so the test above means something."""
    assert {type(event) for event in ALL} == {*events._EVENT_TYPES.values(), TurnReceived}


def test_a_turn_keeps_the_names_of_the_wire() -> None:
    """A report puts its own fields first."""
    turn = TurnReceived(Turn(2, False, "hi", words=(Word("hi", 1, 2),)))
    said = report_to_json(JobReport(JobId(7), 1, "a.wav", 1.23456, turn))

    assert list(said)[:5] == ["type", "job", "attempt", "file", "t"]
    assert said["type"] == "turn"
    assert said["turn_order"] == 2
    assert said["end_of_turn"] is False
    assert said["transcript"] == "hi"


@pytest.mark.parametrize("record", [{}, {"type": "party"}, {"type": "slip", "at_seconds": "x"}])
def test_a_bad_event_is_a_named_error(record: dict[str, Any]) -> None:
    """Traces come from disks, and disks from anywhere."""
    with pytest.raises(Malformed):
        event_from_json(record)


def test_what_older_traces_do_not_tell_is_empty() -> None:
    """Levels came later."""
    lag = {"now": 0.1, "p50": 0.1, "p99": 0.2, "max": 0.3}
    record: dict[str, Any] = {
        "type": "progress",
        "sent_seconds": 1.0,
        "total_seconds": 2.0,
        "lag_ms": lag,
    }

    assert event_from_json(record) == Progressed(1.0, 2.0, LagSummary(0.1, 0.1, 0.2, 0.3), ())
