"""Receives recordings that are not local files, each in a thread of the program."""

import os
import select
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from workers.audio.source import Source
from workers.errors import Unreadable
from workers.sources.download import DownloadCancelled, ProgressCallback, download
from workers.sources.spool import SpoolWriter, is_complete

RECEPTION_REPORT_INTERVAL_S = 0.5
_STDIN_BLOCK_BYTES = 64 * 1024


ProgressReport: TypeAlias = Callable[[int, int | None], bool]
"""Called about twice a second by the thread that receives, with the bytes that have arrived, and
those in all if they are known. Returns whether the rest is needed."""

EndReport: TypeAlias = Callable[[Unreadable | None], object]
"""Called by the thread that receives, when everything has arrived, or why it could not."""


class Receiver:
    """Receives recordings into spools. `close` ends all receptions."""

    def __init__(self) -> None:
        self._receptions: dict[str, Reception] = {}

    def start(
        self, source: Source, path: str, on_progress: ProgressReport, on_end: EndReport
    ) -> None:
        """Starts to receive ``source`` into the spool at ``path``. An earlier reception into the
        same spool ends first."""
        before = self._receptions.get(path)
        reception = self._receptions[path] = Reception(source, path, on_progress, on_end, before)
        reception.start()

    def close(self) -> None:
        """Ends all receptions; keeps what has arrived."""
        for reception in self._receptions.values():
            reception.stop()


class Reception:
    """Receives one recording in a thread. The thread is a daemon: a pipe may never end."""

    def __init__(
        self,
        source: Source,
        path: str,
        on_progress: ProgressReport,
        on_end: EndReport,
        before: "Reception | None",
    ) -> None:
        self._source, self._path = source, path
        self._on_progress, self._on_end = on_progress, on_end
        self._before = before
        self._stopped = threading.Event()
        self._reported_at = 0.0
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; it notices within a second, or with the next bytes."""
        self._stopped.set()

    def _run(self) -> None:
        problem = None
        if self._before is not None:
            self._before.stop()
            self._before._thread.join()
            self._before = None
        try:
            receive(self._source, self._path, self._check_and_report)
        except Unreadable as error:
            problem = error
        except DownloadCancelled:
            return
        if not self._stopped.is_set():
            self._on_end(problem)

    def _check_and_report(self, received_bytes: int, total_bytes: int | None) -> None:
        if self._stopped.is_set():
            raise DownloadCancelled
        now = time.monotonic()
        if now >= self._reported_at + RECEPTION_REPORT_INTERVAL_S:
            self._reported_at = now
            if not self._on_progress(received_bytes, total_bytes):
                raise DownloadCancelled


def receive(source: Source, path: str, on_progress: ProgressCallback) -> None:
    """Receives a recording into the spool at ``path``, which may have its beginning already.

    Raises `Unreadable`, or what ``on_progress`` raises.
    """
    if is_complete(path):
        return
    with SpoolWriter(path) as spool:
        try:
            if source.is_stdin:
                _copy_stdin(spool, on_progress)
            else:
                download(source, spool, on_progress)
        except Unreadable as error:
            spool.fail(error.reason)
            raise
        spool.finish()


def _copy_stdin(spool: SpoolWriter, on_progress: ProgressCallback) -> None:
    try:
        if os.isatty(0):
            hint = "Pipe a recording into it: … | paceline run -"
            raise Unreadable("the standard input is a terminal", hint)
        while True:
            on_progress(spool.size, None)
            if not select.select([0], [], [], RECEPTION_REPORT_INTERVAL_S)[0]:
                continue
            if not (block := os.read(0, _STDIN_BLOCK_BYTES)):
                break
            spool.write(block)
    except OSError as error:
        raise Unreadable(f"the standard input cannot be read ({error.strerror})") from error
    if not spool.size:
        raise Unreadable("the standard input is empty", "Did the program before the pipe fail?")
