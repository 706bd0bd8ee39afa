"""The columns of the session table. To add one, add an entry to `COLUMNS`.

Settings, sort dialog, command palette, filter language, help and reference are derived from it;
`table` lays out the cells.
"""

from collections.abc import Callable, Container, Iterable

from tui.model import metrics
from tui.model.column_spec import (
    QUEUE_ORDER,
    ColumnCell,
    ColumnFilter,
    ColumnSpec,
    Detail,
    FilterKind,
    Row,
    TableRoom,
)
from tui.render import gauges, latest_words
from tui.render.job_labels import (
    STATUS_ROLES,
    bar_role,
    clean_recording_name,
    format_progress_time,
    has_not_begun,
    status_word,
)
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit_middle
from tui.theme.roles import Role, StyledLine
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState

STATE_WIDTH = len("interrupted")
FOLD_WIDTH = 2  # the sign before the name of a pair or of half of one
PERCENT_WIDTH = len("SENT ")  # headings leave room for the sort arrow
SCORE_WIDTH = len("EOT ms") + 1  # headings leave room for the sort arrow
VALID_WIDTH = len("invalid")
LAG_WIDTH = gauges.LAG_NUMBER_WIDTH + 1  # room for the lag, its sign, and the sign of a slip
BAR_WIDTH, LONG_BAR_WIDTH = 12, 20
NODE_WIDTH = 14

STATUS_ORDER = (
    JobStatus.FAILED,
    JobStatus.RETRYING,
    JobStatus.CONNECTING,
    JobStatus.STREAMING,
    JobStatus.FINISHING,
    JobStatus.QUEUED,
    JobStatus.INTERRUPTED,
    JobStatus.CANCELLED,
    JobStatus.DONE,
)
"""The sort order of states: problems, running, waiting, finished."""

_QUIET_STATUSES = (JobStatus.DONE, JobStatus.CANCELLED, JobStatus.INTERRUPTED)


def _draw_state(row: Row, cells: int) -> StyledLine:
    word = status_word(row.job_state, row.context)
    return [(f"{word:<{cells}}", STATUS_ROLES[row.job_state.status])]


def _draw_name(row: Row, cells: int) -> StyledLine:
    job_state, symbols = row.job_state, row.symbols
    role = Role.MUTED if job_state.status in _QUIET_STATUSES else Role.TEXT
    name, sign = clean_recording_name(job_state), ""
    if isinstance(job_state, PairState):
        sign = symbols.unfolded if row.context.unfolded else symbols.folded
    elif job_state.half is not None:
        name, sign = clean(job_state.half.speaker), symbols.branch
    if not sign:
        return [(fit_middle(name, cells, symbols.ellipsis), role)]
    text = fit_middle(name, cells - FOLD_WIDTH, symbols.ellipsis)
    return [(f"{sign} ", Role.FAINT), (text, role)]


def name_width(job_state: JobState) -> int:
    """The cells that the name of a job takes."""
    fold = FOLD_WIDTH if isinstance(job_state, PairState) else 0
    return cell_width(clean_recording_name(job_state)) + fold


def _draw_bar(row: Row, cells: int) -> StyledLine:
    fraction = metrics.progress_fraction(row.job_state)
    if fraction is None or has_not_begun(row.job_state):
        return [(" " * cells, Role.FAINT)]
    filled, track = gauges.bar(fraction, cells, row.symbols)
    return [(filled, bar_role(row.job_state)), (track, Role.FAINT)]


def _draw_percent(row: Row, cells: int) -> StyledLine:
    begun = not has_not_begun(row.job_state)
    percent = metrics.progress_percent(row.job_state) if begun else None
    return [(f"{'' if percent is None else f'{percent}%':>{cells}}", Role.MUTED)]


def _draw_progress_time(row: Row, cells: int) -> StyledLine:
    return [(f"{format_progress_time(row.job_state):>{cells}}", Role.MUTED)]


def _draw_time_left(row: Row, cells: int) -> StyledLine:
    remaining_s = metrics.remaining_s(row.job_state)
    exact = row.job_state.is_exact
    text = "" if remaining_s is None else format_duration(remaining_s, is_exact=exact)
    return [(f"{text:>{cells}}", Role.TEXT if row.job_state.status.is_live else Role.MUTED)]


