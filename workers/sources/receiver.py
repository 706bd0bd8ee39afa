"""Receives recordings that are not local files, each in a thread of the program."""

import os
import select
import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeAlias

from workers import threads
from workers.audio.source import Source
from workers.errors import Unreadable
from workers.log import Logger
from workers.sources.spool import ReceptionCancelled, SpoolWriter, is_complete

RECEPTION_REPORT_INTERVAL_S = 0.5
_STDIN_BLOCK_BYTES = 64 * 1024

_log = Logger("paceline.sources")

ProgressReport: TypeAlias = Callable[[int, int | None], bool]
"""Called about twice a second by the thread that receives, with the bytes that have arrived, and
those in all if they are known. Returns whether the rest is needed."""

EndReport: TypeAlias = Callable[[Unreadable | None], object]
"""Called by the thread that receives, when everything has arrived, or why it could not."""


class Receiver:
    """Receives recordings into spools. `close` ends all receptions."""

    def __init__(self) -> None:
        self._receptions: dict[str, Reception] = {}
        self._lock = threading.Lock()

    def start(
        self, source: Source, path: str, on_progress: ProgressReport, on_end: EndReport
    ) -> None:
        """Receives ``source`` into the spool at ``path``, once for all jobs that stream it."""
        with self._lock:
            current = self._receptions.get(path)
            if current is None or not current.add_job(on_progress, on_end):
                reception = self._receptions[path] = Reception(source, path, current)
                reception.add_job(on_progress, on_end)
                reception.start()

    def close(self) -> None:
        """Ends all receptions; keeps what has arrived."""
        with self._lock:
            for reception in self._receptions.values():
                reception.stop()


class Reception:
    """Receives one recording in a thread. The thread is a daemon: a pipe may never end."""

    def __init__(self, source: Source, path: str, before: "Reception | None") -> None:
        """``before``: an earlier reception into the same spool, which is over or ends soon."""
        self._source, self._path, self._before = source, path, before
        self._lock = threading.Lock()
        self._jobs: list[tuple[ProgressReport, EndReport]] = []
        self._is_over = False
        self._stopped = threading.Event()
        self._reported_at = 0.0
        self._thread = threads.new_thread(self._run, "receiver")

    def start(self) -> None:
        threads.start(self._thread)

    def add_job(self, on_progress: ProgressReport, on_end: EndReport) -> bool:
        """Adds a job that needs the recording; returns False if the reception is over."""
        with self._lock:
            if not self._is_over:
                self._jobs.append((on_progress, on_end))
            return not self._is_over

    def stop(self) -> None:
        """Asks the thread to end; it notices within a second, or with the next bytes."""
        self._stopped.set()

    def _run(self) -> None:
        problem = None
        is_first = self._before is None
        if self._before is not None:
            self._before._thread.join()
            self._before = None
        try:
            receive(self._source, self._path, self._check_and_report, continue_stdin=not is_first)
        except Unreadable as error:
            problem = error
        except ReceptionCancelled:
            return
        except Exception as error:  # a bug, which ends the job: nothing else would
            name = type(error).__name__
            # Without the message, which may contain a URL with secrets.
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.warning("a recording cannot be received: %s\n%s", name, frames)
            problem = Unreadable(f"it cannot be received because of a bug in Paceline ({name})")
        with self._lock:
            self._is_over = True
        for _, on_end in self._jobs:
            on_end(problem)

    def _check_and_report(self, received_bytes: int, total_bytes: int | None) -> None:
        now = time.monotonic()
        if now < self._reported_at + RECEPTION_REPORT_INTERVAL_S and not self._stopped.is_set():
            return
        self._reported_at = now
        with self._lock:
            is_needed = [on_progress(received_bytes, total_bytes) for on_progress, _ in self._jobs]
            self._is_over = self._stopped.is_set() or not any(is_needed)
        if self._is_over:
            raise ReceptionCancelled


def receive(
    source: Source,
    path: str,
    on_progress: Callable[[int, int | None], object],
    *,
    continue_stdin: bool = False,
) -> None:
    """Receives a recording into the spool at ``path``, which may have its beginning already.

    ``continue_stdin``: whether this program has read that beginning from its standard input. That
    of an earlier program is lost, so its recording ends with what has arrived.

    Raises `Unreadable`, or what ``on_progress`` raises.
    """
    if is_complete(path):
        return
    with SpoolWriter(path) as spool:
        if source.is_stdin and spool.size and not continue_stdin:
            spool.fail("the rest of it was lost, because the program that read the pipe ended")
            return
        try:
            if source.is_stdin:
                _copy_stdin(spool, on_progress)
            else:
                from workers.sources.download import download  # slow to load

                download(source, spool, on_progress)
        except Unreadable as error:
            spool.fail(error.reason)
            raise
        spool.finish()


def _copy_stdin(spool: SpoolWriter, on_progress: Callable[[int, int | None], object]) -> None:
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
