"""What the sessions of one moment show together: the arithmetic of `capacity`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.benchmarks import speech_segments
from tests.benchmarks.control_probe import RoundTrips
from tests.benchmarks.latency import (
    Latency,
    final_latency_after_last_word,
    final_latency_after_speech,
    partial_intervals,
    partial_latency,
    percentile,
)
from tests.benchmarks.report_collector import JobCollector
from tests.benchmarks.speech_segments import SpeechAudio
from workers.jobs.events import Outcome

Process = TypeVar("Process")

IN_TIME = 1.2
"""Seconds: what the p95 of finals may be."""

PROMPT = 50.0
"""Ms: what the p99 of control round trips must stay under."""


@dataclass(frozen=True, slots=True)
class MeasurementWindow:
    """What is counted: seconds of the monotonic clock."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of all of a kind, in % of one core; memory of one, in MB."""

    server: float
    recognisers: float
    sessions: float
    server_mb: float
    recogniser_mb: float
    session_mb: float

    @property
    def shares(self) -> tuple[float, ...]:
        """The processor's."""
        return self.server, self.recognisers, self.sessions

    @property
    def memory(self) -> tuple[float, ...]:
        """In the same order."""
        return self.server_mb, self.recogniser_mb, self.session_mb


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came of so many sessions at once. Delays in seconds, ``pacing`` in ms."""

    sessions: int
    refused: int
    broken: int
    final: list[float]
    own: list[float]
    partial: list[float]
    every: list[float]
    pacing: list[float]
    """The p99 of each certificate."""
    cost: Cost
    answers: RoundTrips

    @property
    def is_behind(self) -> float | None:
        """The p95 of finals; None where there were none."""
        return percentile(self.final, 95)

    @property
    def keeps_up(self) -> bool:
        """Whether everybody was served, and in time."""
        in_time = self.is_behind is not None and self.is_behind <= IN_TIME
        return in_time and not self.refused and not self.broken

    @property
    def is_responsive(self) -> bool | None:
        """Whether control traffic was answered at once; None if the probe was never let in."""
        trips = (self.answers.ping, self.answers.begin, self.answers.error)
        worst = [p99 for each in trips if (p99 := percentile(each, 99)) is not None]
        return max(worst) < PROMPT if worst else None


def summarise_load(
    sessions: Sequence[tuple[JobCollector, SpeechAudio]],
    window: MeasurementWindow,
    cost: Cost,
    answers: RoundTrips,
) -> LoadResult:
    """Counts what was said within the window, by all sessions."""
    begun = [pair for pair in sessions if pair[0].began_at is not None]
    ended = [listener.ended for listener, _ in begun]

    def counted(delays: Callable[[JobCollector, SpeechAudio], Iterable[Latency]]) -> list[float]:
        return [seconds for pair in begun for seconds in _within(window, pair[0], delays(*pair))]

    return LoadResult(
        sessions=len(sessions),
        refused=len(sessions) - len(begun),
        broken=sum(end is None or end.outcome is not Outcome.DONE for end in ended),
        final=counted(_after_speech),
        own=counted(lambda listener, _: final_latency_after_last_word(listener.readings)),
        partial=counted(lambda listener, _: partial_latency(listener.readings)),
        every=counted(lambda listener, _: partial_intervals(listener.readings)),
        pacing=[end.certificate.lag_ms.p99 for end in ended if end and end.certificate],
        cost=cost,
        answers=answers,
    )


def cpu_time_between(before: Mapping[Process, float], after: Mapping[Process, float]) -> float:
    """Processor time between two looks, by those that were there at both."""
    return sum(seconds - before[each] for each, seconds in after.items())


def _after_speech(listener: JobCollector, spoken: SpeechAudio) -> list[Latency]:
    return final_latency_after_speech(
        listener.readings, spoken.stretches, len(spoken.samples) / speech_segments.RATE
    )


def _within(
    window: MeasurementWindow, listener: JobCollector, delays: Iterable[Latency]
) -> list[float]:
    """Those that are counted from a moment in the window."""
    began = listener.began_at
    assert began is not None
    return [
        delay.seconds
        for delay in delays
        if window.since <= began + delay.occurred_at <= window.until
    ]
