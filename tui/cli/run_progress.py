"""The live display of a run without a screen, on the terminal of stderr, below printed lines.

`tui.render.run_progress` draws the lines. Everything happens in the main thread.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tui.model.supervisor_protocol import SupervisorStatus
from tui.model.totals import Totals, totals
from tui.render.run_progress import progress_lines
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import symbols_for
from workers import secrecy
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import combine_pairs

DRAW_INTERVAL_S = 0.2
MIN_TOTALS_INTERVAL_S = 1.0
MAX_TOTALS_SHARE = 0.02
"""Totals visit every job; they may take this share of the time."""

RESERVED_ROWS = 4
"""Rows of the screen that sessions leave free: for the line of all, and for printed lines."""

_COLOURS = {
    Role.LIVE: "green",
    Role.SUCCESS: "green",
    Role.WARNING: "yellow",
    Role.ERROR: "red",
    Role.ALARM: "bold red",
    Role.PARTIAL: "dim",
    Role.MUTED: "dim",
    Role.FAINT: "dim",
}
"""Colours of the terminal's own palette. Rich leaves them out if NO_COLOR is set."""


class RunProgress:
    """Draws the display between its `start` and `stop`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # The stream of the screen: stderr itself replaces the sequences that move the cursor.
        self._console = Console(file=sys.__stderr__, highlight=False, markup=False, emoji=False)
        self._symbols = symbols_for(self._console.encoding)
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._drawn_at = self._computed_at = float("-inf")
        self._totals_took_s = 0.0
        self._totals = Totals()

    def start(self) -> None:
        """Shows the display, which is still empty."""
        with suppress(OSError):  # the terminal is gone, here and below
            self._live.start()
            self._console.show_cursor(True)  # it would stay hidden if the program were killed

    def stop(self) -> None:
        """Removes the display."""
        with suppress(OSError):
            self._live.stop()

    def print_above(self, text: str) -> None:
        """Prints a clean line above the display."""
        with suppress(OSError):
            self._console.print(Text(secrecy.redact(text)), soft_wrap=True)

    def draw(self, job_states: Mapping[JobId, JobState], supervisor: SupervisorStatus) -> None:
        """Draws the states of all jobs, at most once per `DRAW_INTERVAL_S`."""
        now = self._clock()
        if now - self._drawn_at < DRAW_INTERVAL_S:
            return
        self._drawn_at = now
        jobs = {job_state.job: job_state for job_state in combine_pairs(job_states.values())}
        self._update_totals(jobs, supervisor, now)
        size = self._console.size
        lines = progress_lines(
            jobs.values(),
            self._totals,
            cells=size.width - 1,  # a full row would wrap in some terminals
            max_sessions=size.height - RESERVED_ROWS,
            symbols=self._symbols,
            held=supervisor.holding,
        )
        with suppress(OSError):
            self._live.update(Text("\n").join(map(_text, lines)), refresh=True)

    def _update_totals(
        self, jobs: Mapping[JobId, JobState], supervisor: SupervisorStatus, now: float
    ) -> None:
        wait_s = max(MIN_TOTALS_INTERVAL_S, self._totals_took_s / MAX_TOTALS_SHARE)
        if now - self._computed_at < wait_s:
            return
        self._computed_at = now
        self._totals = totals(
            jobs,
            supervisor.queue,
            supervisor.max_sessions,
            held=supervisor.holding,
            start_simulator=supervisor.start_simulator(),
        )
        self._totals_took_s = self._clock() - now


def _text(line: StyledLine) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for part, role in line:
        text.append(secrecy.redact(part), _COLOURS.get(role))
    return text
