"""The top of the desk: what this is, where it streams to, and how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.render import run_status as stands
from tui.render.responsive_line import Part, cells_of, fitted
from tui.render.run_status import Standing
from tui.text.width import clean, fit, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.protocol.endpoint import Kind

BRAND = "Paceline"

LEAST_WHERE = 20
"""Cells of the target that only counts may take: it is what costs money."""

SMALLEST_WHERE = 9

MONEY = {
    Kind.SERVICE: ("billed", "$", Role.ALARM),
    Kind.CUSTOM: ("your endpoint", "", Role.MUTED),
    Kind.EMBEDDED: ("free", "", Role.GOOD),
}
"""What streaming there costs, in words; and what is left of the words where there is no room."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it streams to."""

    name: str
    kind: Kind | None = None
    """None: nothing is streamed."""


def one_line(where: Destination, standing: Standing, cells: int, symbols: Symbols) -> Line:
    """Where to and the counts; what else there is room for. The numbers: as in `Part`."""
    left = _left(where, symbols, (5, 30), 60)
    right = [
        stands.awaited(standing, symbols, (20, 62)),
        stands.left_to_do(standing, (8, 10, 12)),
        stands.counts(standing, symbols, 40),
        stands.held(standing, symbols, (35, 45)),
        stands.lag(standing, symbols, (15, 50, 64)),
    ]
    return _apart(where, left, right, cells, symbols)


def two_lines(where: Destination, standing: Standing, cells: int, symbols: Symbols) -> list[Line]:
    """Above, where to and what is to be done yet; below, the counts and how late chunks leave."""
    audio = [
        stands.awaited(standing, symbols, (30, 70)),
        stands.audio(standing, (15, 40)),
        stands.left_to_do(standing, (20, 25, 60)),
        stands.open_sockets(standing, where.kind is Kind.SERVICE, (18, 50)),
    ]
    late = [stands.held(standing, symbols, (55, 85)), stands.lag(standing, symbols, (40, 60, 80))]
    return [
        _apart(where, _left(where, symbols, (10, 65), 68), audio, cells, symbols),
        _apart(where, [stands.counts(standing, symbols, 50)], late, cells, symbols),
    ]


def _apart(
    where: Destination, left: Sequence[Part], right: Sequence[Part], cells: int, symbols: Symbols
) -> Line:
    """The one at the left edge, the other at the right; the target takes what room there is."""
    margin = 2 if cells > 30 else 1
    rights = [*(_behind(part, "   ") for part in right)]
    lines = fitted([*left, *rights], cells - margin)
    begun, ended = lines[: len(left)], lines[len(left) :]
    room = cells - margin - sum(map(cells_of, lines))
    if len(left) > 1 and room > 0 and cells_of(begun[1]) < width(clean(where.name)):
        begun[1] = _where(where, cells_of(begun[1]) + room, symbols)
    start: Line = [(" ", Role.TEXT), *(piece for line in begun for piece in line)]
    end: Line = [piece for line in ended for piece in line]
    gap = max(cells - cells_of(start) - cells_of(end) - (margin - 1), 0)
    return [*start, (" " * gap, Role.TEXT), *end]


def _behind(part: Part, space: str) -> Part:
    """The same, with a space before whatever it says."""
    spaced: list[Line] = [[(space, Role.TEXT), *form] if form else [] for form in part.forms]
    return Part(spaced, part.yields)


# --- where to


def _left(where: Destination, symbols: Symbols, brand: tuple[int, int], target: int) -> list[Part]:
    """Brand, target, and what it costs."""
    name = width(clean(where.name))
    arrow = (f"{symbols.to} ", Role.MUTED)
    product = Part([[(f"{BRAND} ", Role.BRAND), arrow], [arrow], []], (brand[0], brand[1]))
    sizes = sorted({name, min(name, LEAST_WHERE), min(name, SMALLEST_WHERE)}, reverse=True)
    forms = [_where(where, size, symbols) for size in sizes]
    named = Part(forms, (brand[1] - 1, target)[: len(forms) - 1])
    if where.kind is None:
        return [product, named]
    word, sign, role = MONEY[where.kind]
    short: Line = [(f" {sign}", role)] if sign else []
    return [product, named, Part([[(f" {symbols.dot} {word}", role)], short], (target - 2,))]


def _where(where: Destination, cells: int, symbols: Symbols) -> Line:
    name = clean(where.name)
    return [(fit(name, min(cells, width(name)), symbols.cut), Role.STRONG)]
