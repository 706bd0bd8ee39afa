"""Draws the panel above the footer: what a run came to, or a hint for somebody new."""

from pathlib import Path

from tui.keys.key_table import Scope
from tui.model.run_end import RunEnd
from tui.render.job_labels import STATUS_ROLES
from tui.text.formats import format_count, format_duration
from tui.text.width import cell_width, clean, fit_middle, line_width
from tui.theme.roles import Look, Role, StyledLine
from workers.jobs.job_state import JobStatus

_SHOWN_STATUSES = (
    JobStatus.DONE,
    JobStatus.FAILED,
    JobStatus.CANCELLED,
    JobStatus.INTERRUPTED,
)


_HINTED_ACTIONS = (
    (Scope.SESSIONS, "move(1)", "moves"),
    (Scope.SESSIONS, "read", "opens a transcript"),
    (Scope.SESSIONS, "filter", "filters"),
    (Scope.JOBS, "cancel", "cancels"),
    (Scope.DESK, "help", "shows every key"),
    (Scope.SESSIONS, "back", "closes this hint for good"),
)


def first_hint_lines(look: Look, cells: int) -> list[StyledLine]:
    """The first keys to know, as one line; those that do not fit are left out, but not the last."""
    hints = [(look.key_hint(scope, action), does) for scope, action, does in _HINTED_ACTIONS]
    widths = [cell_width(key) + cell_width(does) + 4 for key, does in hints]
    while len(hints) > 1 and sum(widths) + 2 > cells:
        del hints[-2], widths[-2]
    line: StyledLine = [("  ", Role.TEXT)]
    for key, does in hints:
        line += [(key, Role.KEY), (f" {does}   ", Role.MUTED)]
    return [line]


def run_end_lines(
    end: RunEnd, exported_to: Path | None, look: Look, cells: int
) -> list[StyledLine]:
    """The outcomes, where the exports are, and the keys that one needs now.

    ``exported_to``: the folder of the last export; None if nothing was exported.
    """
    symbols = look.symbols
    heading = " All recordings have finished "
    rule = symbols.rule * max(cells - cell_width(heading) - 1, 0)
    outcomes: StyledLine = [("  ", Role.TEXT)]
    for status in _SHOWN_STATUSES:
        if count := end.counts[status]:
            outcomes += [
                (f"{symbols.status[status]} ", STATUS_ROLES[status]),
                (str(count), Role.STRONG),
                (f" {status.value}   ", Role.TEXT),
            ]
    with_warnings = "with a warning" if end.fault_count == 1 else "with warnings"
    warned = ((end.invalid_count, "invalid for latency"), (end.fault_count, with_warnings))
    for count, words in warned:
        if count:
            outcomes += [
                (f"{symbols.warning} ", Role.WARNING),
                (str(count), Role.STRONG),
                (f" {words}   ", Role.TEXT),
            ]
    sums = f"{format_duration(end.audio_s)} of audio   sockets open {format_duration(end.open_s)}"
    if line_width(outcomes) + cell_width(sums) <= cells:
        outcomes.append((sums, Role.MUTED))
    return [
        [(symbols.rule, Role.FAINT), (heading, Role.STRONG), (rule, Role.FAINT)],
        outcomes,
        [("  ", Role.TEXT), *_exports(exported_to, cells - 2, symbols.ellipsis)],
        [("  ", Role.TEXT), *_next_keys(end, look)],
    ]


def _exports(folder: Path | None, cells: int, ellipsis: str) -> StyledLine:
    if folder is None:
        return [("Not exported yet.", Role.MUTED)]
    label = "Exported to "
    name = fit_middle(clean(str(folder)), max(cells - len(label), 1), ellipsis).rstrip()
    return [(label, Role.MUTED), (name, Role.TEXT)]


def _next_keys(end: RunEnd, look: Look) -> StyledLine:
    failed = end.counts[JobStatus.FAILED]
    actions = [
        (Scope.JOBS, "export(True)", "export all"),
        (Scope.SESSIONS, "read", "read"),
        (Scope.DESK, "quit", "quit"),
        (Scope.SESSIONS, "back", "close this"),
    ]
    if failed:
        actions.insert(0, (Scope.JOBS, "retry_failed", f"retry {format_count(failed, 'failure')}"))
    line: StyledLine = []
    for scope, action, label in actions:
        line += [(look.key_hint(scope, action), Role.KEY), (f" {label}   ", Role.MUTED)]
    return line
