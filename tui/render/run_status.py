"""How everything stands, in parts of the banner; each says its thing in several lengths.

``yields``: when each form gives way to the next, as in `Part`.
"""

import math
from dataclasses import dataclass

from tui.model.totals import Away, Pace, Totals
from tui.render import gauges
from tui.render.responsive_line import Part
from tui.text import formats
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.job_state import Status

LAST = 90
"""When gives way what says nothing any more in fewer words."""

PACES = {
    Pace.KEEPS_UP: ("this machine keeps up", "keeps up", Role.GOOD),
    Pace.SOME_LATE: ("{late} of {streaming} late", "{late} late", Role.LATE),
    Pace.FALLS_BEHIND: (
        "this machine falls behind: {late} of {streaming} late",
        "falls behind",
        Role.BAD,
    ),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands at one moment."""

    queued: int
    live: int
    retrying: int
    done: int
    failed: int
    cancelled: int
    places: int
    """How many sessions may run at once; 0 while that is not known."""
    held: bool
    next_start_in: float | None
    """Seconds until a queued job may start; None when there is none, or no place for it."""
    totals: Totals
    interrupted: int = 0
    connecting: int = 0
    """Of those that are live."""


# --- what is to be done


def awaited(standing: Standing, symbols: Symbols, yields: tuple[int, int]) -> Part:
    """Why nothing starts, or when something may; in words."""
    totals, seconds = standing.totals, math.ceil(standing.next_start_in or 0.0)
    again = f", again in {seconds} s" if seconds > 1 else ""
    waiting = standing.queued + standing.retrying
    if totals.away is not None:
        brief = "nobody answers" if totals.away is Away.NOBODY_ANSWERS else "no place"
        said = f"{symbols.warning} {totals.away.value}: {totals.turned_away} wait{again}"
        texts = (said, f"{symbols.warning} {brief}", symbols.warning)
        return Part([[(text, Role.BAD)] for text in texts], (yields[0], LAST))
    if standing.held or not waiting:
        return Part([[]])
    if not standing.places:
        return Part([[("starting up", Role.MUTED)], []], yields[1:])
    if seconds <= 1:
        return Part([[]])
    number = (f"{seconds} s", Role.LATE)
    forms: list[Line] = [
        [("next start in ", Role.MUTED), number],
        [("next ", Role.MUTED), number],
        [],
    ]
    return Part(forms, yields)


def audio(standing: Standing, yields: tuple[int, int]) -> Part:
    """How much of it is streamed."""
    totals = standing.totals
    if not totals.audio:
        return Part([[]])
    sent, audio = formats.clock(totals.sent), formats.clock(totals.audio)
    return Part(
        [
            [(sent, Role.TEXT), (f" of {audio} streamed", Role.MUTED)],
            [(sent, Role.TEXT), (f"/{audio}", Role.MUTED)],
            [],
        ],
        yields,
    )


def left_to_do(standing: Standing, yields: tuple[int, int, int]) -> Part:
    """How long until all is done, about."""
    totals = standing.totals
    if totals.left is None:
        return Part([[]])
    over = "over " if totals.at_least else ""
    time = (lasting(totals.left), Role.TEXT)
    return Part(
        [
            [(f"all done in {over or 'about '}", Role.MUTED), time],
            [(f"done in {over}", Role.MUTED), time],
            [(over, Role.MUTED), time, (" left", Role.MUTED)],
            [],
        ],
        yields,
    )


def lasting(seconds: float) -> str:
    """So long, about: in steps of five seconds, then in minutes."""
    if seconds < 90:
        return f"{max(math.ceil(seconds / 5) * 5, 5)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def open_sockets(standing: Standing, billed: bool, yields: tuple[int, int]) -> Part:
    """How long sockets were open, all together, and whether somebody is billed for it."""
    if not standing.totals.open:
        return Part([[]])
    time = (formats.clock(standing.totals.open), Role.TEXT)
    word = (" billed" if billed else " open", Role.MUTED)
    behind = [word] if billed else []
    return Part([[("sockets open ", Role.MUTED), time, *behind], [time, word], []], yields)


# --- how it stands


def counts(standing: Standing, symbols: Symbols, when: int) -> Part:
    """How many are where: in words, else in signs from ``when`` on, at last without zeros."""
    words: Line = []
    signs: Line = []
    least: Line = []
    for count, word, status, role in _counted(standing):
        of = f"/{standing.places}" if status.live and standing.places else ""
        shown = role if count else Role.FAINT
        words += [
            (f"{symbols.status[status]} ", shown),
            (f"{count}{of}", Role.STRONG if count else Role.FAINT),
            (f" {word}   ", Role.MUTED if count else Role.FAINT),
        ]
        signs += [
            (symbols.status[status], shown),
            (f"{count}{of} ", Role.TEXT if count else Role.FAINT),
        ]
        if count:
            least.append((f"{symbols.status[status]}{count} ", role))
    forms = [words, signs, least]
    for form in forms:
        form[-1:] = [(text.rstrip(), role) for text, role in form[-1:]]
    return Part(forms, (when, LAST))


def _counted(standing: Standing) -> list[tuple[int, str, Status, Role]]:
    """Those that trouble nobody as long as there are none are left out then.

    Nothing is said to stream while every session still calls the server.
    """
    live = (standing.live, "streaming", Status.STREAMING, Role.LIVE)
    if standing.live and standing.connecting == standing.live:
        live = (standing.live, "connecting", Status.CONNECTING, Role.LIVE)
    counts = [
        (standing.queued, "queued", Status.QUEUED, Role.WAITING),
        live,
        (standing.retrying, "retrying", Status.RETRYING, Role.LATE),
        (standing.done, "done", Status.DONE, Role.GOOD),
        (standing.failed, "failed", Status.FAILED, Role.BAD),
        (standing.cancelled, "cancelled", Status.CANCELLED, Role.MUTED),
        (standing.interrupted, "interrupted", Status.INTERRUPTED, Role.MUTED),
    ]
    rare = (Status.RETRYING, Status.CANCELLED, Status.INTERRUPTED)
    return [each for each in counts if each[0] or each[2] not in rare]


def lag(standing: Standing, symbols: Symbols, yields: tuple[int, int, int]) -> Part:
    """The worst lag, and what it means for the whole machine."""
    totals, pace = standing.totals, standing.totals.pace
    if totals.worst_lag_ms is None or pace is None:
        return Part([[(f"worst lag {symbols.none}", Role.FAINT)], []], yields[:1])
    level = gauges.punctuality(totals.worst_lag_ms)
    sign = gauges.sign(level, symbols).strip()
    lag = (f"{gauges.ms(totals.worst_lag_ms)} ms{sign}", gauges.ROLES[level])
    words, brief, role = PACES[pace]
    signs = {Pace.KEEPS_UP: symbols.status[Status.DONE], Pace.SOME_LATE: symbols.late}
    mark = signs.get(pace, symbols.very_late)
    told, short = (
        (f"{mark} {text.format(late=totals.late, streaming=totals.streaming)}", role)
        for text in (words, brief)
    )
    return Part(
        [
            [("worst lag ", Role.MUTED), lag, ("   ", Role.TEXT), told],
            [("lag ", Role.MUTED), lag, ("  ", Role.TEXT), short],
            [("lag ", Role.MUTED), lag],
            [lag],
            [],
        ],
        (*yields, LAST + 1),
    )


def held(standing: Standing, symbols: Symbols, yields: tuple[int, int]) -> Part:
    """That the user holds new starts."""
    if not standing.held:
        return Part([[]])
    texts = (f"{symbols.held} starts held", f"{symbols.held} held", symbols.held)
    return Part([[(text, Role.ALARM)] for text in texts], yields)
