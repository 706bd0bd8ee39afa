"""The supervisor: the queue of jobs, and a process for each session.

Lives in the parent. What a user may do is here; `ledger` knows how each job stands, `dispatch` does
the work. Whoever watches reads `Supervisor.reports`, which never blocks a session. Nothing here
knows a screen.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from workers import processes
from workers.jobs.events import Report
from workers.jobs.job import JobId, Settings
from workers.jobs.job_state import JobHistory
from workers.protocol import configuration
from workers.protocol.messages import ForceEndpoint, UpdateConfiguration
from workers.runs.run_folder import RunFolder
from workers.scheduling.dispatcher import Access, Dispatch
from workers.scheduling.job_slot import Phase
from workers.scheduling.job_table import LEFT, OUT, Ledger
from workers.scheduling.retry_policy import Retries
from workers.scheduling.start_rate import Starts
from workers.session.assignment import Order, Patience

__all__ = ["Access", "Supervisor"]

FAREWELL = 8.0
"""Seconds for which closing waits for sessions to end politely before it ends them by force."""


class Supervisor:
    """Runs the jobs of one run. A context manager: whatever happens, leaving it leaves no process.

    ``access`` is asked before each start, in the supervisor's own thread: an embedded engine takes
    its time to come up, and may have to come up again. ``sessions`` at once; ``starts`` bounds new
    ones, ``retries`` further attempts. Its methods may be called from any thread.
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
        self.folder = folder
        self._settings = settings
        self._starts = starts or Starts()
        self._ledger = Ledger(folder, self._starts, retries or Retries())
        self._changed = self._ledger.changed
        self._context = processes.context()
        self._dispatch = Dispatch(
            self._ledger, access, settings, patience or Patience(), self._context, sessions
        )

    def __enter__(self) -> Self:
        processes.warm_up(self._context)
        self._dispatch.start()
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
        self._dispatch.close(FAREWELL)

    # --- how it stands ---------------------------------------------------------------------------

    @property
    def reports(self) -> "SimpleQueue[Report]":
        """What happens, as it happens."""
        return self._ledger.reports

    @property
    def sessions(self) -> int:
        """How many sessions at most run at once; 0 while that is not known."""
        return self._dispatch.sessions

    @property
    def holding(self) -> bool:
        """No new starts while true."""
        return self._dispatch.holding

    def foreseen_starts(self) -> Callable[[float], float]:
        """Tries out the starts to come, if none of them is refused.

        To be asked for one after another: takes in how many seconds there is a place for it, gives
        in how many it starts.
        """
        with self._changed:
            start, now = self._starts.rehearsal(), time.monotonic()
        return lambda place_in: start(now + place_in) - now

    @property
    def revivals(self) -> int:
        """How often an embedded engine that had died was started again."""
        return self._dispatch.revivals

    @property
    def queue(self) -> list[JobId]:
        """Jobs that wait for their start, the next one first.

        One that broke may have its time to wait for; others go first meanwhile.
        """
        with self._changed:
            return self._ledger.waiting.order

    @property
    def next_start(self) -> float | None:
        """When the next queued job may start, on the monotonic clock; None when none may.

        Past when it only waits for a place.
        """
        with self._changed:
            if self.holding or self._ledger.stopping:
                return None
            return self._ledger.waiting.next_start(time.monotonic())

    @property
    def idle(self) -> bool:
        """Nothing queued and nothing live."""
        return self._ledger.idle

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until idle; False when it took longer than ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: self.idle, seconds)

    # --- jobs ------------------------------------------------------------------------------------

    def add(self, files: Iterable[str]) -> list[JobId]:
        """Queues files; each is probed in the supervisor's thread, then reported."""
        with self._changed:
            return [self._ledger.add(file).id for file in files]

    def resume(self, histories: Iterable[JobHistory]) -> None:
        """Takes over the jobs of a run that ended; those that are not finished go on.

        A job that the user cancelled is finished as he wished. What had begun goes first, the rest
        in the order into which it was put.
        """
        with self._changed:
            begun = []
            for history in histories:
                place = self._ledger.take_over(history)
                if not history.finished:
                    self._ledger.ask_again(place, "it was not finished")
                    begun += [place.id] if history.begun or history.earlier else []
            self._ledger.waiting.arrange([*begun, *self.folder.order])

    def cancel(self, job: JobId) -> None:
        """Ends a job politely and keeps what was heard; asked again, by force."""
        self._ledger.end_early(self._ledger.places[job], Order.CANCEL, OUT)

    def retry(self, job: JobId) -> bool:
        """Queues a further attempt of a job that is over; False when it is not over.

        It goes on from where the last one broke; a job that was done, or whose file was at fault,
        starts anew. One that waits for its next attempt tries now.
        """
        with self._changed:
            place = self._ledger.places[job]
            if self._ledger.stopping:
                return False
            if place.phase is Phase.WAITING:
                place.due = 0.0
                self._starts.try_now()
                self._changed.notify_all()
                return True
            if not place.over:
                return False
            self._ledger.ask_again(place, "asked for")
            return True

    # --- a session in mid-stream -----------------------------------------------------------------

    def end_turn(self, job: JobId) -> bool:
        """Has the server end the open turn now; False when the job does not stream."""
        with self._changed:
            place = self._ledger.places[job]
            if place.child is None or not place.streams:
                return False
            place.child.pass_on(ForceEndpoint())
            return True

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        """Changes how the server hears a job, now and in further attempts.

        Only what the model may change is sent; False when that is nothing, or when the job does not
        stream.
        """
        allowed = configuration.allowed(changes, self._settings.speech_model)
        with self._changed:
            place = self._ledger.places[job]
            if place.child is None or not place.streams or allowed == configuration.UNCHANGED:
                return False
            place.child.pass_on(allowed)
            place.changes = configuration.merged(place.changes, allowed)
            self.folder.change(place.id, place.changes)
            return True

    # --- the queue -------------------------------------------------------------------------------

    def arrange(self, order: Sequence[JobId]) -> None:
        """Puts jobs that wait into this order. Those that are not named come behind them, but for
        those that go on: they stay ahead."""
        with self._changed:
            self._ledger.waiting.arrange(order)
            self.folder.arrange(self._ledger.waiting.order)
            self._changed.notify_all()

    def allow(self, sessions: int) -> None:
        """So many at once from now on, at least 1; what is live goes on to its end."""
        with self._changed:
            self._dispatch.allowed = max(1, sessions)
            self._changed.notify_all()

    def hold(self, on: bool) -> None:
        """Holds new starts, or lets them go on; live sessions cannot pause and are not touched."""
        with self._changed:
            self._dispatch.holding = on
            self._changed.notify_all()

    def stop(self) -> None:
        """No new starts; takes out what is queued, ends what is live politely; again: by force."""
        with self._changed:
            self._ledger.stopping = True
            for place in self._ledger.places.values():
                self._ledger.end_early(place, Order.LEAVE, LEFT)
