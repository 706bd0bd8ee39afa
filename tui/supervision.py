"""What the desk asks of whoever runs the sessions.

The engine's supervisor is one such; a test's is another.
"""

import queue
from collections.abc import Iterable
from typing import Protocol

from workers.events import Report
from workers.jobs import JobId


class Supervision(Protocol):
    """Every verb returns at once; what became of it arrives in `reports`."""

    @property
    def reports(self) -> "queue.SimpleQueue[Report]": ...

    @property
    def holding(self) -> bool:
        """No new starts while true."""

    @property
    def sessions(self) -> int:
        """How many at once; 0 while that is not known."""

    @property
    def next_start(self) -> float | None:
        """When a queued job may start at the earliest, on the monotonic clock; None: none may."""

    @property
    def idle(self) -> bool:
        """Nothing queued and nothing live."""

    def add(self, files: Iterable[str]) -> list[JobId]: ...

    def cancel(self, job: JobId) -> None:
        """Politely; a second call forces."""

    def retry(self, job: JobId) -> bool:
        """A further attempt, from where the last one broke or anew; False if it is not over."""

    def hold(self, on: bool) -> None: ...

    def stop(self) -> None:
        """No new starts, queued jobs cancelled, live ones end politely; a second call forces."""
