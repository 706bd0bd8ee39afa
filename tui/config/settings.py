"""The settings that the user can change, with their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from workers.ranges import COST, REFRESH_S

PACELINE_THEMES = ("paceline", "paceline-light", "paceline-contrast", "paceline-ansi")


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """The initial choice in the export dialog, until the user makes another one."""

    formats: tuple[str, ...] = ("txt",)
    folder: str = ""
    """Where files are written; empty: “exports” in the run folder."""
    together: bool = False
    """Write one file for all recordings, in the formats that allow it."""
    existing: str = "refuse"
    """The value of a `workers.exports.files.OverwritePolicy`."""
    csv_bom: bool = False
    """Begin CSV files with a byte-order mark."""


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """How recordings are played."""

    backend: str = ""
    """A sound system of `workers.playback.backends.BACKENDS`; empty: the first that works."""


@dataclass(frozen=True, slots=True)
class CostSettings:
    """What a run may cost."""

    ask_above: Annotated[float, COST] = 5.0
    """“run” asks before it streams for more than this, in the currency of the list of prices."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """All settings of the desk."""

    theme: str = PACELINE_THEMES[0]
    ascii: bool = False
    """Draw with ASCII characters only, even if the terminal can show others."""
    refresh: Annotated[float, REFRESH_S] = 0.2
    """Seconds between two updates of the screen."""
    bell: bool = True
    """Ring the terminal's bell when all sessions have finished."""
    notify: bool = False
    """Ask the terminal for a desktop notification then."""
    columns: frozenset[str] | None = None
    """Names of the columns that the table may show, besides the file name; None: all of them."""
    export: ExportSettings = ExportSettings()
    listen: ListenSettings = ListenSettings()
    cost: CostSettings = CostSettings()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of keys that replace those of a `KeyBinding`, by `KeyBinding.id`."""
