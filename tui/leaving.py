"""Leaving the desk: politely, then by force, then at once.

Plain Python; the clock comes in.
"""

from enum import Enum

from tui.state import DeskState
from tui.supervision import Supervision

PATIENCE = 5.0
"""Seconds after force until the desk leaves anyway; whoever runs it goes on waiting."""


class Phase(Enum):
    """How far the user, or a signal, has got."""

    STAYING = "staying"
    POLITE = "polite"
    FORCED = "forced"
    GONE = "gone"


class Leaving:
    """Counts how often leaving was asked for, and says what is awaited."""

    def __init__(self, supervisor: Supervision) -> None:
        self._supervisor = supervisor
        self.phase = Phase.STAYING
        self.cut_short = False
        """Whether leaving ended jobs before their time."""
        self._since = 0.0

    def ask(self, now: float) -> None:
        """First: no new starts, polite ends. Second: force. Third, or nothing to wait for: gone."""
        if self.phase in (Phase.FORCED, Phase.GONE) or self._supervisor.idle:
            self.phase = Phase.GONE
            return
        self._supervisor.stop()
        self.cut_short = True
        self.phase = Phase.FORCED if self.phase is Phase.POLITE else Phase.POLITE
        self._since = now

    def over(self, now: float) -> bool:
        """Whether the desk may close; asked on every tick."""
        if self.phase is Phase.STAYING:
            return False
        out_of_patience = self.phase is Phase.FORCED and now - self._since > PATIENCE
        if self._supervisor.idle or out_of_patience:
            self.phase = Phase.GONE
        return self.phase is Phase.GONE

    def sentence(self, state: DeskState, now: float) -> str:
        """What is awaited, for the foot of the screen; empty while staying."""
        if self.phase is Phase.STAYING:
            return ""
        count = len(state.live)
        awaited = {0: "the last reports", 1: "1 session"}.get(count, f"{count} sessions")
        waited = int(now - self._since)
        if self.phase is Phase.POLITE:
            return f"Leaving: {awaited} to end politely, {waited} s. q again forces"
        return f"Leaving by force: {awaited}, {waited} s. q again leaves at once"
