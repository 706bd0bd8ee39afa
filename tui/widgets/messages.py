"""Messages from widgets to the screens and the desk."""

from dataclasses import dataclass

from textual.message import Message

from tui.model.column_spec import ColumnSpec
from workers.jobs.job import JobId


class RedrawRequested(Message):
    """The view changed, and the desk should redraw it without waiting for the next tick."""


@dataclass
class PathsPasted(Message):
    """Text was pasted onto a screen. A file dropped on the terminal arrives as its path."""

    text: str


@dataclass
class SortRequested(Message):
    """The user wants to sort by a column."""

    column: ColumnSpec


@dataclass
class RowSelected(Message):
    """A row was clicked."""

    job: JobId
    double_click: bool


@dataclass
class EdgeDragged(Message):
    """The user drags the edge between the table and the details."""

    x: int
    """The column of the screen that the mouse is in."""
    y: int
    """Its row."""
    is_end: bool = False
    """Whether the button was released."""
