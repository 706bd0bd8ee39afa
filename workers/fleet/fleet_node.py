"""What the program knows about one node of its fleet."""

import os
import time
from collections.abc import Mapping
from typing import Any

from workers.fleet.clock_offset import ClockOffset, ClockSample
from workers.fleet.fleet_record import NodeRecord
from workers.fleet.fleet_session import FleetSession
from workers.fleet.leases import LeaseGrant
from workers.fleet.node_messages import NodeBatch, NodeFact, NodeFigures, NodeId, SessionKey
from workers.fleet.placement import MIN_FREE_DISK_BYTES, Candidate
from workers.fleet.transport import Reply
from workers.jobs.node_status import NodeState, NodeStatus
from workers.pacing.certificate import SESSIONS_PER_CORE

MAX_SILENT_S = 3.0
"""A node that has not answered for so long gets no sessions. It answers twice a second."""
PAUSE_AFTER_FAILURE_S = 10.0
"""How long a node that failed to start a session gets no others."""


class FleetNode:
    """A node. Not thread-safe: callers must hold the fleet's lock. Times are monotonic."""

    def __init__(self, id: NodeId, name: str) -> None:
        self.id, self.name = id, name
        self.host = ""
        self.holder = ""
        """Who holds the leases of its agent; empty without an agent."""
        self.capacity = 0
        self.problem = ""
        self.is_refused = False
        self.is_draining = False
        self.sessions: dict[SessionKey, FleetSession] = {}
        self.figures: NodeFigures | None = None
        self.known = 0
        """The number of the latest fact of its agent that was applied."""
        self.seen = 0
        """The number of the latest one that has arrived."""
        self.question = 0
        """The number of the latest question. Only the answer to it leads to the next one: after a
        silence there may be several, and if each led to another, each would end the wait of the
        one before, and none would bring facts."""
        self.held_facts: list[tuple[int, NodeFact]] = []
        """Facts of sessions that are to be adopted, in order, and their numbers."""
        self.grants: list[LeaseGrant] = []
        """Those that the next question brings."""
        self.heard_at = self.asked_at = 0.0
        self.missing_folders: set[str] = set()
        """Folders of recordings that it does not have."""
        self.known_folders: set[str] = set()
        self.paused_until = 0.0
        self.record: NodeRecord | None = None
        self._offset = ClockOffset()
        self._monotonic_offset_s = 0.0

    def connect(self, description: Mapping[str, Any], now: float) -> None:
        """Begins with an agent, perhaps another one than before."""
        self.host, self.holder = str(description["host"]), str(description["holder"])
        cores = int(description["cores"])
        self.capacity = cores * SESSIONS_PER_CORE
        self.known, self.seen = 0, 0
        self.grants, self.held_facts, self.problem = [], [], ""
        self.heard_at = self.asked_at = now
        self.record = NodeRecord(
            self.name,
            self.host,
            str(description["system"]),
            str(description["python"]),
            cores,
            int(description["nice"]),
        )

    @property
    def kept(self) -> int:
        """The number of the latest fact that its agent may forget. What is held is not on our disk
        yet: if this program is killed, the next one needs it."""
        return self.held_facts[0][0] - 1 if self.held_facts else self.known

    def disconnect(self, problem: str) -> None:
        """Records that it has no agent."""
        self.holder, self.problem, self.figures = "", problem, None

    def apply_batch(self, batch: NodeBatch, reply: Reply, now: float) -> None:
        """Takes over what an answer says of the node itself."""
        self.heard_at, self.figures, self.problem = now, batch.figures, ""
        sample = ClockSample.of(reply.asked_at, batch.received_at, batch.sent_at, reply.returned_at)
        self._offset.add(sample)
        if sample is self._offset.best:
            theirs, ours = batch.monotonic_s - batch.sent_at, time.monotonic() - time.time()
            self._monotonic_offset_s = theirs - ours + sample.offset_s

    def to_node_clock(self, at_s: float) -> float:
        """A time of our monotonic clock on that of the node."""
        return at_s + self._monotonic_offset_s

    @property
    def is_gone(self) -> bool:
        """Whether it has no agent, and nothing is left of it."""
        return not self.holder and not self.is_refused and not self.sessions

    def is_silent(self, now: float) -> bool:
        """Whether it should have answered by now."""
        return bool(self.holder) and now - self.heard_at > MAX_SILENT_S

    def state(self, now: float) -> NodeState:
        if self.is_refused:
            return NodeState.REFUSED
        if not self.holder:
            return NodeState.GONE
        if self.figures is None or self.is_silent(now):
            return NodeState.SILENT
        return NodeState.DRAINING if self.is_draining else NodeState.READY

    def candidate(self, path: str, now: float) -> Candidate | None:
        """The node as a place for a session with a recording at ``path``; None if it takes none."""
        if self.state(now) is not NodeState.READY or now < self.paused_until:
            return None
        assert self.figures is not None
        if self.figures.free_disk_bytes < MIN_FREE_DISK_BYTES:
            return None
        folder, lag_ms = os.path.dirname(path), self.figures.lag_p99_ms
        has_file = False if folder in self.missing_folders else None
        has_file = True if folder in self.known_folders else has_file
        return Candidate(self.id, len(self.sessions), self.capacity, lag_ms, has_file)

    def status(self, now: float, lease_left_s: float | None) -> NodeStatus:
        """What people see of it."""
        figures, best, state = self.figures, self._offset.best, self.state(now)
        problem = self.problem
        if state is NodeState.SILENT and not problem:
            problem = f"it has not answered for {now - self.heard_at:.0f} s"
        if figures is not None and figures.free_disk_bytes < MIN_FREE_DISK_BYTES:
            problem = "its disk is full"
        return NodeStatus(
            self.name,
            self.host,
            state,
            problem,
            sessions=len(self.sessions),
            capacity=self.capacity,
            lag_p99_ms=None if figures is None else figures.lag_p99_ms,
            cpu_percent=None if figures is None else figures.cpu_percent,
            clock_offset_ms=None if best is None else round(best.offset_s * 1000, 3),
            clock_error_ms=None if best is None else round(best.round_trip_s * 500, 3),
            lease_left_s=lease_left_s,
        )
