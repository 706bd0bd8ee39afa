"""The interface between the scheduler and the place where sessions run.

`workers.session.local_launcher` runs them as child processes of this program. A launcher for other
machines needs to implement only this.
"""

from collections.abc import Callable
from typing import Protocol

from workers.jobs.events import JobReport
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage


class Session(Protocol):
    """One attempt at one job. All methods except `start` return at once."""

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        """Starts the session; may take seconds.

        A thread of the launcher then calls ``on_report`` with each report in order, and finally
        ``on_exit``, once, with a text that says how the process ended. If the session cannot be
        started, raises `OSError`, `EOFError` or `ConnectionError` and calls neither.
        """

    def send(self, message: ControlMessage) -> None:
        """Forwards a message to the session. May be called before `start` has returned."""

    def check_alive(self) -> bool:
        """Returns False while the session is suspended, and sends messages that it could not accept
        before. Called about once a second."""

    def bytes_read_asleep(self) -> int | None:
        """How many bytes the session has read, if it sleeps now; None if it does not."""

    def kill(self) -> None:
        """Kills the session, even while it is being started."""

    def abandon(self) -> None:
        """Ends the wait for a session that was killed and does not end, because its file system
        does not answer."""

    def close(self) -> None:
        """Releases the session's resources; nothing is sent afterwards."""


class SessionLauncher(Protocol):
    """Creates sessions on this machine or on others."""

    def create(self, assignment: Assignment, key: Secret | None) -> Session:
        """Creates a session without starting it. Returns at once; raises `OSError` on failure."""
