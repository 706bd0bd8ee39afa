"""Rebuilds the reports of one job from the index and the job's traces.

Only this module adds what no trace contains: a job is queued from the start (the actual time
is not recorded); an attempt whose process was killed ends as the index says, or else with
`UNRECORDED_ENDING`; the next attempt is announced when the previous one has failed, or right before
its start if the user retried the job.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from math import inf
from typing import Protocol, TypeAlias

from workers.jobs.events import (
    Connecting,
    Ended,
    Event,
    JobReport,
    Outcome,
    Retrying,
    Slipped,
    Warned,
)
from workers.jobs.job_state import JobStatus
from workers.jobs.outcomes import RESUME_HINT, RETRYABLE
from workers.runs.saved_records import IndexJob
from workers.traces.index import E

TimedReport: TypeAlias = tuple[float, JobReport]
"""Seconds on the run's clock, and the report."""

BEFORE_START_S = -1.0
"""A time earlier than that of every report."""

_REASON = "its end was not recorded: its process was killed"
UNRECORDED_ENDING = Ended(Outcome.CRASHED, _REASON, RESUME_HINT)
"""The substitute for a missing end of a session, in a run that no program is working on."""
_LOST = "the end of its trace is missing: the power failed, or the file was damaged"
LOST_ENDING = Ended(Outcome.CRASHED, _LOST, RESUME_HINT)
"""The substitute for the end of a session that was done. That is traced before it is reported, so
turns before it may be missing too."""


class IncidentKind(Enum):
    """The kinds of incidents that a replay can jump to."""

    FAILED = "failed"
    RETRIED = "retried"
    SLIPPED = "slipped"


class AttemptEvents(Protocol):
    """The events of one attempt by time: a `TraceIndex`, or what stands for one that is not read
    yet."""

    @property
    def started_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...

    @property
    def damage(self) -> tuple[float, str] | None: ...

    def find(self, kind: type[E]) -> Iterator[tuple[float, E]]: ...

    def first(self, kind: type[E]) -> E | None: ...

    def events_between(self, after_s: float, until_s: float) -> Iterator[tuple[float, Event]]: ...


@dataclass(frozen=True, slots=True)
class TimedAttempt:
    """An attempt and its start on the run's clock."""

    number: int
    trace_index: AttemptEvents
    start_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.trace_index.end_s


def time_attempts(
    traces: Iterable[tuple[int, AttemptEvents]], start_s: Callable[[AttemptEvents], float]
) -> list[TimedAttempt]:
    """Places attempts of one job on the run's clock; none starts before the previous one ends.
    ``start_s`` returns the start by the wall clock, which may have been changed in between."""
    attempts: list[TimedAttempt] = []
    for number, trace_index in traces:
        earliest_s = attempts[-1].end_s if attempts else 0.0
        by_wall_s = start_s(trace_index) if trace_index.end_s else 0.0
        attempts.append(TimedAttempt(number, trace_index, max(by_wall_s, earliest_s)))
    return attempts


