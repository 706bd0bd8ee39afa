"""The agent of a node: hosts the sessions of one run there, and answers its program.

Runs in a process of the cluster's, one on each node; knows nothing of the cluster itself. Its
methods may be called from any thread. What they take and return is plain, or was packed.
"""

import math
import os
import platform
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from workers import machine_limits, processes, secrecy, threads
from workers.audio.source import Source
from workers.errors import NoHomeFolder, Unreadable
from workers.fleet.hosted_session import HostedSession
from workers.fleet.lease_holder import LeaseHolder
from workers.fleet.leases import LeaseTerms, lease_clock, new_holder_id
from workers.fleet.node_files import NodeFiles
from workers.fleet.node_messages import (
    MAX_BATCH_BYTES,
    FileMissed,
    NewsRequest,
    NodeBatch,
    NodeFact,
    NodeFigures,
    SessionExited,
    SessionKey,
    SessionReported,
    StartFailed,
    code_version,
    pack,
    unpack,
)
from workers.jobs.events import Began, JobReport, Progressed, Readied
from workers.session.assignment import StopCommand
from workers.session.local_launcher import LocalLauncher
from workers.sources.receiver import Receiver
from workers.user_folders import state_folder

MAX_IDLE_S = 0.5
"""How long a question for news waits if there are none."""
BATCH_S = 0.05
"""How long a report waits for others that travel with it; those that happen while an answer and
the next question are on their way wait no longer."""
MAX_BATCH_FACTS = 400
AGENT_CHECK_INTERVAL_S = 1.0
LAG_WINDOW_S = 10.0
MAX_UNASKED_S = 600.0
"""An agent that nobody has asked for so long, and that has no session, ends. What its program did
not collect stays on the disk for the next agent of the run."""


