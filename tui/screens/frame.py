"""The banner at the top and the footer at the bottom of every full screen."""

from collections import Counter
from collections.abc import Callable, Sequence

from tui.keys.key_table import KeyBinding, Scope, bindings_in
from tui.model.desk_state import DeskState
from tui.model.shutdown import Shutdown, ShutdownPhase
from tui.model.supervisor_protocol import SupervisorStatus
from tui.model.totals import Totals, totals
from tui.render import banner, footer, welcome
from tui.render.banner import Destination, RunStatus
from tui.theme.roles import Look, Role, StyledLine
from workers.jobs.job_state import JobStatus

NOTICE_DURATION_S = 5.0
"""Seconds for which a notice replaces the keys."""

MIN_TALL_BANNER_ROWS = 20
"""Screens with fewer rows have a banner of one row."""

MIN_SCREEN_SIZE = (30, 6)
"""Columns and rows below which the screen shows only that it is too small."""

TOO_SMALL_LINES: list[StyledLine] = [[("Window too small", Role.ALARM)]]

TOTALS_INTERVAL_S = 1.0
"""Seconds between two computations of the totals, which go through every job."""


def is_too_small(cells: int, rows: int) -> bool:
    """Whether a screen of that size shows nothing but a message."""
    return cells < MIN_SCREEN_SIZE[0] or rows < MIN_SCREEN_SIZE[1]


class ScreenFrame:
    """Builds the lines from the state; holds only the current notice.

    ``verbs``: the verbs of this run, for the footer. ``footer_bar``: lines above the footer.
    """

    def __init__(
        self,
        state: DeskState,
        supervisor: SupervisorStatus,
        shutdown: Shutdown,
        look: Look,
        destination: Destination,
        verbs: Sequence[KeyBinding] = (),
        footer_bar: Callable[[int], list[StyledLine]] = lambda _: [],
    ) -> None:
        self._state = state
        self._supervisor = supervisor
        self._shutdown = shutdown
        self._look = look
        self._destination = destination
        self._verbs = verbs
        self._footer_bar = footer_bar
        self._notice = ""
        self._notice_until = 0.0
        self._totals = Totals()
        self._totals_time = float("-inf")
        self._totals_counts = Counter[JobStatus]()

    def show_notice(self, notice: str, now: float) -> None:
        """Shows a sentence in the footer for `NOTICE_DURATION_S`."""
        self._notice, self._notice_until = notice, now + NOTICE_DURATION_S

    def run_status(self, now: float) -> RunStatus:
        """The numbers of the banner."""
        counts = self._state.status_counts
        waiting = counts[JobStatus.QUEUED] + counts[JobStatus.RETRYING]
        live = sum(count for status, count in counts.items() if status.is_live)
        room = live < self._supervisor.max_sessions
        next_start = self._supervisor.next_start_at if waiting and room else None
        return RunStatus(
            queued=counts[JobStatus.QUEUED],
            live=live,
            retrying=counts[JobStatus.RETRYING],
            done=counts[JobStatus.DONE],
            failed=counts[JobStatus.FAILED],
            cancelled=counts[JobStatus.CANCELLED],
            max_sessions=self._supervisor.max_sessions,
            starts_held=self._supervisor.holding,
            next_start_in_s=None if next_start is None else next_start - now,
            totals=self._refreshed_totals(now),
            interrupted=counts[JobStatus.INTERRUPTED],
            connecting=counts[JobStatus.CONNECTING],
        )

    def _refreshed_totals(self, now: float) -> Totals:
        """Recomputes the totals once per `TOTALS_INTERVAL_S`, and when a job changes its status."""
        counts = self._state.status_counts
        if now - self._totals_time >= TOTALS_INTERVAL_S or counts != self._totals_counts:
            supervisor = self._supervisor
            self._totals_time, self._totals_counts = now, counts.copy()
            self._totals = totals(
                self._state.job_states,
                supervisor.queue,
                supervisor.max_sessions,
                held=supervisor.holding,
                start_simulator=supervisor.start_simulator(),
                all_job_states=self._state.all_job_states,
            )
        return self._totals

    def banner_lines(self, cells: int, rows: int, now: float) -> list[StyledLine]:
        """Product, destination and status, in one or two rows."""
        symbols, run_status = self._look.symbols, self.run_status(now)
        if rows >= MIN_TALL_BANNER_ROWS:
            return banner.two_line_banner(self._destination, run_status, cells, symbols)
        return [banner.one_line_banner(self._destination, run_status, cells, symbols)]

    def welcome_lines(self, cells: int) -> list[StyledLine]:
        """What an empty table shows."""
        return welcome.welcome_lines(
            self._destination, self._look.keymap, cells, self._look.symbols
        )

    def footer_keys(self, screen_keys: Sequence[KeyBinding]) -> list[KeyBinding]:
        """The keys of a screen between those of the replay and those of jobs and desk."""
        replay = [verb for verb in self._verbs if verb.scope is Scope.REPLAY]
        others = [verb for verb in self._verbs if verb.scope is not Scope.REPLAY]
        return [*replay, *screen_keys, *others, *bindings_in(Scope.DESK)]

    def footer_lines(
        self, bindings: Sequence[KeyBinding], cells: int, now: float
    ) -> list[StyledLine]:
        """The footer bar, then one of: what quitting waits for, the notice, the keys."""
        return [*self._footer_bar(cells), self._footer_line(bindings, cells, now)]

    def _footer_line(self, bindings: Sequence[KeyBinding], cells: int, now: float) -> StyledLine:
        symbols = self._look.symbols
        if self._shutdown.phase is not ShutdownPhase.RUNNING:
            key = self._look.keymap.key_display(Scope.DESK, "quit")
            sentence = self._shutdown.status_text(self._state, now, key)
            return footer.message_line(sentence, Role.ALARM, cells, symbols)
        if now < self._notice_until:
            return footer.message_line(self._notice, Role.STRONG, cells, symbols)
        if not self._state.job_states:
            bindings = [key for key in bindings if key.action == "add" or key.scope is Scope.DESK]
        marked = len(self._state.table.marked)
        return footer.key_hints(bindings, cells, symbols, f"{marked} marked" if marked else "")
