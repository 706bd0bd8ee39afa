"""Messages of widgets to screens and desk."""

from textual.message import Message

from tui.model.column_spec import ColumnSpec
from workers.jobs.job import JobId


class RedrawRequested(Message):
    """What is shown changed; the desk should draw it now and not at the next tick."""


class PathsPasted(Message):
    """Text was pasted onto a screen. A file dropped on the terminal arrives as its path."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class SortRequested(Message):
    """The user wants to sort by a column."""

    def __init__(self, column: ColumnSpec) -> None:
        super().__init__()
        self.column = column


class RowSelected(Message):
    """A row was clicked."""

    def __init__(self, job: JobId, *, double_click: bool) -> None:
        super().__init__()
        self.job = job
        self.double_click = double_click
