"""The file layer: what it follows, what it replaces, and what it leaves alone."""

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers import files

SECRET = b"outside of the folder"


def plant_link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def plant_hard_link(path: Path, target: Path) -> None:
    os.link(target, path)


def plant_pipe(path: Path, target: Path) -> None:
    os.mkfifo(path)


PLANTS = {"link": plant_link, "hard link": plant_hard_link, "pipe": plant_pipe}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file outside of the folder ``own``."""
    (tmp_path / "own").mkdir()
    path = tmp_path / "target"
    path.write_bytes(SECRET)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def append(path: Path) -> None:
    os.close(files.open_to_append(path))


def create(path: Path) -> None:
    os.close(files.create_file(path))


def append_changes(path: Path) -> None:
    with files.Folder.open(path.parent) as folder:
        folder.append(path.name, b"x", 0)


REFUSING: dict[str, Callable[[Path], object]] = {
    "read": files.read_bytes,
    "append": append,
    "create": create,
    "append changes": append_changes,
}


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("operation", REFUSING)
def test_what_leads_elsewhere_is_not_opened(target: Path, plant: str, operation: str) -> None:
    """The error names the file and says what is wrong. Only reading a hard link is harmless, as it
    is the file itself, and appending changes makes a copy of it first."""
    path = target.parent / "own" / "a.log"
    PLANTS[plant](path, target)
    if plant == "hard link" and operation in ("read", "append changes"):
        REFUSING[operation](path)
    else:
        with pytest.raises(OSError, match=r"a\.log") as caught:
            REFUSING[operation](path)
        assert operation == "create" or isinstance(caught.value, files.NotOwnFile)

    assert target.read_bytes() == SECRET


@pytest.mark.parametrize("plant", PLANTS)
def test_a_log_takes_the_place_of_what_leads_elsewhere(target: Path, plant: str) -> None:
    """A log must not be lost, and what was there is not touched."""
    path = target.parent / "own" / "a.log"
    PLANTS[plant](path, target)
    files.append_to_log(path, "one\n")
    files.append_to_log(path, "two\n")

    assert path.read_text() == "one\ntwo\n"
    assert mode_of(path) == 0o600
    assert target.read_bytes() == SECRET


@pytest.mark.parametrize("plant", PLANTS)
def test_a_replaced_file_takes_the_place_of_what_leads_elsewhere(target: Path, plant: str) -> None:
    """A link is replaced itself."""
    path = target.parent / "own" / "a"
    PLANTS[plant](path, target)
    with files.Folder.open(path.parent) as folder:
        folder.replace({"a": [b"new"]})

    assert path.read_bytes() == b"new"
    assert target.read_bytes() == SECRET


def test_a_link_that_leads_nowhere_creates_nothing(tmp_path: Path) -> None:
    """Creating a file through a link would make one outside."""
    (tmp_path / "own").mkdir()
    for name, operation in REFUSING.items():
        path = tmp_path / "own" / name
        path.symlink_to(tmp_path / "outside")
        with pytest.raises(OSError, match=name):
            operation(path)
    files.append_to_log(tmp_path / "own" / "read", "text")

    assert not (tmp_path / "outside").exists()


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    """One of the program, that is; the folder around it was named by the user."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "named").symlink_to(tmp_path / "own")
    (tmp_path / "own" / "exports").symlink_to(tmp_path / "outside")
    with files.Folder.open(tmp_path / "named") as folder:
        with pytest.raises(files.NotOwnFile, match="exports is a link"):
            folder.subfolder("exports")
        with folder.subfolder("others") as others:
            others.replace({"a": [b"1"]})

    assert list((tmp_path / "outside").iterdir()) == []
    assert mode_of(tmp_path / "own" / "others") == 0o700


