"""Settings written as TOML, with the allowed values of each in a comment."""

from collections.abc import Iterator, Sequence

from tui.config.settings import PACELINE_THEMES, DeskSettings
from tui.keys.key_table import KEY_BINDINGS, Scope
from tui.keys.keymap import Keymap
from tui.model.column_spec import ColumnSpec
from tui.render.columns import COLUMNS, optional_column_names
from workers.exports.files import FORMATS, OverwritePolicy
from workers.playback.backends import BACKENDS
from workers.ranges import REFRESH_S


def commented_defaults() -> str:
    """A settings file in which every setting is a comment, so that it changes nothing."""
    lines = ["# Paceline's settings, with their defaults: remove the # of a line to change it.", ""]
    for line in settings_lines(DeskSettings()):
        lines.append(f"# {line}" if line and not line.startswith(("#", "[")) else line)
    return "\n".join(lines) + "\n"


def settings_lines(
    settings: DeskSettings, columns: Sequence[ColumnSpec] = COLUMNS
) -> Iterator[str]:
    """The settings as lines of TOML, with the other values that each may have."""
    export = settings.export
    yield f"theme = {_toml(settings.theme)}  # {', '.join(PACELINE_THEMES)}, or one of Textual's"
    yield f"ascii = {_toml(settings.ascii)}  # true: only ASCII characters as symbols"
    yield f"refresh = {settings.refresh:g}  # time between two updates, {REFRESH_S}"
    yield f"bell = {_toml(settings.bell)}  # true: ring when all sessions have finished"
    yield f"notify = {_toml(settings.notify)}  # true: a desktop notification then (OSC 9 or 777)"
    names = optional_column_names(columns)
    shown = [name for name in names if settings.columns is None or name in settings.columns]
    yield f"columns = {_toml(shown)}  # besides the file name; any may be left out"
    yield ""
    yield "[export]"
    yield f"formats = {_toml(export.formats)}  # {', '.join(FORMATS)}"
    yield f"folder = {_toml(export.folder)}  # empty: “exports” in the run's folder"
    yield f"together = {_toml(export.together)}  # true: one file for all, where possible"
    yield f"existing = {_toml(export.existing)}  # {', '.join(p.value for p in OverwritePolicy)}"
    yield f"csv_bom = {_toml(export.csv_bom)}  # true: CSV files with a byte-order mark, for Excel"
    yield ""
    yield "[listen]"
    backends = ", ".join(BACKENDS)
    yield f"backend = {_toml(settings.listen.backend)}  # {backends}; empty: the first that works"
    yield ""
    yield "[cost]"
    yield f"ask_above = {settings.cost.ask_above:g}  # “run” asks before it streams for more money"
    keymap = Keymap(settings.keys)
    for scope in Scope:
        yield ""
        yield f"[keys.{scope.name.lower()}]"
        for key in keymap(key for key in KEY_BINDINGS if key.scope is scope and key.id):
            yield f"{_toml(key.action)} = {_toml(key.keys)}  # {key.description}"


def _toml(value: str | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"[{', '.join(map(_toml, value))}]"
