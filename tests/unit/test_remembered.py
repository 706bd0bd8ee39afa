"""What was chosen last comes back, and is never in the way."""

import os
from pathlib import Path

import pytest

from tui import remembered


def test_what_was_chosen_comes_back_under_its_name() -> None:
    """Also when something else is remembered beside it, or instead of it."""
    remembered.remember("export", {"formats": ["srt"], "folder": "/a b/ü"})
    remembered.remember("other", {"is": True})
    remembered.remember("export", {"formats": ["vtt"]})

    assert {"formats": ["vtt"]} == remembered.recall("export")
    assert {"is": True} == remembered.recall("other")
    assert {} == remembered.recall("nothing")
    assert ["remembered.json"] == [each.name for each in remembered.path().parent.iterdir()]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[1]", b"\xff\xfe", b'{"export": 7}', b'{"export": [' + b"[" * 10_000],
)
def test_damage_is_silence(damage: bytes) -> None:
    """Nothing was chosen then, and the next choice is kept again."""
    remembered.remember("export", {})
    remembered.path().write_bytes(damage)
    assert {} == remembered.recall("export")

    remembered.remember("export", {"formats": []})
    assert {"formats": []} == remembered.recall("export")


def test_where_nothing_can_be_written_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody is told."""
    (tmp_path / "state").touch()  # no folder can be made in a file
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "state"))
    remembered.remember("export", {"formats": []})

    assert {} == remembered.recall("export")
    remembered.remember("export", {"name": "\udcff"})
