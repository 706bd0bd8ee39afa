"""Lines that are made of parts, each of which can say its thing in fewer words."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.text.width import width
from tui.theme.roles import Line


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line in all its forms, the fullest first; the last may be empty."""

    forms: Sequence[Line]
    yields: Sequence[int] = ()
    """When each form but the last gives way to the next: what has the smaller number, sooner."""


def fitted(parts: Sequence[Part], cells: int) -> list[Line]:
    """A form of each part, the fullest that take no more cells together, where that can be."""
    shown = [0] * len(parts)
    steps = sorted((when, at) for at, part in enumerate(parts) for when in part.yields)
    taken = sum(cells_of(part.forms[0]) for part in parts)
    gone: list[int] = []
    for _, at in steps:
        if taken <= cells:
            break
        taken -= _gained(parts[at], shown[at])
        shown[at] += 1
        gone.append(at)
    for at in reversed(gone):  # what gave way in vain, because what came after it was larger
        more = _gained(parts[at], shown[at] - 1)
        if taken + more <= cells:
            taken += more
            shown[at] -= 1
    return [part.forms[form] for part, form in zip(parts, shown, strict=True)]


def _gained(part: Part, form: int) -> int:
    """Cells that there are more when this form gives way to the next."""
    return cells_of(part.forms[form]) - cells_of(part.forms[form + 1])


def cells_of(line: Line) -> int:
    """How many cells a line takes."""
    return sum(width(text) for text, _ in line)
