"""What the user can set, and what is so unless he does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.model.row_order import Column

PACELINE_THEMES = ("paceline", "paceline-light", "paceline-contrast", "paceline-ansi")

MIN_REFRESH_S, MAX_REFRESH_S = 0.1, 2.0
"""Bounds of `DeskSettings.refresh`."""

OPTIONAL_COLUMNS = tuple(column for column in Column if column not in (Column.QUEUE, Column.FILE))
"""Those that the table may do without."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What the export dialog begins with, until something else was chosen in it."""

    formats: tuple[str, ...] = ("txt",)
    folder: str = ""
    """Empty: the folder “exports” of the run."""
    together: bool = False
    """One file for all recordings, in the formats that can."""
    existing: str = "refuse"
    """The value of a `workers.exports.OverwritePolicy`."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """All there is to set."""

    theme: str = PACELINE_THEMES[0]
    ascii: bool = False
    """Only ASCII signs, whatever the terminal says that it can show."""
    refresh: float = 0.2
    """Seconds between two looks at what happened."""
    columns: frozenset[Column] = frozenset(OPTIONAL_COLUMNS)
    """Those that the table may show; the file's name it always does."""
    export: ExportSettings = ExportSettings()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By `KeyBinding.id`, the names of the keys that do it instead."""
