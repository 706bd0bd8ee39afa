"""Sentences after a sign or a term, wrapped into indented rows."""

from collections.abc import Sequence

from tui.text.width import cell_width, wrap_rows
from tui.theme.roles import Role, StyledLine


def wrap_sentence(sign: str, text: str, role: Role, cells: int) -> list[StyledLine]:
    """Wraps a cleaned sentence after a sign; further rows are indented by the sign's width."""
    indent = cell_width(sign) + 1
    rows = wrap_rows(text, max(cells - indent, 1))
    return [[((" " * indent if row else f"{sign} ") + text, role)] for row, text in enumerate(rows)]


def indented_sentence(
    sign: str, text: str, role: Role, cells: int, max_rows: int | None = None
) -> list[StyledLine]:
    """Like `wrap_sentence`, but indented by two cells and cut after ``max_rows`` rows."""
    rows = wrap_sentence(sign, text, role, max(cells - 2, 4))[:max_rows]
    return [[("  ", role), *row] for row in rows]


def definition_lines(
    definitions: Sequence[tuple[str, str]], cells: int, min_term_width: int, indent: int
) -> list[StyledLine]:
    """Lists terms, each with its explanation beside it, wrapped if necessary."""
    width = max(min_term_width, *(cell_width(term) + 1 for term, _ in definitions))
    lines: list[StyledLine] = []
    for term, explanation in definitions:
        label = " " * indent + term + " " * (width - cell_width(term))
        first, *more = wrap_rows(explanation, max(cells - indent - width, 1))
        lines.append([(label, Role.KEY), (first, Role.TEXT)])
        lines += [[(" " * (indent + width) + row, Role.TEXT)] for row in more]
    return lines
