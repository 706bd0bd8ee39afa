"""The supervisor's own thread: probes files, starts sessions, looks after them, saves the index.

And one daemon thread a session, which reads its reports to their end.
"""

import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import BaseContext

from workers import processes
from workers.audio.prober import Prober
from workers.errors import PacelineError, ProbeFailed, Unreadable
from workers.jobs.events import Ended, JobReport, Outcome
from workers.jobs.job import StreamSettings
from workers.protocol import configuration
from workers.protocol.endpoint import Endpoint, Secret
from workers.runs.index_writer import IndexWriter
from workers.scheduling.job_slot import JobSlot
from workers.scheduling.job_table import JobTable
from workers.session.assignment import Assignment, Timeouts
from workers.session.child import SessionChild

LIVENESS_CHECK_INTERVAL_S = 1.0
"""Seconds between two looks at sessions that may have stood still."""

_TOO_MANY_FILES_HINT = "Lower --sessions, or let programs open more files (ulimit -n); then retry."


@dataclass(frozen=True, slots=True)
class SessionTarget:
    """Where sessions go and how many fit there."""

    endpoint: Endpoint
    key: Secret | None
    max_sessions: int
    """How many at once, when the user does not say."""
    server_restarts: int = 0
    """How often what is there had died and was started again."""


