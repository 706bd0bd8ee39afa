"""The supervisor: the queue of jobs, and a process for each session.

Lives in the parent. One thread of its own probes files and starts sessions; one daemon thread a
session reads that session's reports to their end. Whoever watches reads `Supervisor.reports`, which
never blocks a session. Nothing here knows a screen.
"""

import multiprocessing
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from workers.audio.prober import Prober
from workers.errors import PacelineError, Unreadable
from workers.events import Ended, Event, Outcome, Queued, Report
from workers.jobs import Job, JobId, Settings
from workers.run_folder import RunFolder
from workers.session.assignment import Assignment, Patience
from workers.session.child import SessionChild
from workers.speech.endpoint import Endpoint, Secret
from workers.starts import Starts

START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""A fork server starts a session in milliseconds and shares its memory; not every system has it."""

PRELOADED = [
    "workers.session.child",
    "workers.session.process",
    "workers.audio.probe",
    "workers.session.inheritance",
]
"""What the fork server loads once for all sessions; importing these starts no thread."""

SAVE_EVERY = 1.0
"""Seconds between two writes of the run's index while things change."""

_NO_ROOM = "Lower --sessions, or let programs open more files (ulimit -n); then retry."

FAREWELL = 8.0
"""Seconds for which closing waits for sessions to end politely before it ends them by force."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where sessions go and how many fit there."""

    endpoint: Endpoint
    key: Secret | None
    sessions: int
    """How many at once, when the user does not say."""


@dataclass(slots=True)
class _Place:
    """A job's place: in the queue, starting, live, or over."""

    id: JobId
    file: str
    attempt: int = 1
    job: Job | None = None
    starting: bool = False
    """Its process is being made, which takes too long to hold the lock."""
    unwanted: bool = False
    """Cancelled while it was starting."""
    live: SessionChild | None = None
    over: bool = False


