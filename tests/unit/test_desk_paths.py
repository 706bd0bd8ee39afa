"""Paths as a person types, pastes or drops them."""

import os
from pathlib import Path

from tui.paths import complete, named


def test_a_path_that_exists_is_taken_as_it_stands(tmp_path: Path) -> None:
    """Spaces, quotes and brackets belong to the name."""
    odd = tmp_path / "it's [a] talk.wav"
    odd.touch()

    assert [str(odd)] == named(f"  {odd} ")


def test_dropped_paths_are_read_as_a_shell_would(tmp_path: Path) -> None:
    """Terminals quote or escape what is dropped on them, some as a URL."""
    assert ["/a b.wav", "/c d.wav"] == named("'/a b.wav' /c\\ d.wav")
    assert ["/a b.wav"] == named("file:///a%20b.wav")
    assert ["/it's.wav"] == named("/it's.wav")
    assert [] == named("   ")


def test_completion_goes_as_far_as_there_is_one_way(tmp_path: Path) -> None:
    """Folders end with a separator; hidden files only when asked for."""
    for name in ("meeting-1.wav", "meeting-2.wav", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "other").mkdir()
    start = f"{tmp_path}/"

    assert f"{start}meeting-" == complete(f"{start}m").text
    assert ("meeting-1.wav", "meeting-2.wav") == complete(f"{start}m").choices
    assert f"{start}other/" == complete(f"{start}o").text
    assert () == complete(f"{start}o").choices
    assert f"{start}.hidden" == complete(f"{start}.").text
    assert ("meeting-1.wav", "meeting-2.wav", "other/") == complete(start).choices
    assert f"{start}x" == complete(f"{start}x").text
    assert "/nowhere/at/all" == complete("/nowhere/at/all").text


def test_completion_offers_what_can_be_typed(tmp_path: Path) -> None:
    """What stands in the line goes to the terminal: no escape, no half of a character, no order."""
    for name in (b"talk \xe3\x80\x80.wav", b"tal\x1b]0;x.wav", b"tal\xe9.wav", b"tal\n.wav"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    (tmp_path / "tal\u202evaw.wav").touch()

    assert f"{tmp_path}/talk \u3000.wav" == complete(f"{tmp_path}/t").text
    assert "a\0b/c" == complete("a\0b/c").text
