"""A session as one tile of the wall: its name in a rule, its gauges, its latest words."""

from dataclasses import dataclass

from tui.model import metrics
from tui.model.wall import Wall
from tui.render import gauges, latest_words
from tui.render.table_row import STATUS_ROLES, Stance, name, progress_clock, state_word
from tui.render.transcript_layout import said, seam, wrapped
from tui.text import formats
from tui.text.width import clean, fit_middle, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.attempt_spans import Takeover, takeovers
from workers.jobs.job_state import JobHistory, Status
from workers.protocol.messages import Turn

SHAPES = ((3, 3), (2, 3), (2, 2), (2, 1), (1, 2))
"""Columns and rows of tiles, the most tiles first."""

LEAST_CELLS = {3: 50, 2: 39, 1: 39}
"""Of a tile, by the columns there are: on a larger wall one wants to read, not only to see."""

LEAST_ROWS = 9

BROAD = 56
"""Cells of a tile that shows all its gauges on one line."""

_LESS = {9: 6, 6: 4, 4: 2, 2: 1}
"""So many sessions have room on the next smaller wall."""

LEAST_BAR = 9
"""Cells of a bar beside which more is told than what is left."""

MARGIN = 2
"""Cells before words: where a turn begins, and which one is still being revised."""

MOST_TROUBLE = 3
"""Rows that may tell what went wrong."""


@dataclass(frozen=True, slots=True)
class Corner:
    """What a tile has beside it: no upright stands at the left end of the wall."""

    left: bool
    top: bool


def shape(cells: int, rows: int, sessions: int) -> tuple[int, int]:
    """As many tiles as can be read and there are sessions for, in columns and rows."""
    for columns, lines in SHAPES:
        fits = cells // columns >= LEAST_CELLS[columns] and rows // lines >= LEAST_ROWS
        if fits and sessions > _LESS[columns * lines]:
            return columns, lines
    return 1, 1


def spans(size: int, parts: int) -> list[tuple[int, int]]:
    """Where each of so many parts begins, and how long it is; the first ones take the rest."""
    share, rest = divmod(size, parts)
    lengths = [share + (part < rest) for part in range(parts)]
    return [(sum(lengths[:part]), length) for part, length in enumerate(lengths)]


def heading(wall: Wall, cells: int, symbols: Symbols) -> Line:
    """What the wall shows of how much, and by what it was chosen."""
    dot = (f" {symbols.dot} ", Role.FAINT)
    line: Line = [(" ", Role.FAINT), (wall.choosing.value, Role.HEADING)]
    if wall.count > len(wall.tiles):
        line += [dot, (f"{len(wall.tiles)} of {wall.count} sessions", Role.HEADING)]
        line += [dot, (f"page {wall.page + 1}/{wall.pages}", Role.HEADING)]
    if wall.pinned:
        line += [dot, (f"{symbols.held} pinned", Role.ALARM)]
    return line


def tile(
    history: JobHistory, stance: Stance, corner: Corner, cells: int, rows: int, symbols: Symbols
) -> list[Line]:
    """Exactly so many lines of at most so many cells."""
    room = cells - 3  # the upright, and a space on both sides
    told = _gauges(history, room, symbols)
    body = rows - 1 - len(told)
    under = _trouble(history, stance, room, symbols)[: max(body, 0)]
    words = _words(history, room, body - len(under), symbols)
    blank: list[Line] = [[] for _ in range(body - len(under) - len(words))]
    upright = symbols.cursor if stance.current else " " if corner.left else symbols.upright
    edge = (f"{upright} ", Role.KEY if stance.current else Role.FAINT)
    lines = [*told, *blank, *words, *under]
    title = _title(history, stance, corner, cells, symbols)
    return [title, *([edge, *line] for line in lines)][:rows]


def _title(
    history: JobHistory, stance: Stance, corner: Corner, cells: int, symbols: Symbols
) -> Line:
    """The name at the left of the rule, the state at its end."""
    role = STATUS_ROLES[history.status]
    sign = symbols.stopping if stance.stopping else symbols.status[history.status]
    joint = symbols.rule if corner.left else symbols.tee if corner.top else symbols.cross
    edge = (symbols.cursor, Role.KEY) if stance.current else (joint, Role.FAINT)
    mark = (symbols.marked, Role.ALARM) if stance.marked else (symbols.rule, Role.FAINT)
    word = state_word(history, stance)
    if history.attempt > 1:
        word += f" {latest_words.which(history, symbols).strip()}"
    room = cells - width(word) - 10
    called = name(history)
    called = called if width(called) <= room else fit_middle(called, max(room, 1), symbols.cut)
    rule = symbols.rule * max(cells - width(called) - width(word) - 9, 1)
    return [
        edge,
        mark,
        (f" {sign} ", role),
        (called, Role.KEY if stance.current else Role.STRONG),
        (f" {rule} ", Role.FAINT),
        (word, role),
        (" " + symbols.rule, Role.FAINT),
    ]


# --- gauges


