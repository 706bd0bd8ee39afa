"""What is known about the machines on which sessions run, for screens and for the run's index."""

from dataclasses import dataclass
from enum import Enum


class NodeState(Enum):
    """Whether a node takes sessions."""

    READY = "ready"
    DRAINING = "draining"  # its sessions continue, but it gets no new ones
    SILENT = "silent"  # it does not answer; its sessions run at most until their lease ends
    REFUSED = "refused"  # it cannot be used, for instance because it has another version
    GONE = "gone"  # it has died or left the fleet


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node of a fleet at this moment. None: not known."""

    name: str
    """Unique in the fleet; `JobState.node` has the same name."""
    host: str
    state: NodeState
    problem: str = ""
    """Why it is not ready, as a sentence; empty if it is."""
    sessions: int = 0
    """Sessions that hold a lease on it, those that are just starting included."""
    capacity: int = 0
    """How many sessions it takes."""
    lag_p99_ms: float | None = None
    """Of the chunks that its sessions sent in the last ten seconds, as they reported."""
    cpu_percent: float | None = None
    """How busy all cores of the machine are."""
    clock_offset_ms: float | None = None
    """How far its wall clock is ahead of this machine's."""
    clock_error_ms: float | None = None
    """The largest possible error of the offset."""
    lease_left_s: float | None = None
    """How long its sessions may go on if it never hears from this program again."""
    uncollected_traces: int = 0
    """Traces of ended sessions that are still on it alone."""
