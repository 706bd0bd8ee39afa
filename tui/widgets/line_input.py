"""One-line text inputs without a frame: the base class of all inputs, and the input for paths."""

import asyncio
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Paste
from textual.widgets import Input

from tui.files.path_input import complete_path, join_pasted_paths
from tui.widgets.background_tasks import BackgroundTasks


class LineInput(Input):
    """An `Input` of one row that keeps its text unselected when it gets the focus."""

    DEFAULT_CSS = """
    LineInput, LineInput:focus { border: none; height: 1; padding: 0; background: $panel; }
    """

    def __init__(
        self, text: str = "", *, id: str, placeholder: str = "", disabled: bool = False
    ) -> None:
        super().__init__(
            text, id=id, placeholder=placeholder, disabled=disabled, select_on_focus=False
        )

    def set_text(self, text: str) -> None:
        """Replaces the text and moves the cursor to its end."""
        self.value = text
        self.cursor_position = len(text)


class PathInput(LineInput, BackgroundTasks, inherit_bindings=False):
    """An input for paths that can complete them. The dialog decides which key calls `complete`.
    ``folders_only``: completes folders, but no files."""

    BINDINGS: ClassVar[list[BindingType]] = Input.BINDINGS  # others make arrows scroll

    def __init__(
        self, text: str = "", *, id: str, placeholder: str = "", folders_only: bool = False
    ) -> None:
        super().__init__(text, id=id, placeholder=placeholder)
        self._folders_only = folders_only
        self.base_folder = ""
        """The folder that relative paths start from; empty: the working folder."""

    def complete(self) -> None:
        """Completes the path as far as it is unambiguous. The folder is read in a thread."""
        self.start_task("complete", self._complete, self.value)

    async def _complete(self, typed: str) -> None:
        folder, only = self.base_folder, self._folders_only
        text = await asyncio.to_thread(complete_path, typed, folder, folders_only=only)
        if self.value == typed and text != typed:  # the user has typed nothing since
            self.set_text(text)

    def on_paste(self, event: Paste) -> None:
        event.text = join_pasted_paths(event.text)  # Textual would take only the first line
