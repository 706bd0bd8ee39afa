"""Chooses the node for a session from what is known about the nodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from workers.fleet.node_messages import NodeId
from workers.pacing.certificate import LAG_TOLERANCE_MS

SLOW_RATIO = 3.0
"""A node is slow if its lags are so many times those of the best one."""
MIN_FREE_DISK_BYTES = 16 << 20
"""A node with less gets no sessions: it could not write their traces."""
MAX_COMPARED_NODES = 8
"""So many nodes are compared for a session. The best of eight is nearly as good as the best of all,
and costs the same however many there are."""

Node = TypeVar("Node")


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
    """The node for a session; None if no node has room for it, or all are without the recording.

    First those that pace well, then the one that is least loaded, then those that are known to have
    the recording. A node paces badly if its chunks leave too late, and later than elsewhere.
    """
    least_ms = min((node.lag_p99_ms or 0.0 for node in candidates), default=0.0)
    tolerance_ms = max(LAG_TOLERANCE_MS, SLOW_RATIO * least_ms)

    def cost(node: Candidate) -> tuple[bool, float, bool, NodeId]:
        is_late = node.lag_p99_ms is not None and node.lag_p99_ms > tolerance_ms
        return is_late, node.sessions / node.capacity, node.has_file is None, node.id

    usable = [node for node in candidates if node.has_room and node.has_file is not False]
    return min(usable, key=cost, default=None)


def choose_node(
    nodes: Sequence[Node], candidate_of: Callable[[Node], Candidate | None], chance: Random
) -> Candidate | None:
    """The `best_node` of some nodes that are drawn by chance; of all if none of these has room.

    ``candidate_of``: a node as a place for the session; None if it takes none.
    """
    if len(nodes) > MAX_COMPARED_NODES:
        some = map(candidate_of, chance.choices(nodes, k=MAX_COMPARED_NODES))  # `sample` is slow
        if (best := best_node([one for one in some if one is not None])) is not None:
            return best
    return best_node([one for one in map(candidate_of, nodes) if one is not None])