def test_links_that_change_all_the_time_are_never_followed(target: Path) -> None:
    """Whatever lies at the name when it is opened is what counts."""
    path, over = target.parent / "own" / "a", threading.Event()
    other = path.with_name("b")

    def swap() -> None:
        while not over.is_set():
            other.symlink_to(target)
            os.replace(other, path)
            other.write_bytes(b"")
            os.replace(other, path)

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes = set()
    try:
        for _ in range(300):
            for operation in (
                lambda: files.append_to_log(path, "text"),
                lambda: append_changes(path),
                lambda: files.write_output(path, b"text"),
            ):
                try:
                    operation()
                    outcomes.add("written")
                except OSError as error:
                    outcomes.add(errno.errorcode[error.errno or 0])
    finally:
        over.set()
        thread.join()

    assert target.read_bytes() == SECRET
    assert outcomes <= {"written", "ELOOP", "ENOENT"}


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    """Transcripts are nobody else's business. The user's permissions stay."""
    files.make_folders(tmp_path / "a" / "b")
    with files.Folder.open(tmp_path / "a" / "b") as folder:
        folder.replace({"index": [b"1"]})
        folder.append("changes", b"1", 0)
        os.close(files.create_file(folder.path / "trace"))
        modes = [mode_of(path) for path in folder.path.iterdir()]
        (folder.path / "index").chmod(0o644)
        folder.replace({"index": [b"2"]})

        assert modes == [0o600] * 3
        assert mode_of(folder.path / "index") == 0o644
    assert [mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")] == [0o700, 0o700]


def test_files_that_the_user_asks_for_follow_the_umask(tmp_path: Path) -> None:
    """They are for others, too."""
    before = os.umask(0o027)
    try:
        files.write_output(tmp_path / "scores.csv", b"1")
        files.make_folders(tmp_path / "exports", files.SHARED_FOLDER_MODE)
    finally:
        os.umask(before)

    assert mode_of(tmp_path / "scores.csv") == 0o640
    assert mode_of(tmp_path / "exports") == 0o750


def test_output_goes_to_a_device_or_a_pipe_that_was_named(tmp_path: Path) -> None:
    """``--csv /dev/stdout`` and ``--csv >(…)`` work."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write_output(pipe, b"to the pipe")
        files.write_output("/dev/null", b"to nobody")

        assert os.read(reader, 100) == b"to the pipe"
        assert pipe.is_fifo()
    finally:
        os.close(reader)


def test_a_file_of_which_only_a_part_is_valid_is_continued_there(tmp_path: Path) -> None:
    """What a full disk cut off goes away."""
    with files.Folder.open(tmp_path) as folder:
        folder.append("a", b"one\ntw", 0)
        folder.append("a", b"two\n", 4)

    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


def test_drafts_of_a_killed_program_are_removed(tmp_path: Path) -> None:
    """They are of no use to anybody; other files stay."""
    for name in (".0123.part", "0001.recording.part", ".hidden"):
        (tmp_path / name).touch()
    with files.Folder.open(tmp_path) as folder:
        folder.remove_drafts()

    assert {path.name for path in tmp_path.iterdir()} == {"0001.recording.part", ".hidden"}


@pytest.fixture(params=[0o022, 0o077, 0o000])
def any_umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Each usual umask in turn."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_group_may_read_what_is_created_in_a_shared_folder(
    tmp_path: Path, any_umask: int
) -> None:
    """Files of every kind, and folders below it; and nobody else may, whatever the umask says."""
    run, other = tmp_path / "shared" / "run", tmp_path / "other"
    files.make_folders(run, files.GROUP_FOLDER_MODE)
    files.make_folders(other)
    files.share_folder(run)
    for folder in (run, other):
        for make in (files.create_file, files.open_to_append, files.open_lock, files.open_log):
            os.close(make(folder / make.__name__))
        os.close(files.open_output(folder / "log", files.PRIVATE_FILE_MODE))
        files.replace_file(folder / "replaced", b"x")
        with files.Folder.open(folder) as opened, opened.subfolder("jobs-0201-0400") as below:
            opened.append("appended", b"x", 0)
            below.replace({"trace": [b"x"]})

    def modes(folder: Path) -> set[int]:
        return {mode_of(path) for path in folder.rglob("*") if path.is_file()}

    assert {0o640} == modes(run)
    assert {0o600} == modes(other)
    assert [0o750, 0o750] == [mode_of(run.parent), mode_of(run)]
    assert 0o750 == mode_of(run / "jobs-0201-0400")
    assert [0o700, 0o700] == [mode_of(other), mode_of(other / "jobs-0201-0400")]


def test_a_folder_that_the_user_made_keeps_what_the_group_may_do(tmp_path: Path) -> None:
    """Reading is added to it, and nothing is taken away."""
    for before, after in ((0o700, 0o750), (0o770, 0o770), (0o2770, 0o2770), (0o755, 0o755)):
        folder = tmp_path / f"{before:o}"
        folder.mkdir()
        folder.chmod(before)
        files.share_folder(folder)

        assert after == mode_of(folder)


def test_a_planted_hard_link_is_not_shared(target: Path) -> None:
    """What lies elsewhere keeps its mode."""
    target.chmod(0o600)
    plant_hard_link(target.parent / "own" / "name", target)
    files.share_folder(target.parent / "own")
    with pytest.raises(files.NotOwnFile):
        files.open_to_append(target.parent / "own" / "name")

    assert 0o600 == mode_of(target)
