"""The user's own folders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers import user_folders


def test_folders_are_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a variable names another place."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "etc"))

    assert user_folders.state_folder() == tmp_path / ".local" / "state" / "paceline"
    assert user_folders.config_folder() == tmp_path / "etc" / "paceline"


WITHOUT_HOME = """
import os
from tui.config import loader, remembered_choices
from workers import user_folders
os.environ.pop("HOME")
os.setuid(23_456)
try:
    print(user_folders.state_folder())
except Exception as error:
    print(type(error).__name__, error)
remembered_choices.save_choice("a", {})
print(loader.load_settings(list).keys, remembered_choices.load_choice("a"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody unknown")
def test_a_user_without_a_home_is_told_so_where_one_is_needed() -> None:
    """HOME is not set, and the system does not know the user. Settings have their defaults."""
    command = [sys.executable, "-c", WITHOUT_HOME]
    said, rest = subprocess.check_output(command, text=True).splitlines()

    assert said.startswith("NoHomeFolder no home folder is known")
    assert "--out" in said
    assert rest == "{} {}"
