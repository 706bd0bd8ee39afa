"""The keys in force: the table of `tui.keys.key_table`, with what the user has changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, format_key, key_to_character

from tui.keys.key_table import SCOPE_STACKS, KeyBinding, Scope, bindings_in

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


@dataclass(frozen=True, slots=True)
class Conflict:
    """A key that the user gave to something, while it does something else in the same place."""

    changed: KeyBinding
    other: KeyBinding
    key_name: str


class Keymap:
    """``overrides``: by `KeyBinding.id`, the names of the keys that do it instead."""

    def __init__(self, overrides: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.overrides = dict(overrides or {})

    def __call__(self, bindings: Iterable[KeyBinding]) -> list[KeyBinding]:
        """These keys as they are now."""
        return [self._apply_override(key) for key in bindings]

    def _apply_override(self, binding: KeyBinding) -> KeyBinding:
        if not binding.id or binding.id not in self.overrides:
            return binding
        names = self.overrides[binding.id]
        return replace(binding, keys=names, key_display=keys_display(names))

    def bindings_in(self, *scopes: Scope) -> list[KeyBinding]:
        """The keys that work there, in the order of the scopes."""
        return self(bindings_in(*scopes))

    def key_display(self, scope: Scope, action: str) -> str:
        """What a person presses there for it."""
        return next(key.key_display for key in self.bindings_in(scope) if key.action == action)

    def short_key_display(self, scope: Scope, action: str) -> str:
        """One key of these, for a sentence: the shortest to read."""
        return min(self.key_display(scope, action).split(), key=len)

    @property
    def textual_keymap(self) -> dict[str, str]:
        """As `App.set_keymap` wants it."""
        return {id: ",".join(names) for id, names in self.overrides.items()}

    def conflicts(self) -> Iterator[Conflict]:
        """Where a changed key would hide another, or be hidden."""
        for place in SCOPE_STACKS:
            doing: dict[str, KeyBinding] = {}
            for key in sorted(self.bindings_in(*place), key=lambda key: key.id in self.overrides):
                for name in key.keys:
                    if name in doing and key.id in self.overrides:
                        yield Conflict(key, doing[name], name)
                    doing[name] = key


def parse_key_name(text: str) -> str | None:
    """A key's name as Textual has it, for what a person may have written; None if there is none."""
    if text == ",":
        return "comma"
    if not text.isprintable() or not text.strip() or "," in text:
        return None
    *modifiers, base = text.split("+") if len(text) > 1 else [text]
    if not KEY_MODIFIERS.issuperset(modifiers) or not base:
        return None
    if (
        len(base) > 1
        and base not in _KEY_NAMES
        and not (key_to_character(base) or "\n").isprintable()
    ):
        return None  # “esc” is the name of a character, but of no key
    return next(iter(Binding.make_bindings([(text, "", "")]))).key


def keys_display(names: Iterable[str]) -> str:
    """Keys as a person reads them."""
    return " ".join(map(_key_display, names))


def _key_display(name: str) -> str:
    *modifiers, base = name.split("+")
    character = format_key(base)
    shown = _KEY_DISPLAYS.get(base) or (character if len(character) == 1 else base.capitalize())
    if modifiers == ["ctrl"]:
        return f"^{shown}"
    return "-".join([*(each.capitalize() for each in modifiers), shown])
