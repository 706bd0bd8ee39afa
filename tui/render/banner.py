"""The banner: the product, where it streams to, and the state of the run."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.render import run_status as status_parts
from tui.render.responsive_line import ResponsivePart, fit_parts
from tui.render.run_status import RunStatus
from tui.text.width import cell_width, clean, fit, line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.protocol.endpoint import EndpointKind

PRODUCT_NAME = "Paceline"

SHORT_DESTINATION_WIDTH = 20
"""The destination keeps these cells unless the counts need them, because it may cost money."""

MIN_DESTINATION_WIDTH = 9

COST_LABELS = {
    EndpointKind.SERVICE: ("billed", "$", Role.ALARM),
    EndpointKind.CUSTOM: ("your endpoint", "", Role.MUTED),
    EndpointKind.EMBEDDED: ("free", "", Role.SUCCESS),
}
"""What streaming there costs: in words, as a sign for narrow screens, and the role."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where audio is streamed to."""

    name: str
    kind: EndpointKind | None = None
    """None: nothing is streamed, as in a replay."""


def one_line_banner(
    destination: Destination, run_status: RunStatus, cells: int, symbols: Symbols
) -> StyledLine:
    """Destination and counts, and what else fits. The numbers: see `ResponsivePart`."""
    left = _left_parts(destination, symbols, (5, 30), 60)
    right = [
        status_parts.next_start_part(run_status, symbols, (20, 62)),
        status_parts.time_left_part(run_status, (8, 10, 12)),
        status_parts.counts_part(run_status, symbols, 40),
        status_parts.held_part(run_status, symbols, (35, 45)),
        status_parts.lag_part(run_status, symbols, (15, 50, 64)),
    ]
    return _justified_line(destination, left, right, cells, symbols)


def two_line_banner(
    destination: Destination, run_status: RunStatus, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Above, destination and remaining work; below, counts and lag."""
    billed = destination.kind is EndpointKind.SERVICE
    audio = [
        status_parts.next_start_part(run_status, symbols, (30, 70)),
        status_parts.audio_part(run_status, (15, 40)),
        status_parts.time_left_part(run_status, (20, 25, 60)),
        status_parts.socket_time_part(run_status, billed, (18, 50)),
    ]
    late = [
        status_parts.held_part(run_status, symbols, (55, 85)),
        status_parts.lag_part(run_status, symbols, (40, 60, 80)),
    ]
    return [
        _justified_line(
            destination, _left_parts(destination, symbols, (10, 65), 68), audio, cells, symbols
        ),
        _justified_line(
            destination, [status_parts.counts_part(run_status, symbols, 50)], late, cells, symbols
        ),
    ]


def _justified_line(
    destination: Destination,
    left: Sequence[ResponsivePart],
    right: Sequence[ResponsivePart],
    cells: int,
    symbols: Symbols,
) -> StyledLine:
    """Parts at the left and at the right edge; the destination takes the room between them."""
    margin = 2 if cells > 30 else 1
    rights = [*(_with_prefix(part, "   ") for part in right)]
    lines = fit_parts([*left, *rights], cells - margin)
    starts, ends = lines[: len(left)], lines[len(left) :]
    room = cells - margin - sum(map(line_width, lines))
    if len(left) > 1 and room > 0 and line_width(starts[1]) < cell_width(clean(destination.name)):
        starts[1] = _destination_name(destination, line_width(starts[1]) + room, symbols)
    start: StyledLine = [(" ", Role.TEXT), *(piece for line in starts for piece in line)]
    end: StyledLine = [piece for line in ends for piece in line]
    gap = max(cells - line_width(start) - line_width(end) - (margin - 1), 0)
    return [*start, (" " * gap, Role.TEXT), *end]


def _with_prefix(part: ResponsivePart, prefix: str) -> ResponsivePart:
    """The same part with a prefix before each variant that is not empty."""
    spaced: list[StyledLine] = [
        [(prefix, Role.TEXT), *form] if form else [] for form in part.variants
    ]
    return ResponsivePart(spaced, part.priorities)


# --- destination


def _left_parts(
    destination: Destination,
    symbols: Symbols,
    brand_priorities: tuple[int, int],
    destination_priority: int,
) -> list[ResponsivePart]:
    """Product, destination, and what it costs."""
    name = cell_width(clean(destination.name))
    arrow = (f"{symbols.target_arrow} ", Role.MUTED)
    product = ResponsivePart(
        [[(f"{PRODUCT_NAME} ", Role.BRAND), arrow], [arrow], []],
        (brand_priorities[0], brand_priorities[1]),
    )
    sizes = sorted(
        {name, min(name, SHORT_DESTINATION_WIDTH), min(name, MIN_DESTINATION_WIDTH)}, reverse=True
    )
    variants = [_destination_name(destination, size, symbols) for size in sizes]
    named = ResponsivePart(
        variants, (brand_priorities[1] - 1, destination_priority)[: len(variants) - 1]
    )
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
