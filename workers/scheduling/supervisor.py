"""Runs the scheduler: a lock, a thread that starts sessions, one that probes files, and commands.

Runs in the parent process. The supervisor's thread does slow work without the lock: it waits for
the engine, starts sessions and writes the run's index. Threads of the launcher deliver reports.
All threads, and all commands, use the scheduler under the one lock here.
"""

import gc
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import Self

from workers import files, machine_limits, processes, threads
from workers.audio.prober import Prober
from workers.audio.source import Source
from workers.errors import PacelineError, ProbeFailed, Unreadable
from workers.jobs.events import Ended, JobReport, Outcome
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.jobs.node_status import NodeStatus
from workers.jobs.sent_position import SentPosition
from workers.protocol.messages import UpdateConfiguration
from workers.runs.index_writer import IndexWriter
from workers.runs.run_folder import RunFolder
from workers.scheduling.duplicates import DuplicateFinder
from workers.scheduling.job_slot import Arrival, JobPhase, JobSlot
from workers.scheduling.launcher import NoRoom, Session, SessionLauncher
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Claim, Scheduler, SessionTarget
from workers.scheduling.spending import Spending, SpendingStatus
from workers.scheduling.start_rate import StartRateLimiter
from workers.session.assignment import Timeouts
from workers.session.local_launcher import LocalLauncher
from workers.sources.receiver import Receiver
from workers.sources.spool import reception_problem

__all__ = ["SessionTarget", "Supervisor"]

SHUTDOWN_TIMEOUT_S = 8.0
"""How long closing waits for sessions to end before it kills them."""
FOLLOW_AFTER_S = 3.0
"""A download that lasts longer is streamed while it arrives, if its format allows that. Others are
read when they are complete, because their length is known then."""
SESSION_CHECK_INTERVAL_S = 1.0
"""Time between two checks for sessions that are suspended or silent."""
ENDED_BETWEEN_FREEZES = 1_000
"""After so many sessions have ended, `leave_out_of_collections` is due."""


def leave_out_of_collections() -> None:
    """Collects recent garbage, and leaves all that exists out of later collections: a run keeps the
    state of its jobs. To search that of 100,000 jobs would stop the program for ten seconds."""
    if gc.isenabled():
        gc.collect(1)
        gc.freeze()


