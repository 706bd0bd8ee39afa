"""Finds and reads the user's settings file.

A file with an unknown name or an invalid value is refused; the error specifies its line.
"""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from tui.config.settings import (
    PACELINE_THEMES,
    CostSettings,
    DeskSettings,
    ExportSettings,
    ListenSettings,
)
from workers.errors import NoHomeFolder, UsageProblem
from workers.playback.backends import BACKENDS
from workers.ranges import COST, MAX_SHOWN_CHARS, REFRESH_S, shown
from workers.user_folders import config_folder

SETTINGS_VARIABLE = "PACELINE_SETTINGS"
"""The environment variable with the path of another settings file."""

THEME_VARIABLE = "TEXTUAL_THEME"
"""The environment variable from which every Textual program takes its theme."""

_SETTINGS = (
    "theme",
    "ascii",
    "refresh",
    "bell",
    "notify",
    "columns",
    "export",
    "listen",
    "cost",
    "keys",
)

MAX_FILE_BYTES = 256 << 10
"""The largest settings file that is read; one with every setting has a hundredth of it."""

MAX_PARSED_LINES = 30
"""In how many lines a key is looked for, as the file is parsed for each."""

_KeyPath: TypeAlias = tuple[str, ...]
"""The keys of the tables that contain a value, then its own key."""


def settings_path() -> Path:
    """The path of the settings file, which need not exist; raises `NoHomeFolder`."""
    if named := os.environ.get(SETTINGS_VARIABLE):
        return Path(os.path.expanduser(named))
    return config_folder() / "settings.toml"


def load_settings(column_names: Callable[[], Sequence[str]]) -> DeskSettings:
    """Reads the user's settings, and the theme from the environment if it is set there.

    ``column_names``: returns the names allowed in ``columns``; called only if the file has that
    setting, because the columns are slow to load. Raises `UsageProblem` for a file that cannot be
    read or is not valid.
    """
    settings = DeskSettings()
    try:
        file = settings_path()
        settings = _SettingsReader(str(file), _read_file(file), column_names).read()
    except NoHomeFolder:
        pass
    except FileNotFoundError:
        if SETTINGS_VARIABLE in os.environ:
            hint = f"See {SETTINGS_VARIABLE}."
            raise UsageProblem(f"{file} does not exist", hint) from None
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageProblem(f"{file}, line {line} is not UTF-8", "Save it as UTF-8.") from error
    if theme := os.environ.get(THEME_VARIABLE):
        if (problem := _theme_problem(theme)) is not None:
            raise UsageProblem(f"{THEME_VARIABLE}: {problem[0]}", problem[1])
        settings = replace(settings, theme=theme)
    return settings


