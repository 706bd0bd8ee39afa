"""A session's process as its parent sees it: started, cancelled, listened to until its end."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from workers import processes
from workers.jobs.events import Began, Ended, Outcome, Progressed, Report
from workers.protocol.endpoint import Secret
from workers.session.assignment import Assignment, Order, Request
from workers.session.pipe import Outbox, received


class SessionChild:
    """Made before its process is, so that it can be asked to end while that is started.

    `start` and `reports` each belong to one thread, the rest to one at a time.
    """

    def __init__(self, context: BaseContext, assignment: Assignment, key: Secret | None) -> None:
        self._asked: list[Order] = []
        """The first of them is why it ends."""
        self._stood_still = False
        self._t, self._noted_at = 0.0, time.monotonic()
        self._opened_at: float | None = None
        self._sent_seconds = 0.0
        self._gone = False
        self._forced = False
        """To be killed, also if its process is not there yet."""
        self._context = context
        self._assignment, self._key = assignment, key
        self._reports, self._told = context.Pipe(duplex=False)
        self._theirs, self._ours = context.Pipe(duplex=False)
        self._orders = Outbox(self._ours)
        self._process: BaseProcess | None = None

    def start(self) -> None:
        """Makes the process; raises as `processes.started` does, and then it is over."""
        try:
            self._process = processes.started(
                self._context,
                _run,
                self._assignment,
                self._key,
                self._told,
                self._theirs,
                name=f"paceline-session-{self._assignment.job.id}",
            )
        except BaseException:
            self._gone = True
            self._reports.close()
            self.close()
            raise
        finally:
            self._theirs.close()
            self._told.close()  # now the child holds the only writing end: its death reads as EOF
        if self._forced:
            self._kill()

    def ask(self, order: Order) -> None:
        """Politely the first time, by force the second.

        Leaving is no second time for what was only cancelled: its last words are still to come.
        """
        if order in self._asked or Order.LEAVE in self._asked:
            self._kill()
        else:
            self._asked.append(order)
            self._orders.put(order)

    def pass_on(self, request: Request) -> None:
        """Has it sent to the server, if it still streams when this arrives."""
        self._orders.put(request)

    def remind(self) -> None:
        """Says again what its pipe had no room for."""
        self._orders.flush()

    def close(self) -> None:
        """It is dead, and is told nothing any more."""
        self._ours.close()

    def put_down(self) -> None:
        """By force, because it has stood still for too long."""
        self._stood_still = True
        self._kill()

    @property
    def stopped(self) -> bool:
        """Somebody has stopped the process (SIGSTOP), where the system tells."""
        return self._process is not None and processes.stopped(self._process.pid)

    def reports(self) -> Iterator[Report]:
        """What it says, waiting for each, until it has nothing more to say and is dead."""
        for report in received(self._reports):
            self._note(report)
            yield report
        self._gone = True
        self._reports.close()
        if self._process is not None:
            self._process.join()

    def _note(self, report: Report) -> None:
        self._t, self._noted_at = report.t, time.monotonic()
        match report.event:
            case Began() as began:
                self._opened_at = self._noted_at - began.begin_ms / 1000
            case Progressed() as progressed:
                self._sent_seconds = progressed.sent_seconds

    @property
    def elapsed(self) -> float:
        """Seconds on its clock, as far as that is known here."""
        return self._t + time.monotonic() - self._noted_at

    def unsaid(self) -> Ended:
        """The ending of a process that is dead and has not said how it ended, or never was."""
        opened = self._opened_at
        open_seconds = 0.0 if opened is None else time.monotonic() - opened
        return replace(
            self._why(),
            sent_seconds=self._sent_seconds,
            open_seconds=round(open_seconds, 3),
        )

    def _why(self) -> Ended:
        if self._stood_still:
            return Ended(Outcome.CRASHED, "the session's process stood still and was ended", _KEPT)
        began = self._process is not None
        how = "by force" if began or self._forced else "before it began"
        if self._asked[:1] == [Order.CANCEL]:
            return Ended(Outcome.CANCELLED, f"stopped {how}", _KEPT)
        if self._asked:
            return Ended(Outcome.INTERRUPTED, f"the program was left {how}", _KEPT)
        code = self._process.exitcode if self._process is not None else None
        death = f"was killed (signal {-code})" if code and code < 0 else f"ended with code {code}"
        return Ended(
            Outcome.CRASHED, f"the session's process {death}", f"{_KEPT} Its log may say more."
        )

    def _kill(self) -> None:
        """Not through multiprocessing, which takes all for dead when its fork server is."""
        if self._gone:
            return
        self._forced = True
        if self._process is None:
            processes.end_fork_server()  # which may never answer: its end is that of the start
        elif self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)


_KEPT = "What was heard is kept; it can go on from there."


def _run(assignment: Assignment, key: Secret | None, reports: Connection, pipe: Connection) -> None:
    """The child. What it needs is loaded in the fork server already, and never in the parent."""
    from workers.session.main import run

    run(assignment, key, reports, pipe)
