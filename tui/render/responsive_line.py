"""Lines that consist of parts with variants of several lengths."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.text.width import line_width
from tui.theme.roles import StyledLine


@dataclass(frozen=True, slots=True)
class ResponsivePart:
    """A part of a line with all its variants, longest first; the last may be empty."""

    variants: Sequence[StyledLine]
    priorities: Sequence[int] = ()
    """One number per variant except the last; the lowest number is shortened first."""


def fit_parts(parts: Sequence[ResponsivePart], cells: int) -> list[StyledLine]:
    """Chooses a variant of each part; all parts together fit into ``cells`` if possible."""
    chosen = [0] * len(parts)

    def cells_saved(at: int) -> int:
        """The cells saved by the next variant of a part."""
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
    for at in reversed(shortened):  # undo early steps that later, larger savings made unnecessary
        chosen[at] -= 1
        more = cells_saved(at)
        if taken + more <= cells:
            taken += more
        else:
            chosen[at] += 1
    return [part.variants[variant] for part, variant in zip(parts, chosen, strict=True)]
