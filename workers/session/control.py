"""Receives control messages and SIGTERM, and notices when the supervisor dies."""

import os
import select
import signal
import time
from contextlib import suppress
from math import inf

from workers.jobs.events import Ended, Outcome
from workers.jobs.outcomes import RESUME_HINT, RETRY_HINT
from workers.session.assignment import (
    ControlMessage,
    ExtendLease,
    ForwardedMessage,
    StartClock,
    StopCommand,
)
from workers.session.session_queue import Closed, Empty, SessionQueue

MIN_TIMER_S = 0.001
"""The shortest time that a timer is set to."""

_STOP_ENDINGS = {
    StopCommand.CANCEL: Ended(Outcome.CANCELLED, "stopped by the user", RETRY_HINT),
    StopCommand.SHUT_DOWN: Ended(Outcome.INTERRUPTED, "the program was left", RESUME_HINT),
}

_SIGNALLED = Ended(Outcome.INTERRUPTED, "stopped by a signal", RESUME_HINT)
_LEASE_ENDED = Ended(
    Outcome.INTERRUPTED, "its node has lost touch with the run", "Another session continues."
)


class Cancelled(Exception):
    """A stop command or signal arrived before the session dialed."""

    def __init__(self, ending: Ended) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class ControlChannel:
    """Input from the supervisor's queue and from SIGTERM, as file descriptors for select.

    The queue closes when the supervisor dies. The session then ends; otherwise it could
    stream for hours, at the user's expense.
    """

    def __init__(self, queue: SessionQueue[ControlMessage]) -> None:
        self._queue = queue
        self._queue_fd = queue.fileno()
        self.read_fds = [self._queue_fd]
        """File descriptors that become readable when `receive` has something to do."""
        self._signal_fd: int | None = None
        self._lease_until_s = inf

    def install_signal_handlers(self) -> None:
        """Makes SIGTERM end the session, and ignores SIGINT and SIGHUP. Main thread only.

        A terminal sends Ctrl-C and hang-ups to every process of the program. The supervisor handles
        them; if it dies of one, the queue closes and the session ends.
        """
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        signal.signal(signal.SIGALRM, lambda number, frame: None)  # see `limit_lease`
        signal.siginterrupt(signal.SIGALRM, False)  # libraries that read files need not expect it
        self._signal_fd, writer = os.pipe()
        self.read_fds.append(self._signal_fd)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)

    def limit_lease(self, until_s: float) -> None:
        """Makes the session end at ``until_s`` (monotonic), whatever it does. Main thread only.

        A signal is the timer, so that neither chunks nor the wait for a host have to look at it.
        """
        self._lease_until_s = until_s
        left_s = until_s - time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, max(left_s, MIN_TIMER_S))  # 0 would stop the timer

    def check(self) -> None:
        """Raises `Cancelled` if the session must end; call it only before dialing."""
        ready = select.select(self.read_fds, [], [], 0)[0]
        for command in self.receive(ready) if ready else ():
            if isinstance(command, Ended):
                raise Cancelled(command)

    def receive(self, ready_fds: list[int]) -> list[Ended | ForwardedMessage | StartClock]:
        """Reads ``ready_fds``; returns endings, messages to forward to the server, and the start of
        the pair's clock."""
        received: list[Ended | ForwardedMessage | StartClock] = []
        signals = os.read(self._signal_fd, 64) if self._signal_fd in ready_fds else b""
        if signal.SIGTERM in signals:
            received.append(_SIGNALLED)
        if self._queue_fd in ready_fds:
            received += self._read_queue()
        if signal.SIGALRM in signals:
            if time.monotonic() >= self._lease_until_s:
                received.append(_LEASE_ENDED)
            else:  # it was extended meanwhile
                self.limit_lease(self._lease_until_s)
        return received

    def _read_queue(self) -> list[Ended | ForwardedMessage | StartClock]:
        received: list[Ended | ForwardedMessage | StartClock] = []
        try:
            with suppress(Empty):
                while True:
                    item = self._queue.get(block=False)
                    if isinstance(item, ExtendLease):
                        self.limit_lease(item.until_s)
                    elif isinstance(item, StopCommand):
                        received.append(_STOP_ENDINGS[item])
                    else:
                        received.append(item)
        except Closed:
            self.read_fds.remove(self._queue_fd)
            received.append(Ended(Outcome.INTERRUPTED, "the program has died", RESUME_HINT))
        return received
