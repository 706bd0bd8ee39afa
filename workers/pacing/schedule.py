"""Pacing: when each chunk is due.

Needs no clock, socket or process: times come in as seconds of a monotonic clock. A chunk is due at
``start + position / rate``; the schedule never drifts, because no delay is ever added to it. Only
a stall longer than the catch-up bound moves it (a *slip*), so that minutes of audio never leave in
one burst.
"""

from enum import Enum

MAX_CATCH_UP_S = 5.0
"""Seconds of stall that are made up for by sending sooner; a longer one is a slip."""


class Release(Enum):
    """Which end of its interval a chunk leaves at.

    It moves every latency that is counted from the audio by one chunk, so it is always stated.
    """

    START = "start"
    """As the vendor's guide does: the server has a chunk before a microphone could have."""
    END = "end"
    """As a microphone must: a chunk exists when its last sample has been heard."""


class Schedule:
    """The due time of every chunk of one stream.

    ``rate`` in Hz, ``start`` in seconds on the clock that `due` answers in.
    """

    def __init__(
        self, *, rate: int, start: float, release: Release, max_catch_up_s: float = MAX_CATCH_UP_S
    ) -> None:
        self._rate = rate
        self._start = start
        self._release = release
        self._max_catch_up_s = max_catch_up_s

    def due(self, position: int, frames: int) -> float:
        """When the chunk of ``frames`` samples that starts at sample ``position`` must leave."""
        offset = position + frames if self._release is Release.END else position
        return self._start + offset / self._rate

    def slip_if_late(self, due: float, now: float) -> float | None:
        """Seconds by which the schedule was moved, if ``now`` is too far behind ``due``.

        After that, the chunk that was due then is due now.
        """
        late = now - due
        if late <= self._max_catch_up_s:
            return None
        self._start += late
        return late
