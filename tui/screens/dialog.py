"""What every dialog has in common: a box in the middle that Esc closes."""

from typing import TypeVar

from textual.messages import Prune
from textual.screen import ModalScreen

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.theme.roles import Look
from tui.theme.symbols import ASCII

DialogResult = TypeVar("DialogResult")


class Dialog(ModalScreen[DialogResult | None]):
    """Its content stands in a container with the id ``box``."""

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
        """For the box's lower edge: actions, each with a word for it, and the one that closes."""
        told = (*actions, (Scope.DIALOG, "close", "close"))
        return "  ".join(
            f"{self.look.key_hint(scope, action)} {word}" for scope, action, word in told
        )

    def action_close(self) -> None:
        self.dismiss(None)

    async def on_prune(self, event: Prune) -> None:
        """It closes: its widgets go before what it still does would, which would miss them."""
        self.workers.cancel_node(self)
