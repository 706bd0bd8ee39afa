"""A chronicle: what happened in a run, on one clock, from its index and its traces.

Each trace anchors its own clock to the wall clock; the run's begins with its first session. What no
trace keeps is put together from what is known: jobs stand in the queue from the beginning (when
they were added is not known), and a further attempt is announced when the one before has ended, or
right before it begins if somebody asked for it. Calls that were refused for want of a place are no
attempts, and are not shown.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import chain
from math import inf
from pathlib import Path
from typing import TypeAlias

from workers.jobs.events import (
    Connecting,
    Ended,
    Event,
    JobReport,
    Outcome,
    Queued,
    Retrying,
    Slipped,
    Warned,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.jobs.outcomes import RETRYABLE
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.runs import reader
from workers.runs.run_clock import RunClock
from workers.traces.trace_index import TraceIndex

TimedReport: TypeAlias = tuple[float, JobReport]
"""Seconds on the run's clock, and what was reported then."""


class IncidentKind(Enum):
    """What somebody who looks back looks for."""

    FAILED = "failed"
    RETRIED = "retried"
    SLIPPED = "slipped"


class RunTimeline:
    """Every job of a run, at any moment of it.

    ``running``: a program works on the run, so a session without an end is live. Raises
    `RunFolderProblem` when it is no run folder, `Malformed` when its index is damaged.
    """

    def __init__(self, path: Path, *, running: bool = False) -> None:
        self.index = reader.read_index(path)
        trace_indexes = [
            [
                (number, TraceIndex(file))
                for number, file in reader.trace_files(path, _job_id(record))
            ]
            for record in self.index.jobs
        ]
        self._clock = RunClock(
            (trace_index.started_at.timestamp(), trace_index.end_s)
            for _, trace_index in chain(*trace_indexes)
            if trace_index.end_s
        )
        sittings = [_timed_attempts(each, self._clock) for each in trace_indexes]
        self.duration_s = max((each.end_s for each in chain(*sittings)), default=0.0)
        """Seconds from the beginning to the last thing that is known."""
        self.peak_sessions = _peak_sessions(list(chain(*sittings)))
        """How many sessions were live together, at most."""
        self._job_timelines = [
            _JobTimeline(record, sitting, self.duration_s, running=running)
            for record, sitting in zip(self.index.jobs, sittings, strict=True)
        ]
        placed = zip(self.job_files, sittings, strict=True)
        self.attempt_starts = {
            (job, each.number): each.start_s for (job, _), of in placed for each in of
        }
        """When each attempt of a job began."""
        self._session_starts = sorted(
            (since, job) for (job, _), since in self.attempt_starts.items()
        )
        self.incidents = sorted(
            chain(*(course.incidents for course in self._job_timelines)), key=lambda each: each[0]
        )
        """When, and what: everything that went wrong, in order."""

    @property
    def job_files(self) -> list[tuple[JobId, str]]:
        """Every job and its recording, in the order of the queue."""
        return [(JobId(_job_id(record)), str(record["file"])) for record in self.index.jobs]

    def reports_between(self, after_s: float, until_s: float) -> list[TimedReport]:
        """What was reported from ``after_s`` (left out; below 0: from the beginning) to
        ``until_s``.

        Readings that a later one replaces by then are left out, so that it costs little to go far.
        """
        told = chain(*(course.reports_between(after_s, until_s) for course in self._job_timelines))
        return sorted(told, key=lambda moment: moment[0])

    def starts_after(self, at_s: float) -> dict[JobId, float]:
        """When each job began its next session, of those that began one after that moment."""
        later = self._session_starts[
            bisect_right(self._session_starts, at_s, key=lambda start: start[0]) :
        ]
        return {job: since for since, job in reversed(later)}

    def wall_time(self, at_s: float) -> datetime:
        """The time of day at a moment, where this program runs."""
        return datetime.fromtimestamp(self._clock.to_wall_time(at_s), UTC).astimezone()


@dataclass(frozen=True, slots=True)
class _TimedAttempt:
    """An attempt, and when it began on the run's clock."""

    number: int
    trace_index: TraceIndex
    start_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.trace_index.end_s

    @property
    def connecting(self) -> Connecting | None:
        return next(
            (event for _, event in self.trace_index.rare_events if isinstance(event, Connecting)),
            None,
        )

    @property
    def ended(self) -> Ended | None:
        return next(
            (event for _, event in self.trace_index.rare_events if isinstance(event, Ended)), None
        )


def _timed_attempts(
    indexes: Iterable[tuple[int, TraceIndex]], clock: RunClock
) -> list[_TimedAttempt]:
    """Each behind the one before, also when somebody set the wall clock meanwhile."""
    placed: list[_TimedAttempt] = []
    for number, trace_index in indexes:
        since = (
            clock.from_wall_time(trace_index.started_at.timestamp()) if trace_index.end_s else 0.0
        )
        placed.append(
            _TimedAttempt(number, trace_index, max(since, placed[-1].end_s if placed else 0.0))
        )
    return placed


