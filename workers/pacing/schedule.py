"""When each chunk is due.

A chunk is due at ``start + position / rate``. No delay is ever added to that, so the schedule does
not drift. Only a stall longer than the catch-up bound moves it (a *slip*), so that minutes of audio
never leave in one burst.
"""

from enum import Enum

MAX_CATCH_UP_S = 5.0
"""Seconds of stall that are made up for by sending sooner; a longer one is a slip."""


class Release(Enum):
    """Which end of its interval a chunk leaves at.

    It moves every latency that is counted from the audio by one chunk, so it is always stated.
    """

    START = "start"
    """As in the vendor's guide: the server has a chunk before a microphone could have."""
    END = "end"
    """As with a microphone: a chunk exists when its last sample has been recorded."""


class Schedule:
    """The due time of every chunk of one stream.

    ``rate`` in Hz; ``start``, and every time below, in seconds of the same clock.
    """

    def __init__(self, *, rate: int, start: float, release: Release) -> None:
        self._rate = rate
        self._start = start
        self._release = release

    def due(self, position: int, frames: int) -> float:
        """When the chunk of ``frames`` samples that starts at sample ``position`` must leave."""
        offset = position + frames if self._release is Release.END else position
        return self._start + offset / self._rate

    def slip_if_late(self, due: float, now: float) -> float | None:
        """Moves the schedule if ``now`` is too far behind ``due``; returns by how many seconds.

        The chunk that was due then is due now.
        """
        late = now - due
        if late <= MAX_CATCH_UP_S:
            return None
        self._start += late
        return late
