"""Saves a run's index soon after each change, in the supervisor's thread."""

import threading
import time

from workers.runs.run_folder import RunFolder

MAX_WRITE_SHARE = 0.1
"""The largest share of time spent on writing; changes in the meantime are saved together."""
RETRY_INTERVAL_S = 1.0
"""Seconds to wait after a failure, such as a full disk."""
MAX_FINAL_TRIES = 3


class IndexWriter:
    """Writes the index of ``folder``, which changes only under ``lock``."""

    def __init__(self, folder: RunFolder, lock: threading.Condition) -> None:
        self._folder = folder
        self._lock = lock
        self._due_at = 0.0

    def time_to_save(self, max_s: float) -> float:
        """Seconds until the next save, at most ``max_s``."""
        if not self._folder.needs_saving:
            return max_s
        return min(max_s, self._due_at - time.monotonic())

    def save_final(self) -> None:
        """Saves the complete index; retries for a few seconds if the disk is full."""
        for _ in range(MAX_FINAL_TRIES):
            if self.save(force=True, final=True):
                return
            time.sleep(RETRY_INTERVAL_S)

    def save(self, *, force: bool = False, final: bool = False) -> bool:
        """Saves changes if a save is due; returns False after a failure, which later calls retry.
        ``final``: see `RunFolder.save`."""
        began = time.monotonic()
        if not force and began < self._due_at:
            return True
        with self._lock:
            index = self._folder.take_unsaved(whole=final)
        if index is None:
            return True
        try:
            self._folder.save(index, final=final)
        except OSError:  # the traces contain everything
            with self._lock:
                self._folder.mark_unsaved(index)
            self._due_at = began + RETRY_INTERVAL_S
            return False
        now = time.monotonic()
        self._due_at = now + (now - began) / MAX_WRITE_SHARE
        return True
