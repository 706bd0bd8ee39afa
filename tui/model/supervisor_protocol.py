"""What the desk needs of the supervisor: a protocol for reading, and one for steering sessions.

`workers.scheduling.supervisor.Supervisor` implements both, `tui.model.replay.Replay` the first.
"""

import queue
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from workers.jobs.events import JobReport
from workers.jobs.job import JobId
from workers.protocol.messages import UpdateConfiguration

SERVER_RESTARTED_MESSAGE = "The embedded engine died and was restarted; broken sessions continue"
"""The notice when `SupervisorStatus.server_restarts` has increased."""


class SupervisorStatus(Protocol):
    """The queue and its limits. Every property returns at once."""

    @property
    def holding(self) -> bool:
        """Whether new starts are held."""

    @property
    def max_sessions(self) -> int:
        """How many sessions may run at once; 0 until that is known."""

    @property
    def next_start_at(self) -> float | None:
        """The earliest start of a queued job, on the monotonic clock; None if none may start."""

    def start_simulator(self) -> Callable[[float], float]:
        """A function that predicts the next starts, provided that the server refuses none.

        Call it for each start in order, with the seconds until a session slot is free; it returns
        the seconds until the start.
        """

    @property
    def is_idle(self) -> bool:
        """Nothing is queued and nothing is live."""

    @property
    def server_restarts(self) -> int:
        """How often the embedded engine died and was restarted."""

    @property
    def queue(self) -> Sequence[JobId]:
        """Jobs that wait for their start, next one first."""


class SupervisorProtocol(SupervisorStatus, Protocol):
    """Every method returns at once; its effect arrives in `reports`."""

    @property
    def reports(self) -> "queue.SimpleQueue[JobReport]": ...

    def add(self, files: Iterable[str]) -> list[JobId]: ...

    def cancel(self, job: JobId) -> None:
        """Ends a session gracefully; a second call forces it."""

    def retry(self, job: JobId) -> bool:
        """Queues an attempt from where the last one stopped; False if the job has not finished."""

    def hold(self, on: bool) -> None: ...

    def reorder(self, order: Sequence[JobId]) -> None:
        """Puts waiting jobs into this order; others follow, but resumed jobs stay in front."""

    def set_max_sessions(self, max_sessions: int) -> None:
        """Sets how many sessions may run at once, at least 1. Live sessions run to their end."""

    def end_turn(self, job: JobId) -> bool:
        """Sends `ForceEndpoint`; False if the job does not stream."""

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        """Sends `UpdateConfiguration`; False if the job does not stream."""

    def stop(self) -> None:
        """Cancels queued jobs and ends live ones gracefully; a second call forces them."""
