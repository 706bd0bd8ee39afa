"""How loud a piece of speech is, and from that when each of its words was said.

An engine that tells no word times leaves them to this: the characters are spread over those moments
of the piece in which somebody speaks. `tests.benchmarks.word_times` measures how far off that is;
spread over the whole piece, pauses included, it would be twice as far.
"""

from collections.abc import Sequence

import numpy as np

from workers.localserver.recogniser_protocol import HeardWord
from workers.localserver.recognition.engines import EngineWord
from workers.localserver.recognition.sound import RATE, Samples

MOMENT_MS = 10
QUIET_BELOW_LOUD = 10 ** (-26 / 20)
"""A moment this far below the loud ones of its piece counts as a pause."""

LOUD = 10 ** (-20 / 20)
"""RMS to which the loud moments of a quiet piece are raised before it is read."""

MOST = 10 ** (40 / 20)
"""The most gain ever given."""


def levels(samples: Samples) -> Samples:
    """Root mean square of each whole moment."""
    size = RATE * MOMENT_MS // 1000
    moments = samples[: len(samples) // size * size].reshape(-1, size)
    level: Samples = np.sqrt(np.mean(moments * moments, axis=1))
    return level


def raised(samples: Samples) -> Samples:
    """The piece at a level that engines understand, if it is quiet; never beyond full scale."""
    level = levels(samples)
    loud = float(np.percentile(level, 95)) if len(level) else 0.0
    gain = min(max(LOUD / loud, 1.0), MOST) if loud > 0 else 1.0
    if gain == 1.0:
        return samples
    louder: Samples = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return louder


def voiced(samples: Samples) -> list[int]:
    """The moments, in ms from the first sample, in which somebody speaks."""
    level = levels(samples)
    if not len(level):
        return []
    threshold = np.percentile(level, 95) * QUIET_BELOW_LOUD
    return [int(index) * MOMENT_MS for index in np.flatnonzero(level >= threshold)]


def timed(words: Sequence[EngineWord], speech: Samples, start: int) -> tuple[HeardWord, ...]:
    """The words with their times in ms of the stream; ``speech`` begins at ``start`` ms of it.

    An engine's own times are relative to the same moment, and are kept.
    """
    end = len(speech) * 1000 // RATE
    if all(word.start is not None and word.end is not None for word in words):
        said = [_told(word, end) for word in words]
    else:
        said = spread([word.text for word in words], voiced(speech), 0, end)
    return tuple(
        HeardWord(each.text, start + each.start, start + each.end, word.confidence)
        for each, word in zip(said, words, strict=True)
    )


def _told(word: EngineWord, end: int) -> HeardWord:
    """The engine's own times, within the piece."""
    first, last = (min(max(round(1000 * (time or 0)), 0), end) for time in (word.start, word.end))
    return HeardWord(word.text, first, max(first, last))


def spread(words: Sequence[str], moments: Sequence[int], start: int, end: int) -> list[HeardWord]:
    """Each word with its share of the voiced moments, by its number of characters.

    ``start`` and ``end`` bound the piece, in ms; without voiced moments they are all there is.
    """
    if moments:
        moments = [*moments, moments[-1] + MOMENT_MS]
    else:
        moments = list(range(start, end + 1, MOMENT_MS)) or [start]
    total = sum(map(len, words))
    heard: list[HeardWord] = []
    before = 0
    for word in words:
        after = before + len(word)
        begins = moments[before * (len(moments) - 1) // total]
        # The moment before the next word's first: a pause between two words belongs to neither.
        last = moments[max(0, after * (len(moments) - 1) // total - 1)]
        heard.append(HeardWord(word, begins, max(begins + MOMENT_MS, last + MOMENT_MS)))
        before = after
    return heard
