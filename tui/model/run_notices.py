"""What becomes so of the run as a whole, to be said once."""

from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import REVIVED, Supervision
from tui.theme.roles import Look


class News:
    """Asked again and again."""

    def __init__(self, state: DeskState, supervisor: Supervision, look: Look) -> None:
        self._state = state
        self._supervisor = supervisor
        self._look = look
        self._revivals = 0
        """So many were told."""
        self._at_work = False

    def latest(self) -> str:
        """A sentence; empty when there is nothing new."""
        if self._supervisor.revivals > self._revivals:
            self._revivals = self._supervisor.revivals
            return REVIVED
        was_at_work, self._at_work = self._at_work, not self._state.over
        return verbs.over(self._state, self._look) if was_at_work and not self._at_work else ""
