"""Quits the desk: gracefully, then by force, then at once. The caller passes in the time."""

import math
from collections.abc import Callable
from enum import Enum

from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SupervisorStatus
from tui.text.formats import format_count

QUIT_GRACE_S = 8.0
"""Seconds after which ending sessions are killed. They wait 3 s for their Termination, so this
is reached only if a server does not answer or a session is still connecting."""

QUIT_FORCE_TIMEOUT_S = 5.0
"""Seconds after the kill until the UI closes anyway; the command keeps waiting for sessions."""


CONFIRM_S = 5.0
"""Seconds in which a second press of the key confirms the first."""


class ShutdownPhase(Enum):
    """The phase of quitting."""

    RUNNING = "running"
    GRACEFUL = "graceful"
    FORCED = "forced"
    CLOSED = "closed"


class Shutdown:
    """Ends sessions with ``stop``: its first call ends them gracefully, its second kills them."""

    def __init__(self, supervisor: SupervisorStatus, stop: Callable[[], None]) -> None:
        self._supervisor = supervisor
        self._stop = stop
        self.phase = ShutdownPhase.RUNNING
        self.interrupted_jobs = False
        """Whether quitting ended jobs early."""
        self._deadline = 0.0
        """When the next phase starts automatically."""
        self._confirmed_until = -math.inf
        """Until when another press quits."""

    def is_confirmed(self, live_sessions: int, now: float) -> bool:
        """Whether a key may quit: with live sessions only if it was pressed before, within
        `CONFIRM_S`. Counts as a press."""
        if self.phase is not ShutdownPhase.RUNNING or self._supervisor.is_idle:
            return True
        if not live_sessions or now < self._confirmed_until:
            return True
        self._confirmed_until = now + CONFIRM_S
        return False

    def request(self, now: float) -> None:
        """Enters the next phase; closes at once if no job is live or queued."""
        if self.phase in (ShutdownPhase.FORCED, ShutdownPhase.CLOSED) or self._supervisor.is_idle:
            self.phase = ShutdownPhase.CLOSED
            return
        self._stop()
        self.interrupted_jobs = True
        forced = self.phase is ShutdownPhase.GRACEFUL
        self.phase = ShutdownPhase.FORCED if forced else ShutdownPhase.GRACEFUL
        self._deadline = now + (QUIT_FORCE_TIMEOUT_S if forced else QUIT_GRACE_S)

    def poll(self, now: float) -> bool:
        """Enters the next phase when it is due; returns True once the desk may close."""
        if self.phase is ShutdownPhase.RUNNING:
            return False
        if self._supervisor.is_idle:
            self.phase = ShutdownPhase.CLOSED
        elif now > self._deadline:
            self.request(now)
        return self.phase is ShutdownPhase.CLOSED

    def status_text(self, state: DeskState, now: float, key: str = "q") -> str:
        """Says what quitting waits for; empty if not quitting. ``key``: the key that quits."""
        if self.phase is ShutdownPhase.RUNNING:
            return ""
        count = len(state.live_job_states)
        awaited = format_count(count, "session") if count else "the last reports"
        left = max(math.ceil(self._deadline - now), 0)
        if self.phase is ShutdownPhase.GRACEFUL:
            return f"Quitting: waiting for {awaited}, forced in {left} s. {key} forces now"
        return f"Forced: waiting for {awaited}, closes in {left} s. {key} closes now"
