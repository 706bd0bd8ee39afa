"""The supervisor: the queue of jobs, and a process for each session.

Lives in the parent. What a user may do is here; `job_table` knows how each job stands, `dispatcher`
does the work. Whoever watches reads `Supervisor.reports`, which never blocks a session. Nothing
here knows a screen.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from workers import processes
from workers.jobs.events import JobReport
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.protocol import configuration
from workers.protocol.messages import ForceEndpoint, UpdateConfiguration
from workers.runs.run_folder import RunFolder
from workers.scheduling.dispatcher import Dispatcher, SessionTarget
from workers.scheduling.job_slot import JobPhase
from workers.scheduling.job_table import CANCELLED_IN_QUEUE, INTERRUPTED_IN_QUEUE, JobTable
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.start_rate import StartRateLimiter
from workers.session.assignment import StopCommand, Timeouts

__all__ = ["SessionTarget", "Supervisor"]

SHUTDOWN_TIMEOUT_S = 8.0
"""Seconds for which closing waits for sessions to end politely before it ends them by force."""


class Supervisor:
    """Runs the jobs of one run. A context manager: whatever happens, leaving it leaves no process.

    ``get_target`` is asked before each start, in the supervisor's own thread: an embedded engine
    takes its time to come up, and may have to come up again. ``max_sessions`` at once;
    ``start_limiter`` bounds new ones, ``retry_policy`` further attempts. Its methods may be called
    from any thread.
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
    ) -> None:
        self.folder = folder
        self._settings = settings
        self._start_limiter = start_limiter or StartRateLimiter()
        self._job_table = JobTable(folder, self._start_limiter, retry_policy or RetryPolicy())
        self._condition = self._job_table.condition
        self._context = processes.mp_context()
        self._dispatcher = Dispatcher(
            self._job_table,
            get_target,
            settings,
            timeouts or Timeouts(),
            self._context,
            max_sessions,
        )

    def __enter__(self) -> Self:
        processes.warm_up(self._context)
        self._dispatcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if not self.wait(SHUTDOWN_TIMEOUT_S):
            self.stop()  # by force now
            self.wait(SHUTDOWN_TIMEOUT_S)
        self._dispatcher.close(SHUTDOWN_TIMEOUT_S)

    # --- how it stands ---------------------------------------------------------------------------

    @property
    def reports(self) -> "SimpleQueue[JobReport]":
        """What happens, as it happens."""
        return self._job_table.reports

    @property
    def max_sessions(self) -> int:
        """How many sessions at most run at once; 0 while that is not known."""
        return self._dispatcher.max_sessions

    @property
    def holding(self) -> bool:
        """No new starts while true."""
        return self._dispatcher.holding

    def start_simulator(self) -> Callable[[float], float]:
        """Tries out the starts to come, if none of them is refused.

        To be asked for one after another: takes in how many seconds there is a place for it, gives
        in how many it starts.
        """
        with self._condition:
            start, now = self._start_limiter.start_simulator(), time.monotonic()
        return lambda place_in: start(now + place_in) - now

    @property
    def server_restarts(self) -> int:
        """How often an embedded engine that had died was started again."""
        return self._dispatcher.server_restarts

    @property
    def queue(self) -> list[JobId]:
        """Jobs that wait for their start, the next one first.

        One that broke may have its time to wait for; others go first meanwhile.
        """
        with self._condition:
            return self._job_table.job_queue.order

    @property
    def next_start_at(self) -> float | None:
        """When the next queued job may start, on the monotonic clock; None when none may.

        Past when it only waits for a place.
        """
        with self._condition:
            if self.holding or self._job_table.stopping:
                return None
            return self._job_table.job_queue.next_start_at(time.monotonic())

    @property
    def is_idle(self) -> bool:
        """Nothing queued and nothing live."""
        return self._job_table.is_idle

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until idle; False when it took longer than ``timeout_s``."""
        with self._condition:
            return self._condition.wait_for(lambda: self.is_idle, timeout_s)

    # --- jobs ------------------------------------------------------------------------------------

    def add(self, files: Iterable[str]) -> list[JobId]:
        """Queues files; each is probed in the supervisor's thread, then reported."""
        with self._condition:
            return [self._job_table.add_job(file).id for file in files]

    def resume(self, states: Iterable[JobState]) -> None:
        """Takes over the jobs of a run that ended; those that are not finished go on.

        A job that the user cancelled is finished as he wished. What had begun goes first, the rest
        in the order into which it was put.
        """
        with self._condition:
            begun = []
            for job_state in states:
                slot = self._job_table.restore_job(job_state)
                if not job_state.is_settled:
                    self._job_table.retry(slot, "it was not finished")
                    begun += (
                        [slot.id] if job_state.has_started or job_state.earlier_attempts else []
                    )
            self._job_table.job_queue.reorder([*begun, *self.folder.order])

    def cancel(self, job: JobId) -> None:
        """Ends a job politely and keeps what was heard; asked again, by force."""
        self._job_table.end_early(
            self._job_table.slots[job], StopCommand.CANCEL, CANCELLED_IN_QUEUE
        )

    def retry(self, job: JobId) -> bool:
        """Queues a further attempt of a job that is over; False when it is not over.

        It goes on from where the last one broke; a job that was done, or whose file was at fault,
        starts anew. One that waits for its next attempt tries now.
        """
        with self._condition:
            slot = self._job_table.slots[job]
            if self._job_table.stopping:
                return False
            if slot.phase is JobPhase.QUEUED:
                slot.due_at = 0.0
                self._start_limiter.skip_pause()
                self._condition.notify_all()
                return True
            if not slot.is_finished:
                return False
            self._job_table.retry(slot, "asked for")
            return True

    # --- a session in mid-stream -----------------------------------------------------------------

    def end_turn(self, job: JobId) -> bool:
        """Has the server end the open turn now; False when the job does not stream."""
        with self._condition:
            slot = self._job_table.slots[job]
            if slot.child is None or not slot.is_streaming:
                return False
            slot.child.forward(ForceEndpoint())
            return True

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        """Changes how the server hears a job, now and in further attempts.

        Only what the model may change is sent; False when that is nothing, or when the job does not
        stream.
        """
        allowed = configuration.supported_changes(changes, self._settings.speech_model)
        with self._condition:
            slot = self._job_table.slots[job]
            if slot.child is None or not slot.is_streaming or allowed == configuration.NO_CHANGES:
                return False
            slot.child.forward(allowed)
            slot.changes = configuration.merged_changes(slot.changes, allowed)
            self.folder.set_changes(slot.id, slot.changes)
            return True

    # --- the queue -------------------------------------------------------------------------------

    def reorder(self, order: Sequence[JobId]) -> None:
        """Puts jobs that wait into this order. Those that are not named come behind them, but for
        those that go on: they stay ahead."""
        with self._condition:
            self._job_table.job_queue.reorder(order)
            self.folder.set_order(self._job_table.job_queue.order)
            self._condition.notify_all()

    def set_max_sessions(self, max_sessions: int) -> None:
        """So many at once from now on, at least 1; what is live goes on to its end."""
        with self._condition:
            self._dispatcher.session_limit = max(1, max_sessions)
            self._condition.notify_all()

    def hold(self, on: bool) -> None:
        """Holds new starts, or lets them go on; live sessions cannot pause and are not touched."""
        with self._condition:
            self._dispatcher.holding = on
            self._condition.notify_all()

    def stop(self) -> None:
        """No new starts; takes out what is queued, ends what is live politely; again: by force."""
        with self._condition:
            self._job_table.stopping = True
            for slot in self._job_table.slots.values():
                self._job_table.end_early(slot, StopCommand.SHUT_DOWN, INTERRUPTED_IN_QUEUE)
