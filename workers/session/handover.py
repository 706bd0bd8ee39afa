"""Hands over to a further session before the server ends this one."""

from workers.jobs.events import Ended, Outcome
from workers.protocol.messages import MAX_SESSION_S
from workers.session.progress import SendProgress
from workers.session.session_state import SessionState

_WINDOW_S, _WINDOW_SHARE = 300.0, 1 / 3
_FINAL_MARGIN_S, _FINAL_MARGIN_SHARE = 30.0, 1 / 10

_HANDED_OVER_ENDING = Ended(
    Outcome.HANDED_OVER, "the session neared its longest duration", "A further one goes on."
)
_NOTHING_SENT_ENDING = Ended(
    Outcome.LOST, "the session ended before anything was sent", "Are the clocks right?"
)


class Handover:
    """A timer of one session that has begun. Times are seconds of the monotonic clock.

    In a window before the session expires, it hands over at the end of a turn. If no turn ends in
    it, it hands over at the end of the window. If the rest of the recording fits into the session,
    it does nothing.
    """

    def __init__(
        self,
        expires_at: int,
        state: SessionState,
        progress: SendProgress,
        *,
        wall_time: float,
        now: float,
    ) -> None:
        """``expires_at`` and ``wall_time`` in Unix time; an impossible time is ignored."""
        announced = expires_at - wall_time
        # The two clocks may differ by hours, and the server goes by its own.
        life = announced if 0 < announced <= MAX_SESSION_S else MAX_SESSION_S
        self._window_start = now + life - min(_WINDOW_S, life * _WINDOW_SHARE)
        self._deadline = now + life - min(_FINAL_MARGIN_S, life * _FINAL_MARGIN_SHARE)
        self._state = state
        self._progress = progress

    def check_turn_end(self, now: float) -> None:
        """Hands over if a turn that has just ended lies in the window."""
        fits = now + self._progress.seconds_left <= self._deadline
        if now >= self._window_start and not self._state.all_audio_sent and not fits:
            self._hand_over()

    def tick(self, now: float) -> float:
        """Hands over at the end of the window; returns the seconds until then."""
        if self._state.is_stopping or self._state.all_audio_sent:
            return float("inf")
        if now >= self._deadline:
            self._hand_over()
        return max(0.0, self._deadline - now)

    def _hand_over(self) -> None:
        self._state.end(
            _HANDED_OVER_ENDING if self._progress.sent_samples else _NOTHING_SENT_ENDING
        )
