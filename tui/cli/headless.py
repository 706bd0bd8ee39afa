"""``paceline run``: the engine without a screen.

Words go to stderr; with ``--json``, events go to stdout, and nothing else does.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty
from types import FrameType

from tui.cli.summary import pacing
from tui.model.supervisor_protocol import REVIVED
from tui.render.latest_words import cause
from tui.terminal.sighup import on_hang_up
from tui.text.formats import clock
from tui.text.width import clean
from workers.jobs.events import (
    Began,
    Ended,
    Outcome,
    Report,
    Retrying,
    Slipped,
    TurnHeard,
    Warned,
    report_json,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory
from workers.scheduling.supervisor import Supervisor

_POLITELY = "ending politely, with the last words; Ctrl-C again forces"


class Headless:
    """Streams files and says what happens until all of them are over."""

    def __init__(
        self, supervisor: Supervisor, *, as_json: bool, histories: Iterable[JobHistory] = ()
    ) -> None:
        """``histories``: of jobs that an earlier run left."""
        self._supervisor = supervisor
        self._as_json = as_json
        self._by_id = {history.job: history for history in histories}
        self._said: dict[JobId, str] = {}
        """The last words about each job."""
        self._ends: dict[JobId, Report] = {}
        """The latest end of each job, if nothing followed it yet."""
        self._asked = 0
        """How often the user, or the system, has asked the program to end."""
        self._stopped = 0
        self._revivals = 0
        """So many were told."""

    @property
    def interrupted(self) -> bool:
        """Whether it was ended before all jobs were over."""
        return self._stopped > 0

    @property
    def histories(self) -> list[JobHistory]:
        """All jobs in the order of the queue."""
        return [self._by_id[id] for id in sorted(self._by_id)]

    def run(self, begin: Callable[[], object]) -> None:
        """All that ``begin`` queues. The first interruption is polite, the second forces."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)
        if os.name == "posix" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            on_hang_up(self._abandon)
        begin()
        while not (self._supervisor.idle and self._supervisor.reports.empty()):
            if self._stopped < self._asked:
                self._stop("ending by force" if self._stopped else _POLITELY)
            self._tell_revivals()
            try:
                self._take(self._supervisor.reports.get(timeout=0.2))
            except Empty:
                self._tell_ends()
            except OSError:  # whoever read stdout has gone; so nobody needs the rest
                sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (for the rest of the process)
                self._abandon()

        self._tell_ends()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """A signal's handler: it may come at any moment, so it only counts."""
        self._asked += 1

    def _abandon(self) -> None:
        """Nobody is there any more: that is polite, however often it is noticed."""
        self._asked = max(self._asked, 1)

    def _stop(self, why: str) -> None:
        self._stopped += 1
        _say(why)
        self._supervisor.stop()

    def _tell_revivals(self) -> None:
        if self._supervisor.revivals > self._revivals:
            self._revivals = self._supervisor.revivals
            _say(REVIVED)

    def _take(self, report: Report) -> None:
        history = self._by_id.setdefault(report.job, JobHistory(report.job, report.file))
        history.apply(report)
        if self._as_json:
            print(json.dumps(report_json(report)), flush=True)
        elif isinstance(report.event, Ended):
            self._ends[report.job] = report  # what follows says whether it is over
        else:
            before = self._ends.pop(report.job, None)
            self._tell(report, _words(report, history, before))

    def _tell_ends(self) -> None:
        """Of the jobs that do not go on."""
        for job, report in self._ends.items():
            self._tell(report, _words(report, self._by_id[job]))
        self._ends = {}

    def _tell(self, report: Report, words: str | None) -> None:
        if words and self._is_new(report.job, words):
            name = clean(report.file.rsplit("/", 1)[-1])
            _say(f"[{report.job}] {name}: {words}")

    def _is_new(self, job: JobId, words: str) -> bool:
        """A server may say a final twice; a reader wants it once."""
        said, self._said[job] = self._said.get(job), words
        return said != words


def _words(report: Report, history: JobHistory, before: Report | None = None) -> str | None:
    """A report for a reader; None for what would only scroll by.

    ``before``: the end of the attempt that it follows.
    """
    match report.event:
        case Began() as began:
            return f"streaming at {began.sample_rate} Hz ({clean(began.model)})"
        case TurnHeard(turn) if turn.end_of_turn and (line := history.transcript.latest):
            return f"{clock((line.start_ms or 0) / 1000)} {clean(line.text)}"
        case Warned() as warned:
            return f"warning: {clean(warned.warning)}"
        case Slipped() as slipped:
            return f"stalled for {slipped.stalled_ms / 1000:.1f} s; the schedule was moved"
        case Retrying() as retrying:
            why = f"{cause(retrying.reason)}; " if before is not None else ""
            again = _again(retrying, history)
            return f"{why}{again}" if again else None
        case Ended(outcome=Outcome.DONE) as ended:
            return f"done, {clock(ended.sent_seconds)} sent, {pacing(ended.certificate)}"
        case Ended() as ended:
            outcome = ended.outcome.value.replace("_", " ")
            return clean(f"{outcome}: {ended.reason}. {ended.hint}")
    return None


def _again(retrying: Retrying, history: JobHistory) -> str | None:
    wait = f" in {retrying.in_seconds:.0f} s" if retrying.in_seconds >= 1 else ""
    if history.refused is not None:
        return f"tries again{wait}"
    if retrying.from_seconds:
        return f"attempt {history.attempt} goes on{wait}, from {clock(retrying.from_seconds)}"
    return f"attempt {history.attempt} starts again{wait}" if history.attempt > 1 else None


def _say(words: str) -> None:
    with suppress(OSError):  # words for nobody are no reason to stop
        print(words, file=sys.stderr, flush=True)
