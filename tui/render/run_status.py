"""The state of the run as parts of the banner, each in several lengths.

``priorities``: when each variant is replaced by the next shorter one, see `ResponsivePart`.
"""

import math
from dataclasses import dataclass

from tui.model import metrics
from tui.model.totals import SendingPace, Totals, TurnAwayReason
from tui.render import gauges
from tui.render.responsive_line import ResponsivePart
from tui.text import formats
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobStatus

LAST_PRIORITY = 90
"""For parts whose shorter variant says much less."""

PACE_LABELS = {
    SendingPace.KEEPS_UP: ("this machine keeps up", "keeps up", Role.SUCCESS),
    SendingPace.SOME_LATE: ("{late} of {streaming} late", "{late} late", Role.WARNING),
    SendingPace.FALLS_BEHIND: (
        "this machine falls behind: {late} of {streaming} late",
        "falls behind",
        Role.ERROR,
    ),
}


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of the run at one moment."""

    queued: int
    live: int
    retrying: int
    done: int
    failed: int
    cancelled: int
    max_sessions: int
    """How many sessions may run at once; 0 while unknown."""
    starts_held: bool
    next_start_in_s: float | None
    """Seconds until a queued job may start; None if there is none, or no free place."""
    totals: Totals
    interrupted: int = 0
    connecting: int = 0
    """Of the live ones."""


# --- what is to be done


def next_start_part(
    run_status: RunStatus, symbols: Symbols, priorities: tuple[int, int]
) -> ResponsivePart:
    """Why nothing starts, or when the next job may start."""
    totals, seconds = run_status.totals, math.ceil(run_status.next_start_in_s or 0.0)
    again = f", again in {seconds} s" if seconds > 1 else ""
    waiting = run_status.queued + run_status.retrying
    if totals.turn_away_reason is not None:
        brief = (
            "nobody answers"
            if totals.turn_away_reason is TurnAwayReason.UNREACHABLE
            else "server full"
        )
        count = totals.turned_away_count
        sentence = f"{symbols.warning} {totals.turn_away_reason.value}: {count} wait{again}"
        texts = (sentence, f"{symbols.warning} {brief}", symbols.warning)
        return ResponsivePart(
            [[(text, Role.ERROR)] for text in texts], (priorities[0], LAST_PRIORITY)
        )
    if run_status.starts_held or not waiting:
        return ResponsivePart([[]])
    if not run_status.max_sessions:
        return ResponsivePart([[("starting up", Role.MUTED)], []], priorities[1:])
    if seconds <= 1:
        return ResponsivePart([[]])
    number = (f"{seconds} s", Role.WARNING)
    forms: list[StyledLine] = [
        [("next start in ", Role.MUTED), number],
        [("next ", Role.MUTED), number],
        [],
    ]
    return ResponsivePart(forms, priorities)


def audio_part(run_status: RunStatus, priorities: tuple[int, int]) -> ResponsivePart:
    """How much audio was streamed."""
    totals = run_status.totals
    if not totals.audio_s:
        return ResponsivePart([[]])
    sent, audio = formats.format_duration(totals.sent_s), formats.format_duration(totals.audio_s)
    return ResponsivePart(
        [
            [(sent, Role.TEXT), (f" of {audio} streamed", Role.MUTED)],
            [(sent, Role.TEXT), (f"/{audio}", Role.MUTED)],
            [],
        ],
        priorities,
    )


def time_left_part(run_status: RunStatus, priorities: tuple[int, int, int]) -> ResponsivePart:
    """The estimated time until all is done."""
    totals = run_status.totals
    if totals.remaining_s is None:
        return ResponsivePart([[]])
    over = "over " if totals.is_lower_bound else ""
    time = (format_rough_duration(totals.remaining_s), Role.TEXT)
    return ResponsivePart(
        [
            [(f"all done in {over or 'about '}", Role.MUTED), time],
            [(f"done in {over}", Role.MUTED), time],
            [(over, Role.MUTED), time, (" left", Role.MUTED)],
            [],
        ],
        priorities,
    )


def format_rough_duration(seconds: float) -> str:
    """A rough duration: in steps of five seconds, then in minutes."""
    if seconds < 90:
        return f"{max(math.ceil(seconds / 5) * 5, 5)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def socket_time_part(
    run_status: RunStatus, billed: bool, priorities: tuple[int, int]
) -> ResponsivePart:
    """How long all sockets together were open, and whether the service bills it."""
    if not run_status.totals.open_s:
        return ResponsivePart([[]])
    time = (formats.format_duration(run_status.totals.open_s), Role.TEXT)
    word = (" billed" if billed else " open", Role.MUTED)
    behind = [word] if billed else []
    return ResponsivePart(
        [[("sockets open ", Role.MUTED), time, *behind], [time, word], []], priorities
    )


# --- how it stands


def counts_part(run_status: RunStatus, symbols: Symbols, priority: int) -> ResponsivePart:
    """Jobs by state: in words, then as signs (``priority``), at last without zeros."""
    words: StyledLine = []
    signs: StyledLine = []
    nonzero: StyledLine = []
    for count, word, status, role in _status_counts(run_status):
        limit = f"/{run_status.max_sessions}" if status.is_live and run_status.max_sessions else ""
        shown = role if count else Role.FAINT
        words += [
            (f"{symbols.status[status]} ", shown),
            (f"{count}{limit}", Role.STRONG if count else Role.FAINT),
            (f" {word}   ", Role.MUTED if count else Role.FAINT),
        ]
        signs += [
            (symbols.status[status], shown),
            (f"{count}{limit} ", Role.TEXT if count else Role.FAINT),
        ]
        if count:
            nonzero.append((f"{symbols.status[status]}{count} ", role))
    forms = [words, signs, nonzero]
    for form in forms:
        form[-1:] = [(text.rstrip(), role) for text, role in form[-1:]]
    return ResponsivePart(forms, (priority, LAST_PRIORITY))


def _status_counts(run_status: RunStatus) -> list[tuple[int, str, JobStatus, Role]]:
    """The counts with words and roles; rare states are left out while their count is 0.

    While all live sessions are still connecting, they are not called streaming.
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
    return [each for each in counts if each[0] or each[2] not in rare]


