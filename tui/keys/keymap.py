"""The active keys: those of `tui.keys.key_table` with the user's changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tui.keys.key_table import SCOPE_STACKS, KeyBinding, Scope, bindings_in


@dataclass(frozen=True, slots=True)
class Conflict:
    """A conflict: the user assigned a key to ``changed`` that ``other`` uses in the same place."""

    changed: KeyBinding
    other: KeyBinding
    key_name: str


class Keymap:
    """Key bindings with the user's changes; ``overrides``: names of keys by `KeyBinding.id`."""

    def __init__(self, overrides: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.overrides = dict(overrides or {})

    def __call__(self, bindings: Iterable[KeyBinding]) -> list[KeyBinding]:
        """Returns these bindings with the user's keys."""
        return [
            replace(key, keys=names, hidden_keys=0)
            if key.id and (names := self.overrides.get(key.id))
            else key
            for key in bindings
        ]

    def bindings_in(self, *scopes: Scope) -> list[KeyBinding]:
        """The bindings of these scopes, in the order of the scopes."""
        return self(bindings_in(*scopes))

    def key_display(self, scope: Scope, action: str) -> str:
        """The keys of an action, formatted for display."""
        return next(key.key_display for key in self.bindings_in(scope) if key.action == action)

    def short_key_display(self, scope: Scope, action: str) -> str:
        """The shortest key of an action, as written in sentences."""
        return min(self.key_display(scope, action).split(), key=len)

    @property
    def textual_keymap(self) -> dict[str, str]:
        """The user's changes in the form that `App.set_keymap` takes."""
        return {id: ",".join(names) for id, names in self.overrides.items()}

    def conflicts(self) -> Iterator[Conflict]:
        """Finds changed keys that hide another binding or are hidden by one."""
        for scopes in SCOPE_STACKS:
            bound: dict[str, KeyBinding] = {}
            for key in sorted(self.bindings_in(*scopes), key=lambda key: key.id in self.overrides):
                for name in key.keys:
                    if name in bound and key.id in self.overrides:
                        yield Conflict(key, bound[name], name)
                    bound[name] = key
