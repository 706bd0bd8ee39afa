"""One trial: so many sessions at once, through the real supervisor, and what came of it.

Sessions start spread over some seconds, and each that ends is replaced, so that their number stays
the same. Only delays that begin in one window are measured: after all have begun and a warm-up.
After it the sessions stream on for a while, so that long delays are not cut off.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import cycle
from pathlib import Path
from queue import Empty
from urllib.parse import urlsplit

from workers.audio.source import Source
from workers.errors import PacelineError
from workers.evaluation.latency import JobLatency, measure_latency
from workers.evaluation.metrics import Clock
from workers.jobs.events import Began, Connecting, Ended, JobReport, Outcome, Warned
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.outcomes import MACHINE_FULL_HINT
from workers.limit_search.machine_watch import MachineLoad, MachineWatch
from workers.limit_search.objectives import Objective, ObjectiveResult, figure
from workers.pacing.certificate import Verdict
from workers.scheduling.supervisor import Supervisor

OpenRun = Callable[[int, Path], AbstractContextManager[Supervisor]]
"""Opens a supervisor for so many sessions at once, in a new run folder."""

MAX_COOL_DOWN_S = 15.0
PATIENCE_S = 60.0
"""How long no session may begin before those that are missing count as not answered."""

STALL_MARGIN_S = 0.1
"""Around a stall of this machine: a tick of the watch before it, and what it takes to catch up."""

_STOPPED = frozenset([Outcome.DONE, Outcome.CANCELLED, Outcome.INTERRUPTED, Outcome.HANDED_OVER])
"""Ends that are nobody's fault."""


