"""Old turns stay on disk: only the session that is looked at has all of its transcript in memory.

Of the others the last ones are kept. What was shed stands in the traces, since a session writes
there before it says anything.
"""

import queue
import threading
from pathlib import Path

from tui.model.desk_state import KEPT, DeskState
from workers.errors import Malformed, PacelineError
from workers.jobs.events import Connecting, TurnHeard
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory
from workers.jobs.resume_point import Seam
from workers.jobs.transcript import Transcript
from workers.runs import reader
from workers.traces import trace_file

_TOLD = (b'"end_of_turn":true', b'"type":"connecting"')
"""In the lines of a trace that decide which finals there are. (Most lines are partials, long.)"""


class TurnsMissing(PacelineError):
    """A transcript with a hole is not written as if it were whole."""

    def __init__(self, file: str) -> None:
        super().__init__(
            f"old turns of {file} cannot be read back from its trace",
            "The trace was damaged or removed; what is on the screen is still there.",
        )


def finals(run: Path, job: JobId, up_to: int) -> Transcript:
    """The finals of a job up to an attempt: in a run that is looked back at, others may follow.

    As far as its traces can be read; takes a second for three hours.
    """
    transcript = Transcript()
    for attempt, path in reader.traces(run, job):
        if attempt > up_to:
            break
        try:
            for traced in trace_file.read(path, _TOLD):
                match traced.event:
                    case Connecting() as connecting:
                        transcript.resume(Seam.of(connecting))
                    case TurnHeard(turn=heard):
                        transcript.hear(heard)
        except (Malformed, OSError):  # what stands before it counts
            continue
    return transcript


def fill(run: Path, history: JobHistory) -> bool:
    """Reads back what was shed of a history that no other thread knows.

    False when it could not all be read.
    """
    if not history.transcript.whole:
        history.transcript.refill(finals(run, history.job, history.heard_up_to).turns)
    return history.transcript.whole


class Shelf:
    """Sees to it that what is looked at is whole; reads in a thread, one session at a time."""

    def __init__(self, state: DeskState, run: Path) -> None:
        self._state = state
        self._run = run
        self._looked_at: JobId | None = None
        self._asked: JobId | None = None
        """What was read last for who still looks; not again, since it would find no more."""
        self._reading = False
        self._read: queue.SimpleQueue[tuple[JobId, Transcript]] = queue.SimpleQueue()

    def tick(self) -> None:
        """Puts back what was read, and lets go of what nobody looks at any more."""
        current, before = self._state.current, self._looked_at
        while not self._read.empty():
            job, transcript = self._read.get()
            self._reading = False
            if job == current:
                self._state.refill(job, transcript.turns)
        if current != before:
            if before is not None and before in self._state.histories:
                self._state.histories[before].transcript.shed(KEPT)
            self._looked_at, self._asked = current, None
            return  # whoever only passes by does not stay for a second tick
        history = self._state.selected
        if history is None or history.transcript.whole or self._reading or self._asked == current:
            return
        self._asked, self._reading = current, True
        threading.Thread(
            target=self._fetch, args=(history.job, history.heard_up_to), daemon=True
        ).start()

    def _fetch(self, job: JobId, up_to: int) -> None:
        self._read.put((job, finals(self._run, job, up_to)))
