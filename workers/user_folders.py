"""The user's own folders, as the XDG Base Directory Specification names them."""

import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_config_path, user_state_path

from workers.errors import NoHomeFolder


def state_folder() -> Path:
    """Where runs and remembered choices are kept; raises `NoHomeFolder`."""
    return _below_home(user_state_path)


def config_folder() -> Path:
    """Where the settings file is; raises `NoHomeFolder`."""
    return _below_home(user_config_path)


def _below_home(find: Callable[..., Path]) -> Path:
    try:
        path = find("paceline", appauthor=False)
    except RuntimeError:  # from platformdirs 4.5 on; older ones return a relative path
        path = Path()
    if not path.is_absolute():
        raise NoHomeFolder(
            f"no home folder is known: neither HOME nor the entry of user {os.getuid()} names one",
            "Set HOME; to run without one, name the run folder with --out.",
        )
    return path
