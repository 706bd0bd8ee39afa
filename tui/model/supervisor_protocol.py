"""What the desk asks of whoever runs the sessions.

The engine's supervisor is one such; a test's is another.
"""

import queue
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from workers.jobs.events import JobReport
from workers.jobs.job import JobId
from workers.protocol.messages import UpdateConfiguration

SERVER_RESTARTED_MESSAGE = (
    "The embedded engine died and is up again; sessions go on where they broke"
)
"""To be said when `SupervisorProtocol.revivals` has risen."""


class SupervisorProtocol(Protocol):
    """Every verb returns at once; what became of it arrives in `reports`."""

    @property
    def reports(self) -> "queue.SimpleQueue[JobReport]": ...

    @property
    def holding(self) -> bool:
        """No new starts while true."""

    @property
    def max_sessions(self) -> int:
        """How many at once; 0 while that is not known."""

    @property
    def next_start_at(self) -> float | None:
        """When a queued job may start at the earliest, on the monotonic clock; None: none may."""

    def start_simulator(self) -> Callable[[float], float]:
        """Tries out the starts to come, if none of them is refused.

        To be asked for one after another: takes in how many seconds there is a place for it, gives
        in how many it starts.
        """

    @property
    def is_idle(self) -> bool:
        """Nothing queued and nothing live."""

    @property
    def server_restarts(self) -> int:
        """How often an embedded engine that had died was started again."""

    @property
    def queue(self) -> Sequence[JobId]:
        """Jobs that wait for their start, in the order in which they will get it."""

    def add(self, files: Iterable[str]) -> list[JobId]: ...

    def cancel(self, job: JobId) -> None:
        """Politely; a second call forces."""

    def retry(self, job: JobId) -> bool:
        """A further attempt, from where the last one broke or anew; False if it is not over."""

    def hold(self, on: bool) -> None: ...

    def reorder(self, order: Sequence[JobId]) -> None:
        """Puts jobs that wait into this order. Those that are not named come behind them, but for
        those that go on: they stay ahead."""

    def set_max_sessions(self, max_sessions: int) -> None:
        """So many at once from now on, at least 1; what is live goes on to its end."""

    def end_turn(self, job: JobId) -> bool:
        """Has the server end the open turn now (`ForceEndpoint`); False if it does not stream."""

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        """Changes a session while it streams (`UpdateConfiguration`); False if it does not."""

    def stop(self) -> None:
        """No new starts, queued jobs cancelled, live ones end politely; a second call forces."""
