"""The last column of a row: the latest words, or why there are none."""

import re

from tui.model import metrics
from tui.model.queue_forecast import Obstacle, Outlook
from tui.text import formats
from tui.text.width import clean, clean_end, fit, tail, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.events import Outcome, Retrying
from workers.jobs.job_state import JobHistory, Status

PATIENCE = 15.0
"""Seconds of recording without a word from which on that is said: level and lag look well then."""

LEAST = 8
"""Cells from which on there is room for a sign before the words."""

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}

_SERVER_SAID = re.compile(r"the server ended the session(?: \((\d+)\))?: (.+)", re.DOTALL)


def words(
    history: JobHistory,
    cells: int,
    wait: int,
    symbols: Symbols,
    outlook: Outlook | None = None,
    *,
    numbered: bool = True,
) -> Line:
    """In at most so many cells; ``wait``: whole seconds until a further attempt may start.

    ``numbered``: the number of a further attempt stands before them.
    """
    if history.status is Status.RETRYING and history.retrying is not None:
        return _again(history.retrying, cells, wait, symbols)
    number = which(history, symbols) if numbered else ""
    room = cells - width(number)
    sign = f"{symbols.warning} " if _warned(history) and room >= LEAST else ""
    said = _words(history, room - width(sign), wait, symbols, outlook)
    return [(number, Role.MUTED), (sign, Role.LATE), *said]


def _warned(history: JobHistory) -> bool:
    """Of what failed the reason is worth more."""
    return bool(history.warnings) and history.status is not Status.FAILED


def which(history: JobHistory, symbols: Symbols) -> str:
    """The number of a further attempt, with a space behind it; empty for the first."""
    return f"{symbols.status[Status.RETRYING]}{history.attempt} " if history.attempt > 1 else ""


def cause(reason: str) -> str:
    """A reason with what tells it from others at its beginning, where there is room."""
    if (found := _SERVER_SAID.fullmatch(reason)) is None:
        return clean(reason)
    code, said = found.groups()
    return clean(f"{said} ({code})" if code else said)


def again(retrying: Retrying, wait: int) -> str:
    """When a further attempt starts, and where in the recording."""
    place = f", from {formats.clock(retrying.from_seconds)}" if retrying.from_seconds else ""
    return f"{_soon(wait)}{place}"


def _soon(wait: int) -> str:
    return f"again in {wait} s" if wait else "goes on soon"


def _again(retrying: Retrying, cells: int, wait: int, symbols: Symbols) -> Line:
    told = _soon(wait)
    whole = fit(f"{told}: {cause(retrying.reason)}", cells, symbols.cut)
    return [(whole[: len(told)], Role.LATE), (whole[len(told) :], Role.MUTED)]


def _words(
    history: JobHistory, cells: int, wait: int, symbols: Symbols, outlook: Outlook | None
) -> Line:
    if history.status is Status.FAILED and history.ended is not None:
        return [(fit(cause(history.ended.reason), cells, symbols.cut), Role.BAD)]
    latest = history.transcript.latest
    if latest is None or history.status is Status.QUEUED:
        role = Role.MUTED if outlook and outlook.place == 1 else Role.FAINT
        return [(fit(_silence(history, wait, outlook), cells, symbols.cut), role)]
    settled, unsettled = clean_end(latest.settled, cells), clean_end(latest.unsettled, cells)
    if settled and unsettled:
        settled += " "
    role = Role.MUTED if history.status.over else Role.FINAL if latest.final else Role.SETTLED
    return _ticker(settled, unsettled, role, cells, symbols)


def _ticker(settled: str, unsettled: str, role: Role, cells: int, symbols: Symbols) -> Line:
    """The end of the two together: what is being said now is what matters."""
    if width(settled) + width(unsettled) <= cells:
        return [(settled, role), (unsettled, Role.PARTIAL)]
    room = cells - width(symbols.cut) - width(unsettled)
    if room <= 0:
        return [
            (symbols.cut, Role.FAINT),
            (tail(unsettled, cells - width(symbols.cut)), Role.PARTIAL),
        ]
    return [(symbols.cut, Role.FAINT), (tail(settled, room), role), (unsettled, Role.PARTIAL)]


def _silence(history: JobHistory, wait: int, outlook: Outlook | None) -> str:
    match history.status:
        case Status.QUEUED if history.attempt == 0:
            return "being read"
        case Status.QUEUED:
            return waiting(history, wait, outlook)
        case Status.CONNECTING:
            return "calling the server"
        case Status.STREAMING if (silent := metrics.reached(history)) >= PATIENCE:
            return f"no words in {formats.clock(silent)}"
        case Status.DONE:
            return "nothing was heard"
        case Status.CANCELLED | Status.INTERRUPTED if history.ended is not None:
            return clean(history.ended.reason)
        case _:
            return ""


def waiting(history: JobHistory, wait: int, outlook: Outlook | None = None) -> str:
    """Why a queued job is not at work, where there is more to say than that it waits."""
    retrying = history.retrying
    if retrying is None:
        return in_turn(outlook) if outlook else ""
    if history.refused:
        full = history.refused.outcome is Outcome.BUSY
        why = "no place at the server" if full else cause(retrying.reason)
        return f"again in {wait} s: {why}" if wait else f"waits: {why}"
    seconds = retrying.from_seconds
    turn = in_turn(outlook) if outlook else "waits for its turn"
    return f"{turn}, {f'from {formats.clock(seconds)}' if seconds else 'anew'}"


def in_turn(outlook: Outlook) -> str:
    """Where in the queue: ``next, in 42 s``, ``3rd in the queue``."""
    if outlook.place == 1:
        obstacle = outlook.obstacle
        told = "" if obstacle is Obstacle.NONE else f", {obstacle.value}"
        return "next" + told.format(seconds=outlook.seconds)
    return f"{_ordinal(outlook.place)} in the queue"


def _ordinal(number: int) -> str:
    if number // 10 % 10 == 1:
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"
