"""What becomes so of the run as a whole, to be said once."""

from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SERVER_RESTARTED_MESSAGE, SupervisorProtocol
from tui.theme.roles import Look


class RunNotices:
    """Asked again and again."""

    def __init__(self, state: DeskState, supervisor: SupervisorProtocol, look: Look) -> None:
        self._state = state
        self._supervisor = supervisor
        self._look = look
        self._seen_revivals = 0
        """So many were told."""
        self._was_active = False

    def poll(self) -> str:
        """A sentence; empty when there is nothing new."""
        if self._supervisor.server_restarts > self._seen_revivals:
            self._seen_revivals = self._supervisor.server_restarts
            return SERVER_RESTARTED_MESSAGE
        was_at_work, self._was_active = self._was_active, not self._state.is_over
        return (
            verbs.over_message(self._state, self._look)
            if was_at_work and not self._was_active
            else ""
        )
