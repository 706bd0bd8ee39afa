"""Computes when each chunk is due: at ``start + position / (rate * speed)``.

Delays are never added to it, so the schedule does not drift. A stall longer than `MAX_CATCH_UP_S`
moves it (a *slip*), so that minutes of audio never leave in one burst. So does audio that does not
exist yet (a *wait*), when a recording is streamed while it is being written.
"""

from dataclasses import dataclass
from enum import Enum
from math import ceil

MAX_CATCH_UP_S = 5.0
"""After a stall of at most this time, late chunks are sent at once; a longer stall is a slip."""


class Release(Enum):
    """Whether a chunk leaves at the start or the end of its interval.

    The choice shifts every latency measured from the audio by one chunk, so it is always stated.
    """

    START = "start"
    """As in the vendor's guide: the server gets a chunk before a microphone could have made it."""
    END = "end"
    """As with a microphone: a chunk exists when its last sample has been recorded."""


@dataclass(frozen=True, slots=True)
class Beat:
    """The clock of two streams: the chunks of both are due on its beats, and so at the same time.

    Times are in seconds of a clock that both processes share.
    """

    start_s: float
    """The time of beat 0."""
    interval_s: float
    """The time between two chunks."""

    def at(self, number: int) -> float:
        """The time of a beat."""
        return self.start_s + number * self.interval_s

    def next_number(self, not_before: float) -> int:
        """The number of the first beat at or after a time, from 0."""
        return max(0, ceil((not_before - self.start_s) / self.interval_s))


def next_in_phase(not_before: float, phase: float, interval_s: float) -> float:
    """The first time from ``not_before`` on at which the phase of the clock is ``phase``, the share
    of an interval that has passed: chunks of streams with different phases are due apart."""
    return not_before + (phase * interval_s - not_before) % interval_s


class Schedule:
    """The due times of one stream; ``rate`` in Hz, all times in seconds of the same clock.

    ``speed``: seconds of audio to send per second. With ``beat_s``, a slip moves the schedule by a
    whole number of intervals of that duration, so that the stream stays on the beat of its pair.
    """

    def __init__(
        self,
        *,
        rate: int,
        start: float,
        release: Release,
        speed: float = 1.0,
        beat_s: float | None = None,
    ) -> None:
        self._samples_per_second = rate * speed
        self._start = start
        self._release = release
        self._beat_s = beat_s

    def due(self, position: int, frames: int) -> float:
        """When the chunk of ``frames`` samples that starts at sample ``position`` must leave."""
        offset = position + frames if self._release is Release.END else position
        return self._start + offset / self._samples_per_second

    def slip_if_late(self, due: float, now: float) -> float | None:
        """Moves the schedule if ``now`` is too far behind ``due``, so that the chunk is due now, or
        on the next beat.

        Returns the shift in seconds; None if the schedule did not move.
        """
        late = now - due
        if late <= MAX_CATCH_UP_S:
            return None
        if self._beat_s is not None:
            late = ceil(late / self._beat_s) * self._beat_s
        self._start += late
        return late

    def wait_for_audio(self, due: float, ready: float) -> float | None:
        """Moves the schedule if a chunk that was ``due`` did not exist before ``ready``, so that it
        is due then. Happens only while the recording is still being written.

        Returns the shift in seconds; None if the schedule did not move.
        """
        waited = ready - due
        if waited <= 0:
            return None
        self._start += waited
        return waited