class _JobTimeline:
    """One job: its sessions, and what was told of it outside of them."""

    def __init__(
        self,
        record: JsonObject,
        attempts: list[_TimedAttempt],
        run_duration_s: float,
        *,
        running: bool,
    ) -> None:
        self.incidents: list[tuple[float, IncidentKind]] = []
        self._record = record
        self._job, self._file = JobId(_job_id(record)), str(record["file"])
        self._entries: list[TimedReport | _TimedAttempt] = []
        if "seconds" in record:
            self._add_report(0.0, 1, codec.load(Queued, record, f"job {self._job}"))
        for place, each in enumerate(attempts, 1):
            following = attempts[place] if place < len(attempts) else None
            self._entries.append(each)
            self._add_slips(each)
            ended = self._add_ending(each, still_live=running and following is None)
            if ended is not None:
                self._add_retry(each, ended, following)
        latest = record.get("attempt")
        if isinstance(latest, int) and all(each.number < latest for each in attempts):
            self._add_unstarted_ending(
                latest, attempts[-1].end_s if attempts else 0.0, run_duration_s
            )

    def reports_between(self, after_s: float, until_s: float) -> Iterator[TimedReport]:
        """In order, but for a warning of damage."""
        latest = 1
        for each in self._entries:
            if not isinstance(each, _TimedAttempt):
                latest = each[1].attempt
                if after_s < each[0] <= until_s:
                    yield each
                continue
            if each.trace_index.end_s:
                latest = each.number
            if each.start_s > until_s or each.end_s <= after_s:
                continue
            last = (
                inf if until_s >= each.end_s else until_s - each.start_s
            )  # exact, whatever rounds
            for t, event in each.trace_index.events_between(after_s - each.start_s, last):
                yield each.start_s + t, self._report(each.number, event, t)
            if each.trace_index.damage is not None:
                t, words = each.trace_index.damage
                if after_s < each.start_s + t <= until_s:
                    damaged = Warned(f"the trace is damaged: {words}")
                    yield each.start_s + t, self._report(latest, damaged, t)

    def _report(self, attempt: int, event: Event, t: float = 0.0) -> JobReport:
        return JobReport(self._job, attempt, self._file, t, event)

    def _add_report(self, at: float, attempt: int, event: Event) -> None:
        self._entries.append((at, self._report(attempt, event)))

    def _add_slips(self, timed: _TimedAttempt) -> None:
        self.incidents += [
            (timed.start_s + t, IncidentKind.SLIPPED)
            for t, event in timed.trace_index.rare_events
            if isinstance(event, Slipped)
        ]

    def _add_ending(self, timed: _TimedAttempt, *, still_live: bool) -> Ended | None:
        """How an attempt ended, told here if its trace does not."""
        if (ended := timed.ended) is not None:
            return ended
        ended = reader.recorded_ending(self._record, timed.number)
        if ended is None and timed.connecting is not None and not still_live:
            ended = reader.UNRECORDED_ENDING
        if ended is not None:
            self._add_report(timed.end_s, timed.number, ended)
        return ended

    def _add_retry(
        self, timed: _TimedAttempt, ended: Ended, following: _TimedAttempt | None
    ) -> None:
        """By itself when it broke, else because somebody asked for it: when, nobody noted."""
        if following is None or (connecting := following.connecting) is None:
            if JobStatus.from_outcome(ended.outcome) is JobStatus.FAILED:
                self.incidents.append((timed.end_s, IncidentKind.FAILED))
            return
        itself = (
            ended.outcome in {*RETRYABLE, Outcome.HANDED_OVER}
            and ended is not reader.UNRECORDED_ENDING
        )
        at = timed.end_s if itself else following.start_s
        if ended.outcome in RETRYABLE:
            self.incidents.append((at, IncidentKind.RETRIED))
        wait = round(following.start_s - at, 1)
        retrying = Retrying(
            ended.reason if itself else "asked for", wait, connecting.from_ms / 1000
        )
        self._add_report(at, following.number, retrying)

    def _add_unstarted_ending(self, attempt: int, start_s: float, run_duration_s: float) -> None:
        """An attempt without a trace: one that was taken out of the queue stood there till last."""
        ended = reader.recorded_ending(self._record, attempt)
        if ended is None:
            return
        failed = JobStatus.from_outcome(ended.outcome) is JobStatus.FAILED
        at = start_s if failed else run_duration_s
        self._add_report(at, attempt, ended)
        if failed:
            self.incidents.append((at, IncidentKind.FAILED))


def _peak_sessions(attempts: Iterable[_TimedAttempt]) -> int:
    steps = [(each.start_s, 1) for each in attempts] + [(each.end_s, -1) for each in attempts]
    live = most = 0
    for _, step in sorted(steps):
        live += step
        most = max(most, live)
    return most


def _job_id(record: Mapping[str, Json]) -> int:
    job = record["id"]
    assert isinstance(job, int)
    return job
