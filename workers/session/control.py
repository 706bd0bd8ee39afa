"""What comes to a session from outside: orders, a signal, or the supervisor's death."""

import os
import select
import signal
from multiprocessing.connection import Connection as Pipe

from workers.jobs.events import Ended, Outcome
from workers.session.assignment import Order, Request
from workers.session.pipe import Inbox

_RESUME = "What was heard is kept; paceline resume goes on from there."
_STOPS = {
    Order.CANCEL: Ended(
        Outcome.CANCELLED,
        "stopped by the user",
        "What was heard is kept; retry goes on from there.",
    ),
    Order.LEAVE: Ended(Outcome.INTERRUPTED, "the program was left", _RESUME),
}


class Recalled(Exception):
    """The session is to end before it has called anybody; ``ending`` says why."""

    def __init__(self, ending: Ended) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class Orders:
    """The supervisor's pipe and the signal of termination, to be selected on together.

    The supervisor holds the only writing end of the pipe, so its death reads as end-of-file: a
    session that streams on for nobody would be billed for hours.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._inbox: Inbox | None = Inbox(pipe)
        self.watched = [pipe.fileno()]
        """File descriptors that become readable when there may be an order."""
        self._alarm: int | None = None

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

    def heed(self) -> None:
        """Raises `Recalled` when the session is to end; for as long as nobody is called."""
        ready = select.select(self.watched, [], [], 0)[0]
        for order in self.arrived(ready) if ready else ():
            if isinstance(order, Ended):
                raise Recalled(order)

    def arrived(self, ready: list[int]) -> list[Ended | Request]:
        """Reasons to stop, and messages to pass on, if what became readable says so."""
        if self._alarm in ready:
            os.read(self._alarm, 64)
            return [Ended(Outcome.INTERRUPTED, "stopped by a signal", _RESUME)]
        if self._inbox is None or self._inbox.fileno() not in ready:
            return []
        try:
            orders: list[Order | Request] = self._inbox.take()
        except EOFError:
            return [self._orphan()]
        return [_STOPS[order] if isinstance(order, Order) else order for order in orders]

    def _orphan(self) -> Ended:
        assert self._inbox is not None
        self.watched.remove(self._inbox.fileno())
        self._inbox.close()
        self._inbox = None
        return Ended(Outcome.INTERRUPTED, "the program that started it is gone", _RESUME)