def _draw_level(row: Row, cells: int) -> StyledLine:
    """Draws the audio level; blank if no audio is being sent."""
    levels = row.job_state.levels_db if row.job_state.status is JobStatus.STREAMING else ()
    silent = max(levels, default=gauges.SILENCE_DBFS) <= gauges.SILENCE_DBFS
    meter = gauges.level_meter(levels, row.symbols, cells)
    return [(meter, Role.FAINT if silent else Role.LIVE)]


def _draw_lag_gauge(row: Row, cells: int) -> StyledLine:
    """Draws the lag of the latest chunk, or the label “p99” for a finished job."""
    job_state = row.job_state
    if job_state.ended and job_state.ended.certificate:
        return [(f"{'p99':<{cells}}", Role.FAINT)]
    if job_state.lag is None or job_state.status.is_finished:
        return [(" " * cells, Role.FAINT)]
    return gauges.lag_gauge(job_state.lag.now, row.symbols, cells)


def _draw_lag(row: Row, cells: int) -> StyledLine:
    job_state, lag_ms = row.job_state, metrics.lag_ms(row.job_state)
    slip = (row.symbols.slip if job_state.slips else " ", Role.WARNING)
    if lag_ms is None:
        return [(" " * (cells - 1), Role.FAINT), slip]
    number = gauges.lag_number(lag_ms, row.symbols)
    if job_state.ended and metrics.punctuality(lag_ms) is metrics.Punctuality.ON_TIME:
        number = [(text, Role.MUTED) for text, _ in number]
    return [*number, slip]


def _draw_attempts(row: Row, cells: int) -> StyledLine:
    """Draws the number of attempts; blank if there was only one, as usual."""
    attempt = row.job_state.attempt
    return [(f"{attempt if attempt > 1 else '':>{cells}}", Role.WARNING)]


def _draw_words(row: Row, cells: int) -> StyledLine:
    return latest_words.words_column(
        row.job_state, row.context, cells, row.symbols, show_attempt=not row.has_attempts_column
    )


def _draw_node(row: Row, cells: int) -> StyledLine:
    name = clean(row.job_state.node or "")
    return [(fit_middle(name, cells, row.symbols.ellipsis), Role.MUTED)]


def _draw_wer(row: Row, cells: int) -> StyledLine:
    percent = row.context.figures.percent("wer") if row.context.figures else None
    return [(f"{'' if percent is None else f'{percent:.1f}':>{cells}}", Role.TEXT)]


def _delay_cell(metric: str) -> Callable[[Row, int], StyledLine]:
    """Draws a delay; an arrow marks the longest one where there are too few for a percentile."""

    def draw(row: Row, cells: int) -> StyledLine:
        figures = row.context.figures
        delay_ms = figures.delay_ms(metric) if figures else None
        if figures is None or delay_ms is None:
            return [(" " * cells, Role.TEXT)]
        is_longest = metric != "ttft" and not figures.has_percentile(metric)
        sign = row.symbols.ascending if is_longest else ""
        return [(f"{f'{sign}{delay_ms:.0f}':>{cells}}", Role.MUTED if is_longest else Role.TEXT)]

    return draw


def _draw_validity(row: Row, cells: int) -> StyledLine:
    figures = row.context.figures
    if figures is None:
        return [(" " * cells, Role.TEXT)]
    if figures.problem:
        return [(f"{'no':<{cells}}", Role.MUTED)]
    word, role = ("invalid", Role.WARNING) if figures.invalid else ("valid", Role.MUTED)
    return [(f"{word:<{cells}}", role)]


def _score_width(detail: Detail, cells: int) -> Callable[[TableRoom], int]:
    return lambda room: cells * (room.has_scores and room.detail >= detail)


def _width_from(
    detail: Detail, cells: int, with_hours: int | None = None
) -> Callable[[TableRoom], int]:
    """Returns the width rule: 0 below ``detail``; ``with_hours`` if a recording lasts an hour. Then
    the cell shows a duration, which takes one more cell if a length is an estimate."""

    def width(room: TableRoom) -> int:
        if room.detail < detail:
            return 0
        if with_hours is None:
            return cells
        return (with_hours if room.has_hours else cells) + room.has_estimates

    return width


