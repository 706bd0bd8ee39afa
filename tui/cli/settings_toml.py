"""Settings written as TOML, with the allowed values of each in a comment."""

from collections.abc import Iterator, Sequence

from tui.config.settings import (
    MAX_REFRESH_S,
    MIN_REFRESH_S,
    PACELINE_THEMES,
    DeskSettings,
)
from tui.keys.key_table import KEY_BINDINGS, Scope
from tui.keys.keymap import Keymap
from tui.model.column_spec import ColumnSpec
from tui.render.columns import COLUMNS, optional_column_names
from workers.exports import FORMATS, OverwritePolicy


def commented_defaults() -> str:
    """A file in which every line is a comment, so that it changes nothing."""
    head = "# Paceline's settings. Each line is what is so anyway: take its # away to change it."
    return (
        "\n".join([head, "", *(_as_comment(line) for line in settings_lines(DeskSettings()))])
        + "\n"
    )


def _as_comment(line: str) -> str:
    return f"# {line}" if line and not line.startswith(("#", "[")) else line


def settings_lines(
    settings: DeskSettings, columns: Sequence[ColumnSpec] = COLUMNS
) -> Iterator[str]:
    """The settings as lines of TOML, with what else each may be."""
    export = settings.export
    others = ", ".join(PACELINE_THEMES)
    yield f"theme = {_toml_string(settings.theme)}  # {others}, or one of Textual's"
    yield f"ascii = {_toml_bool(settings.ascii)}  # true: no signs but ASCII"
    bounds = f"{MIN_REFRESH_S} to {MAX_REFRESH_S:g}"
    yield f"refresh = {settings.refresh:g}  # seconds between two looks, {bounds}"
    shown = [
        name
        for name in optional_column_names(columns)
        if settings.columns is None or name in settings.columns
    ]
    yield f"columns = {_toml_list(shown)}  # beside the file's name; any may be left out"
    yield ""
    yield "[export]"
    yield f"formats = {_toml_list(export.formats)}  # {', '.join(FORMATS)}"
    yield f"folder = {_toml_string(export.folder)}  # empty: “exports” in the run's folder"
    yield f"together = {_toml_bool(export.together)}  # true: one file for all, in formats that can"
    policies = ", ".join(policy.value for policy in OverwritePolicy)
    yield f"existing = {_toml_string(export.existing)}  # {policies}"
    keymap = Keymap(settings.keys)
    for scope in Scope:
        yield ""
        yield f"[keys.{scope.name.lower()}]"
        for key in keymap(key for key in KEY_BINDINGS if key.scope is scope and key.id):
            yield f"{_toml_string(key.action)} = {_toml_list(key.keys)}  # {key.description}"


def _toml_string(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _toml_bool(value: bool) -> str:
    return "true" if value else "false"


def _toml_list(values: tuple[str, ...] | list[str]) -> str:
    return f"[{', '.join(_toml_string(value) for value in values)}]"
