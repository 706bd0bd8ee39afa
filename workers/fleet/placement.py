"""Chooses the node for a session: pure functions of what is known about the nodes."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.fleet.node_messages import NodeId
from workers.pacing.certificate import LAG_TOLERANCE_MS

SESSIONS_PER_CORE = 150
"""How many sessions a core paces within the tolerance, as `tests.benchmarks.pacing` measures."""
MIN_FREE_DISK_BYTES = 64 << 20
"""A node with less gets no sessions: it could not write their traces."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that takes sessions."""

    id: NodeId
    sessions: int
    capacity: int
    lag_p99_ms: float | None = None
    has_file: bool | None = None
    """Whether it has the folder of the recording; None: nobody has asked yet."""

    @property
    def has_room(self) -> bool:
        return self.sessions < self.capacity


def best_node(candidates: Sequence[Candidate]) -> Candidate | None:
    """The node for a session; None if no node has room for it.

    First those whose chunks leave in time, then those that are known to have the recording, then
    the one that is least loaded.
    """

    def cost(node: Candidate) -> tuple[bool, bool, float, NodeId]:
        is_late = node.lag_p99_ms is not None and node.lag_p99_ms > LAG_TOLERANCE_MS
        return is_late, node.has_file is None, node.sessions / node.capacity, node.id

    usable = [node for node in candidates if node.has_room and node.has_file is not False]
    return min(usable, key=cost, default=None)
