"""Loads the desk's settings without loading its columns, unless the file names some."""

from collections.abc import Sequence

from tui.config.loader import load_settings
from tui.config.settings import DeskSettings


def load_desk_settings() -> DeskSettings:
    """The user's settings; raises `UsageProblem` for a file that cannot be read or understood."""
    return load_settings(_column_names)


def _column_names() -> Sequence[str]:
    from tui.render.columns import optional_column_names  # slow to load

    return optional_column_names()
