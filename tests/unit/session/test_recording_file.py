"""What happens to the file of a recording while it is streamed."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workers.errors import Unreadable
from workers.session.recording_file import FileChange, RecordingFile

BEFORE = b"before" * 9000


def leave(path: Path) -> None:
    os.utime(path, (0, 0))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def overwrite(path: Path) -> None:
    path.write_bytes(b"behind" * 9000)
    os.utime(path, ns=(0, 0))


def truncate(path: Path) -> None:
    os.truncate(path, 100)


def replace(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(b"other")
    other.replace(path)


def replace_by_the_same(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(BEFORE)
    other.replace(path)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("act", "change"),
    [
        (leave, FileChange.NONE),
        (append, FileChange.GROWN),
        (overwrite, FileChange.OVERWRITTEN),
        (truncate, FileChange.OVERWRITTEN),
        (replace, FileChange.REPLACED),
        (replace_by_the_same, FileChange.NONE),
        (replace_by_a_folder, FileChange.REPLACED),
        (Path.unlink, FileChange.DELETED),
    ],
)
def test_what_happened_is_named(
    tmp_path: Path, act: Callable[[Path], None], change: FileChange
) -> None:
    """Times alone prove nothing: a copy may keep them, and a touch changes nothing."""
    path = tmp_path / "a.wav"
    path.write_bytes(BEFORE)
    with RecordingFile(str(path)) as file:
        file.hash_before(lambda: None)
        assert file.is_current()
        act(path)

        assert change is file.change_after(lambda: None)[0]
        assert hashlib.sha256(BEFORE).hexdigest() == file.sha256


@pytest.mark.parametrize(
    ("act", "change"),
    [
        (append, FileChange.GROWN),
        (lambda path: path.write_bytes(b"behind" * 9000), FileChange.OVERWRITTEN),
        (truncate, FileChange.CUT),
        (replace, FileChange.REPLACED),
        (Path.unlink, FileChange.DELETED),
    ],
)
def test_a_change_is_noticed_once_while_it_happens(
    tmp_path: Path, act: Callable[[Path], object], change: FileChange
) -> None:
    """By size, time and path, so it costs nothing to look."""
    path = tmp_path / "a.wav"
    path.write_bytes(BEFORE)
    os.utime(path, (0, 0))
    with RecordingFile(str(path)) as file:
        assert file.new_change() is None
        act(path)

        assert change is file.new_change()
        assert file.new_change() is None
        assert file.was_noticed(change)
        assert change.notice


def test_a_file_that_was_changed_and_changed_back_is_not_the_same(tmp_path: Path) -> None:
    """Its hash is, but other audio may have been read meanwhile."""
    path = tmp_path / "a.wav"
    path.write_bytes(BEFORE)
    os.utime(path, (0, 0))
    with RecordingFile(str(path)) as file:
        file.hash_before(lambda: None)
        path.write_bytes(b"behind" * 9000)
        assert file.new_change() is FileChange.OVERWRITTEN
        path.write_bytes(BEFORE)

        assert FileChange.RESTORED is file.change_after(lambda: None)[0]


@pytest.mark.parametrize("act", [replace, truncate, Path.unlink])
def test_a_decoder_may_have_opened_another_file(
    tmp_path: Path, act: Callable[[Path], None]
) -> None:
    """Between the hash and the first decoded sample."""
    path = tmp_path / "a.wav"
    path.write_bytes(BEFORE)
    with RecordingFile(str(path)) as file:
        act(path)

        assert not file.is_current()


def test_a_growing_file_is_compared_up_to_where_it_was_hashed(tmp_path: Path) -> None:
    """Its writer changes the header and the end."""
    path = tmp_path / "a.wav"
    path.write_bytes(BEFORE)
    with RecordingFile(str(path), start=44, end=1000) as file:
        file.hash_before(lambda: None)
        grown = b"x" * 44 + BEFORE[44:] + b"more"
        path.write_bytes(grown)
        change, sha256 = file.change_after(lambda: None)

        assert change is FileChange.NONE
        assert hashlib.sha256(BEFORE[44:1000]).hexdigest() == file.sha256
        assert hashlib.sha256(grown).hexdigest() == sha256


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        RecordingFile(str(tmp_path / "a.wav"))