def _gauges(history: JobHistory, cells: int, symbols: Symbols) -> list[Line]:
    """How far it is, how late chunks leave, how loud they are; on one line where there is room."""
    lag = [*_lag(history, symbols), *_level(history, symbols)]
    if cells < BROAD:
        return [_progress(history, cells, symbols), lag]
    taken = sum(width(text) for text, _ in lag)
    return [[*_progress(history, cells - taken - 3, symbols), ("   ", Role.FAINT), *lag]]


def _progress(history: JobHistory, cells: int, symbols: Symbols) -> Line:
    """A bar, how much was sent of how much, and how much is left; in exactly so many cells."""
    share, left = metrics.share(history), metrics.left(history)
    if share is None:
        return [(" " * cells, Role.FAINT)]
    clock = progress_clock(history)
    if left and history.status is not Status.QUEUED:
        short = f"{formats.clock(left)} left"
        whole = f"{clock}  {short}"
        clock = whole if cells - width(whole) - 2 >= LEAST_BAR else short
    filled, track = gauges.bar(share, max(cells - width(clock) - 2, 0), symbols)
    role = Role.FAINT if history.status is Status.DONE else STATUS_ROLES[history.status]
    return [(filled, role), (track, Role.FAINT), ("  " + clock, Role.MUTED)]


def _lag(history: JobHistory, symbols: Symbols) -> Line:
    """The gauge, the number with its sign, slips."""
    lag = metrics.lag_ms(history)
    if lag is None:
        return [(" " * (gauges.GAUGE + gauges.LAG + 4), Role.FAINT)]
    slipped = (symbols.slip if history.slips else " ", Role.LATE)
    (shown, role), (sign, _) = gauges.lag_number(lag, symbols)
    gauge = gauges.lag_gauge(lag, symbols)
    if history.status.over:
        gauge, role = [(f"{'p99':>{gauges.GAUGE}}", Role.FAINT)], Role.MUTED
    return [*gauge, (shown, role), (" ms", Role.FAINT), (sign, role), slipped]


def _level(history: JobHistory, symbols: Symbols) -> Line:
    """Of what is being sent now."""
    live = history.status is Status.STREAMING
    meter = gauges.level_meter(history.levels_db, symbols) if live else ""
    return [(f"  {meter:<{gauges.METER}}", Role.LIVE)]


# --- words


def _words(history: JobHistory, cells: int, rows: int, symbols: Symbols) -> list[Line]:
    """The end of the transcript in at most so many rows."""
    if rows < 1 or cells <= MARGIN:
        return []
    latest = _latest(history, cells - MARGIN, rows, symbols)
    return latest or [[(_silence(history), Role.FAINT)]]


def _latest(history: JobHistory, cells: int, rows: int, symbols: Symbols) -> list[Line]:
    """Wrapped from the end on, no more of it than is seen."""
    turns = history.transcript.last_turns(rows)
    after = turns[-1].turn_order + 1 if turns else 0
    seams = {min(each.seam.turn, after): each for each in takeovers(history)[1:]}
    found = _takeover(seams.get(after), cells, symbols)
    for turn in reversed(turns):
        if len(found) >= rows:
            break
        before = _takeover(seams.get(turn.turn_order), cells, symbols)
        found = [*before, *_turn(turn, cells, symbols), *found]
    return found[-rows:]


def _turn(turn: Turn, cells: int, symbols: Symbols) -> list[Line]:
    lines: list[Line] = []
    text = Role.FINAL if turn.end_of_turn else Role.SETTLED
    for row in wrapped(turn, cells):
        sign = " " if lines else symbols.dot if row.final else symbols.speaking
        margin = (sign + " ", Role.FAINT if row.final else Role.LIVE)
        lines.append([margin, (row.settled, text), (row.unsettled, Role.PARTIAL)])
    return lines


def _takeover(takeover: Takeover | None, cells: int, symbols: Symbols) -> list[Line]:
    return [] if takeover is None else [[("  " + seam(takeover, cells, symbols), Role.FAINT)]]


def _silence(history: JobHistory) -> str:
    """In place of words."""
    if history.status.over or history.status is Status.QUEUED:
        return ""
    return "Calling the server." if history.began is None else "Nothing said yet."


def _trouble(history: JobHistory, stance: Stance, cells: int, symbols: Symbols) -> list[Line]:
    """What went wrong, or is awaited."""
    sign, role = symbols.status[history.status], STATUS_ROLES[history.status]
    told = ""
    if history.status is Status.QUEUED:
        told = (
            latest_words.waiting(history, stance.wait, stance.outlook) or "Waits for a free place."
        )
    elif history.status is Status.RETRYING and history.retrying is not None:
        told = (
            f"{latest_words.again(history.retrying, stance.wait)}: {clean(history.retrying.reason)}"
        )
    elif history.ended is not None and history.status is not Status.DONE:
        told = latest_words.cause(history.ended.reason)
    return said(sign, told, role, cells)[:MOST_TROUBLE] if told else []
