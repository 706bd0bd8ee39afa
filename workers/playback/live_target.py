"""Computes what should be heard of a live session, and how fast to play to get there."""

from collections import deque

from workers.jobs.sent_position import SentPosition

MAX_EXTRAPOLATION_S = 1.5
"""How far a session is assumed to continue after its last report. Reports come every second."""

EXACT_S = 0.02
"""A playback that is off by less plays at its exact speed."""

MAX_SPEED_CHANGE = 0.02
"""The largest change of speed. Nobody hears speech at 2 % more as faster or higher."""

_MAX_REPORTS = 8
_STALL_S = 0.3


class LiveTarget:
    """Follows the reports of one session. ``chunk_s``: the length of its chunks in seconds.

    A chunk sounds while the next one is due: it is heard from the moment at which it is sent.
    """

    def __init__(self, sent: SentPosition, chunk_s: float) -> None:
        self._chunk_s = chunk_s
        self._offsets: deque[float] = deque(maxlen=_MAX_REPORTS)
        """Sent seconds minus the time of each report. A report may come up to a chunk after the
        last chunk was sent, so the largest offset is the best."""
        self.update(sent)

    def update(self, sent: SentPosition) -> None:
        """Applies a report."""
        offset = sent.seconds - sent.at
        if self._offsets and offset < max(self._offsets) - _STALL_S:
            self._offsets.clear()
        self._offsets.append(offset)
        self._sent = sent

    def position_s(self, now: float) -> float:
        """The position in the recording that should be heard at ``now``, on the monotonic clock."""
        sent_s = min(max(self._offsets) + now, self._sent.seconds + MAX_EXTRAPOLATION_S)
        return max(0.0, sent_s - self._chunk_s)

    def unheard_s(self, heard_s: float, now: float) -> float:
        """Seconds of audio that are sent, but not heard yet."""
        return self.position_s(now) + self._chunk_s - heard_s


def playback_speed(late_s: float) -> float:
    """The speed that corrects a playback that is ``late_s`` seconds late: 1.0 if it is close,
    at most `MAX_SPEED_CHANGE` away from it otherwise."""
    if abs(late_s) < EXACT_S:
        return 1.0
    return 1.0 + min(max(late_s / 5, -MAX_SPEED_CHANGE), MAX_SPEED_CHANGE)