class Dispatcher:
    """Works through a ledger until it is closed."""

    def __init__(
        self,
        job_table: JobTable,
        get_target: Callable[[], SessionTarget],
        settings: StreamSettings,
        timeouts: Timeouts,
        context: BaseContext,
        session_limit: int | None,
    ) -> None:
        """``session_limit``: sessions at once; None leaves that to the access."""
        self.holding = False
        self.session_limit = session_limit
        self._job_table = job_table
        self._get_target = get_target
        self._target: SessionTarget | None = None
        self._settings = settings
        self._timeouts = timeouts
        self._context = context
        self._closing = False
        self._index_writer = IndexWriter(job_table.folder, job_table.condition)
        self._next_check_at = 0.0
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Ends the work; it may be waiting for an engine that will never come up."""
        with self._job_table.condition:
            self._closing = True
            self._job_table.condition.notify_all()
        self._thread.join(timeout_s)
        # A suspended fork server would not notice that the program has left.
        processes.kill_suspended_fork_server()

    @property
    def max_sessions(self) -> int:
        """How many at once; 0 while that is not known."""
        if self.session_limit is not None:
            return self.session_limit
        return self._target.max_sessions if self._target else 0

    @property
    def server_restarts(self) -> int:
        """How often what sessions stream to had died and was started again."""
        return self._target.server_restarts if self._target else 0

    def _run(self) -> None:
        changed = self._job_table.condition
        with Prober(self._context) as prober:
            while True:
                with changed:
                    if self._closing:
                        break
                    self._end_stalled_sessions()
                    slot = self._next_slot()
                    asked = slot.generation if slot is not None else 0
                    if slot is None and (pause := self._seconds_to_next_action()) > 0:
                        changed.wait(pause)
                if slot is not None:
                    self._advance(slot, asked, prober)
                self._index_writer.save()
        self._index_writer.save_final()

    # --- what is to be done now; with the lock ---------------------------------------------------

    def _next_slot(self) -> JobSlot | None:
        """The job to start or to probe now."""
        waiting = self._job_table.job_queue
        starting = waiting.pop_startable(time.monotonic()) if self._can_start() else None
        return starting or waiting.pop_unprobed()

    def _seconds_to_next_action(self) -> float:
        """How long there is nothing to do, in seconds, unless something happens."""
        now, pause = time.monotonic(), LIVENESS_CHECK_INTERVAL_S
        if self._can_start() and (due := self._job_table.job_queue.next_start_at(now)) is not None:
            pause = min(pause, due - now)
        return self._index_writer.time_to_save(pause)

    def _can_start(self) -> bool:
        if self.holding or self._job_table.stopping:
            return False
        return self._target is None or self._job_table.live_sessions < self.max_sessions

    def _end_stalled_sessions(self) -> None:
        """Ends sessions whose process has stood still for too long, and who could not start any."""
        now = time.monotonic()
        if now < self._next_check_at:
            return
        self._next_check_at = now + LIVENESS_CHECK_INTERVAL_S
        processes.kill_suspended_fork_server()
        for slot in self._job_table.slots.values():
            if slot.child is not None:
                slot.child.flush()
                if not slot.check_liveness():
                    slot.child.kill_hung()

    # --- doing it --------------------------------------------------------------------------------

    def _advance(self, slot: JobSlot, generation: int, prober: Prober) -> None:
        """Probes a file, or starts a session. A fault of ours costs that job, not the run.

        ``generation``: `Place.asked` when it was taken up.
        """
        try:
            if slot.job is None:
                self._probe(slot, generation, prober)
            else:
                self._start_session(slot, generation)
        except Exception as error:
            self._log_fault()
            reason = f"a fault in Paceline ended it ({type(error).__name__})"
            ended = Ended(
                Outcome.CRASHED, reason, f"{self._job_table.folder.faults_path} says where."
            )
            self._job_table.fail_unstarted(slot, generation, ended)

    def _log_fault(self) -> None:
        with suppress(OSError), self._job_table.folder.faults_path.open("a") as file:
            traceback.print_exc(file=file)

    def _probe(self, slot: JobSlot, generation: int, prober: Prober) -> None:
        """Reads a file's facts and queues the job, or ends it in words."""
        try:
            recording = prober.probe(slot.path)
        except Unreadable as error:
            ended = Ended(Outcome.UNREADABLE, error.reason, error.hint)
            self._job_table.fail_unstarted(slot, generation, ended)
        except ProbeFailed as error:
            ended = Ended(Outcome.CRASHED, error.reason, error.hint)
            self._job_table.fail_unstarted(slot, generation, ended)
        else:
            self._job_table.enqueue(slot, generation, recording, self._settings)

    def _start_session(self, slot: JobSlot, generation: int) -> None:
        """Starts a session, or says why it could not be started."""
        try:
            self._launch_process(slot, generation)
            return
        except PacelineError as error:  # the engine did not come up; it may at the next start
            ended = Ended(Outcome.UNREACHABLE, error.reason, error.hint)
        except (EOFError, ConnectionError):
            reason = "the session's process could not be started: the fork server was ended"
            ended = Ended(Outcome.CRASHED, reason, "A new one is started.")
        except OSError as error:
            reason = f"the session's process could not be started ({error})"
            ended = Ended(Outcome.CRASHED, reason, _TOO_MANY_FILES_HINT)
        with self._job_table.condition:
            if slot.child is not None and slot.end_requested:
                ended = slot.child.fallback_ending()
            self._job_table.fail_attempt(slot, generation, ended)

    def _launch_process(self, slot: JobSlot, generation: int) -> None:
        """Makes sure that there is somewhere to stream to, then makes the process."""
        access, job_table = self._get_target(), self._job_table
        with job_table.condition:
            if self._target is None:
                job_table.folder.set_header(access.endpoint, self._settings)
            self._target = access
            if (
                slot.is_finished or slot.generation != generation
            ):  # cancelled, perhaps retried meanwhile
                return
            assignment = self._assignment(slot, access.endpoint)
            child = SessionChild(self._context, assignment, access.key)
            slot.begin_attempt(child)
        self._index_writer.save(force=True)  # whatever is killed then, it is known
        child.start()  # not with the lock: it takes its time
        threading.Thread(target=self._relay_reports, args=(slot, child), daemon=True).start()

    def _assignment(self, slot: JobSlot, endpoint: Endpoint) -> Assignment:
        job = slot.job
        assert job is not None
        trace, log = self._job_table.folder.attempt_files(slot.id, slot.attempt, slot.file)
        return Assignment(
            job=job,
            attempt=slot.attempt,
            endpoint=endpoint,
            trace_path=str(trace),
            log_path=str(log),
            timeouts=self._timeouts,
            resume_point=slot.resume_point,
            expected_sha256=slot.sha256,
            # Only what the model takes: a run folder may say anything.
            changes=configuration.supported_changes(slot.changes, job.settings.speech_model),
        )

    # --- a listener's thread, one a session ------------------------------------------------------

    def _relay_reports(self, slot: JobSlot, child: SessionChild) -> None:
        last: JobReport | None = None
        for report in child.read_reports():
            if isinstance(report.event, Ended):
                last = report  # passed on when its process is gone
                continue
            try:
                self._job_table.apply_report(slot, report)
            except Exception:  # the session goes on, and its trace has it all
                self._log_fault()
        with self._job_table.condition:
            if last is None:
                last = JobReport(
                    slot.id, slot.attempt, slot.file, child.elapsed_s, child.fallback_ending()
                )
            child.close()
            self._job_table.finish_attempt(slot, last)
