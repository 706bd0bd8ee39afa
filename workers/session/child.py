"""A session's process as its parent sees it: started, cancelled, listened to until its end."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from workers.events import Began, Ended, Outcome, Progressed, Report
from workers.session.assignment import Assignment, Order, Request
from workers.session.outbox import Outbox, received
from workers.speech.endpoint import Secret


class SessionChild:
    """Making one starts its process. `reports` belongs to one thread, the rest to one at a time."""

    def __init__(self, context: BaseContext, assignment: Assignment, key: Secret | None) -> None:
        self._asked: list[Order] = []
        """The first of them is why it ends."""
        self._stood_still = False
        self._t, self._noted_at = 0.0, time.monotonic()
        self._opened_at: float | None = None
        self._sent_seconds = 0.0
        self._gone = False
        self._reports, told = context.Pipe(duplex=False)
        theirs, self._ours = context.Pipe(duplex=False)
        self._orders = Outbox(self._ours)
        self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # BaseContext lacks it
            target=_run,
            args=(assignment, key, told, theirs),
            name=f"paceline-session-{assignment.job.id}",
            daemon=True,
        )
        try:
            with _plain_program():
                self._process.start()
        finally:
            theirs.close()
            told.close()  # now the child holds the only writing end: its death reads as end-of-file

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
        with suppress(OSError):
            stat = Path(f"/proc/{self._process.pid}/stat").read_text(errors="replace")
            return stat.rpartition(")")[2].split()[0] in "Tt"
        return False

    def reports(self) -> Iterator[Report]:
        """What it says, waiting for each, until it has nothing more to say and is dead."""
        for report in received(self._reports):
            self._note(report)
            yield report
        self._gone = True
        self._reports.close()
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
        """The ending of a process that is dead and has not said how it ended."""
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
        if self._asked[:1] == [Order.CANCEL]:
            return Ended(Outcome.CANCELLED, "stopped by force", _KEPT)
        if self._asked:
            return Ended(Outcome.INTERRUPTED, "the program was left by force", _KEPT)
        code = self._process.exitcode
        how = f"was killed (signal {-code})" if code and code < 0 else f"ended with code {code}"
        return Ended(
            Outcome.CRASHED, f"the session's process {how}", f"{_KEPT} Its log may say more."
        )

    def _kill(self) -> None:
        """Not through multiprocessing, which takes all for dead when its fork server is."""
        if not self._gone and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)


_KEPT = "What was heard is kept; it can go on from there."

_starting = threading.Lock()


@contextmanager
def _plain_program() -> Iterator[None]:
    """Lets multiprocessing see the program as it was before any screen.

    It runs the program's main script again in every child, so that a child finds what is defined
    there. Nothing of ours is, and it would cost each session some milliseconds and a quarter of its
    memory. And if its helpers were killed, it starts new ones, which inherit the standard error;
    that of a screen has no descriptor. One start at a time, since all threads see it.
    """
    with _starting:
        main, errors = sys.modules["__main__"], sys.stderr
        sys.modules["__main__"] = ModuleType("__main__")
        sys.stderr = sys.__stderr__
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            sys.stderr = errors


def _run(assignment: Assignment, key: Secret | None, reports: Connection, pipe: Connection) -> None:
    """The child. What it needs is loaded in the fork server already, and never in the parent."""
    from workers.session.process import run

    run(assignment, key, reports, pipe)