COLUMNS = (
    ColumnSpec(
        name="state",
        label="state",
        help="whether the recording waits, streams or has finished, and how it ended",
        sort_value=lambda job, _: STATUS_ORDER.index(job.status),
        direction_labels=("problems first", "done first"),
        filter=ColumnFilter(
            "state", FilterKind.STATE, lambda job: job.status.value, "state:failed"
        ),
        cells=(ColumnCell("STATE", _draw_state, lambda room: STATE_WIDTH * room.state_words),),
    ),
    ColumnSpec(
        name="file",
        label="file",
        help="the recording's name",
        sort_value=lambda job, _: metrics.recording_name(job).casefold(),
        direction_labels=("A to Z", "Z to A"),
        filter=ColumnFilter("name", FilterKind.TEXT, metrics.recording_name, "name:talk"),
        cells=(ColumnCell("FILE", _draw_name, lambda room: room.name_cells),),
        is_optional=False,
    ),
    ColumnSpec(
        name="progress",
        label="progress",
        help="how much of the recording was sent",
        sort_value=lambda job, _: metrics.progress_fraction(job),
        descending=True,
        direction_labels=("the least first", "the most first"),
        filter=ColumnFilter(
            "progress", FilterKind.NUMBER, metrics.progress_percent, "progress>=50%"
        ),
        cells=(
            ColumnCell(
                "PROGRESS",
                _draw_bar,
                lambda room: (
                    LONG_BAR_WIDTH
                    if room.detail >= Detail.LONG_BAR
                    else BAR_WIDTH * (room.detail >= Detail.BAR)
                ),
            ),
            ColumnCell(
                "SENT",
                _draw_percent,
                lambda room: PERCENT_WIDTH * (Detail.PERCENT <= room.detail < Detail.BAR),
                right_aligned=True,
            ),
            ColumnCell(
                "TIME",
                _draw_progress_time,
                _width_from(Detail.PROGRESS_TIME, len("12:34/56:78"), len("1:02:33/3:00:00")),
                right_aligned=True,
                after="left",
            ),
        ),
    ),
    ColumnSpec(
        name="left",
        label="time left",
        help="how much of the recording is still to be sent",
        sort_value=lambda job, _: metrics.remaining_s(job),
        direction_labels=("the soonest first", "the longest first"),
        filter=ColumnFilter("left", FilterKind.NUMBER, metrics.remaining_s, "left<1:30"),
        cells=(
            ColumnCell(
                "LEFT",
                _draw_time_left,
                _width_from(Detail.TIME_LEFT, len("12:34"), len("1:02:33")),
                right_aligned=True,
            ),
        ),
    ),
    ColumnSpec(
        name="level",
        label="level",
        help="the level of the audio that is being sent, in dBFS",
        sort_value=lambda job, _: metrics.peak_level_db(job),
        descending=True,
        direction_labels=("the quietest first", "the loudest first"),
        filter=ColumnFilter("level", FilterKind.NUMBER, metrics.peak_level_db, "level<-50"),
        cells=(
            ColumnCell("LEVEL", _draw_level, _width_from(Detail.LEVEL, gauges.LEVEL_METER_WIDTH)),
        ),
    ),
    ColumnSpec(
        name="lag",
        label="lag",
        help="how late the latest chunk was sent, in ms, updated every second; at the end, the p99",
        sort_value=lambda job, _: metrics.lag_ms(job),
        descending=True,
        finished_last=True,
        direction_labels=("the smallest first", "the largest first"),
        filter=ColumnFilter("lag", FilterKind.NUMBER, metrics.lag_ms, "lag>20"),
        cells=(
            ColumnCell(
                "LAG", _draw_lag_gauge, _width_from(Detail.LAG_GAUGE, gauges.LAG_GAUGE_WIDTH)
            ),
            ColumnCell(
                "LAG ms",
                _draw_lag,
                _width_from(Detail.LAG, LAG_WIDTH),
                right_aligned=True,
                sign_cells=2,
                heading_beside="ms",
            ),
        ),
    ),
    ColumnSpec(
        name="wer",
        label="WER",
        help="the word error rate in percent, of a session that is done and has a reference",
        sort_value=None,
        figure=lambda figures: figures.percent("wer"),
        descending=True,
        direction_labels=("the fewest errors first", "the most errors first"),
        filter=ColumnFilter("wer", FilterKind.NUMBER, None, "wer>10"),
        cells=(
            ColumnCell(
                "WER %", _draw_wer, _score_width(Detail.LAG, SCORE_WIDTH), right_aligned=True
            ),
        ),
    ),
    ColumnSpec(
        name="ttft",
        label="first partial",
        help="ms from the first chunk to the first message with text",
        sort_value=None,
        figure=lambda figures: figures.delay_ms("ttft"),
        descending=True,
        direction_labels=("the quickest first", "the slowest first"),
        filter=ColumnFilter("ttft", FilterKind.NUMBER, None, "ttft>800"),
        cells=(
            ColumnCell(
                "1ST ms",
                _delay_cell("ttft"),
                _score_width(Detail.TIME_LEFT, SCORE_WIDTH),
                right_aligned=True,
            ),
        ),
    ),
    ColumnSpec(
        name="eot",
        label="end of turn",
        help="ms from a turn's last word to its final, as p95; with an arrow, the longest of fewer "
        "than 20 turns",
        sort_value=None,
        figure=lambda figures: figures.delay_ms("eot"),
        descending=True,
        direction_labels=("the quickest first", "the slowest first"),
        filter=ColumnFilter("eot", FilterKind.NUMBER, None, "eot>900"),
        cells=(
            ColumnCell(
                "EOT ms",
                _delay_cell("eot"),
                _score_width(Detail.LAG, SCORE_WIDTH),
                right_aligned=True,
            ),
        ),
    ),
    ColumnSpec(
        name="valid",
        label="validity",
        help="whether pacing held, so that delays count; the score tab has the reason if not",
        sort_value=None,
        figure=lambda figures: float(bool(figures.invalid)),
        descending=True,
        direction_labels=("valid first", "invalid first"),
        filter=ColumnFilter("invalid", FilterKind.WORD, None, "invalid"),
        cells=(ColumnCell("VALID", _draw_validity, _score_width(Detail.LAG, VALID_WIDTH)),),
    ),
    ColumnSpec(
        name="node",
        label="node",
        help="the machine of a fleet on which the session runs",
        sort_value=lambda job, _: job.node,
        direction_labels=("A to Z", "Z to A"),
        filter=ColumnFilter("node", FilterKind.TEXT, lambda job: job.node or "", "node:worker-3"),
        cells=(
            ColumnCell(
                "NODE",
                _draw_node,
                lambda room: min(room.node_cells, NODE_WIDTH) * (room.detail >= Detail.TIME_LEFT),
            ),
        ),
    ),
    ColumnSpec(
        name="attempts",
        label="attempts",
        help="the number of attempts",
        sort_value=lambda job, _: job.attempt,
        descending=True,
        direction_labels=("the fewest first", "the most first"),
        filter=ColumnFilter("attempts", FilterKind.NUMBER, lambda job: job.attempt, "attempts>1"),
        cells=(
            ColumnCell(
                "TRY", _draw_attempts, lambda room: len("TRY ") * room.attempts, right_aligned=True
            ),
        ),
    ),
    ColumnSpec(
        name="words",
        label="newest words",
        help="the latest words, or why there are none",
        sort_value=lambda _, last_heard_seq: last_heard_seq,
        descending=True,
        direction_labels=("the oldest first", "the newest first"),
        filter=ColumnFilter("text", FilterKind.TEXT, metrics.latest_words, "text:hello"),
        cells=(ColumnCell("LATEST WORDS", _draw_words, width=None),),
    ),
)
"""All columns, from left to right."""


def optional_column_names(columns: Iterable[ColumnSpec] = COLUMNS) -> list[str]:
    """Names allowed in the setting ``columns``; other columns are always visible."""
    return [column.name for column in columns if column.is_optional]


def visible_columns(names: Container[str] | None) -> tuple[ColumnSpec, ...]:
    """Returns the columns that the setting ``columns`` shows; None shows all."""
    if names is None:
        return COLUMNS
    return tuple(column for column in COLUMNS if column.name in names or not column.is_optional)


SCORE_COLUMN_NAMES = frozenset(column.name for column in COLUMNS if column.figure is not None)
"""The columns that are shown when jobs are scored."""


def sort_columns(*, has_nodes: bool) -> tuple[ColumnSpec, ...]:
    """What rows can be sorted by; by the node only with ``has_nodes``, in a fleet."""
    columns = (column for column in COLUMNS if has_nodes or column.name != "node")
    return (QUEUE_ORDER, *columns)


def column_named(name: str) -> ColumnSpec:
    """Returns the column with this name in the settings."""
    return next(column for column in COLUMNS if column.name == name)
