"""Lines made of parts that can be drawn in several lengths."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.text.width import line_width
from tui.theme.roles import StyledLine


@dataclass(frozen=True, slots=True)
class ResponsivePart:
    """A part of a line in all its variants, the longest first; the last may be empty."""

    variants: Sequence[StyledLine]
    priorities: Sequence[int] = ()
    """One number for each variant but the last: variants with small numbers are shortened first."""


def fit_parts(parts: Sequence[ResponsivePart], cells: int) -> list[StyledLine]:
    """A variant of each part, the longest that fit into so many cells together, if any do."""
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
    for at in reversed(gone):  # undo what did not help, because a later part was larger
        more = _cells_saved(parts[at], shown[at] - 1)
        if taken + more <= cells:
            taken += more
            shown[at] -= 1
    return [part.variants[form] for part, form in zip(parts, shown, strict=True)]


def _cells_saved(part: ResponsivePart, variant: int) -> int:
    """Cells that the next variant saves."""
    return line_width(part.variants[variant]) - line_width(part.variants[variant + 1])
