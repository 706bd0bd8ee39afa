"""The top of the desk: what this is, where it streams to, and how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.render import run_status as stands
from tui.render.responsive_line import ResponsivePart, fit_parts, line_width
from tui.render.run_status import RunStatus
from tui.text.width import cell_width, clean, fit
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.protocol.endpoint import EndpointKind

PRODUCT_NAME = "Paceline"

SHORT_DESTINATION_WIDTH = 20
"""Cells of the target that only counts may take: it is what costs money."""

MIN_DESTINATION_WIDTH = 9

COST_LABELS = {
    EndpointKind.SERVICE: ("billed", "$", Role.ALARM),
    EndpointKind.CUSTOM: ("your endpoint", "", Role.MUTED),
    EndpointKind.EMBEDDED: ("free", "", Role.SUCCESS),
}
"""What streaming there costs, in words; and what is left of the words where there is no room."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it streams to."""

    name: str
    kind: EndpointKind | None = None
    """None: nothing is streamed."""


def one_line_banner(
    destination: Destination, run_status: RunStatus, cells: int, symbols: Symbols
) -> StyledLine:
    """Where to and the counts; what else there is room for. The numbers: as in `Part`."""
    left = _left_parts(destination, symbols, (5, 30), 60)
    right = [
        stands.next_start_part(run_status, symbols, (20, 62)),
        stands.time_left_part(run_status, (8, 10, 12)),
        stands.counts_part(run_status, symbols, 40),
        stands.held_part(run_status, symbols, (35, 45)),
        stands.lag_part(run_status, symbols, (15, 50, 64)),
    ]
    return _justified_line(destination, left, right, cells, symbols)


def two_line_banner(
    destination: Destination, run_status: RunStatus, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Above, where to and what is to be done yet; below, the counts and how late chunks leave."""
    audio = [
        stands.next_start_part(run_status, symbols, (30, 70)),
        stands.audio_part(run_status, (15, 40)),
        stands.time_left_part(run_status, (20, 25, 60)),
        stands.socket_time_part(run_status, destination.kind is EndpointKind.SERVICE, (18, 50)),
    ]
    late = [
        stands.held_part(run_status, symbols, (55, 85)),
        stands.lag_part(run_status, symbols, (40, 60, 80)),
    ]
    return [
        _justified_line(
            destination, _left_parts(destination, symbols, (10, 65), 68), audio, cells, symbols
        ),
        _justified_line(
            destination, [stands.counts_part(run_status, symbols, 50)], late, cells, symbols
        ),
    ]


def _justified_line(
    destination: Destination,
    left: Sequence[ResponsivePart],
    right: Sequence[ResponsivePart],
    cells: int,
    symbols: Symbols,
) -> StyledLine:
    """The one at the left edge, the other at the right; the target takes what room there is."""
    margin = 2 if cells > 30 else 1
    rights = [*(_with_prefix(part, "   ") for part in right)]
    lines = fit_parts([*left, *rights], cells - margin)
    begun, ended = lines[: len(left)], lines[len(left) :]
    room = cells - margin - sum(map(line_width, lines))
    if len(left) > 1 and room > 0 and line_width(begun[1]) < cell_width(clean(destination.name)):
        begun[1] = _destination_name(destination, line_width(begun[1]) + room, symbols)
    start: StyledLine = [(" ", Role.TEXT), *(piece for line in begun for piece in line)]
    end: StyledLine = [piece for line in ended for piece in line]
    gap = max(cells - line_width(start) - line_width(end) - (margin - 1), 0)
    return [*start, (" " * gap, Role.TEXT), *end]


def _with_prefix(part: ResponsivePart, prefix: str) -> ResponsivePart:
    """The same, with a space before whatever it says."""
    spaced: list[StyledLine] = [
        [(prefix, Role.TEXT), *form] if form else [] for form in part.variants
    ]
    return ResponsivePart(spaced, part.priorities)


# --- where to


def _left_parts(
    destination: Destination,
    symbols: Symbols,
    brand_priorities: tuple[int, int],
    destination_priority: int,
) -> list[ResponsivePart]:
    """Brand, target, and what it costs."""
    name = cell_width(clean(destination.name))
    arrow = (f"{symbols.target_arrow} ", Role.MUTED)
    product = ResponsivePart(
        [[(f"{PRODUCT_NAME} ", Role.BRAND), arrow], [arrow], []],
        (brand_priorities[0], brand_priorities[1]),
    )
    sizes = sorted(
        {name, min(name, SHORT_DESTINATION_WIDTH), min(name, MIN_DESTINATION_WIDTH)}, reverse=True
    )
    forms = [_destination_name(destination, size, symbols) for size in sizes]
    named = ResponsivePart(forms, (brand_priorities[1] - 1, destination_priority)[: len(forms) - 1])
    if destination.kind is None:
        return [product, named]
    word, sign, role = COST_LABELS[destination.kind]
    short: StyledLine = [(f" {sign}", role)] if sign else []
    return [
        product,
        named,
        ResponsivePart(
            [[(f" {symbols.separator} {word}", role)], short], (destination_priority - 2,)
        ),
    ]


def _destination_name(destination: Destination, cells: int, symbols: Symbols) -> StyledLine:
    name = clean(destination.name)
    return [(fit(name, min(cells, cell_width(name)), symbols.ellipsis), Role.STRONG)]
