"""Which recordings count as having the same content."""

import os
from pathlib import Path

from workers.audio.source import DEFAULT_OPTIONS, ReadOptions
from workers.jobs.job import JobId
from workers.scheduling.duplicates import SAMPLE_BYTES, DuplicateFinder


class Recordings:
    """Finds each recording in a folder once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.finder, self.count = folder, DuplicateFinder(), 0

    def find(self, name: str, options: ReadOptions = DEFAULT_OPTIONS) -> str:
        self.count += 1
        path = str(self.folder / name)
        size = os.path.getsize(path)
        return self.finder.find(JobId(self.count), name, path, size, options)


def test_copies_and_links_are_noticed(tmp_path: Path) -> None:
    """The first one of them is named, however many there are."""
    (tmp_path / "a.wav").write_bytes(b"audio")
    (tmp_path / "copy.wav").write_bytes(b"audio")
    (tmp_path / "other.wav").write_bytes(b"AUDIO")
    (tmp_path / "longer.wav").write_bytes(b"audio audio")
    os.link(tmp_path / "a.wav", tmp_path / "hard.wav")
    (tmp_path / "soft.wav").symlink_to(tmp_path / "a.wav")
    recordings = Recordings(tmp_path)
    names = ("a.wav", "other.wav", "copy.wav", "longer.wav", "hard.wav", "soft.wav", "a.wav")

    assert [recordings.find(name) for name in names] == [
        "", "", "a.wav", "", "a.wav", "a.wav", "a.wav",
    ]  # fmt: skip


def test_recordings_that_differ_between_the_samples_are_different(tmp_path: Path) -> None:
    """Two recordings of one length may begin and end alike; only all bytes decide."""
    content = bytearray(8 * SAMPLE_BYTES)
    (tmp_path / "a.wav").write_bytes(content)
    content[2 * SAMPLE_BYTES] = 1
    (tmp_path / "b.wav").write_bytes(content)
    (tmp_path / "c.wav").write_bytes(content)
    recordings = Recordings(tmp_path)

    assert [recordings.find(name) for name in ("a.wav", "b.wav", "c.wav")] == ["", "", "b.wav"]


def test_parts_of_one_file_are_different_recordings(tmp_path: Path) -> None:
    """A manifest may list many parts of one file."""
    (tmp_path / "a.wav").write_bytes(b"audio")
    recordings = Recordings(tmp_path)
    parts = [ReadOptions(start_s=0.0, end_s=5.0), ReadOptions(start_s=5.0)]

    assert [recordings.find("a.wav", part) for part in (*parts, parts[0])] == ["", "", "a.wav"]


def test_a_job_is_not_its_own_duplicate(tmp_path: Path) -> None:
    """A retry probes the file again."""
    (tmp_path / "a.wav").write_bytes(b"audio")
    finder, path = DuplicateFinder(), str(tmp_path / "a.wav")

    assert "" == finder.find(JobId(1), "a.wav", path, 5, DEFAULT_OPTIONS)
    assert "" == finder.find(JobId(1), "a.wav", path, 5, DEFAULT_OPTIONS)
    assert "a.wav" == finder.find(JobId(2), "b.wav", path, 5, DEFAULT_OPTIONS)


def test_a_file_that_has_vanished_is_the_same_as_none(tmp_path: Path) -> None:
    """It may have been moved since it was probed; its session will say so."""
    (tmp_path / "a.wav").write_bytes(b"audio")
    finder = DuplicateFinder()
    finder.find(JobId(1), "gone.wav", str(tmp_path / "gone.wav"), 5, DEFAULT_OPTIONS)

    found = [
        finder.find(JobId(job), f"{job}.wav", str(tmp_path / "a.wav"), 5, DEFAULT_OPTIONS)
        for job in (2, 3)
    ]

    assert found == ["", "2.wav"]
