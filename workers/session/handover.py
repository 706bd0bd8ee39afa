"""Handing over to a further session before the server ends this one."""

from workers.jobs.events import Ended, Outcome
from workers.session.progress import Tally
from workers.session.session_state import Course

LONGEST = 10_800.0
"""Seconds; the service's bound (the vendor's page on session errors: 3008 after three hours)."""

_WINDOW, _WINDOW_SHARE = 300.0, 1 / 3
_LAST, _LAST_SHARE = 30.0, 1 / 10

_NEAR = Ended(
    Outcome.HANDED_OVER, "the session neared its longest duration", "A further one goes on."
)
_TOO_SHORT = Ended(
    Outcome.LOST, "the session ended before anything was sent", "Are the clocks right?"
)


class Handover:
    """Of one session that has begun; times are seconds of the monotonic clock.

    In a window before the session's end it happens at the end of a turn; if none ends, at the last
    moment in any case; and not at all if what is left of the recording fits in.
    """

    def __init__(
        self, expires_at: int, course: Course, tally: Tally, *, wall: float, now: float
    ) -> None:
        """``expires_at`` and ``wall`` in Unix time; 0, or a time that cannot be, says nothing."""
        told = expires_at - wall
        # The two clocks may differ by hours, and the server's bound holds by its own.
        life = told if 0 < told <= LONGEST else LONGEST
        self._window = now + life - min(_WINDOW, life * _WINDOW_SHARE)
        self._last_moment = now + life - min(_LAST, life * _LAST_SHARE)
        self._course = course
        self._tally = tally

    def consider(self, now: float) -> None:
        """A turn has just ended: is this the place?"""
        left = self._tally.seconds_left
        if now >= self._window and not self._course.complete and now + left > self._last_moment:
            self._hand_over()

    def due_in(self, now: float) -> float:
        """Seconds until it must be, whether a turn ends or not; does it when they are over."""
        if self._course.halted or self._course.complete:
            return float("inf")
        left = self._last_moment - now
        if left <= 0:
            self._hand_over()
        return max(0.0, left)

    def _hand_over(self) -> None:
        self._course.end(_NEAR if self._tally.sent else _TOO_SHORT)
