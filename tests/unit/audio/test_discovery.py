"""Which files a list of paths means, and what is reported about the rest."""

import os
import socket
from pathlib import Path

import pytest

from tests.support import audio_files
from workers.audio import decode
from workers.audio.discovery import MAX_LISTED_PATHS, SkippedPaths, find_recordings, iter_recordings
from workers.audio.probe import probe
from workers.errors import Unreadable, UsageProblem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one recording, so that it is not refused as a whole."""
    (tmp_path / "talk.wav").write_bytes(b"audio")
    return tmp_path


def skip_reasons(folder: Path) -> dict[str, str]:
    """The reasons for skipping files in a folder whose one recording is found."""
    skipped = SkippedPaths()
    files = find_recordings([str(folder)], skipped)

    assert files == [str(folder / "talk.wav")]
    return {os.path.relpath(path, folder): reason for path, reason in skipped.listed}


def test_a_folder_is_searched_recursively_in_order(tmp_path: Path) -> None:
    """Finds audio in all subfolders, without hidden and other files, and no file twice."""
    for name in ("b/2.flac", "a.WAV", "b/1.mp3", ".hidden.wav", ".git/x.wav", "notes.txt", "c.m4a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"audio")
    listed = find_recordings([str(tmp_path), str(tmp_path / "a.WAV")])

    expected = ["a.WAV", "b/1.mp3", "b/2.flac", "c.m4a"]
    assert [os.path.relpath(path, tmp_path) for path in listed] == expected


def test_what_people_never_mean_is_skipped_with_the_reason(folder: Path) -> None:
    """Hidden and empty files, companions of a Mac, and downloads that are not finished."""
    names = {
        "._talk.wav": "companion file",
        ".DS_Store": "file manager",
        "Thumbs.db": "file manager",
        ".secret.wav": "is hidden",
        "a.mp3.part": "not finished",
        "Unconfirmed 12345.crdownload": "not finished",
        "b.wav.tmp": "temporary",
        "c.wav~": "temporary",
        "empty.wav": "is empty",
        ".cache": "is hidden",
        "d.m4a.download": "not finished",
    }
    for name in names:
        if name in (".cache", "d.m4a.download"):  # Safari's partial downloads are folders
            (folder / name).mkdir()
            (folder / name / "x.wav").write_bytes(b"audio")
        else:
            (folder / name).write_bytes(b"" if name == "empty.wav" else b"bytes")
    reasons = skip_reasons(folder)

    assert reasons.keys() == names.keys()
    for name, words in names.items():
        assert words in reasons[name]


def test_a_file_that_is_hidden_or_empty_is_taken_when_it_is_named(folder: Path) -> None:
    """The user passed the path, so the job says what is wrong."""
    hidden, empty = folder / ".talk.wav", folder / "empty.wav"
    hidden.write_bytes(b"audio")
    empty.touch()

    assert find_recordings([str(hidden), str(empty)]) == [str(hidden), str(empty)]


def test_files_that_are_not_audio_are_only_counted(folder: Path) -> None:
    """Nobody expects the cover of an album to be streamed."""
    for name in ("cover.jpg", "back.JPG", "notes.txt", "LICENSE"):
        (folder / name).write_bytes(b"bytes")
    skipped = SkippedPaths()
    find_recordings([str(folder)], skipped)

    assert (skipped.count, skipped.listed) == (0, [])
    assert skipped.other_files == "4 files that are not audio (.jpg 2, no suffix 1, .txt 1)"


def test_the_list_of_skipped_paths_is_bounded(folder: Path) -> None:
    """A disk full of companion files must not fill the memory or the terminal."""
    more = 5
    for number in range(MAX_LISTED_PATHS + more):
        (folder / f"._{number}.wav").touch()
    skipped = SkippedPaths()
    find_recordings([str(folder)], skipped)
    skipped.extend(skipped)

    assert len(skipped.listed) == MAX_LISTED_PATHS
    assert skipped.count == 2 * (MAX_LISTED_PATHS + more)


def test_recordings_are_found_while_the_search_goes_on(tmp_path: Path) -> None:
    """The first rows do not wait for the last folder."""
    for name in ("a/1.wav", "b/2.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"audio")
    entered: list[str] = []
    search = iter_recordings([str(tmp_path)], on_folder=entered.append)

    assert next(search) == str(tmp_path / "a" / "1.wav")
    assert entered == [str(tmp_path), str(tmp_path / "a")]
    assert list(search) == [str(tmp_path / "b" / "2.wav")]


def test_a_file_that_is_named_is_taken_whatever_its_name(tmp_path: Path) -> None:
    """The user knows better than its suffix."""
    path = tmp_path / "recording.bin"
    path.touch()

    assert find_recordings([str(path)]) == [str(path)]


def test_links_to_folders_are_not_followed_but_reported(folder: Path) -> None:
    """A link to a parent folder would make the search endless."""
    (folder / "inner").mkdir()
    (folder / "inner" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self.wav").symlink_to(folder / "self.wav")
    reasons = skip_reasons(folder)

    assert "a link to a folder" in reasons.pop("inner/loop")
    assert "symbolic links" in reasons.pop("self.wav")
    assert not reasons


def test_a_link_to_a_recording_is_a_recording(folder: Path) -> None:
    """A folder of links selects recordings without copies."""
    (folder / "picked").mkdir()
    (folder / "picked" / "a.wav").symlink_to(folder / "talk.wav")

    assert find_recordings([str(folder / "picked")]) == [str(folder / "picked" / "a.wav")]


def test_a_folder_behind_a_link_is_searched_when_it_is_named(folder: Path) -> None:
    """The user passed the link explicitly."""
    (folder / "link").symlink_to(folder, target_is_directory=True)

    assert find_recordings([str(folder / "link")]) == [str(folder / "link" / "talk.wav")]


def test_what_only_looks_like_a_file_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such files are never opened: a pipe would block, and /dev/zero never ends."""
    os.mkfifo(folder / "pipe.wav")
    (folder / "endless.wav").symlink_to("/dev/zero")
    (folder / "terminal.flac").symlink_to("/dev/tty")
    (folder / "lost.mp3").symlink_to(folder / "nowhere.mp3")
    (folder / "lost").symlink_to(folder / "nowhere")
    monkeypatch.chdir(folder)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.ogg")
        reasons = skip_reasons(folder)

    assert reasons == {
        "pipe.wav": "this is a named pipe, not a file",
        "socket.ogg": "this is a socket, not a file",
        "endless.wav": "this is a device, not a file",
        "terminal.flac": "this is a device, not a file",
        "lost.mp3": "this link is broken",
    }


