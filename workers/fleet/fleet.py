"""The sessions of one run on many machines, as one `SessionLauncher`.

The scheduler decides what starts. The fleet chooses a node, keeps the account's limits with leases,
hands on what sessions report, and has their traces collected. It notices nodes that fall silent,
die or join. Threads: the transport's brings facts and replies, one checks the time, and the
`TraceCollector` has one. All of them, and the scheduler's calls, share one lock, which is never
held in a call of the scheduler.
"""

import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from workers import threads
from workers.errors import FleetProblem, Malformed
from workers.fleet import fleet_record
from workers.fleet.fleet_node import PAUSE_AFTER_FAILURE_S, FleetNode
from workers.fleet.fleet_record import FleetRecord
from workers.fleet.fleet_session import (
    AdoptedSession,
    FleetSession,
    SessionPhase,
    disk_full_ending,
)
from workers.fleet.lease_granter import LeaseGranter
from workers.fleet.leases import LeaseTerms, lease_clock
from workers.fleet.node_messages import (
    FileMissed,
    KnownSession,
    NewsRequest,
    NodeBatch,
    NodeFact,
    NodeId,
    SessionExited,
    SessionKey,
    SessionReported,
    StartFailed,
    code_version,
    pack,
    unpack,
)
from workers.fleet.placement import choose_node
from workers.fleet.trace_collector import LEFTOVER_S, TraceCollector
from workers.fleet.transport import (
    AgentDied,
    ConnectionFailed,
    ConnectionMade,
    NodeFound,
    NodeUnusable,
    NoReply,
    Reply,
    Transport,
    TransportFact,
)
from workers.jobs.events import Ended, Outcome
from workers.jobs.job import Half, JobId
from workers.jobs.node_status import NodeState, NodeStatus
from workers.log import Logger
from workers.protocol.endpoint import EndpointKind
from workers.scheduling.launcher import NoRoom
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage, StartClock, StopCommand
from workers.traces.files import trace_files

_log = Logger("paceline.fleet")

FLEET_CHECK_INTERVAL_S = 0.25
MAX_CAPACITY_AGE_S = 0.1
ASK_AGAIN_S = 1.5
"""A question that was not answered for so long is asked again; each waits half a second at most."""
CONNECT_TIMEOUT_S = 90.0
"""How long a run waits for its cluster."""
FIRST_NODES_TIMEOUT_S = 20.0
"""How long it waits for agents on the nodes that the cluster has then."""
MIN_NODES_GRACE_S = 2.0
"""How long it waits for the others once one can be used; longer if that one took long. Whichever
comes later joins the run all the same, and the cluster may still list some that have died."""
ORPHAN_S = 5.0
"""How long the sessions of an agent that has died go on at most: they notice at once, and have
`Timeouts.shutdown_s` for their last words."""
ADOPTION_S = 10.0
"""Sessions of an earlier program that were not adopted by then are ended."""
FLEET_CLOSE_TIMEOUT_S = 10.0


