"""The seam between the scheduler and the place where sessions run.

`workers.session.local_launcher` runs them as child processes of this program. A launcher for other
machines needs no more than this.
"""

from collections.abc import Callable
from typing import Protocol

from workers.jobs.events import JobReport
from workers.protocol.endpoint import Secret
from workers.session.assignment import Assignment, ForwardedMessage, StopCommand


class Session(Protocol):
    """One attempt at one job. Except for `start`, every method returns at once."""

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        """Starts the session; may take seconds.

        A thread of the launcher then calls ``on_report`` with each report in order, and at last
        ``on_exit``, once, with words that say how the process ended. Raises `OSError`, `EOFError`
        or `ConnectionError` when there is no session; then it calls neither.
        """

    def send(self, message: StopCommand | ForwardedMessage) -> None:
        """Passes a message on to the session. May be called before `start` has returned."""

    def check_alive(self) -> bool:
        """False while the session is suspended. Called about once a second.

        Also sends again what the session could not take before.
        """

    def kill(self) -> None:
        """Ends the session by force, even while it is being started."""

    def close(self) -> None:
        """Releases what belongs to the session; nothing is sent afterwards."""


class SessionLauncher(Protocol):
    """Makes sessions in one place: on this machine, or on others."""

    def create(self, assignment: Assignment, key: Secret | None) -> Session:
        """A session that has not started yet. Returns at once; raises `OSError` without room."""
