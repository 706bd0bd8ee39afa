"""Converts between Textual's names of keys and the names that users read and write."""

from collections.abc import Iterable

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, format_key, key_to_character

KEY_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})

_KEY_NAMES = frozenset([*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values()])

_KEY_DISPLAYS = {
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


def parse_key_name(text: str) -> str | None:
    """Converts a user's key name to Textual's: ``comma`` for ``,``; None if unknown."""
    if text == ",":
        return "comma"
    if not text.isprintable() or not text.strip() or "," in text:
        return None
    *modifiers, base = text.split("+") if len(text) > 1 else [text]
    if not KEY_MODIFIERS.issuperset(modifiers) or not base:
        return None
    known = len(base) == 1 or base in _KEY_NAMES
    if not known and not (key_to_character(base) or "\n").isprintable():
        return None  # “esc” is a character name in Unicode, but not a key name
    return next(iter(Binding.make_bindings([(text, "", "")]))).key


def keys_display(names: Iterable[str]) -> str:
    """Formats keys for display: ``PgDn ^d``."""
    return " ".join(map(_key_display, names))


def _key_display(name: str) -> str:
    *modifiers, base = name.split("+")
    character = format_key(base)
    shown = _KEY_DISPLAYS.get(base) or (character if len(character) == 1 else base.capitalize())
    if modifiers == ["ctrl"]:
        return f"^{shown}"
    return "-".join([*(modifier.capitalize() for modifier in modifiers), shown])
