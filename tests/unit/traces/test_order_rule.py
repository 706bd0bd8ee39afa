"""Before each final turn stands a report of progress that counts every chunk sent up to then."""

from pathlib import Path

import pytest

from tests.support.old_runs import OLD_TRACES
from tests.support.report_builders import turn_heard
from tests.unit.session.recorder_harness import RECORDING, CollectedReports, open_recorder
from workers.errors import Malformed
from workers.jobs.events import ChunksSent, Progressed, TurnReceived
from workers.jobs.job import StreamSettings
from workers.session.chunks import Chunk
from workers.session.progress import SendProgress
from workers.traces.format import needs_progress_first
from workers.traces.reader import TraceReader, read_trace


def test_a_recorder_reports_progress_before_a_final_turn(tmp_path: Path) -> None:
    """The trace and the supervisor get it once, and not before a partial turn."""
    reports = CollectedReports()
    with open_recorder(tmp_path, reports) as recorder:
        progress = SendProgress(RECORDING, StreamSettings(), 0, recorder)
        progress.add_chunk(Chunk.of(bytes(1600)), 0.001)
        recorder.publish(turn_heard(0, "so"))
        recorder.publish(turn_heard(0, "So.", final=True))
        recorder.publish(turn_heard(0, "So!", final=True))
    (path,) = tmp_path.glob("*.jsonl")

    expected = [TurnReceived, Progressed, TurnReceived, TurnReceived]
    assert expected == [type(event) for event in reports.events]
    expected = [TurnReceived, ChunksSent, Progressed, TurnReceived, TurnReceived]
    assert expected == [type(timed.event) for timed in read_trace(path)]


@pytest.mark.parametrize("path", OLD_TRACES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_traces_of_real_sessions_keep_the_rule(path: Path) -> None:
    """This does not depend on how they ended."""
    trace = TraceReader(path)
    finals: list[tuple[float, int]] = []
    counted = 0
    try:
        for timed in trace:
            if isinstance(timed.event, ChunksSent):
                counted = timed.event.first + len(timed.event.lag_us)
            elif needs_progress_first(timed.event):
                finals.append((timed.t, counted))
    except Malformed as error:
        pytest.fail(error.reason)

    for t, reported in finals:
        assert reported >= sum(chunk.sent_s < t for chunk in trace.chunk_times)
