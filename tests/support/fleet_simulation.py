"""A fleet in simulated time: the real scheduler, start limiter, run folder and leases, with nodes
that die, freeze and are cut off, and a server that counts.

Only the network, the nodes' processes and the server are simulated. Times are true seconds since
the beginning; each node has a clock of its own.
"""

import os
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import cycle, islice
from math import inf
from pathlib import Path

from tests.support.event_calendar import EventCalendar
from tests.support.report_builders import progressed
from tests.support.run_builders import save
from workers.audio.recording import Recording
from workers.audio.source import Source
from workers.fleet.lease_granter import LeaseGranter
from workers.fleet.lease_holder import LeaseHolder
from workers.fleet.leases import MINUTE_S, LeaseBeat, LeaseGrant, LeaseTerms
from workers.fleet.node_messages import NodeId
from workers.fleet.placement import Candidate, choose_node
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    JobReport,
    Outcome,
    Retrying,
    TurnReceived,
)
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.node_status import NodeStatus
from workers.protocol.endpoint import custom_endpoint
from workers.protocol.messages import Turn, Word
from workers.runs import run_folder
from workers.scheduling.job_slot import JobSlot
from workers.scheduling.launcher import NoRoom
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Claim, Scheduler, SessionTarget
from workers.scheduling.start_rate import StartRateLimiter
from workers.scheduling.supervisor import ENDED_BETWEEN_FREEZES, leave_out_of_collections
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage, Timeouts

DRIVER_INTERVAL_S = 0.1
"""How often the driver starts what may start, and nodes send what has happened."""
MIN_WAIT_S = 1e-5
CHECK_INTERVAL_S = 5.0
"""Real sessions report every second, so the driver looks every second for silent ones. These only
report turns, so that a simulation of many hours of audio is quick."""
GOODBYE_S = 1.0
"""From Terminate to the end of a session."""
TURNS = 2
"""Final turns in each recording."""
NODE_FAULTS = ("killed", "lost power", "frozen", "cut off")
RECORDING_LENGTHS = 40
"""So many different recordings there are; each job has one of them."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What is simulated."""

    jobs: int
    nodes: int
    sessions_per_node: int
    max_sessions: int
    starts_per_minute: int
    faults: int  # of nodes, spread over the first ``fault_s`` seconds
    driver_restarts: int = 1
    fault_s: float = 200.0
    audio_s: tuple[float, float] = (20.0, 100.0)
    seed: int = 1
    recordings: str = "calls"
    """The folder of the recordings; runs that are merged later have different ones."""


@dataclass(slots=True)
class Findings:
    """What was seen; `FleetSimulation.run` raises `AssertionError` if it is not as it must be."""

    simulated_s: float = 0.0
    sessions: int = 0
    interrupted: int = 0
    most_open: int = 0
    most_starts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    events: int = 0
    beats: int = 0


class CountingServer:
    """Counts open sessions, and starts within any minute, in true time."""

    def __init__(self, plan: FleetPlan, findings: Findings) -> None:
        self._plan, self._findings = plan, findings
        self.open: set[SimulatedSession] = set()
        self._starts: deque[float] = deque()

    def accept(self, session: "SimulatedSession", now: float) -> None:
        findings = self._findings
        self.open.add(session)
        self._starts.append(now)
        while self._starts[0] <= now - MINUTE_S:
            self._starts.popleft()
        findings.most_open = max(findings.most_open, len(self.open))
        findings.most_starts = max(findings.most_starts, len(self._starts))
        assert len(self.open) <= self._plan.max_sessions
        assert len(self._starts) <= self._plan.starts_per_minute


@dataclass(slots=True, eq=False)
class SimulatedSession:
    """One attempt on one node, as the scheduler sees it; the node keeps all of its reports, so that
    a later driver can be told again."""

    key: str
    node: "SimulatedNode"
    assignment: Assignment
    reports: list[JobReport] = field(default_factory=list)
    began_at: float = 0.0
    is_over: bool = False
    delivered: int = 0
    on_report: Callable[[JobReport], None] | None = None
    on_exit: Callable[[str], None] | None = None

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        self.on_report, self.on_exit, self.delivered = on_report, on_exit, 0
        self.node.take(self)

    def send(self, message: ControlMessage) -> None:
        """Nobody sends anything here."""

    @property
    def is_reachable(self) -> bool:
        return self.node.is_reachable

    def check_alive(self) -> bool:
        return True

    def bytes_read_asleep(self) -> int | None:
        return None

    def kill(self) -> None:
        """Sessions here always end by themselves."""

    def close(self) -> None:
        """Has nothing to release."""


