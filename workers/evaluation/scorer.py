"""Scores jobs in a child process of low priority, so that neither the screen nor pacing waits.

The process starts with the first request. It loads the packages of the extra ``evaluation``; the
program itself and its sessions do not. If it dies, another one starts, and what it had summed up is
lost: the caller gets a notice, and asks again.
"""

import itertools
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import PriorityQueue, SimpleQueue
from typing import TypeAlias

from workers import processes, threads
from workers.errors import MissingExtra
from workers.evaluation.desk_figures import FoundReferences, JobDetail, JobFigures, RunFigures
from workers.jobs.job import JobId

SCORER_NICENESS = 19
"""How far the process stands back behind sessions, whose chunks are due: as far as possible."""


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """Asks for the `JobFigures` of a job that is done."""

    job: JobId


@dataclass(frozen=True, slots=True)
class DescribeJob:
    """Asks for the `JobDetail` of a job that is done."""

    job: JobId


@dataclass(frozen=True, slots=True)
class Summarise:
    """Asks for the `RunFigures`, grouped by a column."""

    column: str


@dataclass(frozen=True, slots=True)
class FindReferences:
    """Asks for the `FoundReferences`; see `LiveScores.find_references`."""

    given: Path | None
    adopt: bool


@dataclass(frozen=True, slots=True)
class ScoringUnavailable:
    """Nothing can be scored."""

    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class ScorerRestarted:
    """The process died; its sums are lost, and the request was not answered."""

    request: "ScoreRequest"


ScoreRequest: TypeAlias = ScoreJob | DescribeJob | Summarise | FindReferences
ScoreResult: TypeAlias = (
    JobFigures | JobDetail | RunFigures | FoundReferences | ScoringUnavailable | ScorerRestarted
)


class Scorer:
    """Scores the run in a folder. `request` and `close` do not block; results arrive in
    `results`, answers for the user before the scores of other jobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.results: SimpleQueue[tuple[ScoreRequest, ScoreResult]] = SimpleQueue()
        self._requests: PriorityQueue[tuple[int, int, ScoreRequest | None]] = PriorityQueue()
        self._numbers = itertools.count()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._is_closed = False
        threads.start_thread(self._answer_requests, "scorer")

    def request(self, request: ScoreRequest) -> None:
        rank = 1 if isinstance(request, ScoreJob) else 0
        self._requests.put((rank, next(self._numbers), request))

    def close(self) -> None:
        """Ends the process without waiting for it."""
        self._is_closed = True
        self._requests.put((-1, next(self._numbers), None))
        if (process := self._process) is not None:
            process.kill()

    # --- in the thread

    def _answer_requests(self) -> None:
        while (request := self._requests.get()[2]) is not None and not self._is_closed:
            self.results.put((request, self._answer(request)))
        self._stop_process()

    def _answer(self, request: ScoreRequest) -> ScoreResult:
        try:
            pipe = self._pipe or self._start_process()
            pipe.send(request)
            result: ScoreResult = pipe.recv()
        except (OSError, EOFError):
            self._stop_process()
            return ScorerRestarted(request)
        return result

    def _start_process(self) -> Connection:
        context = processes.mp_context()
        parent_end, child_end = context.Pipe()
        with child_end:
            try:
                self._process = processes.start_process(
                    context, _score_main, child_end, self._folder, name="paceline-scorer"
                )
            except BaseException:
                parent_end.close()
                raise
        if self._is_closed:
            self._process.kill()
        self._pipe = parent_end
        return parent_end

    def _stop_process(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None


def _score_main(pipe: Connection, folder: Path) -> None:
    """Runs in the child: answers requests until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # multiprocessing uses it at exit
    # A fork server that was started without a run, to view one, has these blocked.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, processes.GROUP_SIGNALS)
    if hasattr(os, "nice"):
        os.nice(SCORER_NICENESS)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a second thread would take time from sessions
    with suppress(EOFError, OSError):
        try:
            from workers.evaluation.live_scores import LiveScores

            scores = LiveScores(folder)
        except (ImportError, MissingExtra):
            missing = MissingExtra("evaluation", "scoring")
            while pipe.recv():
                pipe.send(ScoringUnavailable(missing.reason, missing.hint))
            return
        while True:
            match pipe.recv():
                case ScoreJob(job):
                    pipe.send(scores.score_job(job))
                case DescribeJob(job):
                    pipe.send(scores.describe_job(job))
                case Summarise(column):
                    pipe.send(scores.summarise(column))
                case FindReferences(given, adopt):
                    pipe.send(scores.find_references(given, adopt=adopt))