def test_a_folder_that_cannot_be_listed_is_reported(folder: Path) -> None:
    """The recordings elsewhere are found. Too deep a folder stands for a forbidden one, which
    there is none of for root."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=place)
        outer, place = place, os.open("x" * 250, os.O_RDONLY, dir_fd=place)
        os.close(outer)
    os.close(place)
    ((path, reason),) = skip_reasons(folder).items()

    assert path.startswith("xxx")
    assert reason == "this folder cannot be listed (File name too long)"


def test_a_recording_below_many_folders_is_found(tmp_path: Path) -> None:
    """Deeper than Python's stack allows a function to call itself."""
    folders = [str(tmp_path)]
    for _ in range(1500):
        folders.append(os.path.join(folders[-1], "d"))
        os.mkdir(folders[-1])
    path = os.path.join(folders[-1], "a.wav")
    Path(path).write_bytes(b"audio")
    found = find_recordings([str(tmp_path)])
    os.unlink(path)
    for folder in folders[:0:-1]:  # what removes old folders of tests is recursive
        os.rmdir(folder)

    assert found == [path]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"caf\xe9.wav", id="not UTF-8"),
        pytest.param(b"two\nlines.wav", id="a line break"),
        pytest.param(b"\x1b]0;title\x07.wav", id="a terminal escape"),
        pytest.param("\u202evaw.wav".encode(), id="from right to left"),
        pytest.param(b"x" * 251 + b".wav", id="255 bytes"),
    ],
)
def test_a_recording_may_have_any_name(tmp_path: Path, name: bytes) -> None:
    """Any name is accepted here; the screen escapes it for display."""
    path = audio_files.write_recording(tmp_path / "a", audio_files.distinct_samples(1.0))
    (tmp_path / "folder").mkdir()
    os.rename(path, os.path.join(os.fsencode(tmp_path), b"folder", name))
    (file,) = find_recordings([str(tmp_path / "folder")])
    blocks = decode.pcm_blocks(probe(file), 16000, 1600)

    assert os.path.basename(os.fsencode(file)) == name
    assert 32000 == sum(map(len, blocks))


def test_what_is_named_and_is_no_file_is_refused_in_words(folder: Path) -> None:
    """The user passed the path, so it becomes a job that says why it cannot be streamed."""
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "lost").symlink_to(folder / "nowhere")
    expected = {
        str(folder / "pipe"): "a named pipe",
        "/dev/zero": "a device",
        str(folder / "loop"): "symbolic links",
        str(folder / "lost"): "link is broken",
    }

    assert find_recordings(expected) == list(expected)
    for path, words in expected.items():
        with pytest.raises(Unreadable, match=words):
            probe(path)
    with pytest.raises(Unreadable, match="a folder"):
        probe(str(folder))


def test_a_recording_without_a_header_is_refused_in_words(tmp_path: Path) -> None:
    """The file does not state its sample rate, and a guess would give noise."""
    (tmp_path / "a.raw").write_bytes(bytes(32000))
    with pytest.raises(Unreadable, match="no header"):
        probe(str(tmp_path / "a.raw"))


def test_nothing_to_stream_is_said(tmp_path: Path) -> None:
    """A missing path and a folder without audio are different mistakes."""
    with pytest.raises(UsageProblem, match="no file or folder"):
        find_recordings([str(tmp_path / "nope")])
    with pytest.raises(UsageProblem, match="no audio"):
        find_recordings([str(tmp_path)])


def test_a_path_with_a_slip_is_answered_with_the_one_that_was_meant(tmp_path: Path) -> None:
    """In the folder of the path, wherever that is."""
    (tmp_path / "recordings").mkdir()

    def hint(name: str) -> str:
        with pytest.raises(UsageProblem) as raised:
            find_recordings([str(tmp_path / name)])
        return raised.value.hint

    assert hint("recordigns/") == f"Did you mean “{tmp_path}/recordings”?"
    assert hint("music") == "Check the path."
    assert hint("nowhere/recordings") == "Check the path."