class Supervisor:
    """Runs the jobs of one run. A context manager: leaving it ends every process.

    ``get_target`` is called before each start, in the supervisor's thread: an embedded engine is
    slow to start, and may have to be restarted. ``max_sessions``: concurrent sessions; None: the
    default of the target. Methods may be called from any thread, and all but `wait` return at once.
    """

    def __init__(
        self,
        get_target: Callable[[], SessionTarget],
        folder: RunFolder,
        settings: StreamSettings,
        *,
        max_sessions: int | None = None,
        start_limiter: StartRateLimiter | None = None,
        retry_policy: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        launcher: SessionLauncher | None = None,
        spending: Spending | None = None,
    ) -> None:
        self.folder = folder
        self._get_target = get_target
        self._context = processes.mp_context()
        self._launcher: SessionLauncher = launcher or LocalLauncher()
        self._scheduler = Scheduler(
            folder,
            settings,
            self._launcher,
            clock=time.monotonic,
            start_limiter=start_limiter or StartRateLimiter(),
            retry_policy=retry_policy or RetryPolicy(),
            timeouts=timeouts or Timeouts(),
            session_limit=max_sessions,
            spending=spending,
        )
        self._condition = threading.Condition(threading.RLock())
        """The one lock: guards the scheduler and the run folder, and signals their changes."""
        self._index_writer = IndexWriter(folder, self._condition)
        self._receiver = Receiver()
        self._duplicates = DuplicateFinder()
        self._closing = False
        self._ended = 0
        """How many sessions have ended."""
        self._next_check_at = 0.0
        self._unprobed_claim: Claim | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        processes.warm_up(self._context)
        start = threads.start_thread
        self._threads = [start(self._run, "supervisor"), start(self._probe_files, "probing")]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if not self.wait(SHUTDOWN_TIMEOUT_S):
            self.stop()  # the second call kills the sessions
            self.wait(SHUTDOWN_TIMEOUT_S)
        self._receiver.close()
        with self._locked():
            self._closing = True
        for thread in self._threads:
            thread.join(SHUTDOWN_TIMEOUT_S)  # it may wait for an engine that never starts
        if threads.first_fault() is not None and not self._threads[0].is_alive():
            with suppress(Exception):  # the traces have everything
                self._index_writer.save_final()
        # A suspended fork server would not notice that the program has ended.
        processes.kill_suspended_fork_server()

    @contextmanager
    def _locked(self) -> Iterator[Scheduler]:
        """Yields the scheduler under the lock; then wakes the supervisor's thread and `wait`."""
        with self._condition:
            yield self._scheduler
            self._condition.notify_all()

    @property
    def reports(self) -> "SimpleQueue[JobReport]":
        """The reports of all jobs, in order."""
        return self._scheduler.reports

    @property
    def max_sessions(self) -> int:
        """The limit on concurrent sessions; 0 while it is not known."""
        return self._scheduler.max_sessions

    @property
    def holding(self) -> bool:
        """True while no new sessions may start."""
        return self._scheduler.holding

    @property
    def held_by_refusal(self) -> bool:
        """True while they may not because the server refused a session and has accepted none."""
        return self._scheduler.held_by_refusal

    @property
    def spending(self) -> SpendingStatus:
        """What the run has spent, and whether its budget holds the next start."""
        with self._condition:
            return self._scheduler.spending_status

    @property
    def server_restarts(self) -> int:
        """How often an embedded engine died and was restarted."""
        target = self._scheduler.target
        return target.server_restarts if target else 0

    @property
    def queue(self) -> list[JobId]:
        """Jobs that wait to start, the next one first."""
        with self._condition:
            return self._scheduler.queue

    @property
    def next_start_at(self) -> float | None:
        """When the next queued job may start, on the monotonic clock; None if there is none. In
        the past if the job only waits for another session to end."""
        with self._condition:
            return self._scheduler.next_start_at

    def start_simulator(self) -> Callable[[float], float]:
        """Like `StartRateLimiter.start_simulator`, but in seconds from now."""
        with self._condition:
            start, now = self._scheduler.start_limiter.start_simulator(), time.monotonic()
        return lambda room_in: start(now + room_in) - now

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued or live."""
        with self._condition:
            return self._scheduler.is_idle

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until idle; returns False if that takes longer than ``timeout_s``."""
        with self._condition:
            return self._condition.wait_for(lambda: self._scheduler.is_idle, timeout_s)

    def add(self, recordings: Iterable[Source | str]) -> list[JobId]:
        """Queues recordings; a path is one without options. The supervisor's thread probes and then
        reports them."""
        with self._locked() as scheduler:
            return [scheduler.add(Source.of(recording)) for recording in recordings]

    def complete_list(self) -> None:
        """Records that all recordings that the user named are in the run."""
        with self._locked():
            self.folder.complete_list()

    def resume(self, states: Iterable[JobState]) -> None:
        """Loads the jobs of a run that ended, and continues those that are not settled. A session
        that outlived the earlier program goes on."""
        with self._locked() as scheduler:
            adopted = scheduler.resume(states)
        for slot, session in adopted:
            on_report = partial(self._on_report, slot, session)
            session.start(on_report, partial(self._on_exit, slot, session))

    def cancel(self, job: JobId) -> None:
        """Ends a job and keeps its transcript; a second call kills its session."""
        with self._locked() as scheduler:
            scheduler.cancel(job)

    def retry(self, job: JobId) -> bool:
        """Queues another attempt of a finished job, or ends the wait of a queued one.

        It continues where the last attempt broke. A job that was done starts over, and so does one
        whose file could not be read. Returns False if the job is in any other state.
        """
        with self._locked() as scheduler:
            return scheduler.retry(job)

    def end_turn(self, job: JobId) -> bool:
        """Makes the server end the open turn; returns False if the job is not streaming."""
        with self._locked() as scheduler:
            return scheduler.end_turn(job)

    def sent_position(self, job: JobId) -> SentPosition | None:
        """What a job's session has sent by its latest report; None if the job is not streaming."""
        with self._condition:
            return self._scheduler.sent_position(job)

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        """Changes a job's session configuration, now and for further attempts. Returns False if the
        job is not streaming, or if its model supports none of the changes."""
        with self._locked() as scheduler:
            return scheduler.configure(job, changes)

    def reorder(self, order: Sequence[JobId]) -> None:
        """Puts these jobs first in the queue, in this order, but after retried jobs that are not
        listed. All others keep their order."""
        with self._locked() as scheduler:
            scheduler.reorder(order)

    def set_max_sessions(self, max_sessions: int) -> None:
        """Sets how many sessions may run at once, at least 1; live sessions continue."""
        with self._locked() as scheduler:
            scheduler.session_limit = max(1, max_sessions)

    def nodes(self) -> list[NodeStatus]:
        """The machines of a fleet; empty if all sessions run on this machine."""
        return self._launcher.nodes()

    def drain(self, node: str, on: bool) -> None:
        """Gives a node of a fleet no new sessions, or gives it some again. Its sessions go on."""
        self._launcher.drain(node, on)
        with self._condition:
            self._condition.notify_all()

    def hold(self, on: bool) -> None:
        """Holds new starts, or releases them; live sessions continue."""
        with self._locked() as scheduler:
            scheduler.hold(on)

    def stop(self) -> None:
        """Prevents further starts and ends every job; a second call kills the sessions."""
        with self._locked() as scheduler:
            scheduler.stop()

    def _run(self) -> None:
        """The supervisor's thread: does one thing at a time until closing."""
        while True:
            with self._condition:
                if self._closing:
                    break
                if time.monotonic() >= self._next_check_at:
                    self._next_check_at = time.monotonic() + SESSION_CHECK_INTERVAL_S
                    processes.kill_suspended_fork_server()
                    self._scheduler.check_sessions()
                claim = self._scheduler.claim_start()
                if claim is None:
                    to_start = self._scheduler.seconds_to_start()
                    pause = SESSION_CHECK_INTERVAL_S if to_start is None else to_start
                    pause = min(pause, SESSION_CHECK_INTERVAL_S)
                    if (pause := self._index_writer.time_to_save(pause)) > 0:
                        self._condition.wait(pause)
            if claim is not None:
                self._advance(claim, self._start_session)
            self._index_writer.save()
        self._index_writer.save_final()

    def _probe_files(self) -> None:
        """The thread that probes files, so that a slow one delays no start."""
        with Prober(self._context) as prober:
            probe = partial(self._probe, prober=prober)
            while True:
                with self._condition:
                    self._condition.wait_for(self._claim_unprobed)
                    claim, self._unprobed_claim = self._unprobed_claim, None
                if claim is None:
                    return
                self._advance(claim, probe)

    def _claim_unprobed(self) -> bool:
        self._unprobed_claim = None if self._closing else self._scheduler.claim_unprobed()
        return self._closing or self._unprobed_claim is not None

    def _probe(self, claim: Claim, prober: Prober) -> None:
        slot = claim.slot
        if slot.phase is JobPhase.RECEIVING:
            follow_at = time.monotonic() + (0.0 if slot.source.is_stdin else FOLLOW_AFTER_S)
            on_arrival = partial(self._on_arrival, claim, follow_at)
            on_end = partial(self._on_arrival_end, claim)
            self._receiver.start(slot.source, slot.path, on_arrival, on_end)
            return
        options = slot.read_options
        is_arriving = slot.arrival is Arrival.FOLLOWED  # all of it may be there afterwards
        try:
            recording = prober.probe(slot.path, options)
        except Unreadable:
            if not is_arriving:
                raise
            with self._locked() as scheduler:
                scheduler.await_arrival(claim)
            return
        if not slot.source.is_local and (problem := reception_problem(slot.path)):
            recording = replace(recording, warnings=(*recording.warnings, problem))
        same_as = ""
        if not options.follow and not slot.source.conditions:
            same_as = self._duplicates.find(slot.id, slot.file, slot.path, recording.size, options)
        with self._locked() as scheduler:
            scheduler.enqueue(claim, recording, same_as)

    def _advance(self, claim: Claim, action: Callable[[Claim], None]) -> None:
        """Probes a file, or starts a session. A bug in Paceline ends that job, not the run."""
        try:
            action(claim)
            return
        except Unreadable as error:
            ended = Ended(Outcome.UNREADABLE, error.reason, error.hint)
        except ProbeFailed as error:
            ended = Ended(Outcome.CRASHED, error.reason, error.hint)
        except Exception as error:
            self._log_fault()
            reason = f"it crashed because of a bug in Paceline ({type(error).__name__})"
            hint = f"See the traceback in {self.folder.faults_path}."
            ended = Ended(Outcome.CRASHED, reason, hint)
        with self._locked() as scheduler:
            scheduler.fail_job(claim, ended)

    def _on_arrival(
        self, claim: Claim, follow_at: float, received_bytes: int, total_bytes: int | None
    ) -> bool:
        """Called, like `_on_arrival_end`, by the thread that receives a recording. Publishes how
        much has arrived; returns whether the rest is needed."""
        slot = claim.slot
        is_followed = received_bytes >= slot.follow_at_bytes and time.monotonic() >= follow_at
        with self._locked() as scheduler:
            scheduler.note_arrival(claim, received_bytes, total_bytes)
            if is_followed:
                scheduler.follow_arrival(claim)
            return claim.is_current

    def _on_arrival_end(self, claim: Claim, problem: Unreadable | None) -> None:
        with self._locked() as scheduler:
            scheduler.end_arrival(claim, problem)

    def _start_session(self, claim: Claim) -> None:
        slot = claim.slot
        try:
            target = self._get_target()
            with self._locked() as scheduler:
                session = scheduler.create_session(claim, target)
            if session is None:
                return
            # From here on the job can be resumed, even if a process is killed.
            saved = self._index_writer.save(force=not self.folder.is_job_saved(slot.id))
            if saved or self.folder.has_index:
                on_report = partial(self._on_report, slot, session)
                session.start(on_report, partial(self._on_exit, slot, session))
                return
            hint = "Free disk space, or choose another folder with --out; then retry."
            reason = "the run could not be continued later, because its index cannot be written"
            ended = Ended(Outcome.UNWRITABLE, reason, hint)
        except PacelineError as error:  # the engine did not start; a retry may succeed
            ended = Ended(Outcome.UNREACHABLE, error.reason, error.hint)
        except (EOFError, ConnectionError):
            reason = "the session's process could not be started: the fork server died"
            hint = machine_limits.memory_hint() or "A new one will start."
            ended = Ended(Outcome.CRASHED, reason, hint)
        except OSError as error:
            limit = str(error) if isinstance(error, NoRoom) else machine_limits.reached_limit(error)
            if limit:
                with self._locked() as scheduler:
                    scheduler.delay_start(claim, limit)
                return
            reason = f"the session's process could not be started ({error})"
            ended = Ended(Outcome.CRASHED, reason, "Retry.")
        with self._locked() as scheduler:
            scheduler.fail_start(claim, ended)

    def _log_fault(self) -> None:
        with suppress(OSError):
            files.append_to_log(self.folder.faults_path, traceback.format_exc())

    def _on_report(self, slot: JobSlot, session: Session, report: JobReport) -> None:
        """Called, like `_on_exit`, by the launcher's thread that reads the session's reports."""
        with self._condition:
            self._scheduler.apply_report(slot, session, report)

    def _on_exit(self, slot: JobSlot, session: Session, exit_text: str) -> None:
        with self._locked() as scheduler:
            scheduler.finish_session(slot, session, exit_text)
            self._ended += 1
            if self._ended % ENDED_BETWEEN_FREEZES == 0:
                leave_out_of_collections()
