"""What was chosen last comes back, and is never in the way."""

import os
from pathlib import Path

import pytest

from tui.config import remembered_choices


def test_what_was_chosen_comes_back_under_its_name() -> None:
    """Also when something else is remembered beside it, or instead of it."""
    remembered_choices.save_choice("export", {"formats": ["srt"], "folder": "/a b/ü"})
    remembered_choices.save_choice("other", {"is": True})
    remembered_choices.save_choice("export", {"formats": ["vtt"]})

    assert {"formats": ["vtt"]} == remembered_choices.load_choice("export")
    assert {"is": True} == remembered_choices.load_choice("other")
    assert {} == remembered_choices.load_choice("nothing")
    assert ["remembered.json"] == [
        each.name for each in remembered_choices.remembered_path().parent.iterdir()
    ]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[1]", b"\xff\xfe", b'{"export": 7}', b'{"export": [' + b"[" * 10_000],
)
def test_damage_is_silence(damage: bytes) -> None:
    """Nothing was chosen then, and the next choice is kept again."""
    remembered_choices.save_choice("export", {})
    remembered_choices.remembered_path().write_bytes(damage)
    assert {} == remembered_choices.load_choice("export")

    remembered_choices.save_choice("export", {"formats": []})
    assert {"formats": []} == remembered_choices.load_choice("export")


def test_where_nothing_can_be_written_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody is told."""
    (tmp_path / "state").touch()  # no folder can be made in a file
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "state"))
    remembered_choices.save_choice("export", {"formats": []})

    assert {} == remembered_choices.load_choice("export")
    remembered_choices.save_choice("export", {"name": "\udcff"})
