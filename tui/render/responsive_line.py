"""Lines that are made of parts, each of which can say its thing in fewer words."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.text.width import cell_width
from tui.theme.roles import StyledLine


@dataclass(frozen=True, slots=True)
class ResponsivePart:
    """A piece of a line in all its forms, the fullest first; the last may be empty."""

    variants: Sequence[StyledLine]
    priorities: Sequence[int] = ()
    """When each form but the last gives way to the next: what has the smaller number, sooner."""


def fit_parts(parts: Sequence[ResponsivePart], cells: int) -> list[StyledLine]:
    """A form of each part, the fullest that take no more cells together, where that can be."""
    shown = [0] * len(parts)
    steps = sorted((when, at) for at, part in enumerate(parts) for when in part.priorities)
    taken = sum(line_width(part.variants[0]) for part in parts)
    gone: list[int] = []
    for _, at in steps:
        if taken <= cells:
            break
        taken -= _cells_saved(parts[at], shown[at])
        shown[at] += 1
        gone.append(at)
    for at in reversed(gone):  # what gave way in vain, because what came after it was larger
        more = _cells_saved(parts[at], shown[at] - 1)
        if taken + more <= cells:
            taken += more
            shown[at] -= 1
    return [part.variants[form] for part, form in zip(parts, shown, strict=True)]


def _cells_saved(part: ResponsivePart, variant: int) -> int:
    """Cells that there are more when this form gives way to the next."""
    return line_width(part.variants[variant]) - line_width(part.variants[variant + 1])


def line_width(line: StyledLine) -> int:
    """How many cells a line takes."""
    return sum(cell_width(text) for text, _ in line)
