"""A session's process as its parent sees it: started, cancelled, listened to until its end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import ModuleType

from workers.events import Ended, Outcome, Report
from workers.session.assignment import Assignment, Order
from workers.session.outbox import received
from workers.speech.endpoint import Secret


class SessionChild:
    """Making one starts its process. `reports` belongs to one thread, the rest to any."""

    def __init__(self, context: BaseContext, assignment: Assignment, key: Secret | None) -> None:
        self._cancelled = False
        self._reports, told = context.Pipe(duplex=False)
        theirs, self._orders = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # BaseContext lacks it
            target=_run,
            args=(assignment, key, told, theirs),
            name=f"paceline-session-{assignment.job.id}",
            daemon=True,
        )
        with _without_main():
            self._process.start()
        theirs.close()
        told.close()  # now the child holds the only writing end: its death reads as end-of-file

    def cancel(self) -> None:
        """Politely the first time, by force the second."""
        if self._cancelled:
            with suppress(ValueError):  # it is over, and closed
                self._process.kill()
        else:
            self._cancelled = True
            with suppress(OSError):  # it is ending just now
                self._orders.send(Order.CANCEL)

    def reports(self) -> Iterator[Report]:
        """What it says, waiting for each, until it has nothing more to say and is dead."""
        yield from received(self._reports)
        self._reports.close()
        self._process.join()
        self._orders.close()

    def unsaid(self) -> Ended:
        """The ending of a process that is dead and has not said how it ended."""
        code = self._process.exitcode
        if self._cancelled:
            return Ended(Outcome.CANCELLED, "stopped by force", "What was heard is kept.")
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        return Ended(
            Outcome.CRASHED,
            f"the session's process ended {how}",
            "What was heard until then is kept; retry. Its log may say more.",
        )


@contextmanager
def _without_main() -> Iterator[None]:
    """Keeps a child from running the program's main script again before anything else.

    multiprocessing does that so that a child finds what is defined there. Nothing of ours is, and
    it would cost each session some milliseconds and a quarter of its memory.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _run(assignment: Assignment, key: Secret | None, reports: Connection, pipe: Connection) -> None:
    """The child. What it needs is loaded in the fork server already, and never in the parent."""
    from workers.session.process import run

    run(assignment, key, reports, pipe)
