"""The file of the user's settings: where it is, and how it is read.

A file that says something that cannot be is refused, with the line where it does.
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

from tui.config.settings import COLUMNS, FASTEST, OUR_THEMES, SLOWEST, DeskSettings, ExportSettings
from tui.config.toml_lines import Place, line_of
from tui.model.row_order import Column
from workers.errors import UsageProblem

if TYPE_CHECKING:
    from tui.keys.keymap import Keymap

VARIABLE = "PACELINE_SETTINGS"
"""The environment variable that names another file."""

THEME_VARIABLE = "TEXTUAL_THEME"
"""The one by which any program made with Textual takes a theme."""


def path() -> Path:
    """The file, which need not be there."""
    named = os.environ.get(VARIABLE)
    return (
        Path(os.path.expanduser(named)) if named else user_config_path("paceline") / "settings.toml"
    )


def in_force() -> DeskSettings:
    """The user's settings, with the theme that the environment names, if it does.

    Raises `UsageProblem` for a file that cannot be read or understood.
    """
    settings = _of_file(path())
    if theme := os.environ.get(THEME_VARIABLE):
        if (problem := _no_theme(theme)) is not None:
            raise UsageProblem(f"{THEME_VARIABLE}: {problem[0]}", problem[1])
        settings = replace(settings, theme=theme)
    return settings


def _of_file(file: Path) -> DeskSettings:
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError:
        if VARIABLE in os.environ:
            raise UsageProblem(f"{file}: there is no such file", f"See {VARIABLE}.") from None
        return DeskSettings()
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageProblem(f"{file}, line {line}: this is not UTF-8", "Save it as such.") from error
    return _Reading(str(file), text).settings()


class _Reading:
    """One reading of a file."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text

    def settings(self) -> DeskSettings:
        try:
            found = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            self._refuse_syntax(str(error))
        except (ValueError, RecursionError) as error:  # numbers without end, lists in lists in …
            raise UsageProblem(f"{self._file} cannot be read ({error})") from error
        self._known((), found, ("theme", "ascii", "refresh", "columns", "export", "keys"))
        usual = DeskSettings()
        return DeskSettings(
            theme=self._theme(found.get("theme", usual.theme)),
            ascii=self._flag(("ascii",), found.get("ascii", usual.ascii)),
            refresh=self._refresh(found.get("refresh", usual.refresh)),
            columns=self._columns(found),
            export=self._export(self._table(("export",), found)),
            keys=self._keys(self._table(("keys",), found)),
        )

    # --- what each may be

    def _theme(self, value: Any) -> str:
        place = ("theme",)
        if not isinstance(value, str):
            self._refuse(place, "theme is the name of a theme, in quotes")
        if (problem := _no_theme(value)) is not None:
            self._refuse(place, *problem)
        return value

    def _refresh(self, value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not FASTEST <= value <= SLOWEST:
            self._refuse(("refresh",), f"refresh is a number of seconds, {FASTEST} to {SLOWEST:g}")
        return float(value)

    def _columns(self, found: Mapping[str, Any]) -> frozenset[Column]:
        if "columns" not in found:
            return frozenset(COLUMNS)
        by_name = {column.name.lower(): column for column in COLUMNS}
        names = self._names(("columns",), "column", found["columns"], by_name)
        return frozenset(by_name[name] for name in names)

    def _export(self, table: Mapping[str, Any]) -> ExportSettings:
        usual = ExportSettings()
        if not table:
            return usual
        from workers.exports import FORMATS, Existing  # slow to load

        self._known(("export",), table, ("formats", "folder", "together", "existing"))
        at = "export"
        formats = table.get("formats", list(usual.formats))
        folder = table.get("folder", usual.folder)
        existing = table.get("existing", usual.existing)
        if not isinstance(folder, str):
            self._refuse((at, "folder"), "folder is a path, in quotes")
        ways = [each.value for each in Existing]
        if existing not in ways:
            self._one_of((at, "existing"), "existing", str(existing), ways)
        return ExportSettings(
            formats=self._names((at, "formats"), "format", formats, FORMATS),
            folder=folder,
            together=self._flag((at, "together"), table.get("together", usual.together)),
            existing=existing,
        )

    def _keys(self, table: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        if not table:
            return {}
        from tui.keys.key_table import KEYS, Scope
        from tui.keys.keymap import Keymap, named  # slow to load

        scopes = {scope.name.lower(): scope for scope in Scope}
        self._known(("keys",), table, scopes)
        changed: dict[str, tuple[str, ...]] = {}
        for scope in table:
            place = ("keys", scope)
            actions = self._table(place, table)
            ids = {key.action: key.id for key in KEYS if key.scope is scopes[scope] and key.id}
            self._known(place, actions, ids)
            for action, value in actions.items():
                names = self._key_names((*place, action), value, named)
                changed[ids[action]] = names
        self._check_conflicts(Keymap(changed))
        return changed

    def _key_names(
        self, place: Place, value: Any, named: Callable[[str], str | None]
    ) -> tuple[str, ...]:
        written = [value] if isinstance(value, str) else value
        if not isinstance(written, list) or not written:
            self._refuse(place, "keys are a name in quotes, or a list of such")
        names = []
        for each in written:
            name = named(each) if isinstance(each, str) else None
            if name is None:
                hint = "Keys are called as in: “a”, “A”, “?”, “ctrl+k”, “f5”, “pagedown”, “escape”."
                self._refuse(place, f"there is no key “{each}”", hint)
            names.append(name)
        return tuple(names)

    def _check_conflicts(self, keymap: "Keymap") -> None:
        from tui.keys.keymap import called

        for conflict in keymap.conflicts():
            scope, _, action = conflict.changed.id.partition(".")
            other, shown = conflict.other, called([conflict.name])
            does = f"{other.says} ({other.scope.name.lower()})"
            hint = "Give one of the two another key." if other.id else "That key stays what it is."
            self._refuse(("keys", scope, action), f"“{shown}” would also do this: {does}", hint)

    # --- kinds of values

    def _flag(self, place: Place, value: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(place, f"{place[-1]} is true or false")
        return value

    def _table(self, place: Place, within: Mapping[str, Any]) -> Mapping[str, Any]:
        value = within.get(place[-1], {})
        if not isinstance(value, dict):
            self._refuse(place, f"{'.'.join(place)} is a table", f"Write [{'.'.join(place)}].")
        return value

    def _names(self, place: Place, what: str, value: Any, known: Iterable[str]) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._refuse(place, f"{place[-1]} is a list of names in quotes")
        for each in value:
            self._one_of(place, what, each, known)
        return tuple(value)

    def _known(self, place: Place, table: Mapping[str, Any], known: Iterable[str]) -> None:
        for name in table:
            self._one_of((*place, name), "setting" if len(place) < 2 else "action", name, known)

    def _one_of(self, place: Place, what: str, value: str, known: Iterable[str]) -> None:
        if (problem := _unknown(what, value, list(known))) is not None:
            self._refuse(place, *problem)

    # --- refusals

    def _refuse(self, place: Place, reason: str, hint: str = "") -> NoReturn:
        line = line_of(place, self._text)
        raise UsageProblem(f"{self._file}, line {line}: {reason}", hint)

    def _refuse_syntax(self, error: str) -> NoReturn:
        told = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", error, re.S)
        reason, line = told.groups() if told else (error, None)
        line = line or str(self._text.rstrip().count("\n") + 1)
        raise UsageProblem(f"{self._file}, line {line}: this is not TOML: {reason}")


def _no_theme(name: str) -> tuple[str, str] | None:
    if name in OUR_THEMES:
        return None
    from textual.theme import BUILTIN_THEMES  # slow to load, and seldom asked

    return _unknown("theme", name, [*OUR_THEMES, *BUILTIN_THEMES])


def _unknown(what: str, value: str, known: Sequence[str]) -> tuple[str, str] | None:
    """That there is no such thing, and what there is; None when there is."""
    if value in known:
        return None
    near = difflib.get_close_matches(value, known, 1, cutoff=0.5)
    hint = f"Did you mean “{near[0]}”?" if near else f"There are: {', '.join(known)}."
    return f"there is no {what} “{value}”", hint
