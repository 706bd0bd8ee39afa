"""What the picker lists, which paths a pattern matches, and what Enter adds."""

import asyncio
import os
import wave
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import soundfile

from tui.files.file_picker import FilePicker, PathSelection, parent_folder
from tui.files.folder_listing import FolderEntry, estimate_duration, glob_recordings, list_folder
from tui.files.recording_search import RecordingSearch, SearchCancelled, search_sources
from tui.render.file_picker_lines import submit_hint
from tui.text.formats import format_bytes
from tui.theme.roles import Look
from tui.theme.symbols import UNICODE
from workers.audio.discovery import SkippedPaths
from workers.audio.source import Source
from workers.errors import UsageProblem
from workers.sources.manifest import DEFAULT_RULES


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")
    return folder


def test_a_list_has_folders_then_recordings(tmp_path: Path) -> None:
    """Sorted by name regardless of case, with sizes; other files are left out."""
    make(tmp_path, "B.wav", "a.flac", "notes.txt", "Zoo/x.wav", "apes/x.wav", ".git/x.wav")

    assert [
        FolderEntry("apes", f"{tmp_path}/apes", True),
        FolderEntry("Zoo", f"{tmp_path}/Zoo", True),
        FolderEntry("a.flac", f"{tmp_path}/a.flac", False, 5),
        FolderEntry("B.wav", f"{tmp_path}/B.wav", False, 5),
    ] == list_folder(str(tmp_path))
    assert [".git"] == [entry.name for entry in list_folder(str(tmp_path), ".g")]
    assert ["apes", "a.flac"] == [entry.name for entry in list_folder(str(tmp_path), "A")]


def test_links_and_pipes_are_listed_without_being_opened(tmp_path: Path) -> None:
    """Problems with them are reported when they are added."""
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "dead.wav").symlink_to(tmp_path / "gone")
    (tmp_path / "round.wav").symlink_to(tmp_path / "round.wav")
    (tmp_path / "there").symlink_to(tmp_path)

    entries = list_folder(str(tmp_path))

    assert ["there", "dead.wav", "pipe.wav", "round.wav"] == [entry.name for entry in entries]
    assert [None] * 4 == [estimate_duration(entry.path) for entry in entries]


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_durations_are_read_from_the_header(tmp_path: Path, name: str) -> None:
    """The duration is known for formats whose header contains it."""
    soundfile.write(tmp_path / name, np.zeros(24000, np.int16), 16000)
    (entry,) = list_folder(str(tmp_path))

    assert 1.5 == pytest.approx(estimate_duration(entry.path), abs=0.01)


def test_a_damaged_header_gives_no_duration(tmp_path: Path) -> None:
    """A header without a sample rate gives no duration either."""
    with wave.open(str(tmp_path / "still.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
    whole = (tmp_path / "still.wav").read_bytes()
    (tmp_path / "rateless.wav").write_bytes(whole[:28] + bytes(4) + whole[32:])
    make(tmp_path, "short.wav")

    durations = {entry.name: estimate_duration(entry.path) for entry in list_folder(str(tmp_path))}

    assert {"rateless.wav": None, "short.wav": None, "still.wav": 0.0} == durations


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.wav", ["b.wav", "[x].wav"]),
        ("?.*", ["b.wav"]),
        ("**/*.wav", ["b.wav", "[x].wav", "deep/b.wav", "deep/down/c.wav"]),
        ("**", ["b.wav", "[x].wav", "deep", "deep/b.wav", "deep/down", "deep/down/c.wav"]),
        ("*/b.wav", ["deep/b.wav"]),
        ("deep/*/c*", ["deep/down/c.wav"]),
        ("nothing*", []),
        ("*.txt", []),
    ],
)
def test_a_pattern_names_folders_and_recordings(
    tmp_path: Path, pattern: str, names: list[str]
) -> None:
    """Two stars match at any depth; a circular link is not followed."""
    make(tmp_path, "b.wav", "[x].wav", "deep/b.wav", "deep/down/c.wav", ".no/b.wav", "b.txt")
    (tmp_path / "deep/down/round").symlink_to(tmp_path)

    found = [
        os.path.relpath(path, tmp_path)
        for path in glob_recordings(f"{tmp_path}/{pattern}", lambda _: None)
    ]

    assert sorted(names) == sorted(path for path in found if "round" not in path)
    assert not any("round/" in path for path in found)


