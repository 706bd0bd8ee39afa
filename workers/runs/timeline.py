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
    Outcome,
    Queued,
    Report,
    Retrying,
    Slipped,
    Warned,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import Status
from workers.jobs.outcomes import RETRIED
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.runs import reader
from workers.runs.run_clock import RunClock
from workers.traces.trace_index import Reel

Moment: TypeAlias = tuple[float, Report]
"""Seconds on the run's clock, and what was reported then."""


class Trouble(Enum):
    """What somebody who looks back looks for."""

    FAILED = "failed"
    RETRIED = "retried"
    SLIPPED = "slipped"


class Chronicle:
    """Every job of a run, at any moment of it.

    ``at_work``: a program works on the run, so a session without an end is live. Raises
    `RunFolderProblem` when it is no run folder, `Malformed` when its index is damaged.
    """

    def __init__(self, path: Path, *, at_work: bool = False) -> None:
        self.index = reader.index(path)
        reels = [
            [(number, Reel(file)) for number, file in reader.traces(path, _id(record))]
            for record in self.index.jobs
        ]
        self._clock = RunClock(
            (reel.wall.timestamp(), reel.end) for _, reel in chain(*reels) if reel.end
        )
        sittings = [_placed(each, self._clock) for each in reels]
        self.length = max((each.until for each in chain(*sittings)), default=0.0)
        """Seconds from the beginning to the last thing that is known."""
        self.most_at_once = _most_at_once(list(chain(*sittings)))
        """How many sessions were live together, at most."""
        self._courses = [
            _Course(record, sitting, self.length, at_work=at_work)
            for record, sitting in zip(self.index.jobs, sittings, strict=True)
        ]
        placed = zip(self.files, sittings, strict=True)
        self.begun = {(job, each.number): each.since for (job, _), of in placed for each in of}
        """When each attempt of a job began."""
        self._starts = sorted((since, job) for (job, _), since in self.begun.items())
        self.troubles = sorted(
            chain(*(course.troubles for course in self._courses)), key=lambda each: each[0]
        )
        """When, and what: everything that went wrong, in order."""

    @property
    def files(self) -> list[tuple[JobId, str]]:
        """Every job and its recording, in the order of the queue."""
        return [(JobId(_id(record)), str(record["file"])) for record in self.index.jobs]

    def between(self, after: float, until: float) -> list[Moment]:
        """What was reported from ``after`` (left out; below 0: from the beginning) to ``until``.

        Readings that a later one replaces by then are left out, so that it costs little to go far.
        """
        told = chain(*(course.between(after, until) for course in self._courses))
        return sorted(told, key=lambda moment: moment[0])

    def starts_after(self, at: float) -> dict[JobId, float]:
        """When each job began its next session, of those that began one after that moment."""
        later = self._starts[bisect_right(self._starts, at, key=lambda start: start[0]) :]
        return {job: since for since, job in reversed(later)}

    def wall(self, at: float) -> datetime:
        """The time of day at a moment, where this program runs."""
        return datetime.fromtimestamp(self._clock.wall(at), UTC).astimezone()


@dataclass(frozen=True, slots=True)
class _Sitting:
    """An attempt, and when it began on the run's clock."""

    number: int
    reel: Reel
    since: float

    @property
    def until(self) -> float:
        return self.since + self.reel.end

    @property
    def connecting(self) -> Connecting | None:
        return next((event for _, event in self.reel.rare if isinstance(event, Connecting)), None)

    @property
    def ended(self) -> Ended | None:
        return next((event for _, event in self.reel.rare if isinstance(event, Ended)), None)


def _placed(reels: Iterable[tuple[int, Reel]], clock: RunClock) -> list[_Sitting]:
    """Each behind the one before, also when somebody set the wall clock meanwhile."""
    placed: list[_Sitting] = []
    for number, reel in reels:
        since = clock.at(reel.wall.timestamp()) if reel.end else 0.0
        placed.append(_Sitting(number, reel, max(since, placed[-1].until if placed else 0.0)))
    return placed


