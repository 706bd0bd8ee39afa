"""Leaving the desk: politely, then by force, then at once.

Plain Python; the clock comes in.
"""

import math
from enum import Enum

from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.text.formats import format_count

QUIT_GRACE_S = 8.0
"""Seconds for polite ends; then they are forced. A session waits three for its Termination, so
whoever gets here has a server that does not answer, or is still being called."""

QUIT_FORCE_TIMEOUT_S = 5.0
"""Seconds after force until the desk leaves anyway; whoever runs it goes on waiting."""


class ShutdownPhase(Enum):
    """How far the user, or a signal, has got."""

    RUNNING = "staying"
    GRACEFUL = "polite"
    FORCED = "forced"
    CLOSED = "gone"


class Shutdown:
    """Counts how often leaving was asked for, and counts down what is awaited."""

    def __init__(self, supervisor: SupervisorProtocol) -> None:
        self._supervisor = supervisor
        self.phase = ShutdownPhase.RUNNING
        self.interrupted_jobs = False
        """Whether leaving ended jobs before their time."""
        self._deadline = 0.0
        """When it goes a step further by itself."""

    def request(self, now: float) -> None:
        """First: no new starts, polite ends. Second: force. Third, or nothing to wait for: gone."""
        if self.phase in (ShutdownPhase.FORCED, ShutdownPhase.CLOSED) or self._supervisor.is_idle:
            self.phase = ShutdownPhase.CLOSED
            return
        self._supervisor.stop()
        self.interrupted_jobs = True
        forced = self.phase is ShutdownPhase.GRACEFUL
        self.phase = ShutdownPhase.FORCED if forced else ShutdownPhase.GRACEFUL
        self._deadline = now + (QUIT_FORCE_TIMEOUT_S if forced else QUIT_GRACE_S)

    def poll(self, now: float) -> bool:
        """Whether the desk may close; asked on every tick. Goes a step further when it is time."""
        if self.phase is ShutdownPhase.RUNNING:
            return False
        if self._supervisor.is_idle:
            self.phase = ShutdownPhase.CLOSED
        elif now > self._deadline:
            self.request(now)
        return self.phase is ShutdownPhase.CLOSED

    def status_text(self, state: DeskState, now: float, key: str = "q") -> str:
        """What is awaited, for the foot of the screen; empty while staying. ``key``: leaves."""
        if self.phase is ShutdownPhase.RUNNING:
            return ""
        count = len(state.live_job_states)
        awaited = format_count(count, "session") if count else "the last reports"
        left = max(math.ceil(self._deadline - now), 0)
        if self.phase is ShutdownPhase.GRACEFUL:
            return f"Leaving: {awaited} to end politely, by force in {left} s. {key} forces now"
        return f"Leaving by force: {awaited}, closes in {left} s. {key} closes now"
