"""Which files a watch finds in folders, and when."""

import os
from pathlib import Path

import pytest

from workers.audio.folder_watch import STABLE_S, FolderWatch


class WatchedFolder:
    """A watched folder, and a clock that a test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 100.0
        known = [str(path) for path in sorted(folder.rglob("*.wav"))]
        self.watch = FolderWatch([str(folder)], known)
        assert self.found() == []

    def write(self, name: str, content: bytes = b"audio") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(content)

    def found(self, after_s: float = 0.0) -> list[str]:
        """What the watch finds after this many seconds, relative to its folder."""
        self.now += after_s
        return [os.path.relpath(path, self.folder) for path in self.watch.poll(self.now)]


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFolder:
    (tmp_path / "before.wav").write_bytes(b"audio")
    return WatchedFolder(tmp_path)


def test_a_new_recording_is_found_once_it_stops_growing(watched: WatchedFolder) -> None:
    """It may be a copy or a recording in progress."""
    watched.write("deep/er/new.wav")

    assert watched.found() == []
    assert watched.watch.growing_count == 1
    watched.write("deep/er/new.wav")
    assert watched.found(STABLE_S) == []
    assert watched.found(STABLE_S / 2) == []
    assert watched.found(STABLE_S / 2) == ["deep/er/new.wav"]
    assert watched.watch.growing_count == 0
    assert watched.found(STABLE_S) == []


def test_an_empty_file_is_not_complete(watched: WatchedFolder) -> None:
    """A recorder creates its file before it writes to it."""
    watched.write("new.wav", b"")

    assert watched.found() == []
    assert watched.found(STABLE_S) == []
    watched.write("new.wav")
    assert watched.found(STABLE_S) == []
    assert watched.found(STABLE_S) == ["new.wav"]


def test_a_download_counts_once_when_it_gets_its_name(watched: WatchedFolder) -> None:
    """Browsers rename a download when it is complete."""
    watched.write("talk.mp3.part")

    assert watched.found() == watched.found(STABLE_S) == []
    os.rename(watched.folder / "talk.mp3.part", watched.folder / "talk.mp3")
    assert watched.found(1.0) == []
    assert watched.found(STABLE_S) == ["talk.mp3"]


def test_a_recording_that_is_renamed_or_moved_is_not_new(watched: WatchedFolder) -> None:
    """Neither one from before, nor one that was found."""
    watched.write("new.wav")
    assert watched.found() == []
    assert watched.found(STABLE_S) == ["new.wav"]
    (watched.folder / "done").mkdir()
    os.rename(watched.folder / "before.wav", watched.folder / "done" / "a.wav")
    os.rename(watched.folder / "new.wav", watched.folder / "done" / "b.wav")

    assert watched.found() == watched.found(STABLE_S) == []
    os.link(watched.folder / "done" / "a.wav", watched.folder / "again.wav")
    assert watched.found() == []
    assert watched.found(STABLE_S) == ["again.wav"]


def test_a_file_that_vanishes_is_forgotten(watched: WatchedFolder) -> None:
    """And so is a folder that is away for a while: nothing in it is new when it is back."""
    watched.write("gone.wav")
    assert watched.found() == []
    (watched.folder / "gone.wav").unlink()
    assert watched.found(STABLE_S) == []
    assert watched.watch.growing_count == 0
    away = watched.folder.with_name("away")
    watched.folder.rename(away)
    assert watched.found() == []
    away.rename(watched.folder)
    assert watched.found() == watched.found(STABLE_S) == []


def test_a_storm_of_files_is_found_in_order(watched: WatchedFolder) -> None:
    """A folder of a thousand recordings may be moved here at once."""
    names = [f"storm/{number:04}.wav" for number in range(1000)]
    for name in names:
        watched.write(name)

    assert watched.found() == []
    assert watched.found(STABLE_S) == names