class JobTimeline:
    """The reports of one job in order of time. ``running``: a program is working on the run, so a
    last attempt without an end is live."""

    def __init__(
        self,
        job: IndexJob,
        attempts: Sequence[TimedAttempt],
        *,
        running: bool,
        run_duration_s: float = 0.0,
    ) -> None:
        self.incidents: list[tuple[float, IncidentKind]] = []
        self.job = job
        self._job, self._half = job, job.half
        self._entries: list[TimedReport | TimedAttempt] = []
        if (queued := job.queued) is not None:
            self._add_report(0.0, 1, queued)
        for attempt, following in zip_longest(attempts, attempts[1:]):
            self._entries.append(attempt)
            slip_times = [attempt.start_s + t for t, _ in attempt.trace_index.find(Slipped)]
            self.incidents += [(slip_s, IncidentKind.SLIPPED) for slip_s in slip_times]
            ended = attempt.trace_index.first(Ended)
            if ended is None:
                ended = _ending_of(job, attempt.number)
                has_started = attempt.trace_index.first(Connecting) is not None
                if ended is None and has_started and not (running and following is None):
                    ended = UNRECORDED_ENDING
                if ended is not None:
                    self._add_report(attempt.end_s, attempt.number, ended)
            if ended is not None:
                self._add_retry(attempt, ended, following)
        ended = _ending_of(job, job.attempt)
        if ended is not None and all(attempt.number < job.attempt for attempt in attempts):
            # The job never started. A job cancelled in the queue counts as queued to the end.
            failed = JobStatus.from_outcome(ended.outcome) is JobStatus.FAILED
            last_s = attempts[-1].end_s if attempts else 0.0
            at_s = last_s if failed else run_duration_s
            self._add_report(at_s, job.attempt, ended)
            if failed:
                self.incidents.append((at_s, IncidentKind.FAILED))

    @property
    def spans(self) -> list[tuple[float, float]]:
        """The times from which and to which there may be reports."""
        return [
            (entry.start_s, entry.end_s)
            if isinstance(entry, TimedAttempt)
            else (entry[0], entry[0])
            for entry in self._entries
        ]

    def lasts_between(self, after_s: float, until_s: float) -> bool:
        """Whether its sessions all start after ``after_s`` and are over at ``until_s``."""
        attempts = [entry for entry in self._entries if isinstance(entry, TimedAttempt)]
        return bool(attempts) and after_s < attempts[0].start_s and self.spans[-1][1] <= until_s

    def reports_between(self, after_s: float, until_s: float) -> Iterator[TimedReport]:
        """The reports after ``after_s`` and up to ``until_s``, without replaced versions of turns.
        In order, except that a warning about damage comes after its attempt."""
        latest = 1
        for entry in self._entries:
            if not isinstance(entry, TimedAttempt):
                latest = entry[1].attempt
                if after_s < entry[0] <= until_s:
                    yield entry
                continue
            start_s, trace_index = entry.start_s, entry.trace_index
            if trace_index.end_s:
                latest = entry.number
            if start_s > until_s or entry.end_s <= after_s:
                continue
            # Do not lose the last event because of rounding.
            last_s = inf if until_s >= entry.end_s else until_s - start_s
            for t, event in trace_index.events_between(after_s - start_s, last_s):
                yield start_s + t, self._report(entry.number, event, t)
            if trace_index.damage is not None:
                t, description = trace_index.damage
                if after_s < start_s + t <= until_s:
                    warned = Warned(f"the trace is damaged: {description}")
                    yield start_s + t, self._report(latest, warned, t)

    def _add_retry(
        self, attempt: TimedAttempt, ended: Ended, following: TimedAttempt | None
    ) -> None:
        connecting = following.trace_index.first(Connecting) if following else None
        if following is None or connecting is None:
            if JobStatus.from_outcome(ended.outcome) is JobStatus.FAILED:
                self.incidents.append((attempt.end_s, IncidentKind.FAILED))
            return
        retried = ended.outcome in {*RETRYABLE, Outcome.HANDED_OVER}
        automatic = retried and ended is not UNRECORDED_ENDING
        at_s = attempt.end_s if automatic else following.start_s
        if ended.outcome in RETRYABLE:
            self.incidents.append((at_s, IncidentKind.RETRIED))
        reason, wait_s = ended.reason if automatic else "asked for", following.start_s - at_s
        retrying = Retrying(reason, round(wait_s, 1), connecting.from_ms / 1000)
        self._add_report(at_s, following.number, retrying)

    def _add_report(self, at_s: float, attempt: int, event: Event) -> None:
        self._entries.append((at_s, self._report(attempt, event)))

    def _report(self, attempt: int, event: Event, t: float = 0.0) -> JobReport:
        return JobReport(self._job.id, attempt, self._job.file, t, event, self._half)


def _ending_of(job: IndexJob, attempt: int) -> Ended | None:
    """How an attempt ended whose trace has no end, as the index says; None if that is unknown."""
    ended = job.ending_of(attempt)
    return LOST_ENDING if ended is not None and ended.outcome is Outcome.DONE else ended
