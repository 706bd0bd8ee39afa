"""Draws a session as a tile of the wall: its name in a rule, gauges, and the latest words."""

from dataclasses import dataclass

from tui.model import metrics
from tui.model.column_spec import RowContext
from tui.render import gauges, latest_words
from tui.render.gauges import LAG_GAUGE_WIDTH, LAG_NUMBER_WIDTH, LEVEL_METER_WIDTH
from tui.render.job_labels import (
    STATUS_ROLES,
    bar_role,
    clean_recording_name,
    format_progress_time,
    status_sign,
    status_word,
)
from tui.render.sentences import wrap_sentence
from tui.render.turn_rows import attempt_divider, wrap_turn
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit_middle, line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.attempt_spans import further_spans
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState

GRID_SHAPES = ((3, 3), (2, 3), (2, 2), (2, 1), (1, 2))
"""Possible grids as (columns, rows), most tiles first."""

MIN_TILE_WIDTHS = {3: 50, 2: 39, 1: 39}
"""Minimum width of a tile by number of columns; a wide screen prefers fewer, wider tiles."""

MIN_TILE_ROWS = 9

MIN_ONE_LINE_GAUGES_WIDTH = 56  # in narrower tiles, gauges take two lines
_NEXT_SMALLER_GRID = {9: 6, 6: 4, 4: 2, 2: 1}
"""The number of tiles in the next smaller grid."""

MIN_TILE_BAR_WIDTH = 9  # minimum cells; else only the time left is beside the bar
TEXT_MARGIN = 2  # cells for the sign of a turn, before its words
MAX_PROBLEM_ROWS = 3  # maximum rows of an error


@dataclass(frozen=True, slots=True)
class TileEdges:
    """The edges of the wall that a tile touches; they determine which rules are drawn around it."""

    at_left: bool
    at_top: bool


def grid_shape(cells: int, rows: int, sessions: int) -> tuple[int, int]:
    """Chooses columns and rows: up to one tile per session, while all tiles stay readable."""
    for columns, lines in GRID_SHAPES:
        fits = cells // columns >= MIN_TILE_WIDTHS[columns] and rows // lines >= MIN_TILE_ROWS
        if fits and sessions > _NEXT_SMALLER_GRID[columns * lines]:
            return columns, lines
    return 1, 1


def split_evenly(total: int, parts: int) -> list[tuple[int, int]]:
    """Splits a length into parts, as offset and length; the first parts take the remainder."""
    share, rest = divmod(total, parts)
    lengths = [share + (part < rest) for part in range(parts)]
    return [(sum(lengths[:part]), length) for part, length in enumerate(lengths)]


def wall_heading(
    ranking: str,
    tiles: int,
    sessions: int,
    page: int,
    pages: int,
    symbols: Symbols,
    *,
    pinned: bool,
) -> StyledLine:
    """Shows the ranking, how many sessions are displayed, and the page; ``page`` counts from 0."""
    dot = (f" {symbols.separator} ", Role.FAINT)
    line: StyledLine = [(" ", Role.FAINT), (ranking, Role.HEADING)]
    if sessions > tiles:
        line += [dot, (f"{tiles} of {sessions} sessions", Role.HEADING)]
        line += [dot, (f"page {page + 1}/{pages}", Role.HEADING)]
    if pinned:
        line += [dot, (f"{symbols.held} pinned", Role.ALARM)]
    return line


def tile_lines(
    job_state: JobState,
    context: RowContext,
    edges: TileEdges,
    cells: int,
    rows: int,
    symbols: Symbols,
) -> list[StyledLine]:
    """Draws a tile in exactly ``rows`` lines of at most ``cells`` cells."""
    room = cells - 3  # the vertical rule with a space on each side
    gauge_lines = _gauge_lines(job_state, room, symbols)
    body = rows - 1 - len(gauge_lines)
    problem = _problem_lines(job_state, context, room, symbols)[: max(body, 0)]
    words = _transcript_lines(job_state, room, body - len(problem), symbols)
    blank: list[StyledLine] = [[] for _ in range(body - len(problem) - len(words))]
    upright = symbols.cursor if context.current else " " if edges.at_left else symbols.vertical_rule
    edge = (f"{upright} ", Role.KEY if context.current else Role.FAINT)
    lines = [*gauge_lines, *blank, *words, *problem]
    title = _title_line(job_state, context, edges, cells, symbols)
    return [title, *([edge, *line] for line in lines)][:rows]


def _title_line(
    job_state: JobState, context: RowContext, edges: TileEdges, cells: int, symbols: Symbols
) -> StyledLine:
    """Draws the rule with the name at the left end and the state at the right end."""
    role = STATUS_ROLES[job_state.status]
    sign = status_sign(job_state, context, symbols)
    joint = symbols.rule if edges.at_left else symbols.tee if edges.at_top else symbols.cross
    edge = (symbols.cursor, Role.KEY) if context.current else (joint, Role.FAINT)
    mark = (symbols.marked, Role.ALARM) if context.marked else (symbols.rule, Role.FAINT)
    word = status_word(job_state, context)
    if job_state.attempt > 1:
        word += f" {latest_words.attempt_prefix(job_state, symbols).strip()}"
    room = cells - cell_width(word) - 10
    name = clean_recording_name(job_state)
    name = name if cell_width(name) <= room else fit_middle(name, max(room, 1), symbols.ellipsis)
    rule = symbols.rule * max(cells - cell_width(name) - cell_width(word) - 9, 1)
    return [
        edge,
        mark,
        (f" {sign}", role),
        (symbols.heard if context.listening else " ", Role.KEY),
        (name, Role.KEY if context.current else Role.STRONG),
        (f" {rule} ", Role.FAINT),
        (word, role),
        (" " + symbols.rule, Role.FAINT),
    ]