class SimulatedNode:
    """A machine: a lease holder, sessions, and a connection to the driver that may break."""

    def __init__(self, world: "FleetSimulation", name: str) -> None:
        self.world, self.id = world, NodeId(name)
        chance, drift = world.chance, world.terms.max_drift
        self._offset_s = chance.uniform(0.0, 1e6)
        self._rate = 1.0 + chance.uniform(-drift, drift)
        self.holder = LeaseHolder(name, world.terms)
        self.sessions: dict[str, SimulatedSession] = {}
        self.is_dead = False
        self.is_reachable = True  # as far as the driver can tell
        self.cut_until = self.frozen_until = -inf
        self.assigned = 0
        """Sessions that the driver has placed here and that are not over."""
        self._outbox: dict[str, SimulatedSession] = {}
        self._beat_at = -inf
        world.after(chance.uniform(0.0, world.terms.beat_interval_s), self._beat_regularly)

    @property
    def clock(self) -> float:
        return self._offset_s + self.world.now * self._rate

    @property
    def _until_true(self) -> float:
        """When sessions must begin to end, in true time."""
        return self.world.now + self.holder.seconds_to_use(self.clock) / self._rate

    def _is_blocked(self, action: Callable[[], None]) -> bool:
        """Whether the node is dead or frozen; then it does something when it thaws, if ever."""
        if self.world.now < self.frozen_until and not self.is_dead:
            self.world.at(self.frozen_until, action)
            return True
        return self.is_dead

    def _beat_regularly(self) -> None:
        if self._is_blocked(self._beat_regularly):
            return
        due_at = self._beat_at + self.world.terms.beat_interval_s
        if self.world.now >= due_at:
            self._beat()
            due_at = self.world.now + self.world.terms.beat_interval_s
        self.world.at(due_at, self._beat_regularly)

    def _beat(self) -> None:
        world = self.world
        for key in self.holder.overdue(self.clock):
            self._end(self.sessions[key], Outcome.INTERRUPTED)
        beat = self.holder.make_beat(self.clock)
        self._beat_at = world.now
        if world.now >= self.cut_until:
            world.after(world.latency_s, partial(world.driver.hear_beat, self, beat))
        if self._outbox:
            world.after(world.latency_s, self._flush)

    def candidate(self) -> Candidate | None:
        """The node as a place for a session."""
        if not self.is_reachable:
            return None
        capacity = self.world.plan.sessions_per_node
        return Candidate(self.id, self.assigned, capacity, has_file=True)

    def take(self, session: SimulatedSession) -> None:
        """The driver's message that a session is to start, or is adopted, is on its way."""
        self.world.after(self.world.latency_s, partial(self._accept, session))

    def _accept(self, session: SimulatedSession) -> None:
        if self.world.now < self.cut_until:  # it is sent again until it arrives
            self.world.at(self.cut_until, partial(self._accept, session))
        elif not self._is_blocked(partial(self._accept, session)):
            if session.key in self.sessions:
                self._outbox[session.key] = session  # adopted: tell all of it again
                self._deliver(session)
            elif not session.is_over:
                self.sessions[session.key] = session
                self.holder.request(session.key)
                self._start_permitted()
                self._beat()

    def hear_grant(self, grant: LeaseGrant) -> None:
        if self.world.now < self.cut_until or self._is_blocked(partial(self.hear_grant, grant)):
            return
        self.holder.apply(grant, self.clock)
        self._start_permitted()

    def _start_permitted(self) -> None:
        for key in self.holder.take_startable(self.clock):
            self._dial(self.sessions[key])

    def _dial(self, session: SimulatedSession) -> None:
        world = self.world
        session.began_at = world.now
        at_ms = session.assignment.resume_point.at_ms
        self._report(session, _connecting(at_ms, session.assignment.resume_point.turn))
        world.after(world.chance.uniform(0.05, 0.5), partial(self._open, session))

    def _open(self, session: SimulatedSession) -> None:
        world = self.world
        if session.is_over or self._is_blocked(partial(self._open, session)):
            return
        if world.now >= self._until_true:
            self._end(session, Outcome.INTERRUPTED)
            return
        world.server.accept(session, world.now)
        world.findings.sessions += 1
        self.holder.note_answer(session.key, self.clock)
        self._report(session, BEGAN)
        self._stream(session, session.assignment.resume_point.turn)

    def _stream(self, session: SimulatedSession, turn: int) -> None:
        """Goes on to the end of the next turn, or of the recording."""
        seconds = session.assignment.job.recording.seconds
        end_s = seconds * (turn + 1) / (TURNS + 1)
        at_s = session.assignment.resume_point.at_ms / 1000
        at_s = max(at_s, seconds * turn / (TURNS + 1))
        next_step = self._finish if turn == TURNS else self._hear
        self.world.after(end_s - at_s, partial(next_step, session, turn))

    def _hear(self, session: SimulatedSession, turn: int) -> None:
        if not self._must_stop(session, partial(self._hear, session, turn)):
            for event in _events_of_turn(session.assignment.job.recording.seconds, turn):
                self._report(session, event)
            self._stream(session, turn + 1)

    def _finish(self, session: SimulatedSession, turn: int) -> None:
        if not self._must_stop(session, partial(self._finish, session, turn)):
            outcome = Outcome.LOST if self.world.chance.random() < 0.01 else Outcome.DONE
            self._end(session, outcome)

    def _must_stop(self, session: SimulatedSession, later: Callable[[], None]) -> bool:
        """Whether a session must not go on, because its node is frozen or its lease is over."""
        if session.is_over or self._is_blocked(later):
            return True
        if self.world.now >= self._until_true:
            self._end(session, Outcome.INTERRUPTED)
            return True
        return False

    def _end(self, session: SimulatedSession, outcome: Outcome) -> None:
        if session.is_over:
            return
        session.is_over = True
        self.world.server.open.discard(session)
        self.world.findings.interrupted += outcome is Outcome.INTERRUPTED
        self.holder.withdraw(session.key)
        self.holder.note_end(session.key, self.clock)
        self._report(session, ENDED[outcome])

    def end_with_lease(self) -> None:
        """Ends the sessions of a node that was cut off, by their own timers."""
        if self.is_dead:
            return
        if self.world.now < self.frozen_until:
            self.world.at(self.frozen_until, self.end_with_lease)
        elif self.world.now >= self._until_true:
            for key in self.holder.live:
                self._end(self.sessions[key], Outcome.INTERRUPTED)

    def _report(self, session: SimulatedSession, event: Event) -> None:
        job, t = session.assignment.job, self.world.now - session.began_at
        session.reports.append(JobReport(job.id, session.assignment.attempt, job.file, t, event))
        if not self._outbox:
            self.world.after(DRIVER_INTERVAL_S, self._flush)
        self._outbox[session.key] = session

    def _flush(self) -> None:
        if not self._is_blocked(self._flush):
            for session in list(self._outbox.values()):
                self._deliver(session)

    def _deliver(self, session: SimulatedSession) -> None:
        """Tells the driver what it has not heard of a session; in order, and each report once."""
        if self.is_dead or self.world.now < max(self.cut_until, self.frozen_until):
            return
        if self.world.driver.hear_reports(session):
            self._outbox.pop(session.key, None)
            if session.is_over and session.on_exit is None:
                self.sessions.pop(session.key, None)

    def die(self, *, loses_power: bool) -> None:
        """Ends it. Its sockets close at once, or the server misses its audio after a while."""
        self.is_dead = True
        if loses_power:
            self.world.after(self.world.terms.inactivity_timeout_s, self._lose_sessions)
        else:
            self._lose_sessions()

    def freeze(self, seconds: float) -> None:
        """Stops all that runs on it. The server misses its audio after a while."""
        self.frozen_until = self.world.now + seconds
        self.world.after(self.world.terms.inactivity_timeout_s, self._lose_sessions)

    def _lose_sessions(self) -> None:
        """The server closes the sessions of a node that feeds them no more."""
        if self.is_dead or self.world.now < self.frozen_until:
            self.world.server.open.difference_update(self.sessions.values())


