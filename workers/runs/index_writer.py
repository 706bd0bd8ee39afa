"""Writing a run's index: each change as soon as may be, in the supervisor's own thread."""

import threading
import time

from workers.runs.run_folder import RunFolder

MAX_WRITE_SHARE = 0.1
"""The share of its time that may be spent on writing; what changes meanwhile goes together."""

RETRY_INTERVAL_S = 1.0
"""Seconds until it is tried again when it failed: the disk was full, say."""

MAX_FINAL_TRIES = 3


class IndexWriter:
    """``lock`` is that under which the folder changes."""

    def __init__(self, folder: RunFolder, lock: threading.Condition) -> None:
        self._folder = folder
        self._lock = lock
        self._due_at = 0.0

    def time_to_save(self, max_s: float) -> float:
        """Not longer than until something is to be written."""
        if not self._folder.needs_saving:
            return max_s
        return min(max_s, self._due_at - time.monotonic())

    def save_final(self) -> None:
        """Everything, and durably; a disk that is full gets a few seconds to be so no more."""
        for _ in range(MAX_FINAL_TRIES):
            self.save(force=True, durable=True)
            if not self._folder.needs_saving:
                return
            time.sleep(RETRY_INTERVAL_S)

    def save(self, *, force: bool = False, durable: bool = False) -> None:
        """Writes what has changed, if it is time; a full disk is met with patience.

        ``durable`` waits for the disk.
        """
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
        except OSError:  # the traces tell of it
            with self._lock:
                self._folder.mark_unsaved()
            self._due_at = began + RETRY_INTERVAL_S