class _Course:
    """One job: its sessions, and what was told of it outside of them."""

    def __init__(
        self, record: JsonObject, sittings: list[_Sitting], length: float, *, at_work: bool
    ) -> None:
        self.troubles: list[tuple[float, Trouble]] = []
        self._record = record
        self._job, self._file = JobId(_id(record)), str(record["file"])
        self._told: list[Moment | _Sitting] = []
        if "seconds" in record:
            self._say(0.0, 1, codec.read(Queued, record, f"job {self._job}"))
        for place, each in enumerate(sittings, 1):
            following = sittings[place] if place < len(sittings) else None
            self._told.append(each)
            self._slips(each)
            ended = self._end(each, lasts=at_work and following is None)
            if ended is not None:
                self._go_on(each, ended, following)
        latest = record.get("attempt")
        if isinstance(latest, int) and all(each.number < latest for each in sittings):
            self._end_unbegun(latest, sittings[-1].until if sittings else 0.0, length)

    def between(self, after: float, until: float) -> Iterator[Moment]:
        """In order, but for a warning of damage."""
        latest = 1
        for each in self._told:
            if not isinstance(each, _Sitting):
                latest = each[1].attempt
                if after < each[0] <= until:
                    yield each
                continue
            if each.reel.end:
                latest = each.number
            if each.since > until or each.until <= after:
                continue
            last = inf if until >= each.until else until - each.since  # exact, whatever rounds
            for t, event in each.reel.between(after - each.since, last):
                yield each.since + t, self._report(each.number, event, t)
            if each.reel.damage is not None:
                t, words = each.reel.damage
                if after < each.since + t <= until:
                    damaged = Warned(f"the trace is damaged: {words}")
                    yield each.since + t, self._report(latest, damaged, t)

    def _report(self, attempt: int, event: Event, t: float = 0.0) -> Report:
        return Report(self._job, attempt, self._file, t, event)

    def _say(self, at: float, attempt: int, event: Event) -> None:
        self._told.append((at, self._report(attempt, event)))

    def _slips(self, sitting: _Sitting) -> None:
        self.troubles += [
            (sitting.since + t, Trouble.SLIPPED)
            for t, event in sitting.reel.rare
            if isinstance(event, Slipped)
        ]

    def _end(self, sitting: _Sitting, *, lasts: bool) -> Ended | None:
        """How an attempt ended, told here if its trace does not."""
        if (ended := sitting.ended) is not None:
            return ended
        ended = reader.told_end(self._record, sitting.number)
        if ended is None and sitting.connecting is not None and not lasts:
            ended = reader.UNRECORDED
        if ended is not None:
            self._say(sitting.until, sitting.number, ended)
        return ended

    def _go_on(self, sitting: _Sitting, ended: Ended, following: _Sitting | None) -> None:
        """By itself when it broke, else because somebody asked for it: when, nobody noted."""
        if following is None or (connecting := following.connecting) is None:
            if Status.of(ended.outcome) is Status.FAILED:
                self.troubles.append((sitting.until, Trouble.FAILED))
            return
        itself = ended.outcome in {*RETRIED, Outcome.HANDED_OVER} and ended is not reader.UNRECORDED
        at = sitting.until if itself else following.since
        if ended.outcome in RETRIED:
            self.troubles.append((at, Trouble.RETRIED))
        wait = round(following.since - at, 1)
        retrying = Retrying(
            ended.reason if itself else "asked for", wait, connecting.from_ms / 1000
        )
        self._say(at, following.number, retrying)

    def _end_unbegun(self, attempt: int, since: float, length: float) -> None:
        """An attempt without a trace: one that was taken out of the queue stood there till last."""
        ended = reader.told_end(self._record, attempt)
        if ended is None:
            return
        failed = Status.of(ended.outcome) is Status.FAILED
        at = since if failed else length
        self._say(at, attempt, ended)
        if failed:
            self.troubles.append((at, Trouble.FAILED))


def _most_at_once(sittings: Iterable[_Sitting]) -> int:
    steps = [(each.since, 1) for each in sittings] + [(each.until, -1) for each in sittings]
    live = most = 0
    for _, step in sorted(steps):
        live += step
        most = max(most, live)
    return most


def _id(record: Mapping[str, Json]) -> int:
    job = record["id"]
    assert isinstance(job, int)
    return job
