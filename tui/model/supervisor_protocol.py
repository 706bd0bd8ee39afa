"""What the desk needs from the supervisor: one protocol to read status, one to control sessions.

`workers.scheduling.supervisor.Supervisor` implements both, `tui.model.replay.Replay` the first.
"""

import queue
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from workers.audio.source import Source
from workers.jobs.events import JobReport
from workers.jobs.job import JobId
from workers.jobs.node_status import NodeStatus
from workers.jobs.sent_position import SentPosition
from workers.protocol.messages import UpdateConfiguration
from workers.scheduling.spending import SpendingStatus

SERVER_RESTARTED_MESSAGE = "The embedded engine died and was restarted; broken sessions continue"
"""The notice when `SupervisorStatus.server_restarts` has increased."""


HELD_BY_REFUSAL_MESSAGE = "The server refused the first session, so new starts are held"
"""The notice when `SupervisorStatus.held_by_refusal` has become true."""


class SupervisorStatus(Protocol):
    """The status of the queue and its limits. No property blocks."""

    @property
    def holding(self) -> bool:
        """Whether new starts are held."""

    @property
    def held_by_refusal(self) -> bool:
        """Whether they are held because the server refused a session and has accepted none."""

    @property
    def spending(self) -> SpendingStatus:
        """What the run has spent, and whether its budget holds the next start."""

    @property
    def max_sessions(self) -> int:
        """The limit on concurrent sessions; 0 until it is known."""

    @property
    def next_start_at(self) -> float | None:
        """When a queued job may start, on the monotonic clock; None if no job may start."""

    def start_simulator(self) -> Callable[[float], float]:
        """Returns a function that predicts starts; it assumes that the server refuses none.

        Call it for each start in order, with the seconds until a session slot is free; it returns
        the seconds until the start.
        """

    @property
    def is_idle(self) -> bool:
        """Whether no job is queued or live."""

    @property
    def server_restarts(self) -> int:
        """How often the embedded engine died and was restarted."""

    @property
    def queue(self) -> Sequence[JobId]:
        """Jobs that wait to start, the next one first."""

    def nodes(self) -> Sequence[NodeStatus]:
        """The machines of a fleet as they are now; empty if all sessions run on this machine.
        `JobState.node` is the name of the one on which a job's session runs."""


class SupervisorProtocol(SupervisorStatus, Protocol):
    """Controls sessions. No method blocks; its effect arrives in `reports`."""

    @property
    def reports(self) -> "queue.SimpleQueue[JobReport]": ...

    def add(self, recordings: Iterable[Source | str]) -> list[JobId]: ...

    def cancel(self, job: JobId) -> None:
        """Ends a session gracefully; a second call kills it."""

    def retry(self, job: JobId) -> bool:
        """Queues an attempt from where the last one stopped; False if the job has not finished."""

    def hold(self, on: bool) -> None: ...

    def drain(self, node: str, on: bool) -> None:
        """Gives a node of a fleet no new sessions, or some again. Live sessions are not ended."""

    def reorder(self, order: Sequence[JobId]) -> None:
        """Reorders waiting jobs; missing ones come last, and resumed jobs stay first."""

    def set_max_sessions(self, max_sessions: int) -> None:
        """Sets the limit on concurrent sessions, at least 1. Live sessions are not ended."""

    def end_turn(self, job: JobId) -> bool:
        """Sends `ForceEndpoint`; False if the job is not streaming."""

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        """Sends `UpdateConfiguration`; False if the job is not streaming."""

    def sent_position(self, job: JobId) -> SentPosition | None:
        """What a job's session has sent; None if it is not streaming, or has not reported yet."""

    def stop(self) -> None:
        """Cancels queued jobs and ends live ones gracefully; a second call kills them."""
