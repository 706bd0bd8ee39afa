"""A gain for quiet recordings, which the recogniser otherwise takes for silence.

Speech at the usual levels passes unchanged, to the sample. Before the first speech nobody knows how
loud it will be, and a gain that glides down over the first sound of a word changes that word. So
until then the latest audio is held back: a loud block lets it go at once as it is, a quiet one
after a moment, with the gain that it needs.
"""

import numpy as np

from workers.localserver.voicing import Samples

WANTED = 10 ** (-45 / 20)
"""RMS of the loudest block that needs no help. No higher, because the silence before the first word
is raised to it as well, and must stay silence for the recogniser."""

MOST = 10 ** (30 / 20)
"""The most gain ever given."""

SPEECH = 10 ** (10 / 20)
"""By how much a block must exceed the quietest one to be taken for more than noise."""

HELD = 1.0
"""Seconds of audio held back at most, while there is nothing but silence."""

LISTENS = 0.5
"""Seconds for which quiet speech is listened to before its gain is settled."""

FORGETS = 0.9
"""How much of the level is left after a second: about half in 7 s, longer than most pauses."""


class Leveller:
    """Settles the gain at the first speech; then follows the loudest block, up at once."""

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._held: list[Samples] | None = []
        """None once the first speech was heard."""
        self._quietest = np.inf
        self._level = 0.0
        self._since_speech = 0
        self._gain = 1.0

    def levelled(self, samples: Samples) -> Samples:
        """What may go on to the recogniser: fewer samples than came, or some more of them."""
        if not len(samples):
            return samples
        loud = float(np.sqrt(np.mean(samples * samples)))
        if self._held is None:
            return self._followed(samples, loud)
        self._held.append(samples)
        self._quietest = min(self._quietest, loud)
        self._level = max(self._level, loud)
        if self._level >= max(WANTED / MOST, self._quietest * SPEECH):
            self._since_speech += len(samples)
        if self._level >= WANTED or self._since_speech >= LISTENS * self._sample_rate:
            self._gain = self._wanted_gain()
            return self.rest()
        return self._older_than(HELD)

    def rest(self) -> Samples:
        """All that is held back: for the end of the audio, or its first speech."""
        held, self._held = self._held, None
        return _joined(held or []) * np.float32(self._gain)

    def forget(self) -> None:
        """Drops what is held back; the caller will bring it again."""
        if self._held is not None:
            self._held = []

    def _older_than(self, seconds: float) -> Samples:
        assert self._held is not None
        ready: list[Samples] = []
        while sum(map(len, self._held)) - len(self._held[0]) >= seconds * self._sample_rate:
            ready.append(self._held.pop(0))
        return _joined(ready)

    def _followed(self, samples: Samples, loud: float) -> Samples:
        """The gain glides over the block, so that it does not click."""
        self._level = max(loud, self._level * FORGETS ** (len(samples) / self._sample_rate))
        before, self._gain = self._gain, self._wanted_gain()
        if before == self._gain == 1.0:
            return samples
        # Down at once: the first loud block after a silence must not be clipped.
        glide = np.linspace(min(before, self._gain), self._gain, len(samples), dtype=np.float32)
        levelled: Samples = np.clip(samples * glide, -1.0, 1.0)
        return levelled

    def _wanted_gain(self) -> float:
        return min(max(WANTED / self._level, 1.0), MOST) if self._level > 0 else 1.0


def _joined(pieces: list[Samples]) -> Samples:
    return np.concatenate(pieces) if pieces else np.empty(0, np.float32)