class Fleet:
    """Launches sessions on the nodes of a cluster. A context manager: entering it connects."""

    def __init__(
        self,
        make_transport: Callable[[FleetRecord, LeaseTerms], Transport],
        folder: Path,
        address: str,
        *,
        starts_per_minute: int | None = None,
        needs_encryption: bool = False,
        terms: LeaseTerms | None = None,
    ) -> None:
        """``folder``: that of the run, which is new, or is resumed. ``needs_encryption``: nodes on
        other machines are refused unless Ray encrypts what it sends to them."""
        is_encrypted = os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")
        self._is_local_only = needs_encryption and not is_encrypted
        self._is_relayed = address.startswith("ray://") and not _is_loopback(address)
        """Whether what nodes get passes through another machine, the head."""
        self._folder = folder
        self._terms = terms or LeaseTerms()
        earlier = fleet_record.load_record(folder)
        if earlier is None:
            self._record = FleetRecord(address, secrets.token_hex(6))
        else:
            self._record = replace(earlier.next_epoch(), address=address)
        self._transport = make_transport(self._record, self._terms)
        self._granter = LeaseGranter(
            self._terms,
            max_sessions=None,
            starts_per_minute=starts_per_minute,
            epoch=self._record.epoch,
            now=lease_clock(),
            predecessors=frozenset(self._record.holders),
        )
        self._changed = threading.Condition(threading.RLock())
        """Guards everything below, and signals that a node has joined."""
        self._nodes: dict[NodeId, FleetNode] = {}
        self._sessions: dict[SessionKey, FleetSession] = {}
        self._inherited: dict[SessionKey, tuple[KnownSession, NodeId]] = {}
        """Sessions of an earlier program."""
        self._unwanted: set[SessionKey] = set()
        """Sessions that were told to end, because nothing waits for them."""
        self._orphans: list[tuple[float, str, FleetSession]] = []
        """Sessions whose agent has died, and when they have surely ended."""
        self._chance = random.Random()
        self._capacity, self._capacity_until = 0, 0.0
        """What `capacity` last was, and until when it is not computed again."""
        self._pair_nodes: dict[int, NodeId] = {}
        self._pair_clocks: dict[tuple[int, NodeId, float], float] = {}
        self._expected: set[NodeId] | None = None
        """The nodes that the cluster had at first, and that have not been found yet."""
        self._failure: ConnectionFailed | None = None
        self._entered_at = 0.0
        self._closing = threading.Event()
        self._traces = TraceCollector(self._transport, folder, self._changed, self._on_trace_kept)
        self._thread: threading.Thread | None = None

    # --- life

    def __enter__(self) -> Self:
        fleet_record.save_record(self._folder, self._record)
        self._traces.start()
        self._thread = threads.start_thread(self._check_often, "fleet")
        self._transport.start(self._on_fact)
        try:
            self._await_nodes()
        except BaseException:
            self._close(end_agents=False)
            raise
        self._entered_at = time.monotonic()
        return self

    def _await_nodes(self) -> None:
        """Waits until the nodes are known. Raises `FleetProblem` if none of them can be used."""

        def is_decided() -> bool:
            return self._failure is not None or self._expected == set()

        def has_node() -> bool:
            return any(node.figures is not None for node in self._nodes.values())

        with self._changed:
            self._changed.wait_for(
                lambda: self._failure or self._expected is not None, CONNECT_TIMEOUT_S
            )
            began = time.monotonic()
            self._changed.wait_for(lambda: is_decided() or has_node(), FIRST_NODES_TIMEOUT_S)
            took_s = time.monotonic() - began
            grace_s = min(FIRST_NODES_TIMEOUT_S - took_s, max(MIN_NODES_GRACE_S, 2 * took_s))
            self._changed.wait_for(is_decided, max(0.0, grace_s))
            if self._failure is not None:
                raise FleetProblem(self._failure.problem, self._failure.hint)
            if self._expected is None:
                raise FleetProblem("the cluster does not answer", "Is its head node running?")
            refused = [node for node in self._nodes.values() if node.is_refused]
            if refused and len(refused) == len(self._nodes):
                names = ", ".join(node.name for node in refused[:3])
                reason = f"no node of the fleet can be used; {names}: {refused[0].problem}"
                raise FleetProblem(reason)

    def __exit__(self, *_: object) -> None:
        deadline = time.monotonic() + FLEET_CLOSE_TIMEOUT_S
        with self._changed:
            while time.monotonic() < deadline and self._traces.is_collecting:
                self._changed.wait(0.1)
        self._close(end_agents=True)

    def _close(self, *, end_agents: bool) -> None:
        self._closing.set()
        self._transport.close(end_agents=end_agents)
        self._traces.close(FLEET_CLOSE_TIMEOUT_S)
        if self._thread is not None:
            self._thread.join(FLEET_CLOSE_TIMEOUT_S)
        with suppress(OSError):
            self._save_record()

    def _save_record(self) -> None:
        """Writes down the nodes, and who may hold leases."""
        nodes = []
        with self._changed:
            for node in self._nodes.values():
                if node.record is not None:
                    status = node.status(time.monotonic(), None)
                    nodes.append(
                        replace(
                            node.record,
                            clock_offset_ms=status.clock_offset_ms,
                            clock_error_ms=status.clock_error_ms,
                        )
                    )
            holders = tuple(sorted(self._granter.holders(lease_clock()) or ()))
            record = self._record = replace(self._record, holders=holders, nodes=tuple(nodes))
        fleet_record.save_record(self._folder, record)

    # --- the launcher

    def create(self, assignment: Assignment, key: Secret | None) -> FleetSession:
        """Creates a session. Raises `NoRoom` if no node can take it now."""
        with self._changed:
            if self._choose(assignment) is None:
                raise NoRoom("no node of the fleet has room")
            job = assignment.job
            session_key = f"{job.id}.{assignment.attempt}.{secrets.token_hex(4)}"
            return FleetSession(self, SessionKey(session_key), assignment, key)

    def limit_sessions(self, max_sessions: int) -> None:
        """Sets the limit that the leases keep."""
        with self._changed:
            self._granter.max_sessions = max_sessions

    def adopt(self, job: JobId, attempt: int) -> FleetSession | None:
        """The session of an earlier program that a node still has; see `SessionLauncher`."""
        traces = dict(trace_files(self._folder, job))
        if attempt not in traces:
            return None
        with self._changed:
            for key, (known, id) in self._inherited.items():
                if known.job == job and known.attempt == attempt:
                    try:
                        session = AdoptedSession.of(self, known, traces[attempt])
                    except (Malformed, OSError) as error:
                        _log.warning("session %s cannot be adopted: %s", key, error)
                        return None
                    del self._inherited[key]
                    session.node, session.phase = id, SessionPhase.PLACED
                    session.is_start_known = True
                    self._sessions[key] = session
                    self._nodes[id].sessions[key] = session
                    return session
        return None

    @property
    def capacity(self) -> int:
        """How many sessions may run at once. Asked for at each start, and by each change of a
        session, so it may be a tenth of a second old."""
        now = time.monotonic()
        with self._changed:
            if now < self._capacity_until:
                return self._capacity
            usable = [n for n in self._nodes.values() if n.state(now) is NodeState.READY]
            others = [n for n in self._nodes.values() if n.state(now) is not NodeState.READY]
            self._capacity = sum(n.capacity for n in usable) + sum(len(n.sessions) for n in others)
            self._capacity_until = now + MAX_CAPACITY_AGE_S
            return self._capacity

    @property
    def machines(self) -> int:
        """How many nodes have joined."""
        with self._changed:
            return max(1, len(self._nodes))

    def nodes(self) -> list[NodeStatus]:
        """How all nodes are now, in the order of their names."""
        now = time.monotonic()
        with self._changed:
            left = {one.holder: one.left_s for one in self._granter.statuses(lease_clock())}
            waiting = self._traces.uncollected()
            statuses = [
                replace(node.status(now, left.get(node.holder)), uncollected_traces=waiting[id])
                for id, node in self._nodes.items()
            ]
        return sorted(statuses, key=lambda status: status.name)

    def drain(self, node: str, on: bool) -> None:
        """Gives a node no new sessions, or gives it some again."""
        with self._changed:
            for one in self._nodes.values():
                if one.name == node:
                    one.is_draining = on

    # --- what sessions need

    def place(self, session: FleetSession) -> None:
        """Chooses a node for a session, and asks it to start the session."""
        with self._changed:
            node = self._choose(session.assignment)
            if node is None:
                raise NoRoom("no node of the fleet has room")
            session.node, session.phase = node.id, SessionPhase.PLACED
            session.is_start_known = False
            self._sessions[session.key] = node.sessions[session.key] = session
            if (half := session.assignment.job.half) is not None:
                self._pair_nodes[half.pair] = node.id
            self._request_start(session, node)

    def _choose(self, assignment: Assignment) -> FleetNode | None:
        now, path, half = time.monotonic(), assignment.job.recording.path, assignment.job.half
        nodes = list(self._nodes.values())
        if assignment.endpoint.kind is EndpointKind.EMBEDDED:  # it listens on this machine only
            here = socket.gethostname()
            nodes = [node for node in nodes if node.host == here]
        if half is not None and (partner := self._partner_node(half)) is not None:
            # Both halves of a pair are paced by the clock of one machine.
            nodes = [node for node in nodes if node.id == partner]
        chosen = choose_node(nodes, lambda node: node.candidate(path, now), self._chance)
        return None if chosen is None else self._nodes[chosen.id]

    def _partner_node(self, half: Half) -> NodeId | None:
        """The node of the other half of a pair, while it is live."""
        id = self._pair_nodes.get(half.pair)
        node = None if id is None else self._nodes.get(id)
        halves = [s.assignment.job.half for s in node.sessions.values()] if node else []
        is_live = any(other is not None and other.pair == half.pair for other in halves)
        return id if is_live else None

    def _request_start(self, session: FleetSession, node: FleetNode) -> None:
        assignment = replace(session.assignment, node=node.name)
        if (half := assignment.job.half) is not None and assignment.clock_s is not None:
            clock_s = self._to_pair_clock(half.pair, node, assignment.clock_s)
            assignment = replace(assignment, clock_s=clock_s)

        def on_reply(reply: Reply | NoReply) -> None:
            session.is_start_known |= isinstance(reply, Reply)

        # The key travels in this call alone: as an argument of the call, which the cluster sends
        # from process to process and keeps nowhere.
        packed = pack((session.key, assignment, session.secret))
        self._transport.call(node.id, "start_session", packed, on_reply=on_reply)

    def _to_pair_clock(self, pair: int, node: FleetNode, at_s: float) -> float:
        """A time of a pair's clock on the node's clock: the same for both halves."""
        known = self._pair_clocks
        return known.setdefault((pair, node.id, at_s), node.to_node_clock(at_s))

    def send(self, session: FleetSession, message: ControlMessage) -> None:
        """Forwards a message to a session. A command to stop is sent again if the node may not have
        got it."""
        with self._changed:
            node = self._nodes.get(session.node) if session.node is not None else None
            if node is None:
                return
            half = session.assignment.job.half
            if isinstance(message, StartClock) and half is not None:
                message = StartClock(self._to_pair_clock(half.pair, node, message.at_s))

        def on_reply(reply: Reply | NoReply) -> None:
            if isinstance(reply, NoReply) and isinstance(message, StopCommand):
                session.unsent.append(message)

        packed = pack((session.key, message))
        self._transport.call(node.id, "send", packed, on_reply=on_reply)

    def kill(self, session: FleetSession) -> None:
        """Kills a session. On a node that does not answer, its lease ends it; nobody waits."""
        if session.node is None:
            return
        session.is_kill_requested = True
        self._transport.call(session.node, "kill", session.key)
        with self._changed:
            node = self._nodes[session.node]
            if session.key in node.sessions and not self.is_reachable(node.id):
                del node.sessions[session.key]
                how = f"was given up with node {node.name}, which does not answer"
                self._orphans.append((time.monotonic(), how, session))

    def is_reachable(self, node: NodeId) -> bool:
        """Whether a node answers, and its agent is the one that has its sessions."""
        with self._changed:
            return self._nodes[node].state(time.monotonic()) in (
                NodeState.READY,
                NodeState.DRAINING,
            )

    def is_suspended(self, session: FleetSession) -> bool:
        """Whether a session's process is stopped."""
        figures = None if session.node is None else self._nodes[session.node].figures
        return figures is not None and session.key in figures.suspended

    def bytes_read_asleep(self, session: FleetSession) -> int | None:
        """What a session has read that sleeps and has reported nothing."""
        figures = None if session.node is None else self._nodes[session.node].figures
        return None if figures is None else figures.bytes_read_asleep.get(session.key)

    # --- the transport's thread

    def _on_fact(self, fact: TransportFact) -> None:
        with self._changed:
            match fact:
                case ConnectionMade():
                    if self._expected is None:
                        self._expected = set(fact.nodes) - self._nodes.keys()
                case ConnectionFailed():
                    _log.warning("%s", fact.problem)
                    if fact.is_final:
                        self._failure = fact
                case NodeFound():
                    self._connect(fact)
                case NodeUnusable():
                    node = self._node(fact.node, fact.name)
                    node.is_refused, node.problem = True, fact.problem
                    _log.warning("node %s cannot be used: %s", node.name, fact.problem)
                case AgentDied():
                    self._lose_agent(self._nodes.get(fact.node), fact.problem)
            self._expect_no_more()
            self._changed.notify_all()

    def _expect_no_more(self) -> None:
        """Stops the wait for nodes that have answered, or cannot be used."""
        if self._expected:
            for node in self._nodes.values():
                if node.figures is not None or node.is_refused:
                    self._expected.discard(node.id)

    def _node(self, id: NodeId, name: str) -> FleetNode:
        """The node, which gets a name of its own when it joins."""
        if id not in self._nodes:
            for gone in [node for node in self._nodes.values() if node.is_gone]:
                if gone.name == name:  # the machine has joined again
                    del self._nodes[gone.id]
            taken = {node.name for node in self._nodes.values()}
            own, number = name, 2
            while own in taken:
                own, number = f"{name}-{number}", number + 1
            self._nodes[id] = FleetNode(id, own)
        return self._nodes[id]

    def _connect(self, found: NodeFound) -> None:
        """Begins to use the agent of a node."""
        description = found.description
        node = self._node(found.node, found.name)
        if description.get("code") != code_version():
            node.is_refused = True
            node.problem = "another version of Paceline is installed there"
            _log.warning("node %s is refused: %s", node.name, node.problem)
            return
        is_here = description["host"] == socket.gethostname() and not self._is_relayed
        if self._is_local_only and not is_here:
            node.is_refused = True
            node.problem = (
                "the key would travel there unencrypted; set up Ray's TLS (RAY_USE_TLS), "
            )
            node.problem += "or allow it with --unencrypted"
            return
        if node.holder and node.holder != description["holder"]:
            self._lose_agent(node, "its agent was started again")
        if node.holder == description["holder"]:
            return  # the transport has lost it for a while
        node.is_refused = False
        node.connect(description, time.monotonic())
        _log.info("node %s joined: %s sessions", node.name, node.capacity)
        for key, job, attempt in description["sessions"]:
            if key not in self._sessions:
                known = KnownSession(SessionKey(key), JobId(job), attempt)
                self._inherited[known.key] = known, node.id
        for key in description["leftovers"]:
            self._traces.note_leftover(SessionKey(key), node.id, LEFTOVER_S)
        self._ask(node)

    def _ask(self, node: FleetNode) -> None:
        """Asks a node for its news; its answer leads to the next question."""
        node.asked_at = time.monotonic()
        node.question += 1
        request = pack(NewsRequest(node.kept, node.seen, tuple(node.grants)))
        on_reply = partial(self._on_news, node, node.holder, node.question)
        self._transport.call(node.id, "next_news", request, on_reply=on_reply)

    def _on_news(self, node: FleetNode, holder: str, question: int, reply: Reply | NoReply) -> None:
        if isinstance(reply, NoReply):
            node.problem = reply.problem
            return  # `_check_node` asks again
        batch: NodeBatch = unpack(reply.value)
        with self._changed:
            if node.holder != holder:
                return
            was_known = batch.beat.holder in self._record.holders
            node.apply_batch(batch, reply, time.monotonic())
            grant = self._granter.apply(batch.beat, lease_clock())
            if grant is not None:
                node.grants = [grant]
            if batch.facts:
                node.seen = batch.facts[-1][0]
        if not was_known:
            self._save_record()  # before the first grant leaves
        with self._changed:
            if (node.holder, node.question) == (holder, question) and not self._closing.is_set():
                self._ask(node)  # the answer is on its way while these facts are applied
        self._apply_held_facts(node)
        for number, fact in batch.facts:
            if number > node.known:
                self._apply_fact(node, number, fact)
                node.known = number
        with self._changed:
            self._expect_no_more()
            self._changed.notify_all()

    def _apply_held_facts(self, node: FleetNode) -> None:
        """Applies the facts of sessions that were adopted meanwhile, or that nobody wants."""
        with self._changed:
            held, node.held_facts = node.held_facts, []
        for number, fact in held:
            self._apply_fact(node, number, fact)

    def _apply_fact(self, node: FleetNode, number: int, fact: NodeFact) -> None:
        with self._changed:
            session = self._sessions.get(fact.key)
            if fact.key in self._inherited or (session is not None and not session.has_started):
                # Until it is adopted, and has repeated what came before.
                node.held_facts.append((number, fact))
                return
            if session is None:
                if isinstance(fact, SessionExited):
                    self._traces.note_leftover(fact.key, node.id)
                elif isinstance(fact, SessionReported) and fact.key not in self._unwanted:
                    self._stop_unwanted(fact.key, node.id)  # it was given up, but its node is back
                return
        match fact:
            case SessionReported(report=report):
                node.known_folders.add(os.path.dirname(session.assignment.job.recording.path))
                event = report.event
                if isinstance(event, Ended) and event.outcome is Outcome.UNWRITABLE:
                    node.paused_until = time.monotonic() + PAUSE_AFTER_FAILURE_S
                    report = replace(report, event=disk_full_ending(event, node.name))
                session.apply_report(fact.number, report)
            case SessionExited(how=how):
                session.exit_text = how
                self._collect(session, node)
            case FileMissed():
                self._place_elsewhere(session, node, fact.problem)
            case StartFailed():
                node.paused_until = time.monotonic() + PAUSE_AFTER_FAILURE_S
                reason = f"node {node.name} could not start the session: {fact.problem}"
                session.report_ending(Ended(Outcome.CRASHED, reason, "Another node continues."))
                self._finish(session, "was not started")

    def _place_elsewhere(self, session: FleetSession, node: FleetNode, problem: str) -> None:
        """Places a session on a node that has the recording, if there is one."""
        path = session.assignment.job.recording.path
        with self._changed:
            node.missing_folders.add(os.path.dirname(path))
            node.sessions.pop(session.key, None)
            del self._sessions[session.key]
        try:
            self.place(session)
        except NoRoom:
            reason = f"no node of the fleet has the recording; on {node.name}: {problem}"
            hint = "Put it where nodes see it under the same path, or name its URL."
            session.report_ending(Ended(Outcome.UNREADABLE, reason, hint))
            self._finish(session, "was not started")

    # --- ends

    def _finish(self, session: FleetSession, how: str) -> None:
        """Forgets a session, and tells the scheduler that it is over. Without the lock."""
        with self._changed:
            self._sessions.pop(session.key, None)
            if session.node is not None:
                self._nodes[session.node].sessions.pop(session.key, None)
        session.finish(how)

    def _collect(self, session: FleetSession, node: FleetNode) -> None:
        """Collects the trace of a session that is over, then ends it."""
        session.phase = SessionPhase.COLLECTING
        session.close_trace()
        self._traces.collect(session.key, session.trace_path, node.id)

    def _on_trace_kept(self, key: SessionKey) -> None:
        """Ends a session that has waited for its trace. Called by the thread that writes traces."""
        with self._changed:
            session = self._sessions.get(key)
        if session is not None and session.phase is SessionPhase.COLLECTING:
            self._finish(session, session.exit_text)

    def _lose_agent(self, node: FleetNode | None, problem: str) -> None:
        """Records that a node's agent is gone. Its sessions end by themselves."""
        if node is None or not node.holder:
            return
        _log.warning("the agent of node %s is gone: %s", node.name, problem)
        end_at, how = time.monotonic() + ORPHAN_S, f"was lost with node {node.name} ({problem})"
        self._orphans += [(end_at, how, session) for session in node.sessions.values()]
        node.sessions = {}
        node.disconnect(problem)

    # --- the thread that checks

    def _check_often(self) -> None:
        while not self._closing.wait(FLEET_CHECK_INTERVAL_S):
            now = time.monotonic()
            over: list[tuple[str, FleetSession]] = []
            with self._changed:
                for node in self._nodes.values():
                    over += self._check_node(node, now)
                due = [one for one in self._orphans if one[0] <= now]
                self._orphans = [one for one in self._orphans if one[0] > now]
                over += [(how, session) for _, how, session in due]
                if self._inherited and now > self._entered_at + ADOPTION_S > ADOPTION_S:
                    self._stop_inherited()
            for how, session in over:
                self._finish(session, how)
            self._check_traces(now)

    def _check_node(self, node: FleetNode, now: float) -> list[tuple[str, FleetSession]]:
        """Asks a silent node again. Returns its sessions if their lease is surely over."""
        if not node.holder:
            return []
        if now - node.asked_at > ASK_AGAIN_S:
            node.seen = node.known
            self._ask(node)
        if not node.is_silent(now):
            for session in node.sessions.values():
                if session.phase is SessionPhase.PLACED:
                    self._send_again(session, node, now)
            return []
        if not self._granter.is_over(node.holder, lease_clock()):
            return []
        how = f"was lost with node {node.name}, which did not answer until its lease was over"
        lost = [(how, session) for session in node.sessions.values()]
        node.sessions = {}
        node.disconnect("it did not answer until its lease was over")
        return lost

    def _send_again(self, session: FleetSession, node: FleetNode, now: float) -> None:
        """Repeats what the node may not have got."""
        if not session.is_start_known and now - session.asked_at > ASK_AGAIN_S:
            session.asked_at = now
            self._request_start(session, node)
        unsent, session.unsent = session.unsent, []
        for message in unsent:
            self.send(session, message)
        if session.is_kill_requested:
            self._transport.call(node.id, "kill", session.key)

    def _stop_inherited(self) -> None:
        """Ends sessions of an earlier program that nothing has adopted."""
        for key, (_, id) in self._inherited.items():
            self._stop_unwanted(key, id)
        self._inherited = {}

    def _stop_unwanted(self, key: SessionKey, node: NodeId) -> None:
        """Ends a session that nothing waits for."""
        self._unwanted.add(key)
        packed = pack((key, StopCommand.SHUT_DOWN))
        self._transport.call(node, "send", packed)

    def _check_traces(self, now: float) -> None:
        with self._changed:
            nodes = {node.id for node in self._nodes.values() if node.holder}
            answering = {id for id in nodes if not self._nodes[id].is_silent(now)}
            live = self._sessions.keys() | self._inherited.keys()
        for key in self._traces.check(now, nodes, answering, live):
            if (session := self._sessions.get(key)) is not None:
                self._finish(session, session.exit_text)


def _is_loopback(address: str) -> bool:
    """Whether the head at ``ray://HOST:PORT`` is on this machine."""
    host = address.removeprefix("ray://").rpartition(":")[0]
    return host in ("localhost", "[::1]", socket.gethostname()) or host.startswith("127.")
