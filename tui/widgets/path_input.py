"""A line in which paths are typed, pasted and completed."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Paste
from textual.widgets import Input

from tui.files import path_input


class PathInput(Input, inherit_bindings=False):
    """One line without a frame. Tab belongs to whoever holds it, and calls `complete`."""

    BINDINGS: ClassVar[list[BindingType]] = Input.BINDINGS  # its bases would scroll with the arrows

    DEFAULT_CSS = """
    PathInput, PathInput:focus {
        border: none; height: 1; padding: 0; background: $panel;
    }
    """

    def __init__(
        self, text: str = "", *, id: str, placeholder: str = "", folders_only: bool = False
    ) -> None:
        super().__init__(text, id=id, placeholder=placeholder, select_on_focus=False)
        self._folders_only = folders_only
        self.base_folder = ""
        """Where relative paths begin; empty: where the program was started."""

    def set_text(self, text: str) -> None:
        """Replaces what stands there."""
        self.value = text
        self.cursor_position = len(text)

    def complete(self) -> None:
        """Types on, as far as there is only one way; a thread reads the folder."""
        work: Callable[[], Awaitable[None]] = partial(self._complete, self.value)
        self.run_worker(work, group="complete", exclusive=True)

    async def _complete(self, typed: str) -> None:
        text = await asyncio.to_thread(
            path_input.complete_path, typed, self.base_folder, folders_only=self._folders_only
        )
        if self.value == typed and text != typed:  # else the user typed on
            self.set_text(text)

    def on_paste(self, event: Paste) -> None:
        event.text = path_input.join_pasted_paths(
            event.text
        )  # the input itself would take the first line only
