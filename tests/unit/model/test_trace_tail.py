"""What is found in the traces of a job while they grow."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.report_builders import began, connecting, ended_done, progressed, turn_heard
from tests.support.trace_builders import chunks_sent, trace_path, write_trace
from tui.model import trace_tail
from tui.model.trace_filter import TraceFilter
from tui.model.trace_tail import TraceTail
from workers.jobs.events import MessageReceived, Slipped
from workers.pacing.lags import build_certificate
from workers.pacing.schedule import Release


def read(found: TraceTail) -> TraceTail:
    while found.read():
        pass
    return found


def kinds(found: TraceTail) -> list[str]:
    entries = (found.entry(index).fields for index in range(len(found)))
    return [str(fields["type"]) if fields else "damaged" for fields in entries]


def test_lines_are_found_as_they_come(tmp_path: Path) -> None:
    """Half a line is none until its end has come."""
    whole = write_trace(tmp_path / "whole", connecting(), began(), progressed(1.0)).read_bytes()
    path = trace_path(tmp_path)
    found = read(TraceTail(tmp_path, 1))
    assert 0 == len(found)

    for end in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:end])
        assert whole[:end].count(b"\n") == len(read(found))
    path.write_bytes(whole)
    assert ["trace", "connecting", "began", "progress"] == kinds(read(found))
    assert whole.splitlines()[2].decode() == found.entry(2).text


def test_further_attempts_follow(tmp_path: Path) -> None:
    """Each in full before the next, and each with its number."""
    found = TraceTail(tmp_path, 1)
    write_trace(tmp_path, connecting(), chunks_sent([0.2]))
    write_trace(tmp_path, connecting(), chunks_sent([9.0]), job=2)
    read(found)
    write_trace(tmp_path, connecting(5000, 3), chunks_sent([0.5, 0.7]), attempt=2, from_ms=5000)
    read(found)

    assert ["trace", "connecting", "chunks"] * 2 == kinds(found)
    assert [1, 1, 1, 2, 2, 2] == [found.entry(index).attempt for index in range(6)]
    assert [(1, 1), (2, 2)] == [(each.attempt, len(each.lags_us)) for each in found.timings]
    assert 5.1 == found.timings[1].chunk_start_s(1)
    assert [trace_path(tmp_path), trace_path(tmp_path, 2)] == found.paths


def test_a_trace_that_another_replaced_is_read_anew(tmp_path: Path) -> None:
    """A refused session's is set aside, and the next one's gets its name."""
    found = TraceTail(tmp_path, 1)
    path = write_trace(tmp_path, connecting(), chunks_sent([80.0]), ended_done())
    read(found)
    edition = found.version
    path.rename(tmp_path / "0001-talk.1.refused-1.trace.jsonl")
    write_trace(tmp_path, connecting(), began())
    read(found)

    assert ["trace", "connecting", "began"] == kinds(found)
    assert () == found.timings
    assert edition < found.version


def test_damage_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    """It is shown as it stands."""
    path = write_trace(tmp_path, chunks_sent([0.1]))
    with path.open("ab") as file:
        file.write(b'{"t":1,"type":"chunks","first":\n\xff\xfe nonsense\n[1,2]\n')
        file.write(b'{"t":2,"type":"chunks","first":1,"lag_us":[300]}\n')
    found = read(TraceTail(tmp_path, 1))

    assert ["trace", "chunks", "damaged", "damaged", "damaged", "chunks"] == kinds(found)
    assert [100, 300] == list(found.timings[0].lags_us)
    assert 1 == found.timings[0].damaged_lines


def test_a_line_without_end_is_not_taken_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may send a message of any length; its beginning is enough."""
    monkeypatch.setattr(trace_tail, "READ_BLOCK_BYTES", 1000)
    monkeypatch.setattr(trace_tail, "MAX_SHOWN_LINE_BYTES", 500)
    path = write_trace(
        tmp_path, MessageReceived({"type": "Flood", "x": "x" * 20_000}), chunks_sent([0.1])
    )
    found = read(TraceTail(tmp_path, 1))

    assert path.read_text().splitlines()[1][:500] == found.entry(1).text
    assert found.entry(1).size_bytes > 20_000
    assert found.entry(1).fields is None
    assert ["trace", "damaged", "chunks"] == kinds(found)
    assert [100] == list(found.timings[0].lags_us)


