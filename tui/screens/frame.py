"""What stands at the top and the foot of every screen."""

from collections import Counter
from collections.abc import Sequence

from tui.keys.key_table import Key, Scope
from tui.model.desk_state import DeskState
from tui.model.shutdown import Leaving, Phase
from tui.model.supervisor_protocol import Supervision
from tui.model.totals import Totals, totals
from tui.render import banner, footer, welcome
from tui.render.banner import Destination
from tui.render.run_status import Standing
from tui.theme.roles import Line, Look, Role
from workers.jobs.job_state import Status

NOTICE = 5.0
"""Seconds that a notice stands in place of the keys."""

ROOMY = 20
"""From so many rows of screen on, the banner may take two."""

LEAST = (30, 6)
"""Cells and rows of screen in which what is shown still tells the truth."""

TOO_SMALL: list[Line] = [[("Window too small", Role.ALARM)]]

EVERY = 1.0
"""Seconds between two looks at the totals: they go through every job there is."""


def too_small(cells: int, rows: int) -> bool:
    """Whether nothing can be shown there."""
    return cells < LEAST[0] or rows < LEAST[1]


class Frame:
    """Draws from the state; keeps only the notice of the moment."""

    def __init__(
        self,
        state: DeskState,
        supervisor: Supervision,
        leaving: Leaving,
        look: Look,
        where: Destination,
    ) -> None:
        self._state = state
        self._supervisor = supervisor
        self._leaving = leaving
        self._look = look
        self._where = where
        self._notice = ""
        self._notice_ends = 0.0
        self._totals = Totals()
        self._counted_at = float("-inf")
        self._counted = Counter[Status]()

    def say(self, notice: str, now: float) -> None:
        """Puts a sentence at the foot for a while."""
        self._notice, self._notice_ends = notice, now + NOTICE

    def standing(self, now: float) -> Standing:
        """How everything stands."""
        counts = self._state.counts
        waiting = counts[Status.QUEUED] + counts[Status.RETRYING]
        live = sum(count for status, count in counts.items() if status.live)
        room = live < self._supervisor.sessions
        next_start = self._supervisor.next_start if waiting and room else None
        return Standing(
            queued=counts[Status.QUEUED],
            live=live,
            retrying=counts[Status.RETRYING],
            done=counts[Status.DONE],
            failed=counts[Status.FAILED],
            cancelled=counts[Status.CANCELLED],
            places=self._supervisor.sessions,
            held=self._supervisor.holding,
            next_start_in=None if next_start is None else next_start - now,
            totals=self._totals_at(now),
            interrupted=counts[Status.INTERRUPTED],
            connecting=counts[Status.CONNECTING],
        )

    def _totals_at(self, now: float) -> Totals:
        """At most so old, and of the jobs that are where they are now."""
        counts = self._state.counts
        if now - self._counted_at >= EVERY or counts != self._counted:
            supervisor = self._supervisor
            self._counted_at, self._counted = now, counts.copy()
            self._totals = totals(
                self._state.histories,
                supervisor.queue,
                supervisor.sessions,
                held=supervisor.holding,
                starts=supervisor.foreseen_starts(),
                run=self._state.run,
            )
        return self._totals

    def top(self, cells: int, rows: int, now: float) -> list[Line]:
        """Product, target, how it stands."""
        symbols, standing = self._look.symbols, self.standing(now)
        if rows >= ROOMY:
            return banner.two_lines(self._where, standing, cells, symbols)
        return [banner.one_line(self._where, standing, cells, symbols)]

    def welcome(self, cells: int) -> list[Line]:
        """In place of the table while there is nothing in it."""
        return welcome.welcome(self._where, self._look.keys, cells, self._look.symbols)

    def foot(self, keys: Sequence[Key], cells: int, now: float) -> list[Line]:
        """What is awaited, else the notice, else the keys."""
        symbols = self._look.symbols
        if self._leaving.phase is not Phase.STAYING:
            key = self._look.keys.shown(Scope.DESK, "quit")
            sentence = self._leaving.sentence(self._state, now, key)
            return [footer.said(sentence, Role.ALARM, cells, symbols)]
        if now < self._notice_ends:
            return [footer.said(self._notice, Role.STRONG, cells, symbols)]
        keys = self._look.keys(keys)
        if not self._state.histories:
            keys = [key for key in keys if key.action == "add" or key.scope is Scope.DESK]
        marked = len(self._state.marked)
        return [footer.hints(keys, cells, symbols, f"{marked} marked" if marked else "")]
