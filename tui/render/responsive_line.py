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
    chosen = [0] * len(parts)

    def cells_saved(at: int) -> int:
        """Cells that the next variant of a part saves."""
        variants, shown = parts[at].variants, chosen[at]
        return line_width(variants[shown]) - line_width(variants[shown + 1])

    steps = sorted((when, at) for at, part in enumerate(parts) for when in part.priorities)
    taken = sum(line_width(part.variants[0]) for part in parts)
    shortened: list[int] = []
    for _, at in steps:
        if taken <= cells:
            break
        taken -= cells_saved(at)
        chosen[at] += 1
        shortened.append(at)
    for at in reversed(shortened):  # undo what did not help, because a later part was larger
        chosen[at] -= 1
        more = cells_saved(at)
        if taken + more <= cells:
            taken += more
        else:
            chosen[at] += 1
    return [part.variants[variant] for part, variant in zip(parts, chosen, strict=True)]
