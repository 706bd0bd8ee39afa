"""The ledger of a run: every job's place, who waits, how attempts ended and which jobs go on.

Here it is decided and told what becomes of a job. Who makes processes is `dispatcher`.
"""

import threading
import time
from queue import SimpleQueue

from workers.audio.recording import Recording
from workers.jobs.events import Began, Ended, Event, JobReport, Outcome, Queued, Retrying
from workers.jobs.job import Job, JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.runs.run_folder import RunFolder
from workers.scheduling.job_queue import JobQueue
from workers.scheduling.job_slot import JobPhase, JobSlot
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.start_rate import StartRateLimiter
from workers.session.assignment import StopCommand

CANCELLED_IN_QUEUE = Ended(Outcome.CANCELLED, "taken out of the queue")
INTERRUPTED_IN_QUEUE = Ended(
    Outcome.INTERRUPTED, "the program was left before its turn", "Nothing is lost."
)


class JobTable:
    """For several threads: whoever reads or changes a place holds `changed`, which tells of it."""

    def __init__(
        self, folder: RunFolder, start_limiter: StartRateLimiter, retry_policy: RetryPolicy
    ) -> None:
        self.folder = folder
        self.start_limiter = start_limiter
        self.reports: SimpleQueue[JobReport] = SimpleQueue()
        self.condition = threading.Condition(threading.RLock())
        self.slots: dict[JobId, JobSlot] = {}
        self.job_queue = JobQueue(start_limiter)
        self.stopping = False
        """No new starts, and none goes on."""
        self._retry_policy = retry_policy

    @property
    def is_idle(self) -> bool:
        """Nothing queued and nothing live."""
        with self.condition:
            return all(slot.is_finished for slot in self.slots.values())

    @property
    def live_sessions(self) -> int:
        """How many sessions there are."""
        with self.condition:
            return sum(slot.phase is JobPhase.LIVE for slot in self.slots.values())

    # --- jobs come in ----------------------------------------------------------------------------

    def add_job(self, file: str) -> JobSlot:
        """A new job, at the end of the queue."""
        with self.condition:
            job = JobId(max(self.slots, default=0) + 1)
            self.folder.add_job(job, file)
            self.slots[job] = slot = JobSlot(job, file, self.folder.recording_path(job))
            self.job_queue.add_unprobed(slot)
            if self.stopping:  # it was chosen before; a resumption may want it
                self.end_early(slot, StopCommand.SHUT_DOWN, INTERRUPTED_IN_QUEUE)
            self.condition.notify_all()
            return slot

    def restore_job(self, state: JobState) -> JobSlot:
        """A job of a run that ended, as it was left."""
        with self.condition:
            path = self.folder.recording_path(state.job)
            slot = JobSlot(state.job, state.file, path, max(state.attempt, 1))
            slot.restore(state.resume_point, _latest_outcome(state), state.sha256)
            slot.changes = self.folder.changes_of(slot.id)
            self.slots[slot.id] = slot
            return slot

    def enqueue(
        self, slot: JobSlot, generation: int, recording: Recording, settings: StreamSettings
    ) -> None:
        """It was probed; ``generation`` as in `fail_unstarted`."""
        with self.condition:
            if slot.is_finished or slot.generation != generation:
                return
            slot.job = Job(slot.id, slot.file, recording, settings)
            self.job_queue.mark_probed(slot)
            queued = Queued(recording.seconds, recording.rate, recording.channels, recording.format)
            self._publish(self._report(slot, queued))

    def retry(self, slot: JobSlot, reason: str) -> None:
        """A further attempt, at the end of the queue, because somebody wants it."""
        with self.condition:
            slot.reset_for_retry(self.folder.next_attempt(slot.id, slot.attempt, slot.file))
            self.job_queue.add_unprobed(slot)
            self._publish(self._report(slot, Retrying(reason, 0.0, slot.resume_point.at_ms / 1000)))
            self.condition.notify_all()

    # --- while one is live -----------------------------------------------------------------------

    def apply_report(self, slot: JobSlot, report: JobReport) -> None:
        """A session says something; its end is not heard here."""
        with self.condition:
            slot.apply(report.event)
            if isinstance(report.event, Began):
                self.start_limiter.record_accepted(slot.started_at)
            self._publish(report)

    # --- the end of an attempt -------------------------------------------------------------------

    def end_early(self, slot: JobSlot, order: StopCommand, unstarted_ending: Ended) -> None:
        """Politely, at the second time by force; what has not started is taken out."""
        with self.condition:
            slot.end_requested = True
            if slot.child is not None:
                slot.child.request_stop(order)
            elif slot.phase in (JobPhase.UNPROBED, JobPhase.QUEUED):
                self._close_attempt(slot, self._report(slot, unstarted_ending))

    def fail_unstarted(self, slot: JobSlot, generation: int, ended: Ended) -> None:
        """Ends a job that never became a session, unless somebody else has ended it already.

        ``generation``: `Place.asked` when it was taken up. If it differs by now, the job was taken
        out and is in the queue again.
        """
        with self.condition:
            if not slot.is_finished and slot.generation == generation:
                self._close_attempt(slot, self._report(slot, ended))

    def fail_attempt(self, slot: JobSlot, generation: int, ended: Ended) -> None:
        """The same for an attempt: the job may get another."""
        with self.condition:
            if not slot.is_finished and slot.generation == generation:
                self.finish_attempt(slot, self._report(slot, ended))

    def finish_attempt(self, slot: JobSlot, last_report: JobReport) -> None:
        """An attempt is over, and perhaps the job with it."""
        ended = last_report.event
        assert isinstance(ended, Ended)
        with self.condition:
            now = time.monotonic()
            self._close_attempt(slot, last_report)
            free = self._update_limiter(slot, ended.outcome, now)
            seconds = 0.0 if free else slot.next_retry_delay(ended.outcome, self._retry_policy)
            if seconds is None or slot.end_requested or self.stopping:
                return
            if free:
                self.folder.set_aside(slot.id, slot.attempt, slot.file)
            self._schedule_retry(slot, ended.reason, now, seconds)

    def _schedule_retry(self, slot: JobSlot, reason: str, now: float, delay_s: float) -> None:
        slot.attempt = self.folder.next_attempt(slot.id, slot.attempt, slot.file)
        self.job_queue.add_retry(slot, now + delay_s)
        wait = max(delay_s, self.start_limiter.next_start_at(now) - now)
        self._publish(
            self._report(slot, Retrying(reason, round(wait, 1), slot.resume_point.at_ms / 1000))
        )
        self.condition.notify_all()

    def _update_limiter(self, slot: JobSlot, outcome: Outcome, now: float) -> bool:
        """Whether it was no attempt: there was no place, or for a while there is no server."""
        if outcome is Outcome.BUSY:
            self.start_limiter.record_refused(slot.started_at, now)
            return True
        if outcome is Outcome.UNREACHABLE:
            return self.start_limiter.record_unreachable(slot.started_at, now)
        self.start_limiter.record_end(slot.started_at, now)
        return False

    def _close_attempt(self, slot: JobSlot, last_report: JobReport) -> None:
        """The attempt's last report; the job is over unless it goes on."""
        assert isinstance(last_report.event, Ended)
        self.job_queue.remove(slot)
        slot.end_attempt(last_report.event.outcome)
        self.folder.set_changes(slot.id, slot.changes)
        self._publish(last_report)
        self.condition.notify_all()

    # --- reports ---------------------------------------------------------------------------------

    def _report(self, slot: JobSlot, event: Event) -> JobReport:
        """A report of the supervisor's own: of what happens outside a session."""
        return JobReport(slot.id, slot.attempt, slot.file, 0.0, event)

    def _publish(self, report: JobReport) -> None:
        self.folder.record(report)
        self.reports.put(report)


def _latest_outcome(state: JobState) -> Outcome | None:
    """Of the attempt before the one that is to come; None when there was none."""
    ends = [attempt.ended for attempt in state.earlier_attempts]
    ends += [state.ended] if state.ended else []
    return ends[-1].outcome if ends else None
