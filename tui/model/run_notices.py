"""Notices about the run as a whole, each shown once."""

from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SERVER_RESTARTED_MESSAGE, SupervisorStatus
from tui.theme.roles import Look


class RunNotices:
    """Compares the run with what it was at the last `poll`."""

    def __init__(self, state: DeskState, supervisor: SupervisorStatus, look: Look) -> None:
        self._state = state
        self._supervisor = supervisor
        self._look = look
        self._announced_restarts = 0
        self._was_active = False

    def poll(self) -> str:
        """Returns a notice; empty when there is nothing new."""
        if self._supervisor.server_restarts > self._announced_restarts:
            self._announced_restarts = self._supervisor.server_restarts
            return SERVER_RESTARTED_MESSAGE
        was_active, self._was_active = self._was_active, not self._state.is_over
        return (
            verbs.over_message(self._state, self._look)
            if was_active and not self._was_active
            else ""
        )