def test_figures_are_those_of_the_certificate(tmp_path: Path) -> None:
    """The same ranks, the same verdict, the same drift."""
    rng = np.random.default_rng(7)
    lags = rng.lognormal(0, 1.5, 500).round(3).tolist()
    write_trace(
        tmp_path,
        began(),
        chunks_sent(lags[:300]),
        Slipped(30.0, 6000.0),
        chunks_sent(lags[300:], 300),
    )
    (timing,) = read(TraceTail(tmp_path, 1)).timings

    assert timing.certificate == build_certificate(
        np.array([round(1000 * lag) for lag in lags], dtype=np.uint32),
        (6000.0,),
        release=Release.START,
        chunk_ms=100,
        sample_rate=16000,
        audio_seconds=50.0,
    )
    assert 500 == sum(timing.bin_counts)
    assert sum(lag <= 0.1 for lag in lags) == timing.bin_counts[0]
    assert sum(5 < lag <= 10 for lag in lags) == timing.bin_counts[6]


def test_a_filter_looks_at_what_a_row_says(tmp_path: Path) -> None:
    """All of its words, in any case; none of those behind an exclamation mark."""
    write_trace(
        tmp_path,
        connecting(),
        chunks_sent([0.2]),
        turn_heard(0, "Good morning"),
        turn_heard(0, "Good morning, all.", final=True),
        MessageReceived({"type": "Heartbeat", "total_audio_received_ms": 5000}),
    )
    found = read(TraceTail(tmp_path, 1))

    def lines(text: str) -> list[int]:
        trace_filter = TraceFilter(found, text)
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


def test_a_filter_goes_on_where_it_was(tmp_path: Path) -> None:
    """What comes later is looked at later."""
    path = write_trace(tmp_path, turn_heard(0, "good"))
    found = read(TraceTail(tmp_path, 1))
    trace_filter = TraceFilter(found, "good")
    trace_filter.read()
    with path.open("ab") as file:
        file.write(b'{"t":3,"type":"warning","warning":"no good"}\n')
    read(found)
    assert not trace_filter.read()

    assert [1, 2] == list(trace_filter.line_numbers)
    assert 3 == trace_filter.lines_checked


def test_a_moment_ends_what_is_told(tmp_path: Path) -> None:
    """Of lines, of those a filter leaves, and of timings; another one, before or after, as well."""
    slip = Slipped(0.2, 7000.0)
    first = (connecting(), chunks_sent([0.2, 0.4]), slip, chunks_sent([90.0], 2), ended_done())
    write_trace(tmp_path, *first)  # a second apart
    write_trace(tmp_path, connecting(200), chunks_sent([0.5]), attempt=2)
    moments = {1: 9.0, 2: -1.0}
    found = read(TraceTail(tmp_path, 1, moments.__getitem__))
    kept = TraceFilter(found, "chunks")
    while kept.read():
        pass

    def told(first: float, second: float) -> tuple[int, int, list[tuple[int, int, bool]]]:
        moments.update({1: first, 2: second})
        timings = [
            (len(each.lags_us), len(each.slips), each.is_over) for each in read(found).timings
        ]
        return len(found), kept.count, timings

    assert told(9.0, -1.0) == (6, 2, [(3, 1, True)])
    assert told(9.0, 1.5) == (8, 2, [(3, 1, True)])
    assert told(9.0, 9.0) == (9, 3, [(3, 1, True), (1, 0, False)])
    assert told(3.0, -1.0) == (4, 1, [(2, 1, False)])
    assert told(2.0, -1.0) == (3, 1, [(2, 0, False)])
    assert told(1.5, -1.0) == (2, 0, [])
    assert told(-1.0, -1.0) == (0, 0, [])
    assert found.timings == ()