class Failure(Enum):
    """Why a trial ended before its window did."""

    REFUSED = "refused"  # the server had no room for a session
    MACHINE_FULL = "machine full"  # this machine had none
    BROKEN = "broken"  # a session broke
    SILENT = "silent"  # not all sessions began
    STOPPED = "stopped"  # the caller stopped it


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """How long a trial lasts, in seconds."""

    hold_s: float = 20.0
    """What is measured."""
    warm_up_s: float = 3.0
    """Between the last Begin and that."""
    cool_down_s: float = 2.0
    """After that, with the same load: delays that began in time may end here."""
    max_gap_s: float = 0.7
    """Between two starts: with few sessions, their sentences still do not coincide."""
    ramp_s: float = 10.0
    """Within which all sessions are started, where the endpoint lets them."""
    starts_per_minute: int | None = None
    """How many the endpoint lets start; None: any number."""

    def gap_s(self, sessions: int) -> float:
        """Seconds between two starts."""
        return min(self.max_gap_s, self.ramp_s / sessions)

    @property
    def segment_s(self) -> float:
        """How much of each recording is streamed: so little that each place in the trial sees the
        end of a session within the window, where ``ttfs`` is measured."""
        return 0.75 * self.hold_s

    def session_seconds(self, sessions: int) -> float:
        """How long all sockets of a trial are open, all together, as far as that is known before.
        They start one after the other."""
        gap_s = self.gap_s(sessions)
        if self.starts_per_minute is not None:
            gap_s = max(gap_s, 60 / self.starts_per_minute)
        held_s = self.warm_up_s + self.hold_s + self.cool_down_s
        return sessions * (gap_s * sessions / 2 + held_s)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of so many sessions at once."""

    sessions: int
    failure: Failure | None
    reason: str
    """Of the failure, in the words of the server or the system."""
    results: tuple[ObjectiveResult, ...]
    sent_results: tuple[ObjectiveResult, ...]
    """The same with delays from when chunks were sent: without our own lateness."""
    verdicts: Mapping[Verdict, int]
    """How the pacing of the sessions was, by their certificates."""
    connect_p95_ms: float | None
    """From dialling until the socket was open."""
    begin_p95_ms: float | None
    """From the open socket until Begin."""
    warnings: Mapping[str, int]
    """What the server warned of."""
    refusals: int
    """Sessions that were refused in the window, and accepted later."""
    load: MachineLoad | None
    open_seconds: float
    """How long sockets were open, all together."""

    @property
    def holds(self) -> bool:
        """Whether every session was served, and every objective was kept."""
        return self.failure is None and all(result.holds for result in self.results)


@dataclass(slots=True)
class _Progress:
    """What the reports of a trial say so far."""

    states: dict[JobId, JobState] = field(default_factory=dict)
    begun: list[Began] = field(default_factory=list)
    streaming: set[JobId] = field(default_factory=set)
    ended: set[JobId] = field(default_factory=set)
    refused: Counter[JobId] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    port: int | None = None
    failure: Failure | None = None
    reason: str = ""

    def apply(self, report: JobReport, *, is_full: bool) -> None:
        """Applies a report. ``is_full``: whether all sessions have begun once."""
        job, event = report.job, report.event
        self.states.setdefault(job, JobState(job, report.file)).apply(report)
        match event:
            case Connecting():
                self.port = _port_of(event.to)
                self.ended.discard(job)
            case Began():
                self.begun.append(event)
                self.streaming.add(job)
            case Warned(code=code) if code is not None:
                self.warnings[f"{code} {event.warning}"] += 1
            case Ended():
                self.streaming.discard(job)
                self._note_end(job, event, is_full=is_full)

    def _note_end(self, job: JobId, ended: Ended, *, is_full: bool) -> None:
        outcome = ended.outcome
        if outcome is Outcome.BUSY:
            # A server may free the place of a session a moment after it has ended, so the first
            # refusal of one that replaces another is only counted.
            self.refused[job] += 1
            if ended.hint == MACHINE_FULL_HINT:
                self._fail(Failure.MACHINE_FULL, ended.reason)
            elif not is_full or self.refused[job] > 1:
                self._fail(Failure.REFUSED, ended.reason)
            return
        self.ended.add(job)
        if outcome in (Outcome.UNREADABLE, Outcome.UNWRITABLE, Outcome.UNAUTHORISED):
            raise PacelineError(ended.reason, ended.hint)
        if outcome not in _STOPPED:
            self._fail(Failure.BROKEN, ended.reason)

    def _fail(self, failure: Failure, reason: str) -> None:
        if self.failure is None:
            self.failure, self.reason = failure, reason


class TrialRunner:
    """Makes trials with the same recordings, each in a run folder of its own."""

    def __init__(
        self,
        open_run: OpenRun,
        sources: Sequence[Source],
        plan: TrialPlan,
        objectives: Sequence[Objective],
    ) -> None:
        self._open_run = open_run
        self._sources = sources
        self._plan = plan
        self._objectives = objectives

    def run(
        self,
        sessions: int,
        folder: Path,
        is_stopped: Callable[[float], bool] = lambda open_seconds: False,
    ) -> Trial:
        """Streams with so many sessions at once. ``is_stopped``: asked now and then with how long
        sockets were open so far, all together; ends the trial. Raises `PacelineError` for what has
        nothing to do with the number of sessions, such as a wrong key."""
        progress, load, window = _Progress(), None, None
        with MachineWatch() as watch, self._open_run(sessions, folder) as supervisor:
            crowd = _Crowd(supervisor, cycle(self._sources), sessions, progress, is_stopped)
            crowd.fill(self._plan.gap_s(sessions))
            watch.port = progress.port
            crowd.keep(self._plan.warm_up_s)
            if progress.failure is None:
                watch.begin()
                began_s = time.time()
                crowd.keep(self._plan.hold_s)
                load, window = watch.end(), (began_s, time.time())
                crowd.keep(self._plan.cool_down_s)
            supervisor.stop()
            crowd.drain()
        return self._measure(sessions, folder, progress, window, load)

    def _measure(
        self,
        sessions: int,
        folder: Path,
        progress: _Progress,
        window: tuple[float, float] | None,
        load: MachineLoad | None,
    ) -> Trial:
        samples: dict[Clock, dict[str, list[float]]] = {clock: {} for clock in Clock}
        verdicts: Counter[Verdict] = Counter()
        if window is not None:
            stalls = load.stall_spans if load is not None else ()
            names = {objective.metric for objective in self._objectives}
            for state in progress.states.values():
                latency = JobLatency()
                measure_latency(latency, folder, state, None, allow_invalid=True)
                verdicts.update(one.verdict for one in latency.certificates)
                start_s, speed = state.start_seconds, state.speed
                for clock, found in samples.items():
                    add_window(found, latency, names, clock, window, start_s, speed, stalls)
        return Trial(
            sessions=sessions,
            failure=progress.failure,
            reason=progress.reason,
            results=tuple(one.check(samples[Clock.DUE]) for one in self._objectives),
            sent_results=tuple(one.check(samples[Clock.SENT]) for one in self._objectives),
            verdicts=verdicts,
            connect_p95_ms=_p95([began.connect_ms for began in progress.begun]),
            begin_p95_ms=_p95([began.begin_ms for began in progress.begun]),
            warnings=dict(progress.warnings),
            refusals=sum(progress.refused.values()),
            load=load,
            open_seconds=sum(state.open_seconds for state in progress.states.values()),
        )


class _Crowd:
    """Keeps the number of sessions the same, and reads what they report."""

    def __init__(
        self,
        supervisor: Supervisor,
        sources: Iterator[Source],
        sessions: int,
        progress: _Progress,
        is_stopped: Callable[[float], bool],
    ) -> None:
        self._supervisor = supervisor
        self._sources = sources
        self._sessions = sessions
        self._progress = progress
        self._is_stopped = is_stopped
        self._added = 0
        self._is_full = False

    def fill(self, gap_s: float) -> None:
        """Starts the sessions one after the other, until all have begun once."""
        progress = self._progress
        next_at, begun, begun_at = time.monotonic(), 0, time.monotonic()
        most = 1
        while not self._is_full and progress.failure is None:
            now = time.monotonic()
            if most < self._sessions and now >= next_at:
                most, next_at = most + 1, next_at + gap_s
            self._replace(most)
            self._read(min(0.05, gap_s))
            if len(progress.begun) > begun:
                begun, begun_at = len(progress.begun), now
            wait = self._supervisor.next_start_at or now  # an endpoint may limit starts a minute
            if now - max(begun_at, wait, next_at) > PATIENCE_S:
                progress.failure = Failure.SILENT
                progress.reason = f"only {len(progress.streaming)} sessions began"
            self._is_full = len(progress.streaming) >= self._sessions

    def keep(self, seconds: float) -> None:
        """Replaces each session that ends, for so long or until one fails."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._progress.failure is None:
            self._replace(self._sessions)
            self._read(min(0.05, left))

    def drain(self) -> None:
        """Reads the last reports."""
        self._supervisor.wait(PATIENCE_S)
        while not self._supervisor.reports.empty():
            self._apply(self._supervisor.reports.get())

    def _replace(self, sessions: int) -> None:
        while self._added - len(self._progress.ended) < sessions:
            self._added += 1
            self._supervisor.add([next(self._sources)])

    def _read(self, seconds: float) -> None:
        with suppress(Empty):
            self._apply(self._supervisor.reports.get(timeout=seconds))
            while True:
                self._apply(self._supervisor.reports.get_nowait())
        open_s = sum(state.open_seconds for state in self._progress.states.values())
        if self._is_stopped(open_s) and self._progress.failure is None:
            self._progress.failure, self._progress.reason = Failure.STOPPED, "the budget is spent"

    def _apply(self, report: JobReport) -> None:
        self._progress.apply(report, is_full=self._is_full)


