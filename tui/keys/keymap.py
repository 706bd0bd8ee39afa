"""The keys in force: the table of `tui.keys.key_table`, with what the user has changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, format_key, key_to_character

from tui.keys.key_table import PLACES, Key, Scope, of

MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})

_KNOWN = frozenset([*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values()])

_SHOWN = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "insert": "Ins",
    "delete": "Del",
    "backspace": "Bksp",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A key that the user gave to something, while it does something else in the same place."""

    changed: Key
    other: Key
    name: str


class Keymap:
    """``changed``: by `Key.id`, the names of the keys that do it instead."""

    def __init__(self, changed: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.changed = dict(changed or {})

    def __call__(self, keys: Iterable[Key]) -> list[Key]:
        """These keys as they are now."""
        return [self._changed(key) for key in keys]

    def _changed(self, key: Key) -> Key:
        if not key.id or key.id not in self.changed:
            return key
        names = self.changed[key.id]
        return replace(key, keys=names, shown=called(names))

    def of(self, *scopes: Scope) -> list[Key]:
        """The keys that work there, in the order of the scopes."""
        return self(of(*scopes))

    def shown(self, scope: Scope, action: str) -> str:
        """What a person presses there for it."""
        return next(key.shown for key in self.of(scope) if key.action == action)

    def brief(self, scope: Scope, action: str) -> str:
        """One key of these, for a sentence: the shortest to read."""
        return min(self.shown(scope, action).split(), key=len)

    @property
    def textual(self) -> dict[str, str]:
        """As `App.set_keymap` wants it."""
        return {id: ",".join(names) for id, names in self.changed.items()}

    def conflicts(self) -> Iterator[Conflict]:
        """Where a changed key would hide another, or be hidden."""
        for place in PLACES:
            doing: dict[str, Key] = {}
            for key in sorted(self.of(*place), key=lambda key: key.id in self.changed):
                for name in key.keys:
                    if name in doing and key.id in self.changed:
                        yield Conflict(key, doing[name], name)
                    doing[name] = key


def named(text: str) -> str | None:
    """A key's name as Textual has it, for what a person may have written; None if there is none."""
    if text == ",":
        return "comma"
    if not text.isprintable() or not text.strip() or "," in text:
        return None
    *modifiers, base = text.split("+") if len(text) > 1 else [text]
    if not MODIFIERS.issuperset(modifiers) or not base:
        return None
    if len(base) > 1 and base not in _KNOWN and not (key_to_character(base) or "\n").isprintable():
        return None  # “esc” is the name of a character, but of no key
    return next(iter(Binding.make_bindings([(text, "", "")]))).key


def called(names: Iterable[str]) -> str:
    """Keys as a person reads them."""
    return " ".join(map(_called, names))


def _called(name: str) -> str:
    *modifiers, base = name.split("+")
    character = format_key(base)
    shown = _SHOWN.get(base) or (character if len(character) == 1 else base.capitalize())
    if modifiers == ["ctrl"]:
        return f"^{shown}"
    return "-".join([*(each.capitalize() for each in modifiers), shown])
