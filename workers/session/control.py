"""What comes to a session from outside: orders, a signal, or the supervisor's death."""

import os
import select
import signal
from multiprocessing.connection import Connection as Pipe

from workers.jobs.events import Ended, Outcome
from workers.session.assignment import ForwardedMessage, StopCommand
from workers.session.pipe import Inbox

_RESUME_HINT = "What was heard is kept; paceline resume goes on from there."
_STOP_ENDINGS = {
    StopCommand.CANCEL: Ended(
        Outcome.CANCELLED,
        "stopped by the user",
        "What was heard is kept; retry goes on from there.",
    ),
    StopCommand.SHUT_DOWN: Ended(Outcome.INTERRUPTED, "the program was left", _RESUME_HINT),
}


class Cancelled(Exception):
    """The session is to end before it has called anybody; ``ending`` says why."""

    def __init__(self, ending: Ended) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class ControlChannel:
    """The supervisor's pipe and the signal of termination, to be selected on together.

    The supervisor holds the only writing end of the pipe, so its death reads as end-of-file: a
    session that streams on for nobody would be billed for hours.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._inbox: Inbox | None = Inbox(pipe)
        self.read_fds = [pipe.fileno()]
        """File descriptors that become readable when there may be an order."""
        self._signal_fd: int | None = None

    def install_signal_handlers(self) -> None:
        """Makes SIGTERM an order to stop, SIGINT and SIGHUP nothing. For a process's main thread.

        A terminal sends Ctrl-C, and its own end, to every process of the program; what it means is
        the supervisor's decision, and when that one dies of it, the pipe says so.
        """
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        self._signal_fd, writer = os.pipe()
        self.read_fds.append(self._signal_fd)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)

    def check(self) -> None:
        """Raises `Cancelled` when the session is to end; for as long as nobody is called."""
        ready = select.select(self.read_fds, [], [], 0)[0]
        for order in self.receive(ready) if ready else ():
            if isinstance(order, Ended):
                raise Cancelled(order)

    def receive(self, ready_fds: list[int]) -> list[Ended | ForwardedMessage]:
        """Reasons to stop, and messages to pass on, if what became readable says so."""
        if self._signal_fd in ready_fds:
            os.read(self._signal_fd, 64)
            return [Ended(Outcome.INTERRUPTED, "stopped by a signal", _RESUME_HINT)]
        if self._inbox is None or self._inbox.fileno() not in ready_fds:
            return []
        try:
            control: list[StopCommand | ForwardedMessage] = self._inbox.read_available()
        except EOFError:
            return [self._handle_supervisor_exit()]
        return [
            _STOP_ENDINGS[order] if isinstance(order, StopCommand) else order for order in control
        ]

    def _handle_supervisor_exit(self) -> Ended:
        assert self._inbox is not None
        self.read_fds.remove(self._inbox.fileno())
        self._inbox.close()
        self._inbox = None
        return Ended(Outcome.INTERRUPTED, "the program that started it is gone", _RESUME_HINT)
