"""What a session has sent: reports, lags, slips and the certificate."""

import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from tests.unit.session.recorder_harness import RECORDING, CollectedReports, open_recorder
from workers.jobs.events import ChunksSent, Progressed, Slipped, Waited
from workers.jobs.job import StreamSettings
from workers.pacing.certificate import LagSummary, Verdict
from workers.pacing.schedule import Release
from workers.session.chunks import Chunk
from workers.session.progress import IDLE_REPORT_INTERVAL_S, SendProgress
from workers.session.recorder import Recorder
from workers.traces.files import TRACE_SUFFIX
from workers.traces.reader import read_trace

LOUD = struct.pack("<400h", *[32767, -32768] * 200)
"""50 ms at 8 kHz, at full scale."""


@pytest.fixture
def reports() -> CollectedReports:
    return CollectedReports()


@pytest.fixture
def recorder(tmp_path: Path, reports: CollectedReports) -> Iterator[Recorder]:
    with open_recorder(tmp_path, reports) as opened:
        yield opened


@pytest.fixture
def progress(recorder: Recorder) -> SendProgress:
    """A session that continues 10 s into an hour at 8 kHz."""
    settings = StreamSettings(chunk_ms=50, release=Release.END)
    return SendProgress(RECORDING, settings, 10 * 8000, recorder)


def chunks_in_trace(folder: Path) -> list[ChunksSent]:
    (path,) = folder.glob(f"*{TRACE_SUFFIX}")
    events = [timed.event for timed in read_trace(path)]
    return [event for event in events if isinstance(event, ChunksSent)]


def test_a_report_says_how_far_and_how_late_and_how_loud(
    progress: SendProgress, reports: CollectedReports, tmp_path: Path
) -> None:
    """Levels are those since the last report; the trace gets each lag once."""
    progress.add_chunk(Chunk.of(LOUD), 0.001)
    progress.add_chunk(Chunk.of(LOUD), 0.003)
    progress.report()
    progress.add_chunk(Chunk.of(bytes(800)), 0.002)
    progress.report()
    progress.report()

    second = LagSummary(2.0, 2.0, 3.0, 3.0)
    assert reports.events == [
        Progressed(10.1, 3600.0, LagSummary(3.0, 1.0, 3.0, 3.0), (0, 0)),
        Progressed(10.15, 3600.0, second, (-99,)),
        Progressed(10.15, 3600.0, second, ()),
    ]
    assert chunks_in_trace(tmp_path) == [ChunksSent(0, (1000, 3000)), ChunksSent(2, (2000,))]


def test_what_is_left_counts_down_to_nothing(progress: SendProgress) -> None:
    """Its end is reached with the last sample that was expected."""
    assert progress.sent_samples == 0
    assert progress.sent_seconds == 10.0
    assert progress.time_left_s == 3590.0

    progress.sent_samples = 3590 * 8000
    assert progress.time_left_s == 0.0


def test_a_recording_longer_than_announced_is_as_long_as_what_was_sent(
    progress: SendProgress, reports: CollectedReports
) -> None:
    """Before its end, a chunk more: it is not over yet, and its progress stays below 100 %."""
    progress.sent_samples = 3600 * 8000 + 1234
    progress.report()
    progress.mark_end()
    progress.report()

    none = LagSummary(0.0, 0.0, 0.0, 0.0)
    assert reports.events == [
        Progressed(3610.154, 3610.204, none, ()),
        Progressed(3610.154, 3610.154, none, ()),
    ]


def test_the_end_of_a_recording_shorter_than_announced_leaves_nothing(
    progress: SendProgress,
) -> None:
    """An estimate may be too long, and a damaged recording ends early."""
    progress.sent_samples = 8000
    progress.mark_end()

    assert progress.total_seconds == progress.sent_seconds == 11.0
    assert progress.time_left_s == 0.0
    assert progress.file_seconds == 3590.0