class Supervisor:
    """Runs the jobs of one run. A context manager: whatever happens, leaving it leaves no process.

    ``access`` is asked once, before the first start and in the supervisor's own thread: an embedded
    engine may take its time to come up. ``sessions`` at once and ``start_rate`` new ones a minute.
    """

    def __init__(
        self,
        access: Callable[[], Access],
        folder: RunFolder,
        settings: Settings,
        *,
        sessions: int | None = None,
        start_rate: int | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.reports: SimpleQueue[Report] = SimpleQueue()
        self.folder = folder
        self.holding = False
        self._ask_access = access
        self._access: Access | None = None
        self._settings = settings
        self._sessions = sessions
        self._starts = Starts(start_rate)
        self._patience = patience or Patience()
        self._places: dict[JobId, _Place] = {}
        self._unprobed: deque[_Place] = deque()
        self._waiting: deque[_Place] = deque()
        self._stopping = False
        self._closing = False
        self._changed = threading.Condition(threading.RLock())
        self._saved = 0.0
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
                place = _Place(JobId(len(self._places) + 1), file)
                self._places[place.id] = place
                self._unprobed.append(place)
                added.append(place.id)
            self._changed.notify_all()
            return added

    def cancel(self, job: JobId) -> None:
        """Ends a job politely and keeps what was heard; asked again, by force."""
        with self._changed:
            place = self._places[job]
            if place.live is not None:
                place.live.cancel()
            elif place.starting:
                place.unwanted = True
            elif not place.over:
                for queue in (self._unprobed, self._waiting):
                    with suppress(ValueError):
                        queue.remove(place)
                ended = Ended(Outcome.CANCELLED, "taken out of the queue")
                self._end(place, self._said(place, ended))

    def retry(self, job: JobId) -> bool:
        """Queues a further attempt of a job that is over; False when it is not over."""
        with self._changed:
            place = self._places[job]
            if not place.over or self._stopping:
                return False
            place.over, place.attempt, place.job = False, place.attempt + 1, None
            place.unwanted = False
            self._unprobed.append(place)
            self._changed.notify_all()
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
                if not place.over:
                    self.cancel(place.id)

    # --- the supervisor's own thread -------------------------------------------------------------

    def _work(self) -> None:
        with Prober(self._context) as prober:
            while True:
                with self._changed:
                    if self._closing:
                        break
                    place, pause = self._next()
                    if place is None:
                        self._changed.wait(pause)
                if place is not None:
                    self._prepare(place, prober) if place.job is None else self._start(place)
                self._save()
        self._save(at_once=True, durable=True)

    def _next(self) -> tuple[_Place | None, float]:
        """The job to start or to probe now, else how long there is nothing to do, in seconds."""
        now = time.monotonic()
        pause = SAVE_EVERY
        if self._waiting and self._has_room():
            pause = self._starts.next(now) - now
            if pause <= 0:
                self._starts.started(now)
                return self._waiting.popleft(), 0.0
        if self._unprobed:
            return self._unprobed.popleft(), 0.0
        return None, min(pause, SAVE_EVERY)

    def _has_room(self) -> bool:
        if self.holding or self._stopping:
            return False
        live = sum(place.live is not None for place in self._places.values())
        return self._access is None or live < self.sessions

    def _prepare(self, place: _Place, prober: Prober) -> None:
        """Reads a file's facts and queues the job, or ends it in words."""
        attempt = place.attempt
        try:
            recording = prober.probe(place.file)
        except Unreadable as error:
            self._give_up(place, attempt, Ended(Outcome.UNREADABLE, error.reason, error.hint))
            return
        with self._changed:
            if place.over or place.attempt != attempt:  # cancelled, perhaps retried meanwhile
                return
            place.job = Job(place.id, recording, self._settings)
            self._waiting.append(place)
            queued = Queued(recording.seconds, recording.rate, recording.channels, recording.format)
            self._forward(self._said(place, queued))

    def _start(self, place: _Place) -> None:
        """Starts a session, or ends the job in words."""
        attempt = place.attempt
        try:
            self._launch(place, attempt)
        except PacelineError as error:
            self._give_up(place, attempt, Ended(Outcome.UNREACHABLE, error.reason, error.hint))
        except (OSError, EOFError) as error:  # no room for it, or the fork server was just killed
            reason = f"the session's process could not be started ({error})"
            self._give_up(place, attempt, Ended(Outcome.CRASHED, reason, _NO_ROOM))

    def _launch(self, place: _Place, attempt: int) -> None:
        """Makes sure that there is somewhere to stream to, then makes the process."""
        job = place.job
        assert job is not None
        access = self._access or self._ask_access()
        with self._changed:
            if self._access is None:
                self.folder.describe(access.endpoint, self._settings)
                self._access = access
            if place.over or place.attempt != attempt:  # cancelled, perhaps retried meanwhile
                return
            place.starting = True
        self._save(at_once=True)  # before the process: whatever is killed, the index knows the job
        trace, log = self.folder.files_of(place.id, attempt, place.file)
        assignment = Assignment(job, attempt, access.endpoint, str(trace), str(log), self._patience)
        child = SessionChild(self._context, assignment, access.key)
        with self._changed:
            place.starting, place.live = False, child
            if place.unwanted:
                child.cancel()
        threading.Thread(target=self._listen, args=(place, child), daemon=True).start()

    def _give_up(self, place: _Place, attempt: int, ended: Ended) -> None:
        """Ends a job that never became a session, unless somebody else has ended it already."""
        with self._changed:
            place.starting = False
            if not place.over and place.attempt == attempt:
                self._end(place, self._said(place, ended))

    def _save(self, *, at_once: bool = False, durable: bool = False) -> None:
        if not at_once and time.monotonic() - self._saved < SAVE_EVERY:
            return
        with self._changed:
            index = self.folder.changes()
        if index is not None:
            try:
                self.folder.save(index, durable=durable)
            except OSError:  # a full disk, say; the traces tell of that, and this is tried again
                with self._changed:
                    self.folder.save_again()
        self._saved = time.monotonic()

    # --- a listener's thread, one a session ------------------------------------------------------

    def _listen(self, place: _Place, child: SessionChild) -> None:
        last: Report | None = None
        for report in child.reports():
            if isinstance(report.event, Ended):
                last = report  # passed on when its process is gone
            else:
                self._forward(report)
        with self._changed:
            place.live = None
            self._end(place, last or self._said(place, child.unsaid()))

    # --- reports; any thread ---------------------------------------------------------------------

    def _end(self, place: _Place, last: Report) -> None:
        with self._changed:
            place.over = True
            self._forward(last)
            self._changed.notify_all()

    def _said(self, place: _Place, event: Event) -> Report:
        """A report of the supervisor's own: of what happens outside a session."""
        return Report(place.id, place.attempt, place.file, 0.0, event)

    def _forward(self, report: Report) -> None:
        with self._changed:
            self.folder.record(report)
            self.reports.put(report)
