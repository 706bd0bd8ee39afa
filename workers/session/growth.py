"""A recording that is still being written, as its session sees it."""

import time
from collections.abc import Callable

from workers.audio import decode
from workers.audio.growing import GrowingFile
from workers.audio.recording import Reader, Recording

POLL_INTERVAL_S = 0.05
"""How often the file is looked at when all that was written is sent."""


class Growth:
    """The length of the file so far, and waiting for more. ``check`` is called while the session
    has not begun, and may raise."""

    def __init__(self, recording: Recording, rate: int, check: Callable[[], object]) -> None:
        self.is_measured = recording.reader is Reader.GROWING
        """Whether the bytes that were written tell how much audio they hold."""
        path, options = recording.path, recording.options
        self._file = GrowingFile(path, options) if self.is_measured else None
        self._recording, self._rates = recording, (rate, recording.rate)
        self._check = check
        self.pause: Callable[[float], bool] | None = None
        """Continues the session until a monotonic time; returns False if the session ends. None
        before the session begins."""
        self.ready_at = 0.0
        """When the audio that was awaited last was there at the latest, on the monotonic clock."""
        self.is_stopped = False
        """Whether a wait ended because the session did."""

    @property
    def written_samples(self) -> int:
        """The length so far, at most to the end of the part, at the rate that is sent; 0 if it is
        not known."""
        if self._file is None:
            return 0
        sent_rate, file_rate = self._rates
        written = self._file.frames_written * sent_rate // file_rate
        return min(written, decode.end_frame(self._recording, sent_rate))

    def wait(self) -> bool:
        """Waits before the file is looked at again; returns False if the session ends.

        What comes later than that look was due comes late because of the writer. If the look itself
        is late, that is a lag of this session.
        """
        self.ready_at = time.monotonic() + POLL_INTERVAL_S
        if self.pause is None:
            self._check()
            time.sleep(POLL_INTERVAL_S)
            return True
        self.is_stopped = not self.pause(self.ready_at)
        return not self.is_stopped