class Driver:
    """The program that decides: the real scheduler, limiter and granter, and what a supervisor and
    a launcher do for them. Also the `SessionLauncher` of its scheduler."""

    def __init__(
        self, world: "FleetSimulation", path: Path, predecessor: "Driver | None" = None
    ) -> None:
        self.world = world
        plan = world.plan
        self.is_up = True
        self.epoch: int = 1 if predecessor is None else predecessor.epoch + 1
        earlier: frozenset[str] | None = frozenset()
        if predecessor is not None:
            earlier = predecessor.granter.holders(world.now)
        self.folder = run_folder.create(path) if predecessor is None else run_folder.reopen(path)
        self.granter: LeaseGranter = LeaseGranter(
            world.terms,
            max_sessions=plan.max_sessions,
            starts_per_minute=plan.starts_per_minute,
            epoch=1 if predecessor is None else predecessor.epoch + 1,
            now=world.now,
            predecessors=earlier,
        )
        self.scheduler = Scheduler(
            self.folder,
            StreamSettings(),
            self,
            clock=self.clock,
            start_limiter=StartRateLimiter(plan.starts_per_minute),
            retry_policy=RetryPolicy(max_attempts=12),
            timeouts=Timeouts(),
            session_limit=plan.max_sessions,
        )
        self._heard_at: dict[SimulatedNode, float] = {}
        self.sessions: dict[str, SimulatedSession] = {}
        """The sessions that are not over, as far as this driver knows."""
        self._next_check_at = 0.0
        self._waited_s = 0.0
        """How long it has waited between starts since `_drive` was called."""
        self._number = self._ended = 0
        if predecessor is None:
            for number in range(plan.jobs):
                self.scheduler.add(Source(f"{plan.recordings}/{number}.wav"))
        else:
            self._resume(predecessor)
        world.after(DRIVER_INTERVAL_S, self._drive)

    def clock(self) -> float:
        return self.world.now + self._waited_s

    def _resume(self, predecessor: "Driver") -> None:
        """Continues the run of an earlier driver. Sessions write no traces here, so what those
        would say comes from the scheduler that died."""
        states = [slot.state for slot in predecessor.scheduler._slots.values()]
        adopted = self.scheduler.resume(states)
        for slot, session in adopted:
            assert isinstance(session, SimulatedSession)
            self._start(slot, session)

    # --- what a launcher does

    def create(self, assignment: Assignment, key: Secret | None) -> SimulatedSession:
        node = self.world.place()
        node.assigned += 1
        self._number += 1
        # So that no other attempt has its number.
        os.mknod(assignment.trace_path, 0o600)
        name = f"{assignment.job.id}-{assignment.attempt}-{self.epoch}.{self._number}"
        return SimulatedSession(name, node, assignment)

    def adopt(self, job: JobId, attempt: int) -> SimulatedSession | None:
        return self.world.find_session(job, attempt)

    @property
    def capacity(self) -> int | None:
        return self.world.capacity

    @property
    def machines(self) -> int:
        return len(self.world.nodes)

    def limit_sessions(self, max_sessions: int) -> None:
        self.granter.max_sessions = max_sessions

    def nodes(self) -> list[NodeStatus]:
        return []

    def drain(self, node: str, on: bool) -> None:
        """Nobody drains a node here."""

    # --- what a supervisor does

    def _drive(self) -> None:
        """Starts what may start. Every second, looks for nodes whose sessions must be over."""
        if not self.is_up:
            return
        world, scheduler = self.world, self.scheduler
        if world.now >= self._next_check_at:
            self._next_check_at = world.now + CHECK_INTERVAL_S
            scheduler.check_sessions()
            self._look_for_lost_nodes()
        self._waited_s = 0.0
        while self._waited_s < DRIVER_INTERVAL_S:
            claim = scheduler.claim_start() or scheduler.claim_unprobed()
            if claim is None:
                wait_s = scheduler.seconds_to_start()
                self._waited_s += max(MIN_WAIT_S, inf if wait_s is None else wait_s)
            elif claim.slot.job is None:
                scheduler.enqueue(claim, world.recording_of(claim.slot.id))
            else:
                self._start_session(claim)
        self._waited_s = 0.0
        save(self.folder)
        world.observe(scheduler)
        if scheduler.is_idle:
            world.is_over = True
        else:
            world.after(DRIVER_INTERVAL_S, self._drive)

    def _start_session(self, claim: Claim) -> None:
        try:
            session = self.scheduler.create_session(claim, TARGET)
        except NoRoom as error:
            self.scheduler.delay_start(claim, str(error))
        else:
            assert isinstance(session, SimulatedSession)
            self._start(claim.slot, session)

    def _start(self, slot: JobSlot, session: SimulatedSession) -> None:
        on_report = partial(self.scheduler.apply_report, slot, session)
        self.sessions[session.key] = session
        session.start(on_report, partial(self.scheduler.finish_session, slot, session))

    def hear_beat(self, node: SimulatedNode, beat: LeaseBeat) -> None:
        if not self.is_up:
            return
        self.world.findings.beats += 1
        self._heard_at[node], node.is_reachable = self.world.now, True
        grant = self.granter.apply(beat, self.world.now)
        if grant is not None:
            self.world.after(self.world.latency_s, partial(node.hear_grant, grant))

    def hear_reports(self, session: SimulatedSession) -> bool:
        """Takes the new reports of a session, and its end; False if there is no driver."""
        if not self.is_up:
            return False
        if self.sessions.get(session.key) is not session:
            session.on_exit = None  # it was given up, or this driver has not adopted it
            return True
        assert session.on_report is not None
        for report in session.reports[session.delivered :]:
            self.world.findings.events += 1
            session.on_report(report)
        session.delivered = len(session.reports)
        if session.is_over:
            self._close(session, "ended with code 0")
        return True

    def _close(self, session: SimulatedSession, exit_text: str) -> None:
        del self.sessions[session.key]
        session.node.assigned -= 1
        on_exit, session.on_exit, session.on_report = session.on_exit, None, None
        assert on_exit is not None
        on_exit(exit_text)
        self._ended += 1
        if self._ended % ENDED_BETWEEN_FREEZES == 0:
            leave_out_of_collections()

    def _look_for_lost_nodes(self) -> None:
        lost: set[SimulatedNode] = set()
        for node in self.world.nodes:
            silent_s = self.world.now - self._heard_at.setdefault(node, self.world.now)
            if silent_s > 3 * self.world.terms.beat_interval_s:
                node.is_reachable = False
                if self.granter.is_over(node.holder.id, self.world.now):
                    lost.add(node)
        if lost:
            self.world.nodes = [
                node for node in self.world.nodes if node not in lost or not node.is_dead
            ]
            for session in [each for each in self.sessions.values() if each.node in lost]:
                self._close(session, "was lost with its node")