class _SettingsReader:
    """Reads one file; an invalid value raises `UsageProblem` with its line number."""

    def __init__(self, file: str, text: str, column_names: Callable[[], Sequence[str]]) -> None:
        self._file = file
        self._text = text
        self._column_names = column_names

    def read(self) -> DeskSettings:
        try:
            document = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            at = r"(.*) \(at (?:line (\d+), column \d+|end of document)\)"
            match = re.fullmatch(at, str(error), re.DOTALL)
            reason, line = match.groups() if match else (str(error), None)
            line = line or self._text.rstrip().count("\n") + 1
            raise UsageProblem(f"{self._file}, line {line}: this is not TOML: {reason}") from error
        except (ValueError, RecursionError) as error:  # huge numbers, deeply nested lists
            raise UsageProblem(f"{self._file} cannot be read ({error})") from error
        self._check_names((), document, _SETTINGS)
        defaults = DeskSettings()
        theme = document.get("theme", defaults.theme)
        if not isinstance(theme, str):
            self._refuse(("theme",), "theme must be the name of a theme, in quotes")
        if (problem := _theme_problem(theme)) is not None:
            self._refuse(("theme",), *problem)
        refresh = document.get("refresh", defaults.refresh)
        number = isinstance(refresh, int | float) and not isinstance(refresh, bool)
        if not number or refresh not in REFRESH_S:
            reason = f"refresh is {shown(refresh)}; it must be {REFRESH_S}"
            self._refuse(("refresh",), reason)
        columns = None
        if "columns" in document:
            known = self._column_names()
            columns = frozenset(self._names(("columns",), "column", document["columns"], known))
        return DeskSettings(
            theme=theme,
            ascii=self._bool(("ascii",), document.get("ascii", defaults.ascii)),
            refresh=float(refresh),
            bell=self._bool(("bell",), document.get("bell", defaults.bell)),
            notify=self._bool(("notify",), document.get("notify", defaults.notify)),
            columns=columns,
            export=self._export(self._table(("export",), document)),
            listen=self._listen(self._table(("listen",), document)),
            cost=self._cost(self._table(("cost",), document)),
            keys=self._keys(self._table(("keys",), document)),
        )

    def _export(self, table: Mapping[str, Any]) -> ExportSettings:
        defaults = ExportSettings()
        if not table:
            return defaults
        from workers.exports.files import FORMATS, OverwritePolicy  # slow to load

        self._check_names(("export",), table, [each.name for each in fields(ExportSettings)])
        formats = table.get("formats", list(defaults.formats))
        folder = table.get("folder", defaults.folder)
        together = table.get("together", defaults.together)
        existing = str(table.get("existing", defaults.existing))
        csv_bom = table.get("csv_bom", defaults.csv_bom)
        if not isinstance(folder, str):
            self._refuse(("export", "folder"), "folder must be a path, in quotes")
        policies = [policy.value for policy in OverwritePolicy]
        self._check_choice(("export", "existing"), "existing", existing, policies)
        return ExportSettings(
            formats=self._names(("export", "formats"), "format", formats, FORMATS),
            folder=folder,
            together=self._bool(("export", "together"), together),
            existing=existing,
            csv_bom=self._bool(("export", "csv_bom"), csv_bom),
        )

    def _listen(self, table: Mapping[str, Any]) -> ListenSettings:
        self._check_names(("listen",), table, ("backend",))
        backend = table.get("backend", ListenSettings().backend)
        if backend:
            self._check_choice(("listen", "backend"), "sound system", str(backend), BACKENDS)
        return ListenSettings(backend=str(backend))

    def _cost(self, table: Mapping[str, Any]) -> CostSettings:
        self._check_names(("cost",), table, ("ask_above",))
        amount = table.get("ask_above", CostSettings().ask_above)
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not is_number or amount not in COST:
            reason = f"ask_above is {shown(amount)}; it must be a number {COST}"
            self._refuse(("cost", "ask_above"), reason)
        return CostSettings(float(amount))

    def _keys(self, table: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        if not table:
            return {}
        from tui.keys.key_names import keys_display  # slow to load
        from tui.keys.key_table import KEY_BINDINGS, Scope
        from tui.keys.keymap import Keymap

        scopes = {scope.name.lower(): scope for scope in Scope}
        self._check_names(("keys",), table, scopes)
        changed: dict[str, tuple[str, ...]] = {}
        for scope in table:
            key_path = ("keys", scope)
            actions = self._table(key_path, table)
            of_scope = (key for key in KEY_BINDINGS if key.scope is scopes[scope] and key.id)
            ids = {key.action: key.id for key in of_scope}
            self._check_names(key_path, actions, ids)
            for action, value in actions.items():
                changed[ids[action]] = self._key_names((*key_path, action), value)
        for conflict in Keymap(changed).conflicts():
            scope, _, action = conflict.changed.id.partition(".")
            other, shown = conflict.other, keys_display([conflict.key_name])
            does = f"{other.description} ({other.scope.name.lower()})"
            hint = "Assign another key to one of them." if other.id else "That key is fixed."
            self._refuse(("keys", scope, action), f"“{shown}” is already used: {does}", hint)
        return changed

    # --- kinds of values; each method refuses all others

    def _key_names(self, key_path: _KeyPath, value: Any) -> tuple[str, ...]:
        from tui.keys.key_names import parse_key_name

        written = [value] if isinstance(value, str) else value
        if not isinstance(written, list) or not written:
            self._refuse(key_path, "keys must be a name in quotes, or a list of names")
        names = []
        for key in written:
            name = parse_key_name(key) if isinstance(key, str) else None
            if name is None:
                hint = "Examples of keys: “a”, “A”, “?”, “ctrl+k”, “f5”, “pagedown”, “escape”."
                self._refuse(key_path, f"there is no key “{str(key)[:MAX_SHOWN_CHARS]}”", hint)
            names.append(name)
        return tuple(names)

    def _bool(self, key_path: _KeyPath, value: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(key_path, f"{key_path[-1]} must be true or false")
        return value

    def _table(self, key_path: _KeyPath, parent: Mapping[str, Any]) -> Mapping[str, Any]:
        value, name = parent.get(key_path[-1], {}), ".".join(key_path)
        if not isinstance(value, dict):
            self._refuse(key_path, f"{name} must be a table", f"Write [{name}].")
        return value

    def _names(
        self, key_path: _KeyPath, what: str, value: Any, known: Iterable[str]
    ) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self._refuse(key_path, f"{key_path[-1]} must be a list of names in quotes")
        for name in value:
            self._check_choice(key_path, what, name, known)
        return tuple(value)

    def _check_names(self, key_path: _KeyPath, table: Iterable[str], known: Iterable[str]) -> None:
        what = "setting" if len(key_path) < 2 else "action"
        for name in table:
            self._check_choice((*key_path, name), what, name, known)

    def _check_choice(
        self, key_path: _KeyPath, what: str, value: str, known: Iterable[str]
    ) -> None:
        if (problem := _unknown_name_problem(what, value, list(known))) is not None:
            self._refuse(key_path, *problem)

    def _refuse(self, key_path: _KeyPath, reason: str, hint: str = "") -> NoReturn:
        line = _line_number(key_path, self._text)
        raise UsageProblem(f"{self._file}, line {line}: {reason}", hint)


def _read_file(file: Path) -> str:
    """The text of the settings file, which may be a link to one. Raises `UsageProblem` for what is
    no file: a pipe would be waited for, and a device never ends."""
    with open(
        file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)
    ) as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise UsageProblem(f"{file} is not a file", "Write the settings into a file.")
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise UsageProblem(f"{file} is larger than {MAX_FILE_BYTES >> 10} KB", "Shorten it.")
    return content.decode()


def _line_number(key_path: _KeyPath, text: str) -> int:
    """The line where a value begins in valid TOML; 1 if it is not found.

    `tomllib` does not report it. So this looks for a line with the key, before which the value is
    missing, and with which, or with the lines that follow, it is there.
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    rows = [row for row, line in enumerate(lines) if key_path[-1] in line]
    for row in rows[:MAX_PARSED_LINES]:
        if _has_value(key_path, "".join(lines[:row])) is not False:
            continue  # it is within another value
        end, step = row + 1, 1
        while (found := _has_value(key_path, "".join(lines[:end]))) is None and end < len(lines):
            end, step = min(end + step, len(lines)), 2 * step  # the value has several lines
        if found:
            return row + 1
    return 1


def _has_value(key_path: _KeyPath, text: str) -> bool | None:
    """Whether TOML has a value at a path of keys; None if it is not valid."""
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    for key in key_path:
        value = value.get(key) if isinstance(value, dict) else None
    return value is not None


def _theme_problem(name: str) -> tuple[str, str] | None:
    if name in PACELINE_THEMES:
        return None
    from textual.theme import BUILTIN_THEMES  # slow to load, and rarely needed

    return _unknown_name_problem("theme", name, [*PACELINE_THEMES, *BUILTIN_THEMES])


def _unknown_name_problem(what: str, value: str, known: Sequence[str]) -> tuple[str, str] | None:
    """The message and hint for an unknown name; None if it is known."""
    if value in known:
        return None
    value = value if len(value) <= MAX_SHOWN_CHARS else f"{value[:MAX_SHOWN_CHARS]}…"
    near = difflib.get_close_matches(value, known, 1, cutoff=0.5)
    hint = f"Did you mean “{near[0]}”?" if near else f"Valid names: {', '.join(known)}."
    return f"there is no {what} “{value}”", hint