def lag_part(
    run_status: RunStatus, symbols: Symbols, priorities: tuple[int, int, int]
) -> ResponsivePart:
    """The worst lag, and whether this machine keeps up."""
    totals, pace = run_status.totals, run_status.totals.pace
    if totals.worst_lag_ms is None or pace is None:
        return ResponsivePart([[(f"worst lag {symbols.no_value}", Role.FAINT)], []], priorities[:1])
    level = metrics.punctuality(totals.worst_lag_ms)
    sign = gauges.punctuality_sign(level, symbols).strip()
    lag = (f"{gauges.format_lag_ms(totals.worst_lag_ms)} ms{sign}", gauges.PUNCTUALITY_ROLES[level])
    words, brief, role = PACE_LABELS[pace]
    signs = {
        SendingPace.KEEPS_UP: symbols.status[JobStatus.DONE],
        SendingPace.SOME_LATE: symbols.late,
    }
    mark = signs.get(pace, symbols.very_late)
    full, short = (
        (f"{mark} {text.format(late=totals.late_count, streaming=totals.streaming_count)}", role)
        for text in (words, brief)
    )
    return ResponsivePart(
        [
            [("worst lag ", Role.MUTED), lag, ("   ", Role.TEXT), full],
            [("lag ", Role.MUTED), lag, ("  ", Role.TEXT), short],
            [("lag ", Role.MUTED), lag],
            [lag],
            [],
        ],
        (*priorities, LAST_PRIORITY + 1),
    )


def held_part(
    run_status: RunStatus, symbols: Symbols, priorities: tuple[int, int]
) -> ResponsivePart:
    """A notice that the user holds new starts."""
    if not run_status.starts_held:
        return ResponsivePart([[]])
    texts = (f"{symbols.held} starts held", f"{symbols.held} held", symbols.held)
    return ResponsivePart([[(text, Role.ALARM)] for text in texts], priorities)
