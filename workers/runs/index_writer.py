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
        """Saves everything durably; retries for a few seconds if the disk is full."""
        for _ in range(MAX_FINAL_TRIES):
            self.save(force=True, durable=True)
            if not self._folder.needs_saving:
                return
            time.sleep(RETRY_INTERVAL_S)

    def save(self, *, force: bool = False, durable: bool = False) -> None:
        """Saves changes if a save is due; after a failure, later calls retry. ``durable`` waits for
        the disk."""
        began = time.monotonic()
        if not force and began < self._due_at:
            return
        with self._lock:
            index = self._folder.take_index_text()
        if index is None:
            return
        try:
            self._folder.save(index, durable=durable)
            now = time.monotonic()
            self._due_at = now + (now - began) / MAX_WRITE_SHARE
        except OSError:  # the traces contain everything
            with self._lock:
                self._folder.mark_unsaved()
            self._due_at = began + RETRY_INTERVAL_S
