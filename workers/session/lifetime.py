"""How long a session may live, and when it hands over to another before that."""

LONGEST = 10_800.0
"""Seconds; the service's bound (the vendor's page on session errors: 3008 after three hours)."""

_WINDOW, _WINDOW_SHARE = 300.0, 1 / 3
_LAST, _LAST_SHARE = 30.0, 1 / 10


class Lifetime:
    """Of one session; times are seconds of the monotonic clock, the server's word aside.

    In a window before its end the session hands over at the end of a turn; if none ends, at the
    last moment in any case.
    """

    def __init__(self, expires_at: int, *, wall: float, now: float) -> None:
        """``expires_at`` and ``wall`` in Unix time; 0, or a time that cannot be, says nothing."""
        told = expires_at - wall
        # The two clocks may differ by hours, and the server's bound holds by its own.
        life = told if 0 < told <= LONGEST else LONGEST
        self._end = now + life
        self._window = self._end - min(_WINDOW, life * _WINDOW_SHARE)
        self.last_moment = self._end - min(_LAST, life * _LAST_SHARE)
        """When it hands over in mid-turn rather than not at all."""

    def suffices(self, now: float, seconds: float) -> bool:
        """Whether so many seconds of audio, and the last words, fit into what is left."""
        return now + seconds <= self.last_moment

    def nears_its_end(self, now: float) -> bool:
        """Whether the next end of a turn is the place to hand over."""
        return now >= self._window
