"""What can be done where the user is now, for the help and the command palette.

Found by asking Textual whose keys work, so it is right wherever the focus is, and whatever a desk
leaves out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from tui.config.settings import PACELINE_THEMES
from tui.keys.key_table import KEY_BINDINGS, KeyBinding
from tui.keys.keymap import Keymap
from tui.model.column_spec import QUEUE_ORDER
from tui.render.columns import COLUMNS
from tui.widgets.messages import SortRequested

_KEYS_BY_ID = {key.id: key for key in KEY_BINDINGS if key.id}

_KEY_ORDER = {id: place for place, id in enumerate(_KEYS_BY_ID)}


@dataclass(frozen=True, slots=True)
class AvailableAction:
    """A key that works, and whose it is."""

    key: KeyBinding
    node: DOMNode


def available_actions(screen: Screen[object], keymap: Keymap) -> list[AvailableAction]:
    """What works on a screen now: what has the focus first, the whole desk last."""
    found: dict[str, AvailableAction] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if enabled and binding.id in _KEYS_BY_ID and binding.id not in found:
            (key,) = keymap([replace(_KEYS_BY_ID[binding.id], description=binding.description)])
            found[binding.id] = AvailableAction(key, node)
    scopes = list(dict.fromkeys(action.key.scope for action in found.values()))
    return sorted(
        found.values(),
        key=lambda action: (scopes.index(action.key.scope), _KEY_ORDER[action.key.id]),
    )


def keys_in_focus(
    focused: Widget | None, keys: Sequence[KeyBinding], keymap: Keymap
) -> list[KeyBinding]:
    """Those of what has the focus before these keys, as far as it leaves them any.

    A line that is typed into leaves them none.
    """
    bound = type(focused).BINDINGS if focused is not None else []
    ids = [each.id for each in bound if isinstance(each, Binding) and each.id in _KEYS_BY_ID]
    if not ids:
        return keymap(keys)
    near, keys = keymap(_KEYS_BY_ID[id] for id in ids if id), keymap(keys)
    if isinstance(focused, Input):
        return near
    taken = {name for key in near for name in key.keys}
    return [*near, *(key for key in keys if key not in near and not taken.issuperset(key.keys))]


def palette_commands(
    app: App[None], screen: Screen[object], keymap: Keymap
) -> Iterator[SystemCommand]:
    """The palette: each action by what it does, and each choice of those that have some."""
    found = available_actions(screen, keymap)
    for action in found:
        key, does = action.key, partial(app.run_action, action.key.action, action.node)
        if key.action != "command_palette":
            yield SystemCommand(_sentence_case(key.description), f"key: {key.key_display}", does)
    if any(action.key.id == "sessions.sort" for action in found):
        for column in (QUEUE_ORDER, *COLUMNS):
            ordered = partial(screen.post_message, SortRequested(column))
            yield SystemCommand(f"Sort by {column.label}", "again: the other way round", ordered)
    yield SystemCommand("Theme", "other colours", app.action_change_theme)
    for name in sorted(app.available_themes, key=lambda name: (name not in PACELINE_THEMES, name)):
        yield SystemCommand(f"Theme: {name}", "these colours", partial(setattr, app, "theme", name))


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
