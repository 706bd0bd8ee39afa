"""The lines of a job's traces that match a filter."""

from pathlib import Path

from tests.support.report_builders import connecting, ended_done, turn_heard
from tests.support.trace_builders import chunks_sent, read_all, write_trace
from tui.model.trace_filter import TraceFilter
from tui.render.trace_events import search_text
from workers.jobs.events import MessageReceived, Slipped
from workers.traces.tail import TraceTail


def test_a_filter_searches_the_text_of_a_row(tmp_path: Path) -> None:
    """All of its words, in any case, and none of those after an exclamation mark."""
    write_trace(
        tmp_path,
        connecting(),
        chunks_sent([0.2]),
        turn_heard(0, "Good morning"),
        turn_heard(0, "Good morning, all.", final=True),
        MessageReceived({"type": "Heartbeat", "total_audio_received_ms": 5000}),
    )
    found = read_all(TraceTail(tmp_path, 1))

    def lines(text: str) -> list[int]:
        trace_filter = TraceFilter(found, text, search_text)
        while trace_filter.read():
            pass
        return list(trace_filter.line_numbers)

    assert [3, 4] == lines("GOOD")
    assert [4] == lines("morning final")
    assert [3] == lines("turn !final")
    assert [3, 4, 5] == lines("received")
    assert [2] == lines("sent")
    assert [0, 1, 2, 3, 4, 5] == lines(" ! ")
    assert [] == lines("nothing of that kind")


def test_a_filter_continues_where_it_stopped(tmp_path: Path) -> None:
    """The filter checks new lines once they are written."""
    path = write_trace(tmp_path, turn_heard(0, "good"))
    found = read_all(TraceTail(tmp_path, 1))
    trace_filter = TraceFilter(found, "good", search_text)
    trace_filter.read()
    with path.open("ab") as file:
        file.write(b'{"t":3,"type":"warning","warning":"no good"}\n')
    read_all(found)
    assert not trace_filter.read()

    assert [1, 2] == list(trace_filter.line_numbers)
    assert 3 == trace_filter.lines_checked


def test_a_time_limit_ends_the_trace(tmp_path: Path) -> None:
    """The limit applies to lines, filtered lines and timings, and can be moved both ways."""
    slip = Slipped(0.2, 7000.0)
    first = (connecting(), chunks_sent([0.2, 0.4]), slip, chunks_sent([90.0], 2), ended_done())
    write_trace(tmp_path, *first)  # a second apart
    write_trace(tmp_path, connecting(200), chunks_sent([0.5]), attempt=2)
    moments = {1: 9.0, 2: -1.0}
    found = read_all(TraceTail(tmp_path, 1, moments.__getitem__))
    kept = TraceFilter(found, "chunks", search_text)

    def counts(first: float, second: float) -> tuple[int, int, list[tuple[int, int, bool]]]:
        moments.update({1: first, 2: second})
        while kept.read():
            pass
        timings = [
            (len(timing.lags_us), len(timing.slips), timing.is_over)
            for timing in read_all(found).timings
        ]
        return len(found), kept.count, timings

    assert counts(9.0, -1.0) == (6, 2, [(3, 1, True)])
    assert counts(9.0, 1.5) == (8, 2, [(3, 1, True)])
    assert counts(9.0, 9.0) == (9, 3, [(3, 1, True), (1, 0, False)])
    assert counts(3.0, -1.0) == (4, 1, [(2, 1, False)])
    assert counts(2.0, -1.0) == (3, 1, [(2, 0, False)])
    assert counts(1.5, -1.0) == (2, 0, [])
    assert counts(-1.0, -1.0) == (0, 0, [])
    assert found.timings == ()
