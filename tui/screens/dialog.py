"""The base of dialogs: a box in the middle of the screen that Esc closes."""

from typing import TypeVar

from textual.screen import ModalScreen

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.theme.roles import Look
from tui.theme.symbols import ASCII
from tui.widgets.background_tasks import BackgroundTasks

DialogResult = TypeVar("DialogResult")


class Dialog(ModalScreen[DialogResult | None], BackgroundTasks):
    """Subclasses put their widgets into a container with the id ``box``."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.DIALOG))

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
        #box {
            width: 76;
            max-width: 96%;
            height: auto;
            max-height: 96%;
            padding: 0 1;
            background: $surface;
            border: round $border;
            border-title-color: $primary;
            border-title-style: bold;
            border-subtitle-color: $foreground 60%;
        }
        &.-ascii #box { border: ascii $border; }
    }
    """

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look
        self.set_class(look.symbols is ASCII, "-ascii")

    def hints(self, *actions: tuple[Scope, str, str]) -> str:
        """Key hints for the lower edge: ``actions`` (scope, action, label), then the close key."""
        actions = (*actions, (Scope.DIALOG, "close", "close"))
        return "  ".join(
            f"{self.look.key_hint(scope, action)} {label}" for scope, action, label in actions
        )

    def action_close(self) -> None:
        self.dismiss(None)
