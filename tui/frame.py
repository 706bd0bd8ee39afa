"""What stands at the top and the foot of every screen."""

from collections.abc import Sequence

from tui.keys import Key, Scope
from tui.leaving import Leaving, Phase
from tui.lines import banner, footer
from tui.palette import Line, Look, Role
from tui.state import DeskState
from tui.supervision import Supervision
from workers.history import Status

NOTICE = 5.0
"""Seconds that a notice stands in place of the keys."""

ROOMY = 20
"""From so many rows of screen on, the banner may take two."""

WIDE = 124
"""From so many cells on, the banner has room for all of it on one line."""


class Frame:
    """Draws from the state; keeps only the notice of the moment."""

    def __init__(
        self,
        state: DeskState,
        supervisor: Supervision,
        leaving: Leaving,
        look: Look,
        where: str,
    ) -> None:
        self._state = state
        self._supervisor = supervisor
        self._leaving = leaving
        self._look = look
        self._where = where
        self._notice = ""
        self._notice_ends = 0.0

    def say(self, notice: str, now: float) -> None:
        """Puts a sentence at the foot for a while."""
        self._notice, self._notice_ends = notice, now + NOTICE

    def standing(self, now: float) -> banner.Standing:
        """The totals as they are now."""
        counts = self._state.counts
        queued = counts[Status.QUEUED] + counts[Status.RETRYING]
        live = sum(count for status, count in counts.items() if status.live)
        room = live < self._supervisor.sessions
        next_start = self._supervisor.next_start if queued and room else None
        return banner.Standing(
            queued=queued,
            live=live,
            done=counts[Status.DONE],
            failed=counts[Status.FAILED],
            cancelled=counts[Status.CANCELLED],
            places=self._supervisor.sessions,
            worst_lag_ms=self._state.worst_lag_ms,
            held=self._supervisor.holding,
            next_start_in=None if next_start is None else next_start - now,
        )

    def top(self, cells: int, rows: int, now: float) -> list[Line]:
        """Product, target, totals."""
        symbols, standing = self._look.symbols, self.standing(now)
        if rows >= ROOMY and cells < WIDE:
            return banner.two_lines(self._where, standing, cells, symbols)
        return [banner.one_line(self._where, standing, cells, symbols)]

    def foot(self, keys: Sequence[Key], cells: int, now: float) -> list[Line]:
        """What is awaited, else the notice, else the keys."""
        symbols = self._look.symbols
        if self._leaving.phase is not Phase.STAYING:
            sentence = self._leaving.sentence(self._state, now)
            return [footer.said(sentence, Role.ALARM, cells, symbols)]
        if now < self._notice_ends:
            return [footer.said(self._notice, Role.STRONG, cells, symbols)]
        if not self._state.order:
            keys = [key for key in keys if key.action == "add" or key.scope is Scope.DESK]
        marked = len(self._state.marked)
        return [footer.hints(keys, cells, symbols, f"{marked} marked" if marked else "")]
