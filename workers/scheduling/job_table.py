"""The ledger of a run: every job's place, who waits, how attempts ended and which jobs go on.

Here it is decided and told what becomes of a job. Who makes processes is `dispatch`.
"""

import threading
import time
from queue import SimpleQueue

from workers.audio.recording import Recording
from workers.jobs.events import Began, Ended, Event, Outcome, Queued, Report, Retrying
from workers.jobs.job import Job, JobId, Settings
from workers.jobs.job_state import JobHistory
from workers.runs.run_folder import RunFolder
from workers.scheduling.job_queue import Waiting
from workers.scheduling.job_slot import Phase, Place
from workers.scheduling.retry_policy import Retries
from workers.scheduling.start_rate import Starts
from workers.session.assignment import Order

OUT = Ended(Outcome.CANCELLED, "taken out of the queue")
LEFT = Ended(Outcome.INTERRUPTED, "the program was left before its turn", "Nothing is lost.")


class Ledger:
    """For several threads: whoever reads or changes a place holds `changed`, which tells of it."""

    def __init__(self, folder: RunFolder, starts: Starts, retries: Retries) -> None:
        self.folder = folder
        self.starts = starts
        self.reports: SimpleQueue[Report] = SimpleQueue()
        self.changed = threading.Condition(threading.RLock())
        self.places: dict[JobId, Place] = {}
        self.waiting = Waiting(starts)
        self.stopping = False
        """No new starts, and none goes on."""
        self._retries = retries

    @property
    def idle(self) -> bool:
        """Nothing queued and nothing live."""
        with self.changed:
            return all(place.over for place in self.places.values())

    @property
    def live(self) -> int:
        """How many sessions there are."""
        with self.changed:
            return sum(place.phase is Phase.LIVE for place in self.places.values())

    # --- jobs come in ----------------------------------------------------------------------------

    def add(self, file: str) -> Place:
        """A new job, at the end of the queue."""
        with self.changed:
            job = JobId(max(self.places, default=0) + 1)
            self.folder.expect(job, file)
            self.places[job] = place = Place(job, file, self.folder.path_of(job))
            self.waiting.probe(place)
            if self.stopping:  # it was chosen before; a resumption may want it
                self.end_early(place, Order.LEAVE, LEFT)
            self.changed.notify_all()
            return place

    def take_over(self, history: JobHistory) -> Place:
        """A job of a run that ended, as it was left."""
        with self.changed:
            path = self.folder.path_of(history.job)
            place = Place(history.job, history.file, path, max(history.attempt, 1))
            place.come_back(history.seam, _latest_outcome(history), history.sha256)
            place.changes = self.folder.changes_to(place.id)
            self.places[place.id] = place
            return place

    def queue(self, place: Place, asked: int, recording: Recording, settings: Settings) -> None:
        """It was probed; ``asked`` as in `give_up`."""
        with self.changed:
            if place.over or place.asked != asked:
                return
            place.job = Job(place.id, place.file, recording, settings)
            self.waiting.wait(place)
            queued = Queued(recording.seconds, recording.rate, recording.channels, recording.format)
            self._forward(self._said(place, queued))

    def ask_again(self, place: Place, reason: str) -> None:
        """A further attempt, at the end of the queue, because somebody wants it."""
        with self.changed:
            place.asked_again(self.folder.unused(place.id, place.attempt, place.file))
            self.waiting.probe(place)
            self._forward(self._said(place, Retrying(reason, 0.0, place.seam.at_ms / 1000)))
            self.changed.notify_all()

    # --- while one is live -----------------------------------------------------------------------

    def hear(self, place: Place, report: Report) -> None:
        """A session says something; its end is not heard here."""
        with self.changed:
            place.hear(report.event)
            if isinstance(report.event, Began):
                self.starts.accepted(place.started_at)
            self._forward(report)

    # --- the end of an attempt -------------------------------------------------------------------

    def end_early(self, place: Place, order: Order, unstarted: Ended) -> None:
        """Politely, at the second time by force; what has not started is taken out."""
        with self.changed:
            place.unwanted = True
            if place.child is not None:
                place.child.ask(order)
            elif place.phase in (Phase.UNPROBED, Phase.WAITING):
                self._close(place, self._said(place, unstarted))

    def give_up(self, place: Place, asked: int, ended: Ended) -> None:
        """Ends a job that never became a session, unless somebody else has ended it already.

        ``asked``: `Place.asked` when it was taken up. If it differs by now, the job was taken out
        and is in the queue again.
        """
        with self.changed:
            if not place.over and place.asked == asked:
                self._close(place, self._said(place, ended))

    def fail(self, place: Place, asked: int, ended: Ended) -> None:
        """The same for an attempt: the job may get another."""
        with self.changed:
            if not place.over and place.asked == asked:
                self.end(place, self._said(place, ended))

    def end(self, place: Place, last: Report) -> None:
        """An attempt is over, and perhaps the job with it."""
        ended = last.event
        assert isinstance(ended, Ended)
        with self.changed:
            now = time.monotonic()
            self._close(place, last)
            free = self._costs_nothing(place, ended.outcome, now)
            seconds = 0.0 if free else place.goes_on_in(ended.outcome, self._retries)
            if seconds is None or place.unwanted or self.stopping:
                return
            if free:
                self.folder.set_aside(place.id, place.attempt, place.file)
            self._go_on(place, ended.reason, now, seconds)

    def _go_on(self, place: Place, reason: str, now: float, seconds: float) -> None:
        place.attempt = self.folder.unused(place.id, place.attempt, place.file)
        self.waiting.go_on(place, now + seconds)
        wait = max(seconds, self.starts.next(now) - now)
        self._forward(self._said(place, Retrying(reason, round(wait, 1), place.seam.at_ms / 1000)))
        self.changed.notify_all()

    def _costs_nothing(self, place: Place, outcome: Outcome, now: float) -> bool:
        """Whether it was no attempt: there was no place, or for a while there is no server."""
        if outcome is Outcome.BUSY:
            self.starts.refused(place.started_at, now)
            return True
        if outcome is Outcome.UNREACHABLE:
            return self.starts.unreachable(place.started_at, now)
        self.starts.ended(place.started_at, now)
        return False

    def _close(self, place: Place, last: Report) -> None:
        """The attempt's last report; the job is over unless it goes on."""
        assert isinstance(last.event, Ended)
        self.waiting.take_out(place)
        place.ends(last.event.outcome)
        self.folder.change(place.id, place.changes)
        self._forward(last)
        self.changed.notify_all()

    # --- reports ---------------------------------------------------------------------------------

    def _said(self, place: Place, event: Event) -> Report:
        """A report of the supervisor's own: of what happens outside a session."""
        return Report(place.id, place.attempt, place.file, 0.0, event)

    def _forward(self, report: Report) -> None:
        self.folder.record(report)
        self.reports.put(report)


def _latest_outcome(history: JobHistory) -> Outcome | None:
    """Of the attempt before the one that is to come; None when there was none."""
    ends = [attempt.ended for attempt in history.earlier]
    ends += [history.ended] if history.ended else []
    return ends[-1].outcome if ends else None
