"""The banner: the product, where it streams to, and the state of the run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tui.model import metrics
from tui.model.recording_feed import FeedPhase
from tui.model.totals import SendingPace, Totals, TurnAwayReason
from tui.render import gauges
from tui.render.responsive_line import ResponsivePart, fit_parts
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit, line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobStatus
from workers.prices.budget import format_money
from workers.protocol.endpoint import EndpointKind
from workers.scheduling.spending import NOTHING_SPENT, SpendingStatus

PRODUCT_NAME = "Paceline"

BUDGET_GAUGE_WIDTH = 10
"""In cells."""

DESTINATION_WIDTHS = (20, 9)
"""Widths of a shortened destination. The second is used only if the counts need the space:
users must see where they stream, because it may cost money."""

COST_LABELS = {
    EndpointKind.SERVICE: ("billed", "$", Role.ALARM),
    EndpointKind.CUSTOM: ("your endpoint", "", Role.MUTED),
    EndpointKind.EMBEDDED: ("free", "", Role.SUCCESS),
}
"""Describes the cost of streaming: in words, as a sign for narrow screens, and its role."""

PACE_LABELS = {
    SendingPace.KEEPS_UP: ("this machine keeps up", "keeps up", Role.SUCCESS),
    SendingPace.SOME_LATE: ("{late} of {streaming} late", "{late} late", Role.WARNING),
    SendingPace.FALLS_BEHIND: (
        "this machine falls behind: {late} of {streaming} late",
        "falls behind",
        Role.ERROR,
    ),
}
"""Describes the pace: in words, in fewer words, and its role."""


@dataclass(frozen=True, slots=True)
class Priorities:
    """The order in which parts of a line are shortened, see `ResponsivePart.priorities`."""

    product: tuple[int, ...]
    destination: tuple[int, ...]
    cost: tuple[int, ...]
    next_start: tuple[int, ...]
    time_left: tuple[int, ...]
    held: tuple[int, ...]
    feed: tuple[int, ...]
    lag: tuple[int, ...]
    counts: tuple[int, ...]
    audio: tuple[int, ...] = ()
    socket_time: tuple[int, ...] = ()
    budget: tuple[int, ...] = ()


LAST = 90  # for parts whose shorter variant omits much
ONE_LINE = Priorities(
    product=(5, 30),
    destination=(29, 60),
    cost=(58,),
    next_start=(20, 62),
    time_left=(8, 10, 12),
    held=(35, 45),
    feed=(17, 48),
    lag=(15, 50, 64, LAST + 1),
    counts=(40, LAST),
    budget=(9, 32, 46),
)

TWO_LINES = Priorities(
    product=(10, 65),
    destination=(64, 68),
    cost=(66,),
    next_start=(30, 70),
    audio=(15, 40),
    time_left=(20, 25, 60),
    socket_time=(18, 35, 50),
    budget=(22, 52, 67),
    held=(55, 85),
    feed=(42, 75),
    lag=(40, 60, 80, LAST + 1),
    counts=(50, LAST),
)

NOTHING = ResponsivePart([[]])


@dataclass(frozen=True, slots=True)
class Destination:
    """Where audio is streamed to."""

    name: str
    kind: EndpointKind | None = None  # None in a replay, which streams nothing


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of the run at one point in time."""

    queued: int
    live: int
    retrying: int
    done: int
    failed: int
    cancelled: int
    max_sessions: int  # limit on concurrent sessions; 0 while unknown
    starts_held: bool
    next_start_in_s: float | None
    """Seconds until a queued job may start; None if no job is queued or no slot is free."""
    totals: Totals
    pace: SendingPace | None = None
    """`Totals.pace`, without its brief changes; None while nothing is streaming."""
    interrupted: int = 0
    connecting: int = 0  # number of live sessions that are connecting
    feed_phase: FeedPhase = FeedPhase.ENDED  # whether folders are searched or watched
    spending: SpendingStatus = NOTHING_SPENT
    growing_files: int = 0  # number of new files in watched folders that are still growing


_BRIEF_REASONS = {
    TurnAwayReason.UNREACHABLE: "no answer",
    TurnAwayReason.SERVER_FULL: "server full",
    TurnAwayReason.MACHINE_FULL: "machine full",
}


