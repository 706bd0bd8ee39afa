"""Reasons from outside to stop: an order, a signal, or the supervisor's death."""

import os
import signal
from multiprocessing.connection import Connection as Pipe

from workers.events import Ended, Outcome
from workers.session.assignment import Order

_RESUME = "What was heard is kept; paceline resume goes on from there."
_STOPS = {
    Order.CANCEL: Ended(
        Outcome.CANCELLED,
        "stopped by the user",
        "What was heard is kept; retry goes on from there.",
    ),
    Order.LEAVE: Ended(Outcome.INTERRUPTED, "the program was left", _RESUME),
}


class Orders:
    """The supervisor's pipe and the signal of termination, to be selected on together.

    The supervisor holds the only writing end of the pipe, so its death reads as end-of-file: a
    session that streams on for nobody would be billed for hours.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe: Pipe | None = pipe
        self.watched = [pipe.fileno()]
        """File descriptors that become readable when there may be an order."""
        self._alarm: int | None = None
        self.orphaned = False
        """Whether the supervisor's process is gone."""

    def heed_signals(self) -> None:
        """Makes SIGTERM an order to stop, SIGINT and SIGHUP nothing. For a process's main thread.

        A terminal sends Ctrl-C, and its own end, to every process of the program; what it means is
        the supervisor's decision, and when that one dies of it, the pipe says so.
        """
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        self._alarm, writer = os.pipe()
        self.watched.append(self._alarm)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)

    def stop(self, ready: list[int]) -> Ended | None:
        """Why to stop, if what became readable says so."""
        if self._alarm in ready:
            os.read(self._alarm, 64)
            return Ended(Outcome.INTERRUPTED, "stopped by a signal", _RESUME)
        if self._pipe is not None and self._pipe.fileno() in ready:
            try:
                order: Order = self._pipe.recv()
            except (EOFError, OSError):
                self.watched.remove(self._pipe.fileno())
                self._pipe.close()
                self._pipe = None
                self.orphaned = True
                return Ended(Outcome.INTERRUPTED, "the program that started it is gone", _RESUME)
            return _STOPS[order]
        return None
