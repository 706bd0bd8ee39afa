"""Gives each recognised word its start and end in the stream.

For an engine without word times, the characters are spread over the voiced windows of the segment.
`tests.benchmarks.word_times` measures the error. Spreading the characters over the whole
segment, including pauses, would double the error.
"""

from collections.abc import Sequence

import numpy as np

from workers.localserver.recogniser_protocol import RecognisedWord, RecognisedWords
from workers.localserver.recognition.engines import EngineWord
from workers.localserver.recognition.sound import MODEL_RATE_HZ, WINDOW_MS, Samples, window_rms

PAUSE_LEVEL_RATIO = 10 ** (-26 / 20)
"""A window this far below the loud windows of its segment counts as a pause."""


def voiced_times_ms(samples: Samples) -> list[int]:
    """Starts of the windows that contain speech, in ms from the first sample."""
    levels = window_rms(samples)
    if not len(levels):
        return []
    threshold = np.percentile(levels, 95) * PAUSE_LEVEL_RATIO
    return [int(index) * WINDOW_MS for index in np.flatnonzero(levels >= threshold)]


def time_words(words: Sequence[EngineWord], samples: Samples, start_ms: int) -> RecognisedWords:
    """The words with their times in the stream; ``samples`` starts at ``start_ms``.

    Uses the engine's times, which count from the first sample, if it reports any.
    """
    length_ms = len(samples) * 1000 // MODEL_RATE_HZ

    def clamped_ms(time_s: float | None) -> int:
        return min(max(round(1000 * (time_s or 0)), 0), length_ms)

    if all(word.start_s is not None and word.end_s is not None for word in words):
        spans = [(clamped_ms(word.start_s), clamped_ms(word.end_s)) for word in words]
    else:
        texts = [word.text for word in words]
        timed = words_by_voicing(texts, voiced_times_ms(samples), 0, length_ms)
        spans = [(word.start_ms, word.end_ms) for word in timed]
    return tuple(
        RecognisedWord(word.text, start_ms + start, start_ms + max(start, end), word.confidence)
        for word, (start, end) in zip(words, spans, strict=True)
    )


def words_by_voicing(
    words: Sequence[str], voiced_ms: Sequence[int], start_ms: int, end_ms: int
) -> list[RecognisedWord]:
    """Gives each word a share of the voiced windows in proportion to its number of characters.

    Without voiced windows, all time from ``start_ms`` to ``end_ms`` is divided instead.
    """
    if voiced_ms:
        voiced_ms = [*voiced_ms, voiced_ms[-1] + WINDOW_MS]
    else:
        voiced_ms = list(range(start_ms, end_ms + 1, WINDOW_MS)) or [start_ms]
    total = sum(map(len, words))
    timed: list[RecognisedWord] = []
    before = 0
    for word in words:
        after = before + len(word)
        start = voiced_ms[before * (len(voiced_ms) - 1) // total]
        # End in the window before the next word: a pause between words belongs to neither.
        last = voiced_ms[max(0, after * (len(voiced_ms) - 1) // total - 1)]
        timed.append(RecognisedWord(word, start, max(start + WINDOW_MS, last + WINDOW_MS)))
        before = after
    return timed
