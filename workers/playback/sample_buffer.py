"""Decoded samples on their way from the decoder's thread to the sound device's thread."""

from threading import Condition
from typing import Any, TypeAlias

import numpy as np

from workers.errors import Unreadable

MAX_AHEAD_S = 2.0
"""How far the decoder works ahead of the sound device: on a busy machine it may have to wait."""

PlaybackSamples: TypeAlias = "np.ndarray[tuple[int], np.dtype[Any]]"
"""Mono samples."""


class SampleBuffer:
    """The samples of one recording from ``start_frame`` on. Thread-safe.

    ``rate`` in Hz. A frame is the number of a sample at that rate, from the recording's start.
    `put` waits while the buffer is full; `read` never waits.
    """

    def __init__(self, rate: int, start_frame: int) -> None:
        self.next_frame = start_frame
        """The frame of the next sample to read."""
        self.failure: Unreadable | None = None
        """Why the decoder stopped before the end of the recording; valid once it has stopped."""
        self._max_samples = round(rate * MAX_AHEAD_S)
        self._samples: PlaybackSamples = np.empty(0, dtype=np.int16)
        self._skip_samples = 0
        """How many of the samples to come are dropped."""
        self.has_begun = False
        """Whether the decoder has put its first sample."""
        self.is_closed = False
        """Whether the reader needs no more samples."""
        self.is_complete = False
        """Whether the decoder has put its last sample."""
        self._condition = Condition()

    def put(self, pcm: bytes) -> bool:
        """Adds PCM16 samples as soon as there is room; returns False if no more are needed."""
        samples = np.frombuffer(pcm, dtype="<i2")
        with self._condition:
            self._condition.wait_for(lambda: self.is_closed or not self.is_full)
            self.has_begun = True
            dropped = min(self._skip_samples, len(samples))
            self._skip_samples -= dropped
            self._samples = np.concatenate((self._samples, samples[dropped:]))
            return not self.is_closed

    def complete(self, failure: Unreadable | None = None) -> None:
        """Tells the reader that no more samples come."""
        with self._condition:
            self.is_complete, self.failure = True, failure

    def close(self) -> None:
        """Tells the decoder that no more samples are needed."""
        with self._condition:
            self.is_closed = True
            self._condition.notify_all()

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def is_full(self) -> bool:
        return len(self._samples) >= self._max_samples

    @property
    def is_drained(self) -> bool:
        """Whether every sample was read and no more come."""
        return self.is_complete and not len(self._samples)

    def read(self, count: int, lookahead: int = 0) -> PlaybackSamples:
        """Takes at most ``count`` samples, and returns them with those that follow: at most
        ``lookahead``, which stay in the buffer."""
        with self._condition:
            taken, self._samples = self._samples[: count + lookahead], self._samples[count:]
            self.next_frame += min(count, len(taken))
            self._condition.notify_all()
            return taken

    def skip_to(self, frame: int) -> None:
        """Drops every sample before ``frame``, now or as soon as it is decoded."""
        with self._condition:
            skipped = max(0, frame - self.next_frame)
            dropped = min(skipped, len(self._samples))
            self._samples = self._samples[dropped:]
            self._skip_samples += skipped - dropped
            self.next_frame += skipped
            self._condition.notify_all()
