"""When each chunk was due and sent, rebuilt from a trace."""

from dataclasses import astuple
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import began, progressed
from workers.jobs.events import Began, ChunksSent, Ended, Outcome, Progressed, Slipped, TraceEvent
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import ResumePoint
from workers.pacing.certificate import LagSummary
from workers.pacing.schedule import MAX_CATCH_UP_S, Release, Schedule
from workers.traces.chunk_times import ChunkTimes
from workers.traces.format import TimedEvent, TraceHead
from workers.traces.reader import TraceReader
from workers.traces.writer import TraceWriter

START_S = 0.731
"""When the schedule of these sessions starts, on the attempt's clock."""


def stream(
    path: Path, head: TraceHead, rate: int, delays_s: list[float], last_frames: int
) -> list[tuple[float, float]]:
    """Traces a session as one is paced; the due and the sent time of each chunk.

    The sender is busy for ``delays_s`` before each chunk.
    """
    frames = -(-rate * head.settings.chunk_ms // 1000)
    start_sample = round(head.seam.at_ms * rate / 1000)
    schedule = Schedule(
        rate=rate, start=START_S, release=head.settings.release, speed=head.settings.speed
    )
    now, position, times = START_S, 0, []
    lags: list[int] = []
    with TraceWriter(path, head) as trace:
        trace.write(START_S, Began("id", "m", rate, 0, 1.0, 1.0))
        for chunk, delay_s in enumerate(delays_s):
            size = last_frames if chunk == len(delays_s) - 1 else frames
            due = schedule.due(position, size)
            now = max(now + delay_s, due)
            slip_s = schedule.slip_if_late(due, now)
            if slip_s is not None:
                at_seconds = (start_sample + position) / rate
                trace.write(now, Slipped(at_seconds, round(slip_s * 1000, 3)))
                due = schedule.due(position, size)
            times.append((due, now))
            lags.append(round((now - due) * 1e6))
            position += size
            if len(lags) == 5 or chunk == len(delays_s) - 1:
                sent_s = round((start_sample + position) / rate, 3)
                trace.write(now, ChunksSent(chunk + 1 - len(lags), tuple(lags)))
                trace.write(now, Progressed(sent_s, sent_s, LagSummary(0, 0, 0, 0)))
                lags = []
    return times


@given(
    rate=st.sampled_from([8000, 11_025, 16_000, 44_100, 48_000]),
    chunk_ms=st.sampled_from([50, 70, 100, 1000]),
    release=st.sampled_from(Release),
    at_ms=st.sampled_from([0, 390, 61_234]),
    delays_s=st.lists(
        st.floats(0, 0.3) | st.just(MAX_CATCH_UP_S + 1.5) | st.just(9.0), min_size=1, max_size=30
    ),
    last=st.floats(0.5, 1.0),
    speed=st.sampled_from([0.5, 1.0, 7.3, 20.0]),
)
def test_times_are_those_of_the_schedule(
    rate: int,
    chunk_ms: int,
    release: Release,
    at_ms: int,
    delays_s: list[float],
    last: float,
    speed: float,
) -> None:
    """They agree for each rate, size, speed and release convention, any start, and any slips."""
    frames = -(-rate * chunk_ms // 1000)
    head = TraceHead(
        job=1,
        attempt=1,
        file="a.wav",
        settings=StreamSettings(chunk_ms=chunk_ms, release=release, speed=speed),
        seam=ResumePoint(at_ms),
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "0001-a.1.trace.jsonl"
        times = stream(path, head, rate, delays_s, round(last * frames))
        trace = TraceReader(path)
        events = list(trace)

    assert len(times) == len(trace.chunk_times)
    for number, ((due_s, sent_s), chunk) in enumerate(zip(times, trace.chunk_times, strict=True)):
        # What is written is rounded to 1 µs; a shorter last chunk to 1 ms.
        short = number == len(times) - 1 and release is Release.END
        assert chunk.due_s == pytest.approx(due_s, abs=1e-3 if short else 1e-5)
        assert chunk.sent_s == pytest.approx(sent_s, abs=1e-3 if short else 1e-5)
        assert chunk.start_s == pytest.approx(at_ms / 1000 + number * frames / rate, abs=1 / rate)
    assert isinstance(events[0].event, Began)


def times_of(*events: TraceEvent, release: Release = Release.START) -> ChunkTimes:
    """The times of a session in chunks of 100 ms that started at 1 s."""
    settings = StreamSettings(release=release)
    times = ChunkTimes(TraceHead(job=1, attempt=1, file="a.wav", settings=settings))
    times.apply(TimedEvent(1.0, began()))
    for event in events:
        times.apply(TimedEvent(9.0, event))
    return times


def test_a_trace_that_ends_between_lags_and_progress_has_whole_chunks() -> None:
    """An earlier report of progress says nothing about chunks that it does not count."""
    times = times_of(progressed(0.1), ChunksSent(0, (100, 200, 300)), release=Release.END)

    assert pytest.approx((0.2, 0.1, 1.3, 1.3003)) == astuple(times[2])


def test_the_end_of_an_attempt_tells_the_length_of_the_last_chunk() -> None:
    """Its last report of progress may be missing."""
    times = times_of(
        ChunksSent(0, (100, 200)), Ended(Outcome.LOST, "the network broke", sent_seconds=0.16)
    )

    assert [0.1, pytest.approx(0.06)] == [chunk.seconds for chunk in times]


@pytest.mark.parametrize("chunk", [-1, 2])
def test_a_chunk_that_was_not_sent_has_no_times(chunk: int) -> None:
    """The chunk is before the first or after the last."""
    with pytest.raises(IndexError):
        times_of(ChunksSent(0, (100, 200)))[chunk]
