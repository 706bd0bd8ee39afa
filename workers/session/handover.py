"""Handing over to a further session before the server ends this one."""

from workers.jobs.events import Ended, Outcome
from workers.session.progress import SendProgress
from workers.session.session_state import SessionState

MAX_SESSION_S = 10_800.0
"""Seconds; the service's bound (the vendor's page on session errors: 3008 after three hours)."""

_WINDOW_S, _WINDOW_SHARE = 300.0, 1 / 3
_FINAL_MARGIN_S, _FINAL_MARGIN_SHARE = 30.0, 1 / 10

_HANDED_OVER_ENDING = Ended(
    Outcome.HANDED_OVER, "the session neared its longest duration", "A further one goes on."
)
_NOTHING_SENT_ENDING = Ended(
    Outcome.LOST, "the session ended before anything was sent", "Are the clocks right?"
)


class Handover:
    """Of one session that has begun; times are seconds of the monotonic clock.

    In a window before the session's end it happens at the end of a turn; if none ends, at the last
    moment in any case; and not at all if what is left of the recording fits in.
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
        """``expires_at`` and ``wall_time`` in Unix time; 0, or a time that cannot be, says
        nothing."""
        told = expires_at - wall_time
        # The two clocks may differ by hours, and the server's bound holds by its own.
        life = told if 0 < told <= MAX_SESSION_S else MAX_SESSION_S
        self._window_start = now + life - min(_WINDOW_S, life * _WINDOW_SHARE)
        self._deadline = now + life - min(_FINAL_MARGIN_S, life * _FINAL_MARGIN_SHARE)
        self._state = state
        self._progress = progress

    def check_turn_end(self, now: float) -> None:
        """A turn has just ended: is this the place?"""
        left = self._progress.seconds_left
        if (
            now >= self._window_start
            and not self._state.all_audio_sent
            and now + left > self._deadline
        ):
            self._hand_over()

    def check_deadline(self, now: float) -> float:
        """Seconds until it must be, whether a turn ends or not; does it when they are over."""
        if self._state.is_stopping or self._state.all_audio_sent:
            return float("inf")
        left = self._deadline - now
        if left <= 0:
            self._hand_over()
        return max(0.0, left)

    def _hand_over(self) -> None:
        self._state.end(
            _HANDED_OVER_ENDING if self._progress.sent_samples else _NOTHING_SENT_ENDING
        )
