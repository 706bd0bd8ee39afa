"""The actions that are available at the current focus, for footer, help and command palette.

They come from Textual's active bindings, so they are right for every focus and every kind of run.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from tui.config.settings import PACELINE_THEMES
from tui.keys.key_table import KEY_BINDINGS, KeyBinding, Scope
from tui.keys.keymap import Keymap
from tui.model.column_spec import ColumnSpec
from tui.widgets.messages import SortRequested

_KEYS_BY_ID = {key.id: key for key in KEY_BINDINGS if key.id}


@dataclass(frozen=True, slots=True)
class AvailableAction:
    """An active binding, with the node and the action string that Textual would run."""

    key: KeyBinding
    node: DOMNode
    action: str


def available_actions(
    screen: Screen[object], keymap: Keymap, verbs: Sequence[KeyBinding]
) -> list[AvailableAction]:
    """The actions of a screen, those of the focused widget first, those of the desk last."""
    keys = {key.id: key for key in keymap([*_KEYS_BY_ID.values(), *verbs])}
    order = {id: index for index, id in enumerate(keys)}
    by_action = {f"verb({verb.id!r})": verb.id for verb in verbs}
    found: dict[str, AvailableAction] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        id = binding.id or by_action.get(binding.action, "")
        if enabled and id in keys and id not in found:
            found[id] = AvailableAction(keys[id], node, binding.action)
    scopes = list(dict.fromkeys(action.key.scope for action in found.values()))
    scopes.sort(key=lambda scope: scope is Scope.DESK)
    return sorted(found.values(), key=lambda a: (scopes.index(a.key.scope), order[a.key.id]))


def keys_in_focus(
    focused: Widget | None, keys: Sequence[KeyBinding], keymap: Keymap
) -> list[KeyBinding]:
    """The keys with those of the focused widget among them: one that hides another takes its place,
    so that the order stays as it is. The others come first. A text input hides all keys."""
    bindings = type(focused).BINDINGS if focused is not None else []
    ids = [binding.id for binding in bindings if isinstance(binding, Binding)]
    near = keymap(_KEYS_BY_ID[id] for id in ids if id in _KEYS_BY_ID)
    keys = keymap(keys)
    if near and isinstance(focused, Input):
        return near
    nearest = {name: key for key in near for name in key.keys}
    merged: dict[str, KeyBinding] = {}
    for key in keys:
        if nearest.keys() >= set(key.keys):
            key = nearest[key.keys[0]]
        merged.setdefault(key.id or key.action, key)
    return [*(key for key in near if key.id not in merged), *merged.values()]


def palette_commands(
    app: App[None],
    screen: Screen[object],
    available: Sequence[AvailableAction],
    why_not: Callable[[KeyBinding], str],
    sort_columns: Iterable[ColumnSpec],
) -> Iterator[SystemCommand]:
    """Yields the palette's commands, group by group: each action by its description, then sort
    orders and themes by name. Their help is the group and the key. ``why_not``: returns why a verb
    cannot act now; empty if it can. ``sort_columns``: what rows can be sorted by."""
    for action in available:
        key, run = action.key, partial(app.run_action, action.action, action.node)
        if key.action != "command_palette":
            hint = f"{key.scope.value} · {key.key_display}"
            hint = "; ".join(filter(None, (hint, why_not(key))))
            yield SystemCommand(key.description[:1].upper() + key.description[1:], hint, run)
    if any(action.key.id == "sessions.sort" for action in available):
        for column in sort_columns:
            sort = partial(screen.post_message, SortRequested(column))
            yield SystemCommand(f"Sort by {column.label}", "Order · repeat to reverse", sort)
    yield SystemCommand("Choose another theme", "Themes", app.action_change_theme)
    for name in sorted(app.available_themes, key=lambda name: (name not in PACELINE_THEMES, name)):
        yield SystemCommand(f"Use the theme {name}", "Themes", partial(setattr, app, "theme", name))
