"""What the sessions of one moment show together: the arithmetic of `capacity`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.benchmarks import speech_segments
from tests.benchmarks.control_probe import Answers
from tests.benchmarks.latency import (
    Delay,
    after_own_words,
    after_speech,
    between_partials,
    of_partials,
    percentile,
)
from tests.benchmarks.report_collector import Listener
from tests.benchmarks.speech_segments import Spoken
from workers.jobs.events import Outcome

Process = TypeVar("Process")

IN_TIME = 1.2
"""Seconds: what the p95 of finals may be."""

PROMPT = 50.0
"""Ms: what the p99 of control round trips must stay under."""


@dataclass(frozen=True, slots=True)
class Window:
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
class Level:
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
    answers: Answers

    @property
    def behind(self) -> float | None:
        """The p95 of finals; None where there were none."""
        return percentile(self.final, 95)

    @property
    def keeps_up(self) -> bool:
        """Whether everybody was served, and in time."""
        in_time = self.behind is not None and self.behind <= IN_TIME
        return in_time and not self.refused and not self.broken

    @property
    def prompt(self) -> bool | None:
        """Whether control traffic was answered at once; None if the probe was never let in."""
        trips = (self.answers.ping, self.answers.begin, self.answers.error)
        worst = [p99 for each in trips if (p99 := percentile(each, 99)) is not None]
        return max(worst) < PROMPT if worst else None


def level(
    sessions: Sequence[tuple[Listener, Spoken]], window: Window, cost: Cost, answers: Answers
) -> Level:
    """Counts what was said within the window, by all sessions."""
    begun = [pair for pair in sessions if pair[0].began_at is not None]
    ended = [listener.ended for listener, _ in begun]

    def counted(delays: Callable[[Listener, Spoken], Iterable[Delay]]) -> list[float]:
        return [seconds for pair in begun for seconds in _within(window, pair[0], delays(*pair))]

    return Level(
        sessions=len(sessions),
        refused=len(sessions) - len(begun),
        broken=sum(end is None or end.outcome is not Outcome.DONE for end in ended),
        final=counted(_after_speech),
        own=counted(lambda listener, _: after_own_words(listener.readings)),
        partial=counted(lambda listener, _: of_partials(listener.readings)),
        every=counted(lambda listener, _: between_partials(listener.readings)),
        pacing=[end.certificate.lag_ms.p99 for end in ended if end and end.certificate],
        cost=cost,
        answers=answers,
    )


def needed(before: Mapping[Process, float], after: Mapping[Process, float]) -> float:
    """Processor time between two looks, by those that were there at both."""
    return sum(seconds - before[each] for each, seconds in after.items())


def verdict(levels: Sequence[Level]) -> str:
    """Where it keeps up and where it stops, in words."""
    keeping = [str(each.sessions) for each in levels if each.keeps_up]
    stopped = [_stopped(each) for each in levels if not each.keeps_up]
    return "\n".join((f"keeps up at: {', '.join(keeping) or 'none of these'}", *stopped))


def _stopped(at: Level) -> str:
    behind = "no finals" if at.behind is None else f"p95 of finals {at.behind:.2f} s"
    return f"stops at {at.sessions}: {behind}, {at.refused} refused, {at.broken} broken"


def _after_speech(listener: Listener, spoken: Spoken) -> list[Delay]:
    return after_speech(
        listener.readings, spoken.stretches, len(spoken.samples) / speech_segments.RATE
    )


def _within(window: Window, listener: Listener, delays: Iterable[Delay]) -> list[float]:
    """Those that are counted from a moment in the window."""
    began = listener.began_at
    assert began is not None
    return [delay.seconds for delay in delays if window.since <= began + delay.at <= window.until]
