"""Queues recordings while folders are searched or watched, in a thread beside the event loop."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from queue import Empty, SimpleQueue

from workers import threads
from workers.audio.folder_watch import FolderWatch
from workers.audio.source import Source
from workers.errors import PacelineError
from workers.jobs.job import JobId

BATCH_RECORDINGS = 100
"""How many recordings are queued at once: reports of sessions wait meanwhile."""

MAX_BATCH_WAIT_S = 0.05
"""How long a recording waits for the rest of its batch while others are found."""

JOIN_TIMEOUT_S = 2.0
"""How long leaving waits for the thread, which may be waiting for a network folder."""


class FeedPhase(Enum):
    SEARCHING = "searching"
    WATCHING = "watching"
    ENDED = "ended"


def _sources_of(paths: Iterable[str]) -> Iterable[Source]:
    return map(Source, paths)


class RecordingFeed:
    """Queues what ``search`` yields, then what ``watch`` finds, until it is left.

    A context manager. ``queue_sources`` adds recordings to the run and returns their jobs;
    ``new_sources`` makes sources of the paths of recordings that have appeared. ``on_all_found`` is
    called when everything that the search yields is queued.
    """

    def __init__(
        self,
        search: Iterable[Source],
        queue_sources: Callable[[Sequence[Source]], list[JobId]],
        watch: FolderWatch | None = None,
        new_sources: Callable[[Iterable[str]], Iterable[Source]] = _sources_of,
        on_all_found: Callable[[], object] = lambda: None,
    ) -> None:
        self.phase = FeedPhase.SEARCHING
        self._search, self._watch = search, watch
        self._queue_sources, self._new_sources = queue_sources, new_sources
        self._on_all_found = on_all_found
        self._queued: SimpleQueue[tuple[JobId, Source]] = SimpleQueue()
        self._problems: SimpleQueue[PacelineError] = SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threads.new_thread(self._run, "recordings")

    def __enter__(self) -> "RecordingFeed":
        threads.start(self._thread)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(JOIN_TIMEOUT_S)

    def stop(self) -> None:
        """Queues nothing more."""
        self._stopped.set()
        self.phase = FeedPhase.ENDED

    @property
    def growing_count(self) -> int:
        """How many files have appeared that are still growing."""
        return self._watch.growing_count if self._watch else 0

    def take_queued(self, max_jobs: int) -> list[tuple[JobId, Source]]:
        """Returns jobs that were queued since the last call, in order."""
        taken: list[tuple[JobId, Source]] = []
        try:
            while len(taken) < max_jobs:
                taken.append(self._queued.get_nowait())
        except Empty:
            pass
        return taken

    def take_problem(self) -> PacelineError | None:
        """Returns what ended the search, once; None if nothing did."""
        try:
            return self._problems.get_nowait()
        except Empty:
            return None

    def _run(self) -> None:
        try:
            self._queue_all(self._search)
            if not self._stopped.is_set():
                self._on_all_found()
        except PacelineError as problem:
            self._problems.put(problem)
        if self._watch is not None and not self._stopped.is_set():
            self.phase = FeedPhase.WATCHING
            while not self._stopped.wait(self._watch.poll_interval_s):
                self._queue_all(self._new_sources(self._watch.poll(time.monotonic())))
        self.phase = FeedPhase.ENDED

    def _queue_all(self, sources: Iterable[Source]) -> None:
        batch: list[Source] = []
        began = time.monotonic()
        try:
            for source in sources:
                if self._stopped.is_set():
                    return
                batch.append(source)
                if self._watch is not None:
                    self._watch.add_known(source.file)
                if len(batch) >= BATCH_RECORDINGS or time.monotonic() - began >= MAX_BATCH_WAIT_S:
                    self._queue_batch(batch)
                    batch, began = [], time.monotonic()
        finally:  # also if the search ends with a problem
            self._queue_batch(batch)

    def _queue_batch(self, batch: Sequence[Source]) -> None:
        if batch and not self._stopped.is_set():
            for queued in zip(self._queue_sources(batch), batch, strict=True):
                self._queued.put(queued)
