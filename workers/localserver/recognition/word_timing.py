"""How loud a piece of speech is, and from that when each of its words was said.

An engine that tells no word times leaves them to this: the characters are spread over those moments
of the piece in which somebody speaks. `tests.benchmarks.word_times` measures how far off that is;
spread over the whole piece, pauses included, it would be twice as far.
"""

from collections.abc import Sequence

import numpy as np

from workers.localserver.recogniser_protocol import RecognisedWord
from workers.localserver.recognition.engines import EngineWord
from workers.localserver.recognition.sound import MODEL_RATE_HZ, Samples

WINDOW_MS = 10
PAUSE_LEVEL_RATIO = 10 ** (-26 / 20)
"""A moment this far below the loud ones of its piece counts as a pause."""

ENGINE_TARGET_RMS = 10 ** (-20 / 20)
"""RMS to which the loud moments of a quiet piece are raised before it is read."""

ENGINE_MAX_GAIN = 10 ** (40 / 20)
"""The most gain ever given."""


def window_rms(samples: Samples) -> Samples:
    """Root mean square of each whole moment."""
    size = MODEL_RATE_HZ * WINDOW_MS // 1000
    moments = samples[: len(samples) // size * size].reshape(-1, size)
    level: Samples = np.sqrt(np.mean(moments * moments, axis=1))
    return level


def apply_gain(samples: Samples) -> Samples:
    """The piece at a level that engines understand, if it is quiet; never beyond full scale."""
    level = window_rms(samples)
    loud = float(np.percentile(level, 95)) if len(level) else 0.0
    gain = min(max(ENGINE_TARGET_RMS / loud, 1.0), ENGINE_MAX_GAIN) if loud > 0 else 1.0
    if gain == 1.0:
        return samples
    louder: Samples = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return louder


def voiced_times_ms(samples: Samples) -> list[int]:
    """The moments, in ms from the first sample, in which somebody speaks."""
    level = window_rms(samples)
    if not len(level):
        return []
    threshold = np.percentile(level, 95) * PAUSE_LEVEL_RATIO
    return [int(index) * WINDOW_MS for index in np.flatnonzero(level >= threshold)]


def time_words(
    words: Sequence[EngineWord], samples: Samples, start_ms: int
) -> tuple[RecognisedWord, ...]:
    """The words with their times in ms of the stream; ``samples`` begins at ``start_ms`` ms of it.

    An engine's own times are relative to the same moment, and are kept.
    """
    end = len(samples) * 1000 // MODEL_RATE_HZ
    if all(word.start_s is not None and word.end_s is not None for word in words):
        said = [_clamp_times(word, end) for word in words]
    else:
        said = words_by_voicing([word.text for word in words], voiced_times_ms(samples), 0, end)
    return tuple(
        RecognisedWord(each.text, start_ms + each.start_ms, start_ms + each.end_ms, word.confidence)
        for each, word in zip(said, words, strict=True)
    )


def _clamp_times(word: EngineWord, end_ms: int) -> RecognisedWord:
    """The engine's own times, within the piece."""
    first, last = (
        min(max(round(1000 * (time or 0)), 0), end_ms) for time in (word.start_s, word.end_s)
    )
    return RecognisedWord(word.text, first, max(first, last))


def words_by_voicing(
    words: Sequence[str], voiced_ms: Sequence[int], start_ms: int, end_ms: int
) -> list[RecognisedWord]:
    """Each word with its share of the voiced moments, by its number of characters.

    ``start_ms`` and ``end_ms`` bound the piece, in ms; without voiced moments they are all there
    is.
    """
    if voiced_ms:
        voiced_ms = [*voiced_ms, voiced_ms[-1] + WINDOW_MS]
    else:
        voiced_ms = list(range(start_ms, end_ms + 1, WINDOW_MS)) or [start_ms]
    total = sum(map(len, words))
    heard: list[RecognisedWord] = []
    before = 0
    for word in words:
        after = before + len(word)
        begins = voiced_ms[before * (len(voiced_ms) - 1) // total]
        # The moment before the next word's first: a pause between two words belongs to neither.
        last = voiced_ms[max(0, after * (len(voiced_ms) - 1) // total - 1)]
        heard.append(RecognisedWord(word, begins, max(begins + WINDOW_MS, last + WINDOW_MS)))
        before = after
    return heard
