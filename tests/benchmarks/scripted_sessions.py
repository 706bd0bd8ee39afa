"""Sessions that follow a script, for benchmarks of what reads their reports: all of them in one
process, which writes their traces as real sessions do, and reports through a real queue.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

from tests.benchmarks.desk_load import SPOKEN, WORDS, progressed
from workers import processes
from workers.jobs.events import Began, Connecting, Ended, Event, JobReport, Outcome, TurnReceived
from workers.jobs.job import Job, JobId
from workers.jobs.node_status import NodeStatus
from workers.pacing.certificate import Certificate, LagPercentiles, Verdict
from workers.pacing.schedule import Release
from workers.protocol.messages import Turn, Word
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage
from workers.session.session_queue import Closed, Empty, SessionQueue
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

WORDS_OF_A_TURN = 6


@dataclass(frozen=True, slots=True)
class SessionScript:
    """What every session does."""

    turns: int
    turns_per_s: float


@dataclass(frozen=True, slots=True)
class _Start:
    """Starts a session; sent to the process."""

    job: Job
    attempt: int
    trace_path: str


class ScriptedSession:
    """One session: its reports come from the launcher's process."""

    def __init__(self, launcher: "ScriptedLauncher", start: _Start) -> None:
        self._launcher, self._start = launcher, start

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        self._launcher.start_session(self._start, on_report, on_exit)

    def send(self, message: ControlMessage) -> None:
        """A scripted session ends with the program."""

    @property
    def is_reachable(self) -> bool:
        return True

    def check_alive(self) -> bool:
        return True

    def bytes_read_asleep(self) -> int | None:
        return None

    def kill(self) -> None:
        self._launcher.end_session(self._start.job.id)

    def close(self) -> None:
        """It has no resources of its own."""


class ScriptedLauncher:
    """A launcher whose sessions follow one script. A context manager: leaving it ends them."""

    def __init__(self, script: SessionScript) -> None:
        self._script = script
        context = processes.mp_context()
        self._starts = SessionQueue[_Start](*context.Pipe(duplex=False))
        self._reports = SessionQueue[JobReport](*context.Pipe(duplex=False))
        self._live: dict[int, tuple[Callable[[JobReport], None], Callable[[str], None]]] = {}
        self.turns = 0
        """Turns that have ended so far, over all sessions."""
        self._context = context
        self._process: BaseProcess | None = None

    def __enter__(self) -> Self:
        self._process = processes.start_process(
            self._context,
            _run_sessions,
            self._script,
            self._starts,
            self._reports,
            name="scripted-sessions",
        )
        self._starts.close_reader()
        self._reports.close_writer()
        threading.Thread(target=self._relay, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._starts.close_writer()
        if self._process is not None:
            self._process.kill()

    def create(self, assignment: Assignment, key: Secret | None) -> ScriptedSession:
        start = _Start(assignment.job, assignment.attempt, assignment.trace_path)
        return ScriptedSession(self, start)

    def limit_sessions(self, max_sessions: int) -> None:
        """One process can have any number."""

    def adopt(self, job: JobId, attempt: int) -> ScriptedSession | None:
        return None

    machines = 1

    @property
    def capacity(self) -> int | None:
        return None

    def nodes(self) -> list[NodeStatus]:
        return []

    def drain(self, node: str, on: bool) -> None:
        """There are no other machines."""

    def start_session(
        self, start: _Start, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]
    ) -> None:
        self._live[start.job.id] = on_report, on_exit
        self._starts.put(start)

    def end_session(self, job: int) -> None:
        """Ends a session at once, without its last report."""
        if (callbacks := self._live.pop(job, None)) is not None:
            threading.Thread(target=callbacks[1], args=("was killed (signal 9)",)).start()

    def _relay(self) -> None:
        """Hands each report to its session, in a thread."""
        while True:
            try:
                report = self._reports.get()
            except Closed:
                return
            if (callbacks := self._live.get(report.job)) is None:
                continue
            on_report, on_exit = callbacks
            on_report(report)
            if isinstance(report.event, TurnReceived):
                self.turns += report.event.turn.end_of_turn
            if isinstance(report.event, Ended):
                del self._live[report.job]
                on_exit("ended with code 0")


# --- in the process of the sessions


class _Script:
    """A session's events, and the trace that has them first."""

    def __init__(self, start: _Start, script: SessionScript, now: float) -> None:
        job = start.job
        self._start, self._script, self._began = start, script, now
        head = TraceHead(job=job.id, attempt=start.attempt, file=job.file)
        self._trace = TraceWriter(Path(start.trace_path), head)
        self._step = 0

    def due(self) -> float:
        """When the next turn is due."""
        return (
            self._began + (self._step + self._start.job.id % 100 / 100) / self._script.turns_per_s
        )

    def events(self) -> list[Event]:
        """The next turn and the progress before it; at the end an `Ended`."""
        job, order = self._start.job.id, self._step
        seconds = min(order * WORDS_OF_A_TURN * SPOKEN, 3 * 3600.0)
        opening: list[Event] = [
            Connecting("ws://127.0.0.1:1/v3/ws", "ab" * 32),
            Began("5f3a9c1e", "u3-rt-pro", 16000, 0, 12.0, 30.0),
        ]
        found = opening if not order else []
        found += [progressed(seconds, job), TurnReceived(_turn(order, job))]
        self._step += 1
        if self._step == self._script.turns:
            found.append(_ending(seconds))
        return found

    def report(self, queue: SessionQueue[JobReport], now: float) -> bool:
        """Traces and reports the next events; returns whether there are more."""
        job, t = self._start.job, now - self._began
        for event in self.events():
            self._trace.write(t, event)
            queue.put(JobReport(job.id, self._start.attempt, job.file, t, event))
        is_over = isinstance(event, Ended)
        if is_over:
            self._trace.__exit__()
        return not is_over


def _turn(order: int, job: int) -> Turn:
    words = []
    for number in range(order * WORDS_OF_A_TURN, (order + 1) * WORDS_OF_A_TURN):
        start = round(number * SPOKEN * 1000)
        words.append(Word(WORDS[(number + job) % len(WORDS)], start, start + 300, 0.9))
    return Turn(order, True, " ".join(word.text for word in words), words=tuple(words))


def _ending(seconds: float) -> Ended:
    lags = LagPercentiles(0.3, 0.8, 1.1, 2.0, 3.0)
    chunks = round(seconds * 20)
    certificate = Certificate(
        Verdict.HELD, Release.START, "monotonic", 50, 16000, chunks, seconds, lags, 0, 0.0
    )
    return Ended(
        Outcome.DONE, "all was sent", "", None, seconds, seconds + 0.5, certificate=certificate
    )


def _run_sessions(
    script: SessionScript, starts: SessionQueue[_Start], reports: SessionQueue[JobReport]
) -> None:
    """The process: plays the script for each session that was started, until the program ends."""
    starts.close_writer()
    reports.close_reader()
    parent = os.getppid()
    due: list[tuple[float, int, _Script]] = []
    order = count()
    while os.getppid() == parent:
        try:
            while True:
                session = _Script(starts.get(block=False), script, time.monotonic())
                heappush(due, (session.due(), next(order), session))
        except Closed:
            return
        except Empty:
            pass
        now = time.monotonic()
        while due and due[0][0] <= now:
            _, _, session = heappop(due)
            if session.report(reports, now):
                heappush(due, (session.due(), next(order), session))
            now = time.monotonic()
        reports.flush()
        time.sleep(0.005)