def one_line_banner(
    destination: Destination, run_status: RunStatus, cells: int, symbols: Symbols
) -> StyledLine:
    """Lays out the banner in one line: destination, counts, and other parts that fit."""
    left = _left_parts(destination, symbols, ONE_LINE)
    right = [
        _next_start_part(run_status, symbols, ONE_LINE),
        _time_left_part(run_status, ONE_LINE),
        _counts_part(run_status, symbols, ONE_LINE),
        _feed_part(run_status, ONE_LINE),
        _budget_part(run_status, symbols, ONE_LINE),
        _held_part(run_status, symbols, ONE_LINE),
        _lag_part(run_status, symbols, ONE_LINE),
    ]
    return _justified_line(destination, left, right, cells, symbols)


def two_line_banner(
    destination: Destination, run_status: RunStatus, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Lays out the banner in two lines: destination and remaining work, then counts and lag."""
    left = _left_parts(destination, symbols, TWO_LINES)
    work = [
        _next_start_part(run_status, symbols, TWO_LINES),
        _audio_part(run_status, TWO_LINES),
        _time_left_part(run_status, TWO_LINES),
        _socket_time_part(run_status, destination, TWO_LINES),
        _budget_part(run_status, symbols, TWO_LINES),
    ]
    counts = [_counts_part(run_status, symbols, TWO_LINES)]
    lag = [
        _feed_part(run_status, TWO_LINES),
        _held_part(run_status, symbols, TWO_LINES),
        _lag_part(run_status, symbols, TWO_LINES),
    ]
    return [
        _justified_line(destination, left, work, cells, symbols),
        _justified_line(destination, counts, lag, cells, symbols),
    ]


def _justified_line(
    destination: Destination,
    left: Sequence[ResponsivePart],
    right: Sequence[ResponsivePart],
    cells: int,
    symbols: Symbols,
) -> StyledLine:
    """Places parts at the left and right edge; the destination gets the space between them."""
    margin = 2 if cells > 30 else 1
    spaced = [
        ResponsivePart(
            [[("   ", Role.TEXT), *variant] if variant else [] for variant in part.variants],
            part.priorities,
        )
        for part in right
    ]
    lines = fit_parts([*left, *spaced], cells - margin)
    starts, ends = lines[: len(left)], lines[len(left) :]
    room = cells - margin - sum(map(line_width, lines))
    if len(left) > 1 and room > 0 and line_width(starts[1]) < cell_width(clean(destination.name)):
        starts[1] = _destination_name(destination, line_width(starts[1]) + room, symbols)
    start: StyledLine = [(" ", Role.TEXT), *(piece for line in starts for piece in line)]
    end: StyledLine = [piece for line in ends for piece in line]
    gap = max(cells - line_width(start) - line_width(end) - (margin - 1), 0)
    return [*start, (" " * gap, Role.TEXT), *end]


def _left_parts(
    destination: Destination, symbols: Symbols, priorities: Priorities
) -> list[ResponsivePart]:
    arrow = (f"{symbols.target_arrow} ", Role.MUTED)
    product = [[(f"{PRODUCT_NAME} ", Role.BRAND), arrow], [arrow], []]
    name_width = cell_width(clean(destination.name))
    widths = {name_width, *(min(name_width, width) for width in DESTINATION_WIDTHS)}
    names = [_destination_name(destination, width, symbols) for width in sorted(widths)[::-1]]
    parts = [
        ResponsivePart(product, priorities.product),
        ResponsivePart(names, priorities.destination[: len(names) - 1]),
    ]
    if destination.kind is not None:
        word, sign, role = COST_LABELS[destination.kind]
        short = [(f" {sign}", role)] if sign else []
        cost = [[(f" {symbols.separator} {word}", role)], short]
        parts.append(ResponsivePart(cost, priorities.cost))
    return parts


def _destination_name(destination: Destination, cells: int, symbols: Symbols) -> StyledLine:
    name = clean(destination.name)
    return [(fit(name, min(cells, cell_width(name)), symbols.ellipsis), Role.STRONG)]


# --- remaining work


def _next_start_part(
    run_status: RunStatus, symbols: Symbols, priorities: Priorities
) -> ResponsivePart:
    """Says why no job can start, or when the next job may start."""
    totals, seconds = run_status.totals, math.ceil(run_status.next_start_in_s or 0.0)
    if (reason := totals.turn_away_reason) is not None:
        brief = _BRIEF_REASONS[reason]
        again = f", retry in {seconds} s" if seconds > 1 else ""
        sentence = f"{reason.value}: {totals.turned_away_count} wait{again}"
        texts = (f"{symbols.warning} {sentence}", f"{symbols.warning} {brief}", symbols.warning)
        variants = [[(text, Role.ERROR)] for text in texts]
        return ResponsivePart(variants, (priorities.next_start[0], LAST))
    held = run_status.starts_held or run_status.spending.is_reached
    if held or not run_status.queued + run_status.retrying:
        return NOTHING
    if not run_status.max_sessions:
        return ResponsivePart([[("starting up", Role.MUTED)], []], priorities.next_start[1:])
    if seconds <= 1:
        return NOTHING
    number = (f"{seconds} s", Role.WARNING)
    variants = [[("next start in ", Role.MUTED), number], [("next ", Role.MUTED), number], []]
    return ResponsivePart(variants, priorities.next_start)


def _audio_part(run_status: RunStatus, priorities: Priorities) -> ResponsivePart:
    totals = run_status.totals
    if not totals.audio_s:
        return NOTHING
    sent = (format_duration(totals.sent_s), Role.TEXT)
    audio = format_duration(totals.audio_s, is_exact=totals.is_exact)
    variants = [[sent, (f" of {audio} streamed", Role.MUTED)], [sent, (f"/{audio}", Role.MUTED)]]
    return ResponsivePart([*variants, []], priorities.audio)


def _time_left_part(run_status: RunStatus, priorities: Priorities) -> ResponsivePart:
    totals = run_status.totals
    if totals.remaining_s is None:
        return NOTHING
    least = "at least " if totals.is_lower_bound else ""
    rough = format_rough_duration(totals.remaining_s)
    time = (rough if totals.is_exact else f"~{rough}", Role.TEXT)
    variants = [
        [(f"all done in {least or 'about '}", Role.MUTED), (rough, Role.TEXT)],
        [(f"done in {least}", Role.MUTED), time],
        [(">" if least else "", Role.MUTED), time, (" left", Role.MUTED)],
        [],
    ]
    return ResponsivePart(variants, priorities.time_left)


def format_rough_duration(seconds: float) -> str:
    """Formats a rough duration: in steps of five seconds, then in minutes."""
    if seconds < 90:
        return f"{max(math.ceil(seconds / 5) * 5, 5)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _socket_time_part(
    run_status: RunStatus, destination: Destination, priorities: Priorities
) -> ResponsivePart:
    """The total open time of all sockets, and what it costs: so far, and at the end."""
    totals, spending = run_status.totals, run_status.spending
    time = (format_duration(totals.open_s), Role.TEXT)
    if spending.per_hour and spending.cost is not None:
        if not totals.open_s + totals.remaining_open_s:
            return NOTHING
        rest = totals.remaining_open_s / 3600 * spending.per_hour
        money = (format_money(spending.cost, spending.currency), Role.TEXT)
        least = "at least" if totals.is_lower_bound else "about"
        total = format_money(spending.cost + rest, spending.currency)
        of_all = (f" of {least} {total}", Role.MUTED)
        full = [("sockets open ", Role.MUTED), time, (" billed, ", Role.MUTED), money, of_all]
        brief = [time, (" billed, ", Role.MUTED), money, (f" of ~{total}", Role.MUTED)]
        variants = [full, brief, [money, (f" of ~{total}", Role.MUTED)], []]
        return ResponsivePart(variants, priorities.socket_time)
    if not totals.open_s:
        return NOTHING
    billed = destination.kind is EndpointKind.SERVICE
    word = (" billed" if billed else " open", Role.MUTED)
    full = [("sockets open ", Role.MUTED), time, *([word] if billed else [])]
    return ResponsivePart([full, [time, word], []], priorities.socket_time[1:])


def _budget_part(run_status: RunStatus, symbols: Symbols, priorities: Priorities) -> ResponsivePart:
    """A gauge of how much of the budget is spent."""
    spending = run_status.spending
    if (budget := spending.budget) is None:
        return NOTHING
    filled, track = gauges.bar(spending.spent / budget.limit, BUDGET_GAUGE_WIDTH, symbols)
    role = Role.ALARM if spending.is_reached else Role.SUCCESS
    numbers = (f"{budget.format(spending.spent)} of {budget}", Role.TEXT)
    gauge = [(filled, role), (track, Role.FAINT), (" ", Role.TEXT)]
    variants = [[("budget ", Role.MUTED), *gauge, numbers], [*gauge, numbers], [numbers], []]
    return ResponsivePart(variants, priorities.budget)


# --- current state


def _counts_part(run_status: RunStatus, symbols: Symbols, priorities: Priorities) -> ResponsivePart:
    """The number of jobs in each state: in words, as signs, or as signs without zeros.

    Omits rare states while their count is 0. Live sessions are counted as connecting until one of
    them streams.
    """
    live = (run_status.live, "streaming", JobStatus.STREAMING, Role.LIVE)
    if run_status.live and run_status.connecting == run_status.live:
        live = (run_status.live, "connecting", JobStatus.CONNECTING, Role.LIVE)
    counts = [
        (run_status.queued, "queued", JobStatus.QUEUED, Role.WAITING),
        live,
        (run_status.retrying, "retrying", JobStatus.RETRYING, Role.WARNING),
        (run_status.done, "done", JobStatus.DONE, Role.SUCCESS),
        (run_status.failed, "failed", JobStatus.FAILED, Role.ERROR),
        (run_status.cancelled, "cancelled", JobStatus.CANCELLED, Role.MUTED),
        (run_status.interrupted, "interrupted", JobStatus.INTERRUPTED, Role.MUTED),
    ]
    rare = (JobStatus.RETRYING, JobStatus.CANCELLED, JobStatus.INTERRUPTED)
    words: StyledLine = []
    signs: StyledLine = []
    nonzero: StyledLine = []
    for count, word, status, role in counts:
        if not count and status in rare:
            continue
        limit = f"/{run_status.max_sessions}" if status.is_live and run_status.max_sessions else ""
        sign, number = symbols.status[status], f"{count}{limit}"
        sign_role, number_role, brief_role, word_role = (
            (role, Role.STRONG, Role.TEXT, Role.MUTED) if count else [Role.FAINT] * 4
        )
        words += [(f"{sign} ", sign_role), (number, number_role), (f" {word}   ", word_role)]
        signs += [(sign, sign_role), (f"{number} ", brief_role)]
        if count:
            nonzero.append((f"{sign}{count} ", role))
    variants = [words, signs, nonzero]
    for variant in variants:
        variant[-1:] = [(text.rstrip(), role) for text, role in variant[-1:]]
    return ResponsivePart(variants, priorities.counts)


def _feed_part(run_status: RunStatus, priorities: Priorities) -> ResponsivePart:
    """Says that folders are searched or watched, so more recordings may come."""
    if run_status.feed_phase is FeedPhase.ENDED:
        return NOTHING
    word = [(run_status.feed_phase.value, Role.TEXT)]
    if not run_status.growing_files:
        return ResponsivePart([word, []], priorities.feed[1:])
    growing = (f", {run_status.growing_files} growing", Role.MUTED)
    return ResponsivePart([[*word, growing], word, []], priorities.feed)


def _held_part(run_status: RunStatus, symbols: Symbols, priorities: Priorities) -> ResponsivePart:
    if not run_status.starts_held and not run_status.spending.is_reached:
        return NOTHING
    texts = (f"{symbols.held} starts held", f"{symbols.held} held", symbols.held)
    if not run_status.starts_held:
        texts = (f"{symbols.held} held by the budget", f"{symbols.held} budget", symbols.held)
    return ResponsivePart([[(text, Role.ALARM)] for text in texts], priorities.held)


def _lag_part(run_status: RunStatus, symbols: Symbols, priorities: Priorities) -> ResponsivePart:
    totals, pace = run_status.totals, run_status.pace
    if totals.worst_lag_ms is None or pace is None:
        unknown = (f"worst lag {symbols.no_value}", Role.FAINT)
        return ResponsivePart([[unknown], []], priorities.lag[:1])
    level = metrics.punctuality(totals.worst_lag_ms)
    sign = gauges.punctuality_sign(level, symbols).strip()
    lag = (f"{gauges.format_lag_ms(totals.worst_lag_ms)} ms{sign}", gauges.PUNCTUALITY_ROLES[level])
    signs = {
        SendingPace.KEEPS_UP: symbols.status[JobStatus.DONE],
        SendingPace.SOME_LATE: symbols.late,
        SendingPace.FALLS_BEHIND: symbols.very_late,
    }
    words, brief, role = PACE_LABELS[pace]
    if pace is not SendingPace.KEEPS_UP and not totals.late_count:
        words, brief = "late a moment ago", "late before"
    full, short = (
        f"{signs[pace]} {text.format(late=totals.late_count, streaming=totals.streaming_count)}"
        for text in (words, brief)
    )
    variants = [
        [("worst lag ", Role.MUTED), lag, ("   ", Role.TEXT), (full, role)],
        [("lag ", Role.MUTED), lag, ("  ", Role.TEXT), (short, role)],
        [("lag ", Role.MUTED), lag],
        [lag],
        [],
    ]
    return ResponsivePart(variants, priorities.lag)
