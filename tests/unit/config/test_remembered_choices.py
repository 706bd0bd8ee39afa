"""What was chosen last comes back, and is never in the way."""

import os
from pathlib import Path

import pytest

from tui.config import remembered_choices


def test_a_choice_is_loaded_by_its_name() -> None:
    """A choice is kept when another is saved under another name, and replaced under the same."""
    remembered_choices.save_choice("export", {"formats": ["srt"], "folder": "/a b/ü"})
    remembered_choices.save_choice("other", {"is": True})
    remembered_choices.save_choice("export", {"formats": ["vtt"]})

    assert {"formats": ["vtt"]} == remembered_choices.load_choice("export")
    assert {"is": True} == remembered_choices.load_choice("other")
    assert {} == remembered_choices.load_choice("nothing")
    assert ["remembered.json"] == [
        path.name for path in remembered_choices.remembered_path().parent.iterdir()
    ]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[1]", b"\xff\xfe", b'{"export": 7}', b'{"export": [' + b"[" * 10_000],
)
def test_a_damaged_file_counts_as_empty(damage: bytes) -> None:
    """After damage, the next choice is saved as usual."""
    remembered_choices.save_choice("export", {})
    remembered_choices.remembered_path().write_bytes(damage)
    assert {} == remembered_choices.load_choice("export")

    remembered_choices.save_choice("export", {"formats": []})
    assert {"formats": []} == remembered_choices.load_choice("export")


def test_a_choice_that_cannot_be_written_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saving to a place that cannot be written raises no error."""
    (tmp_path / "state").touch()  # no folder can be made in a file
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "state"))
    remembered_choices.save_choice("export", {"formats": []})

    assert {} == remembered_choices.load_choice("export")
    remembered_choices.save_choice("export", {"name": "\udcff"})
