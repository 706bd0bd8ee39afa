"""Timers that notice what happens around a session while it streams: to its recording, to its run
folder, and to the machine. Each looks once a second, after a chunk has left."""

import time
from collections.abc import Callable

from workers.jobs.events import Warned
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.recording_file import RecordingFile
from workers.session.session_state import SessionState

WATCH_INTERVAL_S = 1.0
MIN_SLEEP_S = 0.1
"""Shorter differences between two clocks are not taken for a sleep of the machine."""
MAX_READING_S = 0.005
"""How long reading two clocks may take; if it takes longer, the process was interrupted."""


class FileWatch:
    """Warns when the recording changes, and ends the session when its trace is gone."""

    def __init__(
        self, file: RecordingFile, recorder: Recorder, state: SessionState, progress: SendProgress
    ) -> None:
        self._file, self._recorder = file, recorder
        self._state, self._progress = state, progress
        self._next_at = 0.0

    def tick(self, now: float) -> float:
        """Looks if a second has passed."""
        if now >= self._next_at:
            self._next_at = now + WATCH_INTERVAL_S
            self._recorder.check_trace()
            # When all is sent, `RecordingFile.change_after` judges.
            change = self._file.new_change() if self._state.is_streaming else None
            if change is not None:
                at_s = round(self._progress.sent_seconds, 3)
                self._state.warn(Warned(change.notice, at_seconds=at_s))
        return self._next_at - now


class SleepWatch:
    """Records a slip when the machine has slept, as a laptop with a closed lid does.

    Chunks are paced by a clock that stands still meanwhile, so none is late and none is sent early;
    but the server waited for all of that time.
    """

    def __init__(
        self, progress: SendProgress, asleep_s: Callable[[], float | None] | None = None
    ) -> None:
        """``asleep_s``: how long the machine has slept since some moment; None: not known now."""
        self._progress = progress
        self._asleep_s = asleep_s or _machine_asleep_s
        self._known_s = self._asleep_s()
        self._next_at = 0.0

    def tick(self, now: float) -> float:
        """Looks if a second has passed."""
        if now >= self._next_at:
            self._next_at = now + WATCH_INTERVAL_S
            asleep_s = self._asleep_s()
            if asleep_s is not None:
                slept_s = 0.0 if self._known_s is None else asleep_s - self._known_s
                self._known_s = asleep_s
                if slept_s >= MIN_SLEEP_S:
                    self._progress.record_slip(slept_s)
        return self._next_at - now


def _machine_asleep_s() -> float | None:
    """Linux: one clock counts while the machine sleeps, the other does not."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    before = time.monotonic()
    counted = time.clock_gettime(time.CLOCK_BOOTTIME)
    return counted - before if time.monotonic() - before < MAX_READING_S else None