def test_patterns_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative pattern works even below a folder whose name looks like a pattern."""
    make(tmp_path, "[a]/b.wav")
    monkeypatch.chdir(tmp_path)

    assert ["[a]/b.wav"] == list(glob_recordings("[a]/*.wav", lambda _: None))
    assert ["[a]"] == list(glob_recordings("*", lambda _: None))


def test_recordings_are_found_without_repeats(tmp_path: Path) -> None:
    """Folders are searched, patterns expanded, and other files reported as skipped."""
    make(tmp_path, "a.wav", "[x].wav", "deep/b.wav", "empty/notes.txt")
    os.mkfifo(tmp_path / "pipe.wav")
    skipped = SkippedPaths()

    names = [f"{tmp_path}/[x].wav", f"{tmp_path}/*", f"{tmp_path}/a.wav"]
    sources = search_sources(names, DEFAULT_RULES, skipped, Event())

    assert ["[x].wav", "deep/b.wav", "a.wav", "pipe.wav"] == [
        os.path.relpath(source.file, tmp_path) for source in sources
    ]
    assert [f"{tmp_path}/empty"] == [path for path, _ in skipped.listed]


def test_a_path_that_matches_nothing_is_a_usage_problem(tmp_path: Path) -> None:
    """The problem contains a reason."""
    with pytest.raises(UsageProblem, match="no recording or folder matches"):
        search_sources([f"{tmp_path}/*.wav"], DEFAULT_RULES, SkippedPaths(), Event())
    with pytest.raises(UsageProblem, match="there is no file or folder"):
        search_sources([f"{tmp_path}/a.wav"], DEFAULT_RULES, SkippedPaths(), Event())


def test_a_search_is_cancelled(tmp_path: Path) -> None:
    """A search stops at the next folder, while expanding a pattern too."""
    off = Event()
    off.set()
    for path in (tmp_path, tmp_path / "**" / "*.wav"):
        with pytest.raises(SearchCancelled):
            search_sources([str(path)], DEFAULT_RULES, SkippedPaths(), off)


async def test_a_newer_search_cancels_the_older_one(tmp_path: Path) -> None:
    """A timeout cancels a search too, so that counting never reads a whole disk."""
    make(tmp_path, "a.wav")
    search, released = RecordingSearch(), Event()

    def slowly() -> list[str]:
        released.wait()
        return [str(tmp_path)]

    older = asyncio.create_task(search.search(slowly, DEFAULT_RULES, SkippedPaths()))
    await asyncio.sleep(0)  # it has started
    newer = asyncio.create_task(
        search.search(lambda: [str(tmp_path)], DEFAULT_RULES, SkippedPaths())
    )
    assert [Source(f"{tmp_path}/a.wav")] == await newer
    released.set()
    with pytest.raises(SearchCancelled):
        await older

    over = Event()
    asyncio.get_running_loop().call_later(0.02, over.set)

    def late() -> list[str]:
        over.wait()
        return [str(tmp_path)]

    with pytest.raises(SearchCancelled):
        await search.search(late, DEFAULT_RULES, SkippedPaths(), 0.0)


def picking(*names: str) -> FilePicker:
    picking = FilePicker()
    picking.set_entries(
        [FolderEntry(name.strip("/"), f"/r/{name.strip('/')}", name[-1] == "/") for name in names]
    )
    return picking


def test_enter_adds_what_the_line_names_or_the_row() -> None:
    """A folder in the list is opened instead."""
    here = picking("talks/", "a.wav")

    assert PathSelection(line="x.wav y.wav") == here.selection(" x.wav y.wav ", in_list=False)
    assert not here.selection("x.wav", in_list=True)
    here.move(1)
    assert PathSelection(paths=("/r/a.wav",)) == here.selection("x.wav", in_list=True)
    assert not picking().selection("", in_list=True)


def test_marked_entries_are_added_first_and_outlive_the_list() -> None:
    """Whole folders may be marked; a second Space unmarks."""
    here = picking("talks/", "a.wav", "b.wav")
    for _ in range(3):
        here.toggle_mark()
    here.toggle_mark()  # b.wav again: the last row stays the current one

    here.set_entries([])

    assert PathSelection(paths=("/r/talks", "/r/a.wav")) == here.selection("x.wav", in_list=False)
    assert PathSelection(paths=("/r/talks", "/r/a.wav")) == here.selection("", in_list=True)


def test_all_recordings_of_a_list_are_marked_and_unmarked() -> None:
    """Its folders are not."""
    here = picking("talks/", "a.wav", "b.wav")
    here.toggle_all_marks()
    assert ["/r/a.wav", "/r/b.wav"] == list(here.marked)
    here.toggle_all_marks()
    assert {} == here.marked


def test_the_cursor_stays_on_its_path_when_the_list_narrows() -> None:
    """Or goes to the folder that the user left, otherwise to the top."""
    here = picking("talks/", "a.wav", "b.wav")
    here.move(9)
    here.set_entries(here.entries[1:])
    assert ("b.wav", 1) == (here.entries[here.cursor_row].name, here.cursor_row)
    here.set_entries(here.entries[:1])
    assert 0 == here.cursor_row
    here.set_entries(picking("x/", "y/").entries, cursor_path="/r/y")
    assert 1 == here.cursor_row


@pytest.mark.parametrize(
    ("folder", "above"),
    [("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a/b/", "a"), ("a", "")],
)
def test_the_folder_above(folder: str, above: str) -> None:
    """Relative paths stay relative as long as possible."""
    assert above == parent_folder(folder)
    assert os.path.dirname(os.getcwd()) == parent_folder("")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (123_456, "123 KB"),
        (99_400_000, "99.4 MB"),
        (3 * 10**15, "3000 TB"),
    ],
)
def test_sizes_are_short(size: int, text: str) -> None:
    """Sizes have at most three digits before the unit."""
    assert text == format_bytes(size)


def test_the_hint_shows_what_enter_does() -> None:
    """Enter opens a folder, adds recordings, or searches if they could not be counted in time."""

    def hint(files: int | None, opens: str = "", *, named: bool = True, marked: int = 0) -> str:
        (line,) = submit_hint(marked, files, opens, has_input=named, look=Look(UNICODE))
        return "".join(text for text, _ in line)

    assert "Enter opens talks" == hint(None, "talks")
    assert "Enter adds 1 recording" == hint(1)
    assert "Enter adds 12,345 recordings   ◆ 2 marked" == hint(12_345, marked=2)
    assert "Enter searches, and adds what it finds" == hint(None)
    assert "One or more paths, or a pattern like *.wav" == hint(None, named=False)
