"""Draws the dashboard: accuracy and delays of all scored sessions, and of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.render.histogram import blocks
from tui.render.job_summary import join_parts
from tui.render.score_tab import delay_table, message_lines
from tui.text.formats import format_count
from tui.text.width import clean, fit
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobStatus

if TYPE_CHECKING:  # loaded with the first score
    from workers.evaluation.desk_figures import ErrorFigures, GroupFigures, RunFigures

MAX_GROUP_NAME_WIDTH = 26
_MARGIN = "  "


@dataclass(frozen=True, slots=True)
class DashboardCounts:
    """How far the run and its scores are."""

    statuses: Mapping[JobStatus, int]
    scored: int
    unscored: int
    """Jobs that are done and not scored yet."""
    problem: str
    """Why nothing can be scored; empty if something can."""


def dashboard_lines(
    counts: DashboardCounts,
    figures: RunFigures | None,
    cells: int,
    symbols: Symbols,
    keys: Mapping[str, str],
) -> list[StyledLine]:
    """The lines of the dashboard. ``keys``: those that attach references and change the groups,
    by the name of the action."""
    lines = [_count_line(counts, figures, cells, symbols), []]
    if counts.problem:
        return [*lines, *message_lines(counts.problem, cells, Role.WARNING)]
    if figures is None or not figures.all_jobs.jobs:
        waiting = counts.unscored or counts.statuses.get(JobStatus.DONE)
        text = "Scoring." if waiting else "Nothing is done yet: sessions are scored when they are."
        return [*lines, *message_lines(text, cells)]
    lines += _accuracy_lines(figures, cells, symbols, keys["references"])
    lines += [[], *delay_table(figures.all_jobs.delays, cells, symbols, with_shape=True)]
    return [*lines, *_group_lines(figures, cells, symbols, keys["group"])]


def _count_line(
    counts: DashboardCounts, figures: RunFigures | None, cells: int, symbols: Symbols
) -> StyledLine:
    parts: list[StyledLine] = [
        [(f"{count:,} {status.value}", Role.TEXT)]
        for status, count in counts.statuses.items()
        if count
    ]
    parts.append([(f"{counts.scored:,} scored", Role.STRONG)])
    if counts.unscored:
        parts.append([(f"{counts.unscored:,} to score", Role.WAITING)])
    if figures is not None and (invalid := figures.all_jobs.invalid):
        parts.append([(f"{symbols.warning} {invalid:,} invalid for latency", Role.WARNING)])
    return join_parts(parts, cells, symbols)


def _accuracy_lines(
    figures: RunFigures, cells: int, symbols: Symbols, references_key: str
) -> list[StyledLine]:
    group = figures.all_jobs
    errors = group.errors
    if errors is None:
        text = f"No references were found; {references_key} attaches some."
        return message_lines(text, cells, Role.MUTED)
    parts: list[StyledLine] = [
        [("WER ", Role.FAINT), (f"{100 * errors.rate:.2f} %", Role.STRONG)],
        [(_interval(errors, symbols), Role.TEXT)],
        [(f"{errors.substitutions:,} S", Role.WARNING)],
        [(f"{errors.deletions:,} D", Role.ERROR)],
        [(f"{errors.insertions:,} I", Role.ERROR)],
        [(f"{errors.words:,} words", Role.MUTED)],
        [(clean(figures.normaliser), Role.MUTED)],
    ]
    few = group.recordings < figures.min_recordings
    note = format_count(group.recordings, "recording")
    note += (
        f"; at least {figures.min_recordings} are needed before intervals mean much" if few else ""
    )
    shape: StyledLine = [
        (f"{_MARGIN}by recording ", Role.FAINT),
        (blocks(group.rate_bins, 24, symbols), Role.LIVE),
        (f" 0 to {100 * group.rate_to:.0f} %", Role.FAINT),
    ]
    return [
        join_parts(parts, cells, symbols),
        shape,
        *message_lines(note, cells, Role.WARNING if few else Role.MUTED),
    ]


def _interval(errors: ErrorFigures, symbols: Symbols) -> str:
    if errors.low is None or errors.high is None:
        return "no interval"
    return f"95 %: {100 * errors.low:.1f} to {100 * errors.high:.1f}"


def _group_lines(
    figures: RunFigures, cells: int, symbols: Symbols, group_key: str
) -> list[StyledLine]:
    if not figures.groups:
        return []
    width = min(MAX_GROUP_NAME_WIDTH, max(cells - 58, 10))
    others = ", ".join(name for name in figures.columns if name != figures.column)
    title = f"by {figures.column}" + (f"; {group_key}: {others}" if others else "")
    head = f"{_MARGIN}{'group':<{width}}{'jobs':>6}{'WER %':>8}{'95 %':>14}"
    head += f"{'word p50':>10}{'eot p95':>9}{'invalid':>9}"
    lines: list[StyledLine] = [
        [],
        [(fit(f"{_MARGIN}{clean(title)}", cells, symbols.ellipsis), Role.BRAND)],
        [(head, Role.HEADING)],
    ]
    return [*lines, *(_group_line(group, width, symbols) for group in figures.groups)]


def _group_line(group: GroupFigures, width: int, symbols: Symbols) -> StyledLine:
    errors, none = group.errors, symbols.no_value
    rate = none if errors is None else f"{100 * errors.rate:.2f}"
    interval = none
    if errors is not None and errors.low is not None and errors.high is not None:
        interval = f"{100 * errors.low:.1f} to {100 * errors.high:.1f}"
    emission, eot = group.delays_of("emission"), group.delays_of("eot")
    word_p50 = none if emission is None or emission.p50 is None else f"{emission.p50:.0f}"
    eot_p95 = none if eot is None or eot.p95 is None else f"{eot.p95:.0f}"
    name = fit(clean(group.name) or none, width - 1, symbols.ellipsis)
    return [
        (f"{_MARGIN}{name} ", Role.TEXT),
        (f"{group.jobs:>6}", Role.MUTED),
        (f"{rate:>8}", Role.STRONG),
        (f"{interval:>14}{word_p50:>10}{eot_p95:>9}", Role.TEXT),
        (f"{group.invalid or '':>9}", Role.WARNING),
    ]


def reference_lines(
    title: str, entries: Sequence[str], rows: int, role: Role, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """A title with a count, and the first entries below it."""
    if not entries:
        return []
    lines: list[StyledLine] = [[(f"{title}: {len(entries):,}", role)]]
    for entry in entries[:rows]:
        lines.append([(f"  {fit(clean(entry), cells - 2, symbols.ellipsis)}", Role.MUTED)])
    if len(entries) > rows:
        lines.append([(f"  and {len(entries) - rows:,} more", Role.FAINT)])
    return lines
