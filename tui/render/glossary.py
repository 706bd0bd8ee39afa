"""What is to be explained, and its explanations beside it."""

from collections.abc import Sequence

from tui.render.transcript_layout import wrap_sentence
from tui.text.width import cell_width
from tui.theme.roles import Role, StyledLine


def definition_lines(
    definitions: Sequence[tuple[str, str]], cells: int, min_term_width: int, indent: int
) -> list[StyledLine]:
    """A line for each or, where it is wrapped, some. ``min_term_width``: cells of the first
    column."""
    size = max(min_term_width, *(cell_width(sign) + 1 for sign, _ in definitions))
    margin = " " * (indent + size)
    lines: list[StyledLine] = []
    for sign, says in definitions:
        first, *more = wrap_sentence(margin[1:], says, Role.TEXT, cells)
        ((text, _),) = first
        key = f"{' ' * indent}{sign}{' ' * (size - cell_width(sign))}"
        lines += [[(key, Role.KEY), (text[len(margin) :], Role.TEXT)], *more]
    return lines