TARGET = SessionTarget(custom_endpoint("ws://127.0.0.1:1"), None, 1)


class FleetSimulation:
    """Plays a plan to its end."""

    latency_s = 0.005

    def __init__(self, plan: FleetPlan, path: Path) -> None:
        self.plan, self._path = plan, path
        self.chance = random.Random(plan.seed)
        random.seed(plan.seed)  # for `RetryPolicy`
        self.now = 0.0
        self.terms = LeaseTerms(beat_interval_s=2.0)
        self.is_over = False
        self.findings = Findings()
        self.server = CountingServer(plan, self.findings)
        self._settled: Counter[JobId] = Counter()
        self._kept: dict[JobId, tuple[int, int, int]] = {}
        """Of each job, up to where its transcript is kept; where its latest attempt began; and the
        number of that attempt."""
        self._calendar = EventCalendar()
        low, high = plan.audio_s
        self._recordings = [
            _recording(low + (high - low) * number / RECORDING_LENGTHS)
            for number in range(RECORDING_LENGTHS)
        ]
        self._by_name: dict[NodeId, SimulatedNode] = {}
        """All nodes that there ever were."""
        self.nodes: list[SimulatedNode] = []
        for _ in range(plan.nodes):
            self._add_node()
        self.driver = Driver(self, path)
        self._plan_faults()

    def run(self) -> Findings:
        """Raises `AssertionError` if a limit is exceeded, audio is lost or kept twice, a job does
        not end in one final attempt, or a permit is lost."""
        self._play_on(inf)
        self.findings.simulated_s = self.now
        # What is on its way arrives, and the leases of dead nodes end.
        self.now = self._play_on(self.now + self.terms.fenced_s + CHECK_INTERVAL_S)
        assert len(self._settled) == self.plan.jobs
        assert set(self._settled.values()) == {1}
        assert not self.server.open
        granter = self.driver.granter
        assert not any(s.sessions or s.permits for s in granter.statuses(self.now))
        save(self.driver.folder, final=True)
        self.driver.folder.close()
        return self.findings

    def _play_on(self, end: float) -> float:
        """Lets everything happen until the run is over, or then until ``end``; returns that."""
        was_over, pop = self.is_over, self._calendar.pop
        while self.is_over == was_over and (event := pop(end)) is not None:
            self.now, _, action = event
            action()
        return end

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._calendar.add(self.now + seconds, action)

    def at(self, moment: float, action: Callable[[], None]) -> None:
        self.after(max(0.0, moment - self.now), action)

    def recording_of(self, job: JobId) -> Recording:
        return self._recordings[job % RECORDING_LENGTHS]

    @property
    def capacity(self) -> int:
        """How many sessions the reachable nodes take."""
        return self.plan.sessions_per_node * self._reachable

    _reachable = 0

    def place(self) -> SimulatedNode:
        """The node for the next session, by the rules of `Fleet`."""
        chosen = choose_node(self.nodes, SimulatedNode.candidate, self.chance)
        if chosen is None:
            raise NoRoom("no node has room")
        return self._by_name[chosen.id]

    def find_session(self, job: JobId, attempt: int) -> SimulatedSession | None:
        """The session of an attempt that a node still has."""
        return self._found.get((job, attempt))

    _found: dict[tuple[JobId, int], SimulatedSession]

    def observe(self, scheduler: Scheduler) -> None:
        """Checks what was reported: each attempt starts where the transcript is kept up to, and
        nothing follows the end of a job that is done."""
        self._reachable = sum(node.is_reachable for node in self.nodes)
        reports = scheduler.reports
        while not reports.empty():
            report = reports.get()
            job, event = report.job, report.event
            match event:
                case Connecting():
                    kept_ms, started_ms, attempt = self._kept.get(job, (0, 0, 0))
                    # A driver that adopted a session is told again how it began.
                    expected_ms = started_ms if attempt == report.attempt else kept_ms
                    assert event.from_ms == expected_ms
                    self._kept[job] = (expected_ms, expected_ms, report.attempt)
                case TurnReceived():
                    _, started_ms, attempt = self._kept[job]
                    self._kept[job] = (event.turn.words[-1].end, started_ms, attempt)
                case Ended() if event.outcome is Outcome.DONE:
                    self._settled[job] += 1
                case Retrying():
                    assert job not in self._settled

    # --- what goes wrong

    def _add_node(self) -> None:
        node = SimulatedNode(self, f"node-{len(self._by_name) + 1}")
        self.nodes.append(node)
        self._by_name[node.id] = node
        self._reachable += 1

    def _plan_faults(self) -> None:
        plan, chance = self.plan, self.chance
        for kind in islice(cycle(NODE_FAULTS), plan.faults):
            self.after(chance.uniform(5.0, plan.fault_s), partial(self._break_a_node, kind))
        for number in range(plan.driver_restarts):
            at_s = plan.fault_s * (number + 1) / (plan.driver_restarts + 1)
            self.after(at_s, self._kill_driver)

    def _break_a_node(self, kind: str) -> None:
        node = self.chance.choice([node for node in self.nodes if not node.is_dead])
        self.findings.faults[kind] += 1
        match kind:
            case "killed" | "lost power":
                node.die(loses_power=kind == "lost power")
                self.after(self.chance.uniform(1.0, 30.0), self._add_node)
            case "frozen":
                node.freeze(self.chance.choice([5.0, 30.0, 60.0]))
            case "cut off":
                node.cut_until = self.now + self.chance.choice([5.0, 30.0, 60.0])
        for wait_s in (self.terms.lease_s, self.terms.inactivity_timeout_s + self.terms.lease_s):
            self.after(wait_s, node.end_with_lease)

    def _kill_driver(self) -> None:
        """Kills it without a last word: what it had not saved is lost."""
        self.findings.faults["driver killed"] += 1
        self.driver.is_up = False
        self.observe(self.driver.scheduler)
        self.driver.folder.close()
        self.after(10.0, self._restart_driver)

    def _restart_driver(self) -> None:
        self._found = {
            (session.assignment.job.id, session.assignment.attempt): session
            for node in self.nodes
            for session in node.sessions.values()
            if not node.is_dead
        }
        self.driver = Driver(self, self._path, self.driver)


BEGAN = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0)
ENDED = {outcome: Ended(outcome, outcome.value) for outcome in Outcome}


@cache
def _connecting(at_ms: int, turn: int) -> Connecting:
    return Connecting("ws://x", "ab", at_ms, turn)


@cache
def _events_of_turn(seconds: float, turn: int) -> tuple[Event, ...]:
    """What a session reports at the end of a turn of a recording of such a length."""
    end_ms = round(1000 * seconds * (turn + 1) / (TURNS + 1))
    word = Word("word", end_ms - 500, end_ms)
    said = TurnReceived(Turn(turn, True, "word", words=(word,)))
    return progressed(end_ms / 1000, seconds), said


def _recording(seconds: float) -> Recording:
    frames = round(seconds * 16_000)
    return Recording("1.wav", frames / 16_000, 16_000, 1, frames, "WAV PCM_16", 44 + 2 * frames)
