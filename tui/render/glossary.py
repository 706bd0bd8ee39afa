"""What is to be explained, and its explanations beside it."""

from collections.abc import Sequence

from tui.render.transcript_layout import said
from tui.text.width import width
from tui.theme.roles import Line, Role


def glossary(pairs: Sequence[tuple[str, str]], cells: int, least: int, indent: int) -> list[Line]:
    """A line for each or, where it is wrapped, some. ``least``: cells of the first column."""
    size = max(least, *(width(sign) + 1 for sign, _ in pairs))
    margin = " " * (indent + size)
    lines: list[Line] = []
    for sign, says in pairs:
        first, *more = said(margin[1:], says, Role.TEXT, cells)
        ((text, _),) = first
        key = f"{' ' * indent}{sign}{' ' * (size - width(sign))}"
        lines += [[(key, Role.KEY), (text[len(margin) :], Role.TEXT)], *more]
    return lines
