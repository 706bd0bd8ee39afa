"""The dialog that asks for confirmation."""

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.screens.dialog import Dialog
from tui.theme.roles import Look, Role
from tui.widgets.line_widgets import LineBlock


class ConfirmDialog(Dialog[bool]):
    """Returns True for yes; None if it was closed."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.CONFIRMING))

    def __init__(self, look: Look, question: str, consequence: str) -> None:
        super().__init__(look)
        self._question = question
        self._consequence = consequence

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yes, no = (
                self.look.key_hint(Scope.CONFIRMING, action) for action in ("confirm", "close")
            )
            box.border_subtitle = f"{yes} yes  {no} no"
            yield LineBlock(
                self.look,
                lambda _: [
                    [],
                    [(self._question, Role.STRONG)],
                    [(self._consequence, Role.MUTED)],
                    [],
                ],
                id="question",
            )

    def action_confirm(self) -> None:
        self.dismiss(True)