def add_window(
    found: dict[str, list[float]],
    latency: JobLatency,
    metrics: Iterable[str],
    clock: Clock,
    window: tuple[float, float],
    start_s: float = 0.0,
    speed: float = 1.0,
    stalls: Sequence[tuple[float, float]] = (),
) -> None:
    """Adds the delays of a session that began within a window, in Unix time. ``start_s``: where in
    the recording the session started. ``stalls``: when this machine stood still, which would
    make chunks late with any number of sessions, so lags of that time are not added."""
    if len(latency.open_spans) != 1:
        return
    ((began_s, _),) = latency.open_spans
    since_s, until_s = window
    for name in metrics:
        if (delays := latency.delays.get(name)) is None:
            continue
        for at_s, ms in zip(delays.at_s, delays.ms[clock], strict=True):
            due_s = began_s + (at_s - start_s) / speed
            if not since_s <= due_s <= until_s:
                continue
            if name == "pacing" and any(
                begin_s - STALL_MARGIN_S <= due_s <= end_s + STALL_MARGIN_S
                for begin_s, end_s in stalls
            ):
                continue
            found.setdefault(name, []).append(ms)


def cool_down_s(objectives: Iterable[Objective]) -> float:
    """How long a trial streams on after its window, so that a delay which breaks an objective is
    seen to do so."""
    longest_ms = max((one.threshold.limit for one in objectives), default=0.0)
    return min(MAX_COOL_DOWN_S, 1.5 * longest_ms / 1000)


def _port_of(address: str) -> int | None:
    parts = urlsplit(address)
    return parts.port or (443 if parts.scheme == "wss" else 80)


def _p95(values: Sequence[float]) -> float | None:
    return figure(values, "p95")
