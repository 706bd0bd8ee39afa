"""When each word of a line was said, from the line's text and how loud the line was.

The recogniser gives no word times, so the characters of a line are spread over those of its frames
in which somebody speaks. Against an aligner the start of a word is then off by about 0.1 s in the
median; spread over the whole line, silence included, it would be twice that.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workers.localserver.lines import HeardWord

FRAME_MS = 10
QUIET_BELOW_LOUD = 10 ** (-26 / 20)
"""A frame this far below the loud frames of its line counts as a pause."""

Samples = npt.NDArray[np.float32]


class Loudness:
    """The level of a stream, one value for each 10 ms from its beginning."""

    def __init__(self, sample_rate: int) -> None:
        self._frame = sample_rate * FRAME_MS // 1000
        self._rest: Samples = np.empty(0, np.float32)
        self._levels: list[float] = []

    def add(self, samples: Samples) -> None:
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // self._frame * self._frame
        frames = samples[:whole].reshape(-1, self._frame)
        self._levels.extend(np.sqrt(np.mean(frames * frames, axis=1)).tolist())
        self._rest = samples[whole:]

    def voiced(self, start: int, end: int) -> list[int]:
        """The moments, in ms, of the frames between two times in which somebody speaks."""
        first = start // FRAME_MS
        levels = np.array(self._levels[first : max(end // FRAME_MS, first + 1)])
        if not len(levels):
            return []
        threshold = np.percentile(levels, 95) * QUIET_BELOW_LOUD
        return [(first + int(index)) * FRAME_MS for index in np.flatnonzero(levels >= threshold)]


def spread(words: Sequence[str], voiced: Sequence[int], start: int, end: int) -> list[HeardWord]:
    """Each word with its share of the voiced moments, by its number of characters.

    ``start`` and ``end`` bound the line, in ms; without voiced moments they are all there is.
    """
    moments = [*voiced, voiced[-1] + FRAME_MS] if voiced else list(range(start, end + 1, FRAME_MS))
    total = sum(map(len, words))
    heard: list[HeardWord] = []
    before = 0
    for word in words:
        after = before + len(word)
        begins = moments[before * (len(moments) - 1) // total]
        # The moment before the next word's first: a pause between two words belongs to neither.
        last = moments[max(0, after * (len(moments) - 1) // total - 1)]
        heard.append(HeardWord(word, begins, max(begins + FRAME_MS, last + FRAME_MS)))
        before = after
    return heard
