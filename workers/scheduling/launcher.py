"""The interface between the scheduler and the place where sessions run.

`workers.session.local_launcher` runs them as child processes of this program, `workers.fleet` on
other machines. A launcher needs to implement only this.
"""

from collections.abc import Callable
from typing import Protocol

from workers.jobs.events import JobReport
from workers.jobs.job import JobId
from workers.jobs.node_status import NodeStatus
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage


class NoRoom(OSError):
    """No machine can take the session now. The text says why, as a part of a sentence."""


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

    @property
    def is_reachable(self) -> bool:
        """False while nobody can tell whether the session runs, because its machine does not
        answer. The launcher then ends it when its lease is over."""

    def check_alive(self) -> bool:
        """Returns False while the session is suspended, and sends messages that it could not accept
        before. Called about once a second."""

    def bytes_read_asleep(self) -> int | None:
        """How many bytes the session has read, if it sleeps now; None if it does not."""

    def kill(self) -> None:
        """Kills the session, even while it is being started."""

    def close(self) -> None:
        """Releases the session's resources; nothing is sent afterwards."""


class SessionLauncher(Protocol):
    """Creates sessions on this machine or on others. No method blocks."""

    def create(self, assignment: Assignment, key: Secret | None) -> Session:
        """Creates a session without starting it. Raises `OSError` on failure, and `NoRoom` if it
        may succeed later."""

    def limit_sessions(self, max_sessions: int) -> None:
        """Says how many sessions may run at once, on all machines together."""

    def adopt(self, job: JobId, attempt: int) -> Session | None:
        """The session of an attempt that an earlier program has started and that still runs, or
        has ended without being noticed. `Session.start` first repeats what it had reported. None if
        there is none."""

    @property
    def capacity(self) -> int | None:
        """How many sessions may run at once on all machines; None: no limit of its own."""

    @property
    def machines(self) -> int:
        """On how many machines sessions may start now; at least 1."""

    def nodes(self) -> list[NodeStatus]:
        """The machines other than this one on which sessions run."""

    def drain(self, node: str, on: bool) -> None:
        """Gives a node no new sessions, or gives it some again. Its sessions continue."""
