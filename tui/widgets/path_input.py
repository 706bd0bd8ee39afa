"""An input in which paths are typed, pasted and completed."""

import asyncio
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Paste
from textual.widgets import Input

from tui.files import path_input
from tui.widgets.background_tasks import BackgroundTasks
from tui.widgets.line_input import LineInput


class PathInput(LineInput, BackgroundTasks, inherit_bindings=False):
    """The dialog that holds it decides which key calls `complete`.

    ``folders_only``: completes no files.
    """

    BINDINGS: ClassVar[list[BindingType]] = Input.BINDINGS  # its bases would scroll with the arrows

    def __init__(
        self, text: str = "", *, id: str, placeholder: str = "", folders_only: bool = False
    ) -> None:
        super().__init__(text, id=id, placeholder=placeholder)
        self._folders_only = folders_only
        self.base_folder = ""
        """Where relative paths start; empty: the working folder."""

    def complete(self) -> None:
        """Completes the path as far as it is unambiguous. A thread reads the folder."""
        self.start_task("complete", self._complete, self.value)

    async def _complete(self, typed: str) -> None:
        text = await asyncio.to_thread(
            path_input.complete_path, typed, self.base_folder, folders_only=self._folders_only
        )
        if self.value == typed and text != typed:  # the user has not typed on
            self.set_text(text)

    def on_paste(self, event: Paste) -> None:
        # the base class would take only the first line
        event.text = path_input.join_pasted_paths(event.text)
