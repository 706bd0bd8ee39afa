"""A fleet without processes: nodes with clocks of their own, a network that loses and delays, and a
server that counts. Plays one random history of leases, in the time of a clock that it moves."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from math import inf

from workers.fleet.lease_granter import LeaseGranter
from workers.fleet.lease_holder import LeaseHolder
from workers.fleet.leases import MINUTE_S, LeaseBeat, LeaseGrant, LeaseTerms

SHUTDOWN_S = 3.0
"""`Timeouts.shutdown_s`: how long a session waits for its last words."""
MAX_SESSION_S = 200.0
DAY_S = 86_400.0


@dataclass(slots=True)
class Server:
    """Counts what the limits are about, in true time."""

    max_sessions: int
    starts_per_minute: int
    inactivity_timeout_s: float
    open: dict[str, float] = field(default_factory=dict)
    """When each open session was last fed."""
    starts: deque[float] = field(default_factory=deque)
    most_open: int = 0
    most_starts: int = 0
    total_starts: int = 0

    def accept(self, session: str, now: float) -> None:
        self.expire(now)
        self.open[session] = now
        self.starts.append(now)
        while self.starts[0] <= now - MINUTE_S:
            self.starts.popleft()
        self.total_starts += 1
        self.most_open = max(self.most_open, len(self.open))
        self.most_starts = max(self.most_starts, len(self.starts))
        assert len(self.open) <= self.max_sessions, f"{len(self.open)} sessions at {now}"
        assert len(self.starts) <= self.starts_per_minute, f"{len(self.starts)} starts at {now}"

    def expire(self, now: float) -> None:
        for session in [s for s, at in self.open.items() if at + self.inactivity_timeout_s <= now]:
            del self.open[session]


class Node:
    """A machine with one holder, its sessions, and what goes wrong with it."""

    def __init__(self, world: "LeaseWorld", name: str) -> None:
        self.world, self.name = world, name
        chance = world.chance
        self._offset_s = chance.uniform(0, DAY_S)
        drift = world.terms.max_drift
        self._rate = 1 + chance.choice([-drift, drift, chance.uniform(-drift, drift)])
        self.holder = LeaseHolder(name, world.terms)
        self.is_dead = self.is_cut_off = False
        self.answered_at = 0.0
        """When a driver last answered one of its beats, in true time."""
        self.frozen_until = -inf
        self._sessions = 0
        self._ends_at: dict[str, float] = {}
        """When each live session begins to end by itself, in true time."""
        world.after(chance.uniform(0, 1), self._beat_regularly)

    @property
    def clock(self) -> float:
        return self._offset_s + self.world.now * self._rate

    def when_awake(self, action: Callable[[], None]) -> None:
        """Does something now, or when the node thaws; never if it is dead."""
        if self.is_dead:
            return
        if self.world.now < self.frozen_until:
            later = self.frozen_until - self.world.now + self.world.chance.uniform(0, 0.1)
            self.world.after(later, partial(self.when_awake, action))
        else:
            action()

    def _beat_regularly(self) -> None:
        world = self.world
        interval_s = world.terms.beat_interval_s
        if world.wants_work and len(self.holder.waiting) < 3 and world.chance.random() < 0.5:
            self._sessions += 1
            self.holder.request(f"{self.name}/{self._sessions}")
        self._beat()
        world.after(interval_s, partial(self.when_awake, self._beat_regularly))

    def _beat(self) -> None:
        for session in self.holder.overdue(self.clock):
            self._close(session)
        self._start()
        beat = self.holder.make_beat(self.clock)
        self.world.send(self, partial(self.world.hear_beat, self, beat))

    def hear_grant(self, grant: LeaseGrant) -> None:
        if self.holder.apply(grant, self.clock):
            left_s = self.holder.seconds_to_use(self.clock) / self._rate
            for session in self._ends_at:
                self._ends_at[session] = self.world.now + left_s
        self._start()

    def _start(self) -> None:
        world = self.world
        left_s = self.holder.seconds_to_use(self.clock) / self._rate
        for session in self.holder.take_startable(self.clock):
            self._ends_at[session] = world.now + left_s
            dial_s = world.chance.choice([0.05, world.chance.uniform(0, 5)])
            world.after(dial_s, partial(self.when_awake, partial(self._open, session)))

    def _open(self, session: str) -> None:
        """The upgrade request is sent."""
        world = self.world
        if session not in self._ends_at:
            return
        if world.now >= self._ends_at[session]:  # its timer has rung before
            self._close(session)
            return
        self._check_lease()
        world.server.accept(session, world.now)
        answer = partial(self._answer, session)
        world.after(world.chance.uniform(0, 1), partial(self.when_awake, answer))
        lasts_s = world.chance.choice([0.5, 8, MAX_SESSION_S]) * world.chance.random()
        self._stream(session, world.now + lasts_s)

    def _answer(self, session: str) -> None:
        if self.world.chance.random() < 0.9:  # the server may never answer
            self.holder.note_answer(session, self.clock)
            self._hurry()

    def _stream(self, session: str, until: float) -> None:
        """Feeds a session every second, until it is done or must end."""
        world = self.world
        if session not in self._ends_at:
            return
        if session in world.server.open:
            world.server.open[session] = world.now
        if world.now < self._ends_at[session]:
            self._check_lease()
        if world.now >= min(until, self._ends_at[session]):
            goodbye_s = world.chance.uniform(0, SHUTDOWN_S)
            world.after(goodbye_s, partial(self.when_awake, partial(self._close, session)))
        else:
            next_s = min(1.0, max(0.0, min(until, self._ends_at[session]) - world.now))
            stream = partial(self._stream, session, until)
            world.after(next_s, partial(self.when_awake, stream))

    def _check_lease(self) -> None:
        """A node uses the account for no longer than a lease after it was last answered."""
        terms = self.world.terms
        late_s = self.world.now - self.answered_at - terms.lease_s / (1 - terms.max_drift)
        assert late_s < 0, f"{self.name} goes on {late_s} s after its lease"

    def _close(self, session: str) -> None:
        if self._ends_at.pop(session, None) is not None:
            self.world.server.open.pop(session, None)
            self.holder.note_end(session, self.clock)
            self._hurry()

    def _hurry(self) -> None:
        if self.holder.has_news and self.world.chance.random() < 0.5:
            self._beat()

    def die(self, *, loses_power: bool) -> None:
        """Its processes are killed, which closes their sockets, or everything just stops."""
        self.is_dead = True
        if not loses_power:
            for session in self._ends_at:
                self.world.server.open.pop(session, None)


class LeaseWorld:
    """One history: `run` raises `AssertionError` if a limit is ever exceeded."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.now = 0.0
        self.terms = LeaseTerms()
        if chance.random() < 0.5:
            self.terms = replace(self.terms, max_drift=0.05)
        self.server = Server(
            chance.randint(1, 12), chance.randint(1, 20), self.terms.inactivity_timeout_s
        )
        self.wants_work = True
        self._loss = chance.choice([0.0, 0.02, 0.3])
        self._slow = chance.choice([0.0, 0.02, 0.3])
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0
        self._epoch = 1
        self._names = 0
        self._driver_is_up = True
        drift = self.terms.max_drift
        self._driver_rate = 1 + chance.choice([-drift, drift])
        self.granter = self._new_granter(frozenset())
        self.nodes = [self.add_node() for _ in range(chance.randint(1, 5))]

    @property
    def driver_clock(self) -> float:
        return 5000 + self.now * self._driver_rate

    def _new_granter(self, predecessors: frozenset[str] | None) -> LeaseGranter:
        return LeaseGranter(
            self.terms,
            max_sessions=self.server.max_sessions,
            starts_per_minute=self.server.starts_per_minute,
            epoch=self._epoch,
            now=self.driver_clock,
            predecessors=predecessors,
        )

    def add_node(self) -> Node:
        self._names += 1
        return Node(self, f"node-{self._names}")

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._sequence += 1
        heappush(self._queue, (self.now + seconds, self._sequence, action))

    def send(self, node: Node, deliver: Callable[[], None]) -> None:
        """Carries a message between a node and the driver; perhaps late, twice, or never."""
        for _ in range(2 if self.chance.random() < 0.05 else 1):
            if node.is_cut_off or self.chance.random() < self._loss:
                continue
            is_slow = self.chance.random() < self._slow
            self.after(self.chance.expovariate(1 / (8.0 if is_slow else 0.05)), deliver)

    def hear_beat(self, node: Node, beat: LeaseBeat) -> None:
        if not self._driver_is_up:
            return
        grant = self.granter.apply(beat, self.driver_clock)
        if grant is not None:
            node.answered_at = self.now
            self.send(node, partial(node.when_awake, partial(node.hear_grant, grant)))

    def run(self, seconds: float) -> None:
        """Plays on, with something going wrong every few seconds."""
        end = self.now + seconds
        self.after(self.chance.uniform(0, 20), self._break_something)
        self._play_until(end)

    def heal(self) -> None:
        """Ends all troubles but the death of nodes."""
        self._loss = self._slow = 0.0
        self._restart_driver(self.granter.holders(self.driver_clock))
        for node in self.nodes:
            node.is_cut_off, node.frozen_until = False, -inf

    def stop_work(self) -> None:
        """Lets nodes start nothing more."""
        self.wants_work = False
        for node in self.nodes:
            for session in node.holder.waiting:
                node.holder.withdraw(session)

    def run_calmly(self, seconds: float) -> None:
        """Plays on without faults."""
        self._play_until(self.now + seconds, calm=True)

    def _play_until(self, end: float, *, calm: bool = False) -> None:
        while self._queue and self._queue[0][0] <= end:
            self.now, _, action = heappop(self._queue)
            if not (calm and action == self._break_something):
                action()
        self.now = end
        self.server.expire(end)

    def _break_something(self) -> None:
        chance = self.chance
        self.after(chance.expovariate(1 / 15), self._break_something)
        node = chance.choice(self.nodes)
        match chance.choice(["cut", "cut", "freeze", "kill", "power", "driver", "join"]):
            case "cut":
                node.is_cut_off = True
                self.after(chance.choice([3, 15, 60]), partial(setattr, node, "is_cut_off", False))
            case "freeze":
                node.frozen_until = self.now + chance.choice([2, 18, 30, 90])
            case "kill" | "power" as how:
                node.die(loses_power=how == "power")
                self.nodes = [other for other in self.nodes if other is not node]
                self.nodes.append(self.add_node())
            case "driver" if self._driver_is_up:
                self._driver_is_up = False
                holders = self.granter.holders(self.driver_clock)
                known = holders if chance.random() < 0.5 else None
                wait_s = chance.choice([0.0, 5.0, 40.0])
                self.after(wait_s, partial(self._restart_driver, known))
            case "join" if len(self.nodes) < 8:
                self.nodes.append(self.add_node())

    def _restart_driver(self, predecessors: frozenset[str] | None) -> None:
        self._driver_is_up = True
        self._epoch += 1
        self.granter = self._new_granter(predecessors)


def play_history(seed: int) -> None:
    """Plays five minutes of faults, and then checks that no permit was lost: all nodes can start
    sessions again, and in the end nothing is held. Raises `AssertionError`."""
    world = LeaseWorld(seed)
    world.run(300.0)
    world.heal()
    world.run_calmly(200.0)
    started = world.server.total_starts
    world.run_calmly(MAX_SESSION_S + MINUTE_S)
    assert world.server.total_starts > started
    world.stop_work()
    world.run_calmly(MAX_SESSION_S + MINUTE_S)
    assert not world.server.open
    assert not any(
        status.sessions or status.permits for status in world.granter.statuses(world.driver_clock)
    )
