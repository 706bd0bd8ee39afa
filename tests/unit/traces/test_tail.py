"""The lines of a job's traces, followed while they grow."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.report_builders import began, connecting, ended_done, progressed
from tests.support.trace_builders import chunks_sent, read_all, trace_path, write_trace
from workers.jobs.events import MessageReceived, Slipped
from workers.pacing.lags import build_certificate
from workers.pacing.schedule import Release
from workers.traces import tail
from workers.traces.tail import TraceTail


def kinds(found: TraceTail) -> list[str]:
    entries = (found.entry(index).fields for index in range(len(found)))
    return [str(fields["type"]) if fields else "damaged" for fields in entries]


def test_lines_are_found_as_they_come(tmp_path: Path) -> None:
    """Half a line does not count until its end has arrived."""
    whole = write_trace(tmp_path / "whole", connecting(), began(), progressed(1.0)).read_bytes()
    path = trace_path(tmp_path)
    found = read_all(TraceTail(tmp_path, 1))
    assert 0 == len(found)

    for end in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:end])
        assert whole[:end].count(b"\n") == len(read_all(found))
    path.write_bytes(whole)
    assert ["trace", "connecting", "began", "progress"] == kinds(read_all(found))
    assert whole.splitlines()[2].decode() == found.entry(2).text


def test_further_attempts_follow(tmp_path: Path) -> None:
    """Each is listed in full before the next, with its number."""
    found = TraceTail(tmp_path, 1)
    write_trace(tmp_path, connecting(), chunks_sent([0.2]))
    write_trace(tmp_path, connecting(), chunks_sent([9.0]), job=2)
    read_all(found)
    write_trace(tmp_path, connecting(5000, 3), chunks_sent([0.5, 0.7]), attempt=2, from_ms=5000)
    read_all(found)

    assert ["trace", "connecting", "chunks"] * 2 == kinds(found)
    assert [1, 1, 1, 2, 2, 2] == [found.entry(index).attempt for index in range(6)]
    assert [(1, 1), (2, 2)] == [(each.attempt, len(each.lags_us)) for each in found.timings]
    assert 5.1 == found.timings[1].chunk_start_s(1)
    assert [trace_path(tmp_path), trace_path(tmp_path, 2)] == found.paths


def test_a_trace_that_another_replaced_is_read_anew(tmp_path: Path) -> None:
    """The trace of a refused session is renamed, and the next trace gets its name."""
    found = TraceTail(tmp_path, 1)
    path = write_trace(tmp_path, connecting(), chunks_sent([80.0]), ended_done())
    read_all(found)
    edition = found.version
    path.rename(tmp_path / "0001-talk.1.refused-1.trace.jsonl")
    write_trace(tmp_path, connecting(), began())
    read_all(found)

    assert ["trace", "connecting", "began"] == kinds(found)
    assert () == found.timings
    assert edition < found.version


def test_damage_is_counted_and_the_rest_is_read_all(tmp_path: Path) -> None:
    """It is shown as it stands."""
    path = write_trace(tmp_path, chunks_sent([0.1]))
    with path.open("ab") as file:
        file.write(b'{"t":1,"type":"chunks","first":\n\xff\xfe nonsense\n[1,2]\n')
        file.write(b'{"t":2,"type":"chunks","first":1,"lag_us":[300]}\n')
    found = read_all(TraceTail(tmp_path, 1))

    assert ["trace", "chunks", "damaged", "damaged", "damaged", "chunks"] == kinds(found)
    assert [100, 300] == list(found.timings[0].lags_us)
    assert 1 == found.timings[0].damaged_lines


def test_a_line_without_end_is_not_taken_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may send a message of any length; its beginning is enough."""
    monkeypatch.setattr(tail, "READ_BLOCK_BYTES", 4000)
    monkeypatch.setattr(tail, "MAX_SHOWN_LINE_BYTES", 2000)
    path = write_trace(
        tmp_path, MessageReceived({"type": "Flood", "x": "x" * 20_000}), chunks_sent([0.1])
    )
    found = read_all(TraceTail(tmp_path, 1))

    assert path.read_text().splitlines()[1][:2000] == found.entry(1).text
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
    (timing,) = read_all(TraceTail(tmp_path, 1)).timings

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
