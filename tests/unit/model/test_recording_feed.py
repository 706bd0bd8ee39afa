"""Recordings that are queued while they are found."""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tui.model.recording_feed import BATCH_RECORDINGS, FeedPhase, RecordingFeed
from workers.audio.folder_watch import FolderWatch
from workers.audio.source import Source
from workers.errors import UsageProblem
from workers.jobs.job import JobId


class Queue:
    """Numbers what is queued."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.batch_sizes: list[int] = []

    def add(self, sources: Sequence[Source]) -> list[JobId]:
        first = len(self.files) + 1
        self.files += [source.file for source in sources]
        self.batch_sizes.append(len(sources))
        return [JobId(job) for job in range(first, len(self.files) + 1)]


class HastyWatch(FolderWatch):
    """A watch for which an hour passes between two looks."""

    _polls = 0

    def poll(self, now: float) -> list[str]:
        self._polls += 1
        complete = super().poll(now + 3600 * self._polls)
        self.poll_interval_s = 0.01
        return complete


def wait_for(feed: RecordingFeed, phase: FeedPhase) -> None:
    deadline = time.monotonic() + 20
    while feed.phase is not phase:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_a_search_finds_is_queued_in_batches() -> None:
    """Each job can be taken once, in order."""
    queue, files = Queue(), [f"{number}.wav" for number in range(3 * BATCH_RECORDINGS + 1)]
    with RecordingFeed(map(Source, files), queue.add) as feed:
        wait_for(feed, FeedPhase.ENDED)
    first, rest = feed.take_queued(2), feed.take_queued(len(files))

    assert queue.files == files
    assert max(queue.batch_sizes) == BATCH_RECORDINGS
    assert [(1, "0.wav"), (2, "1.wav")] == [(job, source.file) for job, source in first]
    assert len(rest) == len(files) - 2
    assert feed.take_queued(1) == []


def test_what_ends_a_search_is_kept_and_what_was_found_is_queued() -> None:
    """The last of several folders may be without audio."""

    def search() -> Iterator[Source]:
        yield Source("a.wav")
        raise UsageProblem("there is no audio in it")

    queue = Queue()
    with RecordingFeed(search(), queue.add) as feed:
        wait_for(feed, FeedPhase.ENDED)

    assert queue.files == ["a.wav"]
    assert (problem := feed.take_problem()) is not None
    assert "no audio" in problem.reason
    assert feed.take_problem() is None


def test_a_watch_goes_on_until_the_feed_is_left(tmp_path: Path) -> None:
    """What the search found is not found again; what has appeared is read with its options."""
    (tmp_path / "a.wav").write_bytes(b"audio")
    queue, watch = Queue(), HastyWatch([str(tmp_path)])
    watch.poll_interval_s = 0.01
    search = iter([Source(str(tmp_path / "a.wav"))])

    def new_sources(paths: Iterable[str]) -> list[Source]:
        return [Source(path, metadata=(("new", "yes"),)) for path in paths]

    with RecordingFeed(search, queue.add, watch, new_sources) as feed:
        wait_for(feed, FeedPhase.WATCHING)
        (tmp_path / "b.wav").write_bytes(b"audio")
        deadline = time.monotonic() + 20
        while len(queue.files) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    (_, first), (_, second) = feed.take_queued(5)

    assert [first.file, second.file] == [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    assert second.metadata == (("new", "yes"),)
    assert feed.phase is FeedPhase.ENDED


def test_what_was_found_is_reported_once_all_of_it_is_queued() -> None:
    """Not if the search ended with a problem, or was stopped: then recordings are missing."""

    def broken() -> Iterator[Source]:
        yield Source("a.wav")
        raise UsageProblem("the disk is away", "Retry.")

    queue, complete = Queue(), list[list[str]]()
    for search in (map(Source, ["a.wav", "b.wav"]), broken()):
        found = RecordingFeed(
            search, queue.add, on_all_found=lambda: complete.append([*queue.files])
        )
        with found as feed:
            wait_for(feed, FeedPhase.ENDED)
    with RecordingFeed(iter(()), queue.add, on_all_found=lambda: complete.append([])) as feed:
        wait_for(feed, FeedPhase.ENDED)

    assert [["a.wav", "b.wav"], []] == complete
