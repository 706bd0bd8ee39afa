"""The supervisor: the queue of jobs, and a process for each session.

Lives in the parent. One thread of its own probes files and starts sessions; one daemon thread a
session reads that session's reports to their end. Whoever watches reads `Supervisor.reports`, which
never blocks a session. Nothing here knows a screen.
"""

import multiprocessing
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from workers.audio.prober import Prober
from workers.errors import PacelineError, Unreadable
from workers.events import Began, Ended, Event, Outcome, Queued, Report, Retrying
from workers.history import JobHistory
from workers.jobs import Job, JobId, Settings
from workers.place import Phase, Place
from workers.retries import Retries
from workers.run_folder import RunFolder
from workers.saving import Saving
from workers.session.assignment import Assignment, Order, Patience
from workers.session.child import SessionChild
from workers.speech.endpoint import Endpoint, Secret
from workers.starts import Starts
from workers.waiting import Waiting

START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""A fork server starts a session in milliseconds and shares its memory; not every system has it."""

PRELOADED = [
    "workers.session.child",
    "workers.session.process",
    "workers.audio.probe",
    "workers.session.inheritance",
]
"""What the fork server loads once for all sessions; importing these starts no thread."""

LOOK_EVERY = 1.0
"""Seconds between two looks at sessions that may have stood still."""

FAREWELL = 8.0
"""Seconds for which closing waits for sessions to end politely before it ends them by force."""

_NO_ROOM = "Lower --sessions, or let programs open more files (ulimit -n); then retry."
_OUT = Ended(Outcome.CANCELLED, "taken out of the queue")
_LEFT = Ended(Outcome.INTERRUPTED, "the program was left before its turn", "Nothing is lost.")


@dataclass(frozen=True, slots=True)
class Access:
    """Where sessions go and how many fit there."""

    endpoint: Endpoint
    key: Secret | None
    sessions: int
    """How many at once, when the user does not say."""


class Supervisor:
    """Runs the jobs of one run. A context manager: whatever happens, leaving it leaves no process.

    ``access`` is asked before each start, in the supervisor's own thread: an embedded engine takes
    its time to come up, and may have to come up again. ``sessions`` at once; ``starts`` bounds new
    ones, ``retries`` further attempts.
    """

    def __init__(
        self,
        access: Callable[[], Access],
        folder: RunFolder,
        settings: Settings,
        *,
        sessions: int | None = None,
        starts: Starts | None = None,
        retries: Retries | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.reports: SimpleQueue[Report] = SimpleQueue()
        self.folder = folder
        self.holding = False
        self._ask_access = access
        self._access: Access | None = None
        self._settings = settings
        self._sessions = sessions
        self._starts = starts or Starts()
        self._retries = retries or Retries()
        self._patience = patience or Patience()
        self._places: dict[JobId, Place] = {}
        self._waiting = Waiting(self._starts)
        self._stopping = False
        self._closing = False
        self._changed = threading.Condition(threading.RLock())
        self._saving = Saving(folder, self._changed)
        self._look_at = 0.0
        self._context: BaseContext = multiprocessing.get_context(START_METHOD)
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        # Before any screen replaces the standard error: the machinery inherits that descriptor.
        if START_METHOD == "forkserver":
            self._context.set_forkserver_preload(PRELOADED)
        self._context.Event()  # starts the resource tracker
        if START_METHOD == "forkserver":
            from multiprocessing import forkserver

            forkserver.ensure_running()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if not self.wait(FAREWELL):
            self.stop()  # by force now
            self.wait(FAREWELL)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(FAREWELL)  # it may be waiting for an engine that will never come up

    # --- what a user may do; any thread ----------------------------------------------------------

    @property
    def sessions(self) -> int:
        """How many sessions at most run at once."""
        if self._sessions is not None:
            return self._sessions
        return self._access.sessions if self._access else 0

    @property
    def next_start(self) -> float | None:
        """When the next queued job may start, on the monotonic clock; None when none may.

        Past when it only waits for a place.
        """
        with self._changed:
            if self.holding or self._stopping:
                return None
            return self._waiting.next_start(time.monotonic())

    @property
    def idle(self) -> bool:
        """Nothing queued and nothing live."""
        with self._changed:
            return all(place.over for place in self._places.values())

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until idle; False when it took longer than ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: self.idle, seconds)

    def add(self, files: Iterable[str]) -> list[JobId]:
        """Queues files; each is probed in the supervisor's thread, then reported."""
        with self._changed:
            added = []
            for file in files:
                place = Place(JobId(max(self._places, default=0) + 1), file)
                self._places[place.id] = place
                self.folder.expect(place.id, file)
                self._waiting.probe(place)
                if self._stopping:  # it was chosen before; a resumption may want it
                    self._end_early(place, Order.LEAVE, _LEFT)
                added.append(place.id)
            self._changed.notify_all()
            return added

    def resume(self, histories: Iterable[JobHistory]) -> None:
        """Takes over the jobs of a run that ended; those that are not finished go on.

        A job that the user cancelled is finished as he wished.
        """
        with self._changed:
            for history in histories:
                place = Place(history.job, history.file, max(history.attempt, 1))
                outcome = history.ended.outcome if history.ended else None
                place.come_back(history.seam, outcome, history.sha256)
                self._places[place.id] = place
                if not history.finished:
                    self._ask_again(place, "it was not finished")

    def cancel(self, job: JobId) -> None:
        """Ends a job politely and keeps what was heard; asked again, by force."""
        self._end_early(self._places[job], Order.CANCEL, _OUT)

    def retry(self, job: JobId) -> bool:
        """Queues a further attempt of a job that is over; False when it is not over.

        It goes on from where the last one broke; a job that was done, or whose file was at fault,
        starts anew. One that waits for its next attempt tries now.
        """
        with self._changed:
            place = self._places[job]
            if place.phase is Phase.WAITING and not self._stopping:
                place.due = 0.0
                self._starts.try_now()
                self._changed.notify_all()
                return True
            if not place.over or self._stopping:
                return False
            self._ask_again(place, "asked for")
            return True

    def hold(self, on: bool) -> None:
        """Holds new starts, or lets them go on; live sessions cannot pause and are not touched."""
        with self._changed:
            self.holding = on
            self._changed.notify_all()

    def stop(self) -> None:
        """No new starts; takes out what is queued, ends what is live politely; again: by force."""
        with self._changed:
            self._stopping = True
            for place in self._places.values():
                self._end_early(place, Order.LEAVE, _LEFT)

    # --- the supervisor's own thread -------------------------------------------------------------

    def _work(self) -> None:
        with Prober(self._context) as prober:
            while True:
                with self._changed:
                    if self._closing:
                        break
                    self._look()
                    place = self._next()
                    asked = place.asked if place is not None else 0
                    if place is None and (pause := self._pause()) > 0:
                        self._changed.wait(pause)
                if place is not None:
                    self._serve(place, asked, prober)
                self._saving.save()
        self._saving.save_at_last()

    def _serve(self, place: Place, asked: int, prober: Prober) -> None:
        """Probes a file, or starts a session. A fault of ours costs that job, not the run.

        ``asked``: `Place.asked` when it left the queue. If it differs by now, the job was taken out
        and is in the queue again.
        """
        try:
            if place.job is None:
                self._prepare(place, asked, prober)
            else:
                self._start(place, asked)
        except Exception as error:
            self._note_fault()
            reason = f"a fault in Paceline ended it ({type(error).__name__})"
            ended = Ended(Outcome.CRASHED, reason, f"{self.folder.faults} says where.")
            self._give_up(place, asked, ended)

    def _note_fault(self) -> None:
        with suppress(OSError), self.folder.faults.open("a") as file:
            traceback.print_exc(file=file)

    def _next(self) -> Place | None:
        """The job to start or to probe now."""
        starting = self._waiting.to_start(time.monotonic()) if self._has_room() else None
        return starting or self._waiting.to_probe()

    def _pause(self) -> float:
        """How long there is nothing to do, in seconds, unless something happens."""
        now, pause = time.monotonic(), LOOK_EVERY
        if self._has_room() and (due := self._waiting.next_start(now)) is not None:
            pause = min(pause, due - now)
        return self._saving.within(pause)

    def _has_room(self) -> bool:
        if self.holding or self._stopping:
            return False
        live = sum(place.phase is Phase.LIVE for place in self._places.values())
        return self._access is None or live < self.sessions

    def _look(self) -> None:
        """Ends sessions whose process has stood still for too long."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        for place in self._places.values():
            if place.child is not None and not place.look():
                place.child.put_down()

    def _prepare(self, place: Place, asked: int, prober: Prober) -> None:
        """Reads a file's facts and queues the job, or ends it in words."""
        try:
            recording = prober.probe(place.file)
        except Unreadable as error:
            self._give_up(place, asked, Ended(Outcome.UNREADABLE, error.reason, error.hint))
            return
        with self._changed:
            if place.over or place.asked != asked:  # cancelled, perhaps retried meanwhile
                return
            place.job = Job(place.id, recording, self._settings)
            self._waiting.wait(place)
            queued = Queued(recording.seconds, recording.rate, recording.channels, recording.format)
            self._forward(self._said(place, queued))

    def _start(self, place: Place, asked: int) -> None:
        """Starts a session, or says why it could not be started."""
        try:
            self._launch(place, asked)
            return
        except PacelineError as error:  # the engine did not come up; it may at the next start
            ended = Ended(Outcome.UNREACHABLE, error.reason, error.hint)
        except (OSError, EOFError) as error:  # no room for it, or the fork server was just killed
            reason = f"the session's process could not be started ({error})"
            ended = Ended(Outcome.CRASHED, reason, _NO_ROOM)
        with self._changed:
            if not place.over and place.asked == asked:
                self._end(place, self._said(place, ended))

    def _launch(self, place: Place, asked: int) -> None:
        """Makes sure that there is somewhere to stream to, then makes the process."""
        access = self._ask_access()
        with self._changed:
            if self._access is None:
                self.folder.describe(access.endpoint, self._settings)
            self._access = access
            if place.over or place.asked != asked:  # cancelled, perhaps retried meanwhile
                return
            job = place.job
            assert job is not None
            place.phase = Phase.STARTING
        self._saving.save(at_once=True)  # whatever is killed then, it is known
        trace, log = self.folder.files_of(place.id, place.attempt, place.file)
        assignment = Assignment(
            job=job,
            attempt=place.attempt,
            endpoint=access.endpoint,
            trace=str(trace),
            log=str(log),
            patience=self._patience,
            seam=place.seam,
            sha256=place.sha256,
        )
        child = SessionChild(self._context, assignment, access.key)
        with self._changed:
            place.starts(child)
            if place.unwanted:
                child.ask(Order.LEAVE if self._stopping else Order.CANCEL)
        threading.Thread(target=self._listen, args=(place, child), daemon=True).start()

    def _give_up(self, place: Place, asked: int, ended: Ended) -> None:
        """Ends a job that never became a session, unless somebody else has ended it already."""
        with self._changed:
            if not place.over and place.asked == asked:
                self._close(place, self._said(place, ended))

    # --- a listener's thread, one a session ------------------------------------------------------

    def _listen(self, place: Place, child: SessionChild) -> None:
        last: Report | None = None
        for report in child.reports():
            if isinstance(report.event, Ended):
                last = report  # passed on when its process is gone
                continue
            try:
                self._take(place, report)
            except Exception:  # the session goes on, and its trace has it all
                self._note_fault()
        with self._changed:
            if last is None:
                last = Report(place.id, place.attempt, place.file, child.elapsed, child.unsaid())
            self._end(place, last)

    def _take(self, place: Place, report: Report) -> None:
        with self._changed:
            place.hear(report.event)
            if isinstance(report.event, Began):
                self._starts.accepted(place.started_at)
            self._forward(report)

    # --- the end of an attempt; any thread, with the lock ----------------------------------------

    def _end(self, place: Place, last: Report) -> None:
        """An attempt is over, and perhaps the job with it."""
        ended = last.event
        assert isinstance(ended, Ended)
        now = time.monotonic()
        self._close(place, last)
        free = self._costs_nothing(place, ended.outcome, now)
        seconds = 0.0 if free else place.goes_on_in(ended.outcome, self._retries)
        if seconds is None or place.unwanted or self._stopping:
            return
        if free:
            self.folder.set_aside(place.id, place.attempt, place.file)
        place.attempt = self.folder.unused(place.id, place.attempt, place.file)
        self._waiting.go_on(place, now + seconds)
        wait = max(seconds, self._starts.next(now) - now)
        again = Retrying(ended.reason, round(wait, 1), place.seam.at_ms / 1000)
        self._forward(self._said(place, again))
        self._changed.notify_all()

    def _costs_nothing(self, place: Place, outcome: Outcome, now: float) -> bool:
        """Whether it was no attempt: there was no place, or for a while there is no server."""
        if outcome is Outcome.BUSY:
            self._starts.refused(place.started_at, now)
            return True
        if outcome is Outcome.UNREACHABLE:
            return self._starts.unreachable(place.started_at, now)
        self._starts.ended(place.started_at, now)
        return False

    def _ask_again(self, place: Place, reason: str) -> None:
        """A further attempt, at the end of the queue, because somebody wants it."""
        place.asked_again(self.folder.unused(place.id, place.attempt, place.file))
        self._waiting.probe(place)
        self._forward(self._said(place, Retrying(reason, 0.0, place.seam.at_ms / 1000)))
        self._changed.notify_all()

    def _end_early(self, place: Place, order: Order, unstarted: Ended) -> None:
        """Politely, at the second time by force; what has not started is taken out."""
        with self._changed:
            place.unwanted = True
            if place.child is not None:
                place.child.ask(order)
            elif place.phase in (Phase.UNPROBED, Phase.WAITING):
                self._waiting.take_out(place)
                self._close(place, self._said(place, unstarted))

    def _close(self, place: Place, last: Report) -> None:
        """The attempt's last report; the job is over unless it goes on."""
        assert isinstance(last.event, Ended)
        place.ends(last.event.outcome)
        self._forward(last)
        self._changed.notify_all()

    # --- reports; any thread ---------------------------------------------------------------------

    def _said(self, place: Place, event: Event) -> Report:
        """A report of the supervisor's own: of what happens outside a session."""
        return Report(place.id, place.attempt, place.file, 0.0, event)

    def _forward(self, report: Report) -> None:
        with self._changed:
            self.folder.record(report)
            self.reports.put(report)