class NodeAgent:
    """Hosts sessions, holds the node's lease, and keeps reports until the program has them."""

    def __init__(self, run: str, node: str, terms: Mapping[str, float]) -> None:
        """``run``: the identity of the run, ``node``: that of the node; names of folders.
        ``terms``: the fields of `LeaseTerms`."""
        secrecy.forbid_core_dumps()
        threads.exit_on_fault()
        machine_limits.raise_file_limit()
        _end_niceness()
        self._terms = LeaseTerms(**terms)  # type: ignore[arg-type]  # one of them is an integer
        self._node_files = NodeFiles(_base_folder() / run, node)
        processes.ensure_temporary_folder(self._node_files.folder)
        self._launcher = LocalLauncher()
        self._receiver = Receiver()
        processes.warm_up(processes.mp_context())
        self._changed = threading.Condition()
        """Guards everything below, and signals its changes."""
        self._holder = LeaseHolder(new_holder_id(node), self._terms)
        self._hosted: dict[SessionKey, HostedSession] = {}
        self._to_start: deque[HostedSession] = deque()
        self._facts: deque[tuple[int, NodeFact, float]] = deque()
        """Those that the program has not kept yet: their numbers, and when they happened."""
        self._last_fact = self._seen = self._questions = 0
        """The numbers of the latest fact, of the latest one that has left, and of the latest
        question."""
        self._is_urgent = False
        self._asked_at = time.monotonic()
        self._extended_until_s = 0.0
        self._lags: deque[tuple[float, float]] = deque()
        self._suspended: tuple[SessionKey, ...] = ()
        self._asleep: dict[SessionKey, int] = {}
        self._cpu_times = _cpu_times()
        self._cpu_percent: float | None = None
        threads.start_thread(self._start_sessions, "starts")
        threads.start_thread(self._check_often, "checks")

    def describe(self) -> dict[str, Any]:
        """What every version of the program understands."""
        with self._changed:
            sessions = [
                (key, hosted.assignment.job.id, hosted.assignment.attempt)
                for key, hosted in self._hosted.items()
            ]
            return {
                "code": code_version(),
                "holder": self._holder.id,
                "host": socket.gethostname(),
                "cores": len(os.sched_getaffinity(0)),
                "python": platform.python_version(),
                "system": platform.platform(),
                "nice": os.getpriority(os.PRIO_PROCESS, 0),
                "pid": os.getpid(),
                "sessions": sessions,
                "leftovers": [key for key in self._node_files.traces() if key not in self._hosted],
            }

    # --- sessions

    def start_session(self, packed: bytes) -> None:
        """Starts a session as soon as the lease permits it. Its end is one of the facts."""
        key, assignment, secret = unpack(packed)
        secrecy.protect(secret)
        with self._changed:
            if key in self._hosted:  # the program asks again, because it got no answer
                return
            hosted = self._hosted[key] = HostedSession(key, assignment, secret)
            if not self._must_be_received(hosted):
                self._request_lease(hosted)
                return
            path = self._node_files.spool_path(hosted.key)
            hosted.spool = path
        on_end = partial(self._on_received, hosted)
        source = Source(hosted.assignment.job.file)
        self._receiver.start(source, str(path), lambda *_: not hosted.is_over, on_end)

    @staticmethod
    def _must_be_received(hosted: HostedSession) -> bool:
        """Whether a recording on the network is not where the program has it."""
        job = hosted.assignment.job
        return Source(job.file).is_remote and not os.path.exists(job.recording.path)

    def _on_received(self, hosted: HostedSession, problem: Unreadable | None) -> None:
        """Called by the thread that receives a recording."""
        if problem is not None:
            self._fail_start(hosted, FileMissed(hosted.key, problem.reason))
            return
        with self._changed:
            if not hosted.is_over:
                self._request_lease(hosted)

    def _request_lease(self, hosted: HostedSession) -> None:
        self._holder.request(hosted.key)
        self._take_startable()
        self._changed.notify_all()

    def send(self, packed: bytes) -> None:
        """Forwards a message to a session."""
        key, message = unpack(packed)
        with self._changed:
            hosted = self._hosted.get(key)
            if hosted is None:
                return
            hosted.send(message)
            if isinstance(message, StopCommand) and not hosted.is_starting:
                self._drop_waiting(hosted, "was stopped before it started")

    def kill(self, key: SessionKey) -> None:
        """Kills a session, even while it is being started."""
        with self._changed:
            hosted = self._hosted.get(key)
            if hosted is None:
                return
            hosted.kill()
            if not hosted.is_starting:
                self._drop_waiting(hosted, "was killed before it started")

    def _drop_waiting(self, hosted: HostedSession, how: str) -> None:
        """Ends a session that still waits, for a lease or its recording."""
        if hosted.is_over:
            return
        self._holder.withdraw(hosted.key)
        hosted.end()
        self._add_fact(SessionExited(hosted.key, how))

    def _take_startable(self) -> None:
        for key in self._holder.take_startable(lease_clock()):
            hosted = self._hosted[SessionKey(key)]
            hosted.is_starting = True
            self._to_start.append(hosted)

    def _start_sessions(self) -> None:
        """The thread that starts sessions, one after the other."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._to_start)
                hosted = self._to_start.popleft()
            self._start(hosted)

    def _start(self, hosted: HostedSession) -> None:
        recording = hosted.recording
        try:
            size = os.stat(recording.path).st_size
            if size != recording.size and not recording.is_growing:
                self._fail_start(hosted, FileMissed(hosted.key, f"it has {size} bytes there"))
                return
        except OSError as error:
            problem = error.strerror or "it cannot be found"
            self._fail_start(hosted, FileMissed(hosted.key, problem))
            return
        try:
            trace, log = self._node_files.paths(hosted.key)
            with self._changed:
                left_s = self._holder.seconds_to_use(lease_clock())
                session = hosted.create(
                    self._launcher, trace, log, self._terms, time.monotonic() + left_s
                )
            session.start(partial(self._on_report, hosted), partial(self._on_exit, hosted))
        except (OSError, EOFError) as error:
            limit = machine_limits.reached_limit(error) if isinstance(error, OSError) else None
            problem = limit or f"its process could not be started ({error})"
            self._fail_start(hosted, StartFailed(hosted.key, problem))
            return
        with self._changed:
            hosted.send_early()

    def _fail_start(self, hosted: HostedSession, fact: NodeFact) -> None:
        with self._changed:
            if hosted.is_over:
                return
            hosted.end()
            self._hosted.pop(hosted.key, None)
            self._holder.note_end(hosted.key, lease_clock())
            self._add_fact(fact)

    def _on_report(self, hosted: HostedSession, report: JobReport) -> None:
        """Called, like `_on_exit`, by the session's thread."""
        with self._changed:
            event = report.event
            if isinstance(event, Began | Readied):
                self._holder.note_answer(hosted.key, lease_clock())
            if isinstance(event, Progressed):
                self._lags.append((time.monotonic(), event.lag_ms.now))
            number, hosted.reports = hosted.reports, hosted.reports + 1
            self._add_fact(SessionReported(hosted.key, number, report))

    def _on_exit(self, hosted: HostedSession, how: str) -> None:
        with self._changed:
            hosted.end()
            self._holder.note_end(hosted.key, lease_clock())
            self._add_fact(SessionExited(hosted.key, how))

    def _add_fact(self, fact: NodeFact) -> None:
        self._last_fact += 1
        self._facts.append((self._last_fact, fact, time.monotonic()))
        self._is_urgent |= not isinstance(fact, SessionReported)
        unseen = self._last_fact - self._seen
        if self._is_urgent or self._holder.has_news or unseen in (1, MAX_BATCH_FACTS):
            self._changed.notify_all()  # else the question waits for more of them anyway

    # --- news

    def next_news(self, packed: bytes) -> bytes:
        """Applies what the program has granted, and returns the next `NodeBatch`, at the latest
        after `MAX_IDLE_S`. A later question ends the wait of an earlier one."""
        received_at = time.time()
        request: NewsRequest = unpack(packed)
        with self._changed:
            self._questions += 1
            question = self._questions
            self._asked_at = time.monotonic()
            self._apply_grants(request)
            while self._facts and self._facts[0][0] <= request.kept:
                self._facts.popleft()
            self._seen = request.seen
            self._changed.notify_all()
            self._await_news(question)
            facts: tuple[tuple[int, NodeFact], ...] = ()
            if question == self._questions:
                unseen = (one[:2] for one in self._facts if one[0] > request.seen)
                facts = tuple(islice(unseen, MAX_BATCH_FACTS))
                self._is_urgent = False
            beat, figures = self._holder.make_beat(lease_clock()), self._figures()
        while True:
            sent_at, monotonic_s = time.time(), time.monotonic()
            batch = pack(NodeBatch(facts, figures, beat, received_at, sent_at, monotonic_s))
            if len(batch) <= MAX_BATCH_BYTES or len(facts) <= 1:
                return batch
            facts = facts[: len(facts) // 2]

    def _await_news(self, question: int) -> None:
        def is_due() -> bool:
            overtaken = question != self._questions
            return overtaken or self._is_urgent or self._holder.has_news

        self._changed.wait_for(lambda: is_due() or self._last_fact > self._seen, MAX_IDLE_S)
        oldest_at = next((at for number, _, at in self._facts if number > self._seen), None)
        if oldest_at is not None:
            wait_s = oldest_at + BATCH_S - time.monotonic()
            self._changed.wait_for(lambda: is_due() or self._is_batch_full, max(0.0, wait_s))

    @property
    def _is_batch_full(self) -> bool:
        return self._last_fact - self._seen >= MAX_BATCH_FACTS

    def _apply_grants(self, request: NewsRequest) -> None:
        now = lease_clock()
        for grant in request.grants:
            self._holder.apply(grant, now)
        self._take_startable()
        until_s = time.monotonic() + self._holder.seconds_to_use(now)
        if until_s - self._extended_until_s > self._terms.lease_s / 4:
            self._extended_until_s = until_s
            for key in self._holder.live:
                self._hosted[SessionKey(key)].extend(until_s)

    def _figures(self) -> NodeFigures:
        oldest = time.monotonic() - LAG_WINDOW_S
        while self._lags and self._lags[0][0] < oldest:
            self._lags.popleft()
        lags = sorted(lag for _, lag in self._lags)
        return NodeFigures(
            sessions=len(self._holder.live),
            lag_p99_ms=lags[max(0, math.ceil(0.99 * len(lags)) - 1)] if lags else None,
            cpu_percent=self._cpu_percent,
            free_disk_bytes=self._node_files.free_bytes(),
            suspended=self._suspended,
            bytes_read_asleep=dict(self._asleep),
        )

    # --- files

    def trace_info(self, key: SessionKey) -> bytes:
        """The packed `TraceInfo` of a session that is over; of None if its trace is not here."""
        return pack(self._node_files.trace_info(key))

    def read_piece(self, key: SessionKey, is_log: bool, offset: int) -> bytes:
        """A packed piece of a trace or log. Raises `OSError`."""
        return pack(self._node_files.read_piece(key, is_log, offset))

    def forget(self, keys: list[SessionKey]) -> None:
        """Removes the files of sessions that are over; the program has them."""
        with self._changed:
            for key in keys:
                hosted = self._hosted.get(key)
                if hosted is None or hosted.is_over:
                    self._hosted.pop(key, None)
                    self._node_files.remove(key)

    def close(self) -> None:
        """Removes the node's folder if nothing is left in it."""
        self._node_files.close()

    # --- the thread that checks

    def _check_often(self) -> None:
        while True:
            time.sleep(AGENT_CHECK_INTERVAL_S)
            processes.kill_suspended_fork_server()
            cpu_times, before = _cpu_times(), self._cpu_times
            with self._changed:
                self._cpu_times = cpu_times
                self._cpu_percent = _busy_percent(before, cpu_times)
                live = [hosted for hosted in self._hosted.values() if hosted.is_live]
                self._suspended = tuple(one.key for one in live if not one.check_alive())
                asleep = ((one.key, one.bytes_read_asleep()) for one in live)
                self._asleep = {key: count for key, count in asleep if count is not None}
                for key in self._holder.overdue(lease_clock()):
                    self._hosted[SessionKey(key)].kill()
                unasked_s = time.monotonic() - self._asked_at
                if not live and unasked_s > MAX_UNASKED_S:
                    os._exit(0)


def _base_folder() -> Path:
    """Where agents of this user keep traces until these are collected."""
    try:
        return state_folder() / "fleet"
    except NoHomeFolder:
        return Path(tempfile.gettempdir()) / f"paceline-fleet-{os.getuid()}"


def _end_niceness() -> None:
    """Ray starts its workers with a niceness of 15, with which chunks leave late on a busy machine.
    Only some users may lower it: `describe` says what it is."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def _cpu_times() -> tuple[int, int]:
    """The time for which the cores were busy, and all their time; of no meaning without /proc."""
    with suppress(OSError, ValueError):
        first = Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
        times = list(map(int, first))
        idle = times[3] + times[4]
        return sum(times) - idle, sum(times)
    return 0, 0


def _busy_percent(before: tuple[int, int], after: tuple[int, int]) -> float | None:
    all_time = after[1] - before[1]
    return round(100 * (after[0] - before[0]) / all_time, 1) if all_time > 0 else None
