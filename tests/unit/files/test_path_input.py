"""Paths as a person types, pastes or drops them."""

import os
from pathlib import Path

import pytest

from tui.files.path_input import (
    MAX_PASTE_CHARS,
    complete_path,
    find_completions,
    join_pasted_paths,
    sanitize_paste,
    skipped_note,
    split_paths,
)
from workers.audio.discovery import SkippedPaths


def test_an_existing_path_is_taken_literally(tmp_path: Path) -> None:
    """Spaces, quotes and brackets belong to the name."""
    odd = tmp_path / "it's [a] talk.wav"
    odd.touch()

    assert [str(odd)] == split_paths(f"  {odd} ")


def test_dropped_paths_are_read_as_a_shell_would(tmp_path: Path) -> None:
    """Terminals quote or escape what is dropped on them, some as a URL."""
    assert ["/a b.wav", "/c d.wav"] == split_paths("'/a b.wav' /c\\ d.wav")
    assert ["/a b.wav"] == split_paths("file:///a%20b.wav")
    assert ["/it's.wav"] == split_paths("/it's.wav")
    assert [] == split_paths("   ")


def test_relative_paths_start_at_the_listed_folder(tmp_path: Path) -> None:
    """Absolute ones are not affected."""
    (tmp_path / "a b.wav").touch()

    assert [f"{tmp_path}/a b.wav"] == split_paths("a b.wav", str(tmp_path))
    assert ["/x.wav", f"{tmp_path}/y.wav"] == split_paths("/x.wav y.wav", str(tmp_path))


def test_what_only_the_working_folder_has_is_found_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has looked into one folder may type another as in the shell, with or without a
    pattern; what both have is that of the listed folder. ``..`` leads out of the listed folder."""
    for name in ("calls/june", "june", "long"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.wav").touch()
    monkeypatch.chdir(tmp_path)

    assert ["calls"] == split_paths("calls", "calls")
    assert ["long/*.wav", "calls/june"] == split_paths("long/*.wav june", "calls")
    assert ["calls/*.wav"] == split_paths("*.wav", "calls")
    assert ["long/*.wav"] == split_paths("../long/*.wav", "calls")
    assert ["long"] == split_paths("../../long", "calls/june")
    assert ["calls/none"] == split_paths("none", "calls")
    assert "long/a.wav" == complete_path("long/", "calls")
    assert "../long/" == complete_path("../lo", "calls")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/a b.wav\n", "/a b.wav"),
        ("'/a b.wav' '/c.wav' ", "'/a b.wav' '/c.wav'"),
        ("/a b.wav\n/it's.wav\n", "'/a b.wav' '/it'\"'\"'s.wav'"),
        ("'/a b.wav'\n/c\\ d.wav", "'/a b.wav' /c\\ d.wav"),
        ("file:///a%20b.wav\r\nfile:///c.wav\r\n", "file:///a%20b.wav file:///c.wav"),
        ("", ""),
    ],
)
def test_each_of_several_lines_is_a_path(text: str, line: str) -> None:
    """A file manager copies one path a line, with its spaces; shell quotes are kept."""
    assert line == join_pasted_paths(text)


def test_pasted_control_characters_do_not_reach_the_terminal() -> None:
    """Lines stay lines."""
    assert "a  [2J\nb" == sanitize_paste("a \x1b[2J\r\nb")


def test_completion_stops_where_names_differ(tmp_path: Path) -> None:
    """Folders end with a separator; hidden ones need a leading dot."""
    for name in ("meeting-1.wav", "meeting-2.wav", "mess.txt"):
        (tmp_path / name).touch()
    for name in ("other", ".hidden"):
        (tmp_path / name).mkdir()
    start = f"{tmp_path}/"

    assert f"{start}meeting-" == complete_path(f"{start}m")
    assert f"{start}other/" == complete_path(f"{start}o")
    assert f"{start}.hidden/" == complete_path(f"{start}.")
    assert f"{start}x" == complete_path(f"{start}x")
    assert "/nowhere/at/all" == complete_path("/nowhere/at/all")
    assert "other/" == complete_path("o", str(tmp_path))
    assert f"{start}m" == complete_path(f"{start}m", folders_only=True)


def test_completion_corrects_capitals(tmp_path: Path) -> None:
    """Unless the names differ in them."""
    for name in ("Meeting-1.wav", "Meeting-2.wav", "notes.wav", "Notebook.wav"):
        (tmp_path / name).touch()

    assert f"{tmp_path}/Meeting-" == complete_path(f"{tmp_path}/meet")
    assert f"{tmp_path}/not" == complete_path(f"{tmp_path}/not")


def test_the_last_path_of_a_line_is_completed(tmp_path: Path) -> None:
    """The completion has shell escapes, unless the whole line is one path."""
    for name in ("first.wav", "a talk.wav", "a text.wav"):
        (tmp_path / name).touch()
    first = f"{tmp_path}/first.wav"

    assert f"{first} {tmp_path}/a\\ t" == complete_path(f"{first} {tmp_path}/a")
    assert f"{first} {tmp_path}/a\\ talk.wav" == complete_path(f"{first} {tmp_path}/a\\ ta")
    assert f"{first} {tmp_path}/a\\ talk.wav" == complete_path(f"{first} '{tmp_path}/a ta")
    assert f"{tmp_path}/a talk.wav" == complete_path(f"{tmp_path}/a ta")


def test_completion_offers_what_can_be_typed(tmp_path: Path) -> None:
    """What stands in the line goes to the terminal: no escape, no half of a character, no order."""
    for name in (b"talk \xe3\x80\x80.wav", b"tal\x1b]0;x.wav", b"tal\xe9.wav", b"tal\n.wav"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    (tmp_path / "tal\u202evaw.wav").touch()

    assert f"{tmp_path}/talk \u3000.wav" == complete_path(f"{tmp_path}/t")
    assert "a\0b/c" == complete_path("a\0b/c")


def test_the_listed_folder_is_that_of_the_last_path(tmp_path: Path) -> None:
    """Its list narrows as the user types."""
    (tmp_path / "talks").mkdir()
    for name in ("talks/a.wav", "talks/b.wav", "talks/Also.flac", "talks/notes.txt"):
        (tmp_path / name).touch()

    def names(line: str) -> list[str]:
        return [entry.name for entry in find_completions(line, str(tmp_path)).entries]

    assert ["talks"] == names("")
    assert ["a.wav", "Also.flac", "b.wav"] == names("talks/")
    assert ["a.wav", "Also.flac"] == names("talks/a")
    assert ["a.wav", "b.wav"] == names("talks/*.wav")
    assert ["b.wav"] == names("talks/a.wav talks/b")
    with pytest.raises(NotADirectoryError):
        find_completions("nowhere/", str(tmp_path))


def test_the_note_on_skipped_paths_has_the_first_reason() -> None:
    """The key that lists all comes first, because a long note is cut at its end."""
    skipped = SkippedPaths()

    assert "" == skipped_note(skipped, "!")

    skipped.add("/calls/a", "a pipe")

    assert "; 1 skipped (! shows it): a: a pipe" == skipped_note(skipped, "!")

    skipped.add("/calls/b", "a folder")

    assert "; 2 skipped (! lists them), such as a: a pipe" == skipped_note(skipped, "!")


def test_a_very_long_paste_is_cut() -> None:
    """A line of a megabyte would make every key press take seconds."""
    assert len(sanitize_paste("x" * 1_000_000)) == MAX_PASTE_CHARS
