"""Leaving the desk: politely, then by force, then at once.

Plain Python; the clock comes in.
"""

import math
from enum import Enum

from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import Supervision
from tui.text.formats import counted

FAREWELL = 8.0
"""Seconds for polite ends; then they are forced. A session waits three for its Termination, so
whoever gets here has a server that does not answer, or is still being called."""

PATIENCE = 5.0
"""Seconds after force until the desk leaves anyway; whoever runs it goes on waiting."""


class Phase(Enum):
    """How far the user, or a signal, has got."""

    STAYING = "staying"
    POLITE = "polite"
    FORCED = "forced"
    GONE = "gone"


class Leaving:
    """Counts how often leaving was asked for, and counts down what is awaited."""

    def __init__(self, supervisor: Supervision) -> None:
        self._supervisor = supervisor
        self.phase = Phase.STAYING
        self.cut_short = False
        """Whether leaving ended jobs before their time."""
        self._until = 0.0
        """When it goes a step further by itself."""

    def ask(self, now: float) -> None:
        """First: no new starts, polite ends. Second: force. Third, or nothing to wait for: gone."""
        if self.phase in (Phase.FORCED, Phase.GONE) or self._supervisor.idle:
            self.phase = Phase.GONE
            return
        self._supervisor.stop()
        self.cut_short = True
        forced = self.phase is Phase.POLITE
        self.phase = Phase.FORCED if forced else Phase.POLITE
        self._until = now + (PATIENCE if forced else FAREWELL)

    def over(self, now: float) -> bool:
        """Whether the desk may close; asked on every tick. Goes a step further when it is time."""
        if self.phase is Phase.STAYING:
            return False
        if self._supervisor.idle:
            self.phase = Phase.GONE
        elif now > self._until:
            self.ask(now)
        return self.phase is Phase.GONE

    def sentence(self, state: DeskState, now: float, key: str = "q") -> str:
        """What is awaited, for the foot of the screen; empty while staying. ``key``: leaves."""
        if self.phase is Phase.STAYING:
            return ""
        count = len(state.live)
        awaited = counted(count, "session") if count else "the last reports"
        left = max(math.ceil(self._until - now), 0)
        if self.phase is Phase.POLITE:
            return f"Leaving: {awaited} to end politely, by force in {left} s. {key} forces now"
        return f"Leaving by force: {awaited}, closes in {left} s. {key} closes now"