def _gauge_lines(job_state: JobState, cells: int, symbols: Symbols) -> list[StyledLine]:
    """Draws progress, lag and level, in one line if there is room."""
    lag: StyledLine = [(" " * (LAG_GAUGE_WIDTH + LAG_NUMBER_WIDTH + 4), Role.FAINT)]
    if (lag_ms := metrics.lag_ms(job_state)) is not None:
        slip = (symbols.slip if job_state.slips else " ", Role.WARNING)
        (number, role), (sign, _) = gauges.lag_number(lag_ms, symbols)
        gauge = gauges.lag_gauge(lag_ms, symbols)
        if job_state.status.is_finished:
            gauge, role = [(f"{'p99':>{LAG_GAUGE_WIDTH}}", Role.FAINT)], Role.MUTED
        lag = [*gauge, (number, role), (" ms", Role.FAINT), (sign, role), slip]
    live = job_state.status is JobStatus.STREAMING
    level = gauges.level_meter(job_state.levels_db, symbols) if live else " " * LEVEL_METER_WIDTH
    lag.append((f"  {level}", Role.LIVE))
    if cells < MIN_ONE_LINE_GAUGES_WIDTH:
        return [_progress_line(job_state, cells, symbols), lag]
    progress = _progress_line(job_state, cells - line_width(lag) - 3, symbols)
    return [[*progress, ("   ", Role.FAINT), *lag]]


def _progress_line(job_state: JobState, cells: int, symbols: Symbols) -> StyledLine:
    """Draws a bar, the sent and total time, and the time left, in exactly ``cells`` cells."""
    share, left_s = metrics.progress_fraction(job_state), metrics.remaining_s(job_state)
    if share is None:
        return [(" " * cells, Role.FAINT)]
    clock = format_progress_time(job_state)
    if left_s and job_state.status is not JobStatus.QUEUED:
        short = f"{format_duration(left_s, is_exact=job_state.is_exact)} left"
        whole = f"{clock}  {short}"
        clock = whole if cells - cell_width(whole) - 2 >= MIN_TILE_BAR_WIDTH else short
    filled, track = gauges.bar(share, max(cells - cell_width(clock) - 2, 0), symbols)
    return [(filled, bar_role(job_state)), (track, Role.FAINT), ("  " + clock, Role.MUTED)]


def _transcript_lines(
    job_state: JobState, cells: int, rows: int, symbols: Symbols
) -> list[StyledLine]:
    """Draws the end of the transcript; wraps only the visible turns, from the last one back."""
    if rows < 1 or cells <= TEXT_MARGIN:
        return []
    room = cells - TEXT_MARGIN
    turns = job_state.transcript.last_turns(rows)
    after = turns[-1].turn_order + 1 if turns else 0
    dividers: dict[int, StyledLine] = {}
    for span in further_spans(job_state):
        divider = " " * TEXT_MARGIN + attempt_divider(span, room, symbols)
        dividers[min(span.start.turn, after)] = [(divider, Role.FAINT)]
    lines = [dividers[after]] if after in dividers else []
    for turn in reversed(turns):
        if len(lines) >= rows:
            break
        before = [dividers[turn.turn_order]] if turn.turn_order in dividers else []
        role = Role.FINAL if turn.end_of_turn else Role.SETTLED
        sign = symbols.separator if turn.end_of_turn else symbols.open_turn
        for row in wrap_turn(turn, room, with_speaker=isinstance(job_state, PairState)):
            margin = (f"{sign} ", Role.FAINT if row.final else Role.LIVE)
            before.append([margin, (row.settled, role), (row.unsettled, Role.PARTIAL)])
            sign = " "
        lines = before + lines
    if lines:
        return lines[-rows:]
    idle = job_state.status.is_finished or job_state.status is JobStatus.QUEUED
    placeholder = "Connecting to the server." if job_state.began is None else "No words yet."
    return [[("" if idle else placeholder, Role.FAINT)]]


def _problem_lines(
    job_state: JobState, context: RowContext, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Shows the error, or says what the job waits for."""
    sign, role = symbols.status[job_state.status], STATUS_ROLES[job_state.status]
    reason = latest_words.wait_reason(job_state, context)
    if job_state.status is JobStatus.QUEUED:
        reason = reason or "Waiting for a free slot."
    elif job_state.ended is not None and job_state.status is not JobStatus.DONE:
        reason = latest_words.short_reason(job_state.ended.reason)
    if not reason and (faults := job_state.recording_faults):
        sign, role, reason = symbols.warning, Role.WARNING, clean(faults[0])
    return wrap_sentence(sign, reason, role, cells)[:MAX_PROBLEM_ROWS] if reason else []
