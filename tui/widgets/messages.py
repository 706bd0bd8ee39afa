"""What widgets and screens say to the desk."""

from textual.message import Message

from tui.model.column_spec import ColumnSpec
from workers.jobs.job import JobId


class RedrawRequested(Message):
    """The user changed what is to be shown; it should be drawn now and not at the next tick."""


class PathsPasted(Message):
    """Text was pasted onto a screen; a file dropped on a terminal arrives as its path."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class SortRequested(Message):
    """A column's name was clicked."""

    def __init__(self, column: ColumnSpec) -> None:
        super().__init__()
        self.column = column


class RowSelected(Message):
    """A row was clicked."""

    def __init__(self, job: JobId, *, double_click: bool) -> None:
        super().__init__()
        self.job = job
        self.double_click = double_click
