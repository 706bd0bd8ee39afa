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
from workers.errors import PacelineError, Unprobed, Unreadable
from workers.jobs.events import Ended, Outcome, Report
from workers.jobs.job import Settings
from workers.protocol import configuration
from workers.protocol.endpoint import Endpoint, Secret
from workers.runs.index_writer import Saving
from workers.scheduling.job_slot import Place
from workers.scheduling.job_table import Ledger
from workers.session.assignment import Assignment, Patience
from workers.session.child import SessionChild

LOOK_EVERY = 1.0
"""Seconds between two looks at sessions that may have stood still."""

_NO_ROOM = "Lower --sessions, or let programs open more files (ulimit -n); then retry."


@dataclass(frozen=True, slots=True)
class Access:
    """Where sessions go and how many fit there."""

    endpoint: Endpoint
    key: Secret | None
    sessions: int
    """How many at once, when the user does not say."""
    revivals: int = 0
    """How often what is there had died and was started again."""


class Dispatch:
    """Works through a ledger until it is closed."""

    def __init__(
        self,
        ledger: Ledger,
        access: Callable[[], Access],
        settings: Settings,
        patience: Patience,
        context: BaseContext,
        allowed: int | None,
    ) -> None:
        """``allowed``: sessions at once; None leaves that to the access."""
        self.holding = False
        self.allowed = allowed
        self._ledger = ledger
        self._ask_access = access
        self._access: Access | None = None
        self._settings = settings
        self._patience = patience
        self._context = context
        self._closing = False
        self._saving = Saving(ledger.folder, ledger.changed)
        self._look_at = 0.0
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def close(self, patience: float) -> None:
        """Ends the work; it may be waiting for an engine that will never come up."""
        with self._ledger.changed:
            self._closing = True
            self._ledger.changed.notify_all()
        self._thread.join(patience)
        processes.look()  # one that is stopped would not notice that nobody needs it any more

    @property
    def sessions(self) -> int:
        """How many at once; 0 while that is not known."""
        if self.allowed is not None:
            return self.allowed
        return self._access.sessions if self._access else 0

    @property
    def revivals(self) -> int:
        """How often what sessions stream to had died and was started again."""
        return self._access.revivals if self._access else 0

    def _work(self) -> None:
        changed = self._ledger.changed
        with Prober(self._context) as prober:
            while True:
                with changed:
                    if self._closing:
                        break
                    self._look()
                    place = self._next()
                    asked = place.asked if place is not None else 0
                    if place is None and (pause := self._pause()) > 0:
                        changed.wait(pause)
                if place is not None:
                    self._serve(place, asked, prober)
                self._saving.save()
        self._saving.save_at_last()

    # --- what is to be done now; with the lock ---------------------------------------------------

    def _next(self) -> Place | None:
        """The job to start or to probe now."""
        waiting = self._ledger.waiting
        starting = waiting.to_start(time.monotonic()) if self._has_room() else None
        return starting or waiting.to_probe()

    def _pause(self) -> float:
        """How long there is nothing to do, in seconds, unless something happens."""
        now, pause = time.monotonic(), LOOK_EVERY
        if self._has_room() and (due := self._ledger.waiting.next_start(now)) is not None:
            pause = min(pause, due - now)
        return self._saving.within(pause)

    def _has_room(self) -> bool:
        if self.holding or self._ledger.stopping:
            return False
        return self._access is None or self._ledger.live < self.sessions

    def _look(self) -> None:
        """Ends sessions whose process has stood still for too long, and who could not start any."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        processes.look()
        for place in self._ledger.places.values():
            if place.child is not None:
                place.child.remind()
                if not place.look():
                    place.child.put_down()

    # --- doing it --------------------------------------------------------------------------------

    def _serve(self, place: Place, asked: int, prober: Prober) -> None:
        """Probes a file, or starts a session. A fault of ours costs that job, not the run.

        ``asked``: `Place.asked` when it was taken up.
        """
        try:
            if place.job is None:
                self._prepare(place, asked, prober)
            else:
                self._start(place, asked)
        except Exception as error:
            self._note_fault()
            reason = f"a fault in Paceline ended it ({type(error).__name__})"
            ended = Ended(Outcome.CRASHED, reason, f"{self._ledger.folder.faults} says where.")
            self._ledger.give_up(place, asked, ended)

    def _note_fault(self) -> None:
        with suppress(OSError), self._ledger.folder.faults.open("a") as file:
            traceback.print_exc(file=file)

    def _prepare(self, place: Place, asked: int, prober: Prober) -> None:
        """Reads a file's facts and queues the job, or ends it in words."""
        try:
            recording = prober.probe(place.path)
        except Unreadable as error:
            ended = Ended(Outcome.UNREADABLE, error.reason, error.hint)
            self._ledger.give_up(place, asked, ended)
        except Unprobed as error:
            ended = Ended(Outcome.CRASHED, error.reason, error.hint)
            self._ledger.give_up(place, asked, ended)
        else:
            self._ledger.queue(place, asked, recording, self._settings)

    def _start(self, place: Place, asked: int) -> None:
        """Starts a session, or says why it could not be started."""
        try:
            self._launch(place, asked)
            return
        except PacelineError as error:  # the engine did not come up; it may at the next start
            ended = Ended(Outcome.UNREACHABLE, error.reason, error.hint)
        except (EOFError, ConnectionError):
            reason = "the session's process could not be started: the fork server was ended"
            ended = Ended(Outcome.CRASHED, reason, "A new one is started.")
        except OSError as error:
            reason = f"the session's process could not be started ({error})"
            ended = Ended(Outcome.CRASHED, reason, _NO_ROOM)
        with self._ledger.changed:
            if place.child is not None and place.unwanted:
                ended = place.child.unsaid()
            self._ledger.fail(place, asked, ended)

    def _launch(self, place: Place, asked: int) -> None:
        """Makes sure that there is somewhere to stream to, then makes the process."""
        access, ledger = self._ask_access(), self._ledger
        with ledger.changed:
            if self._access is None:
                ledger.folder.describe(access.endpoint, self._settings)
            self._access = access
            if place.over or place.asked != asked:  # cancelled, perhaps retried meanwhile
                return
            assignment = self._assignment(place, access.endpoint)
            child = SessionChild(self._context, assignment, access.key)
            place.starts(child)
        self._saving.save(at_once=True)  # whatever is killed then, it is known
        child.start()  # not with the lock: it takes its time
        threading.Thread(target=self._listen, args=(place, child), daemon=True).start()

    def _assignment(self, place: Place, endpoint: Endpoint) -> Assignment:
        job = place.job
        assert job is not None
        trace, log = self._ledger.folder.files_of(place.id, place.attempt, place.file)
        return Assignment(
            job=job,
            attempt=place.attempt,
            endpoint=endpoint,
            trace=str(trace),
            log=str(log),
            patience=self._patience,
            seam=place.seam,
            sha256=place.sha256,
            # Only what the model takes: a run folder may say anything.
            changes=configuration.allowed(place.changes, job.settings.speech_model),
        )

    # --- a listener's thread, one a session ------------------------------------------------------

    def _listen(self, place: Place, child: SessionChild) -> None:
        last: Report | None = None
        for report in child.reports():
            if isinstance(report.event, Ended):
                last = report  # passed on when its process is gone
                continue
            try:
                self._ledger.hear(place, report)
            except Exception:  # the session goes on, and its trace has it all
                self._note_fault()
        with self._ledger.changed:
            if last is None:
                last = Report(place.id, place.attempt, place.file, child.elapsed, child.unsaid())
            child.close()
            self._ledger.end(place, last)