def test_the_length_of_a_growing_recording_is_what_was_written(
    recorder: Recorder, reports: CollectedReports
) -> None:
    """What is left is unknown, and a wait is in the certificate as it is in the trace."""
    recording = replace(RECORDING, frames=8000, seconds=1.0, is_exact=False)
    progress = SendProgress(recording, StreamSettings(chunk_ms=50), 0, recorder)
    progress.written_samples = lambda: 16_000
    progress.is_waiting = True
    progress.report()
    progress.record_wait(0.1234567)
    progress.add_chunk(Chunk.of(LOUD), 0.0)
    progress.report()
    made = progress.certificate()

    waiting, waited, sending = reports.events
    assert isinstance(waiting, Progressed)
    assert waiting.waiting
    assert waiting.total_seconds == 2.0
    assert waited == Waited(0.0, 123.457)
    assert isinstance(sending, Progressed)
    assert not sending.waiting
    assert progress.time_left_s == inf
    assert made is not None
    assert (made.waits, made.waited_ms, made.verdict) == (1, 123.457, Verdict.HELD)


def test_a_report_comes_after_each_second_of_audio(
    recorder: Recorder, reports: CollectedReports
) -> None:
    """`report_if_new` adds a report only if something was sent since the last one."""
    progress = SendProgress(RECORDING, StreamSettings(chunk_ms=500), 0, recorder)
    counts = []
    for _ in range(4):
        progress.add_chunk(Chunk.of(LOUD), 0.0)
        counts.append(len(reports.events))
    progress.report_if_new()
    progress.add_chunk(Chunk.of(LOUD), 0.0)
    progress.report_if_new()

    assert counts == [0, 1, 1, 2]
    assert len(reports.events) == 3


def test_at_a_higher_speed_a_report_comes_as_often_and_less_time_is_left(
    recorder: Recorder, reports: CollectedReports
) -> None:
    """Four seconds of audio a report; the certificate states the speed."""
    progress = SendProgress(RECORDING, StreamSettings(chunk_ms=500, speed=4.0), 0, recorder)
    counts = []
    for _ in range(16):
        progress.add_chunk(Chunk.of(bytes(8000)), 0.0)
        counts.append(len(reports.events))
    made = progress.certificate()

    assert counts == [0] * 7 + [1] * 8 + [2]
    assert progress.time_left_s == (3600 - 8) / 4
    assert made is not None
    assert (made.speed, made.audio_seconds) == (4.0, 8.0)


def test_an_idle_session_says_so_at_intervals(
    progress: SendProgress, reports: CollectedReports
) -> None:
    """It reports nothing before it has started, and then whenever reports have paused."""
    assert progress.tick(1e12) == float("inf")
    assert reports.events == []

    progress.start_reporting()
    started = time.monotonic()
    wait = progress.tick(started)
    assert 0 < wait <= IDLE_REPORT_INTERVAL_S
    assert reports.events == []

    wait = progress.tick(started + IDLE_REPORT_INTERVAL_S)
    assert len(reports.events) == 1
    assert 0 <= wait <= IDLE_REPORT_INTERVAL_S


def test_a_slip_is_reported_where_it_happened(
    progress: SendProgress, reports: CollectedReports
) -> None:
    """The report has the slip in ms and its position; the certificate counts the slip."""
    progress.add_chunk(Chunk.of(LOUD), 0.001)
    progress.record_slip(6.0005004)
    made = progress.certificate()

    assert reports.events == [Slipped(10.05, 6000.5)]
    assert made is not None
    assert (made.verdict, made.slips, made.slipped_ms) == (Verdict.SLIPPED, 1, 6000.5)
    assert (made.release, made.chunk_ms, made.sample_rate) == (Release.END, 50, 8000)
    assert (made.chunks, made.audio_seconds) == (1, 0.05)


def test_no_certificate_without_a_chunk(progress: SendProgress) -> None:
    assert progress.certificate() is None
