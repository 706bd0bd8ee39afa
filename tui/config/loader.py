"""Finds and reads the user's settings file.

A file with an unknown name or a wrong value is refused, with the line that has it.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from platformdirs import user_config_path

from tui.config.settings import (
    MAX_REFRESH_S,
    MIN_REFRESH_S,
    PACELINE_THEMES,
    DeskSettings,
    ExportSettings,
)
from tui.config.toml_lines import KeyPath, line_number
from workers.errors import UsageProblem

if TYPE_CHECKING:
    from tui.keys.keymap import Keymap

SETTINGS_VARIABLE = "PACELINE_SETTINGS"
"""The environment variable that names another settings file."""

THEME_VARIABLE = "TEXTUAL_THEME"
"""The environment variable from which any Textual program takes its theme."""


def settings_path() -> Path:
    """The settings file; it need not exist."""
    named = os.environ.get(SETTINGS_VARIABLE)
    return (
        Path(os.path.expanduser(named)) if named else user_config_path("paceline") / "settings.toml"
    )


def load_settings(column_names: Callable[[], Sequence[str]]) -> DeskSettings:
    """Reads the user's settings, and the theme from the environment if it names one.

    ``column_names``: returns what ``columns`` may list; called only if the file has that setting,
    because the columns are slow to load. Raises `UsageProblem` for a file that cannot be read or
    understood.
    """
    settings = _read_settings_file(settings_path(), column_names)
    if theme := os.environ.get(THEME_VARIABLE):
        if (problem := _theme_problem(theme)) is not None:
            raise UsageProblem(f"{THEME_VARIABLE}: {problem[0]}", problem[1])
        settings = replace(settings, theme=theme)
    return settings


def _read_settings_file(file: Path, column_names: Callable[[], Sequence[str]]) -> DeskSettings:
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError:
        if SETTINGS_VARIABLE in os.environ:
            raise UsageProblem(
                f"{file}: there is no such file", f"See {SETTINGS_VARIABLE}."
            ) from None
        return DeskSettings()
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageProblem(f"{file}, line {line}: this is not UTF-8", "Save it as such.") from error
    return _SettingsReader(str(file), text, column_names).read()


class _SettingsReader:
    """Reads one file; a value that is wrong raises `UsageProblem` with its line."""

    def __init__(self, file: str, text: str, column_names: Callable[[], Sequence[str]]) -> None:
        self._file = file
        self._text = text
        self._column_names = column_names

    def read(self) -> DeskSettings:
        try:
            document = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            self._refuse_syntax(str(error))
        except (ValueError, RecursionError) as error:  # huge numbers, deeply nested lists
            raise UsageProblem(f"{self._file} cannot be read ({error})") from error
        self._check_names((), document, ("theme", "ascii", "refresh", "columns", "export", "keys"))
        defaults = DeskSettings()
        return DeskSettings(
            theme=self._theme(document.get("theme", defaults.theme)),
            ascii=self._bool(("ascii",), document.get("ascii", defaults.ascii)),
            refresh=self._refresh(document.get("refresh", defaults.refresh)),
            columns=self._columns(document),
            export=self._export(self._table(("export",), document)),
            keys=self._keys(self._table(("keys",), document)),
        )

    # --- settings

    def _theme(self, value: Any) -> str:
        place = ("theme",)
        if not isinstance(value, str):
            self._refuse(place, "theme is the name of a theme, in quotes")
        if (problem := _theme_problem(value)) is not None:
            self._refuse(place, *problem)
        return value

    def _refresh(self, value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not MIN_REFRESH_S <= value <= MAX_REFRESH_S:
            self._refuse(
                ("refresh",),
                f"refresh is a number of seconds, {MIN_REFRESH_S} to {MAX_REFRESH_S:g}",
            )
        return float(value)

    def _columns(self, document: Mapping[str, Any]) -> frozenset[str] | None:
        if "columns" not in document:
            return None
        known = self._column_names()
        return frozenset(self._name_list(("columns",), "column", document["columns"], known))

    def _export(self, table: Mapping[str, Any]) -> ExportSettings:
        defaults = ExportSettings()
        if not table:
            return defaults
        from workers.exports import FORMATS, OverwritePolicy  # slow to load

        self._check_names(("export",), table, ("formats", "folder", "together", "existing"))
        at = "export"
        formats = table.get("formats", list(defaults.formats))
        folder = table.get("folder", defaults.folder)
        existing = table.get("existing", defaults.existing)
        if not isinstance(folder, str):
            self._refuse((at, "folder"), "folder is a path, in quotes")
        policies = [policy.value for policy in OverwritePolicy]
        if existing not in policies:
            self._check_choice((at, "existing"), "existing", str(existing), policies)
        return ExportSettings(
            formats=self._name_list((at, "formats"), "format", formats, FORMATS),
            folder=folder,
            together=self._bool((at, "together"), table.get("together", defaults.together)),
            existing=existing,
        )

    def _keys(self, table: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        if not table:
            return {}
        from tui.keys.key_names import parse_key_name  # slow to load
        from tui.keys.key_table import KEY_BINDINGS, Scope
        from tui.keys.keymap import Keymap

        scopes = {scope.name.lower(): scope for scope in Scope}
        self._check_names(("keys",), table, scopes)
        changed: dict[str, tuple[str, ...]] = {}
        for scope in table:
            place = ("keys", scope)
            actions = self._table(place, table)
            ids = {
                key.action: key.id for key in KEY_BINDINGS if key.scope is scopes[scope] and key.id
            }
            self._check_names(place, actions, ids)
            for action, value in actions.items():
                names = self._key_names((*place, action), value, parse_key_name)
                changed[ids[action]] = names
        self._check_conflicts(Keymap(changed))
        return changed

    def _key_names(
        self, key_path: KeyPath, value: Any, normalize_key: Callable[[str], str | None]
    ) -> tuple[str, ...]:
        written = [value] if isinstance(value, str) else value
        if not isinstance(written, list) or not written:
            self._refuse(key_path, "keys are a name in quotes, or a list of names")
        names = []
        for each in written:
            name = normalize_key(each) if isinstance(each, str) else None
            if name is None:
                hint = "Examples of keys: “a”, “A”, “?”, “ctrl+k”, “f5”, “pagedown”, “escape”."
                self._refuse(key_path, f"there is no key “{each}”", hint)
            names.append(name)
        return tuple(names)

    def _check_conflicts(self, keymap: "Keymap") -> None:
        from tui.keys.key_names import keys_display

        for conflict in keymap.conflicts():
            scope, _, action = conflict.changed.id.partition(".")
            other, shown = conflict.other, keys_display([conflict.key_name])
            does = f"{other.description} ({other.scope.name.lower()})"
            hint = "Give one of the two another key." if other.id else "That key stays what it is."
            self._refuse(("keys", scope, action), f"“{shown}” would also do this: {does}", hint)

    # --- kinds of values

    def _bool(self, key_path: KeyPath, value: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(key_path, f"{key_path[-1]} is true or false")
        return value

    def _table(self, key_path: KeyPath, parent: Mapping[str, Any]) -> Mapping[str, Any]:
        value = parent.get(key_path[-1], {})
        if not isinstance(value, dict):
            self._refuse(
                key_path, f"{'.'.join(key_path)} is a table", f"Write [{'.'.join(key_path)}]."
            )
        return value

    def _name_list(
        self, key_path: KeyPath, what: str, value: Any, known: Iterable[str]
    ) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._refuse(key_path, f"{key_path[-1]} is a list of names in quotes")
        for each in value:
            self._check_choice(key_path, what, each, known)
        return tuple(value)

    def _check_names(
        self, key_path: KeyPath, table: Mapping[str, Any], known: Iterable[str]
    ) -> None:
        for name in table:
            self._check_choice(
                (*key_path, name), "setting" if len(key_path) < 2 else "action", name, known
            )

    def _check_choice(self, key_path: KeyPath, what: str, value: str, known: Iterable[str]) -> None:
        if (problem := _unknown_name_problem(what, value, list(known))) is not None:
            self._refuse(key_path, *problem)

    # --- refusals

    def _refuse(self, key_path: KeyPath, reason: str, hint: str = "") -> NoReturn:
        line = line_number(key_path, self._text)
        raise UsageProblem(f"{self._file}, line {line}: {reason}", hint)

    def _refuse_syntax(self, error: str) -> NoReturn:
        match = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", error, re.S)
        reason, line = match.groups() if match else (error, None)
        line = line or str(self._text.rstrip().count("\n") + 1)
        raise UsageProblem(f"{self._file}, line {line}: this is not TOML: {reason}")


def _theme_problem(name: str) -> tuple[str, str] | None:
    if name in PACELINE_THEMES:
        return None
    from textual.theme import BUILTIN_THEMES  # slow to load, and seldom asked

    return _unknown_name_problem("theme", name, [*PACELINE_THEMES, *BUILTIN_THEMES])


def _unknown_name_problem(what: str, value: str, known: Sequence[str]) -> tuple[str, str] | None:
    """The message and hint for an unknown name; None if it is known."""
    if value in known:
        return None
    near = difflib.get_close_matches(value, known, 1, cutoff=0.5)
    hint = f"Did you mean “{near[0]}”?" if near else f"There are: {', '.join(known)}."
    return f"there is no {what} “{value}”", hint
