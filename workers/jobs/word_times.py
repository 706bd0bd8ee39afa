"""Tells whether the word times of a turn can be true.

Word times say how much of the recording a server has heard. That decides where another attempt
continues, so times that cannot be true are no evidence.
"""

from collections.abc import Sequence
from itertools import pairwise

from workers.protocol.messages import Word

TIME_TOLERANCE_MS = 2500
"""How far times may lie outside the audio that they can be about. The service puts the start of a
turn up to 1 s too early and its end up to 1.3 s too late (measured by a third party in September
2026); the embedded engine guesses the end of a partial turn a little ahead of the audio."""

MIN_WORD_INTERVAL_MS = 10
"""Minimum time from one word to the next, on average. The fastest speech has 100 ms."""


def time_fault(words: Sequence[Word], from_ms: int, sent_ms: float) -> str:
    """Why the times of a turn cannot be true; empty if they can.

    ``from_ms`` and ``sent_ms``: the audio that the server can have heard, on the same clock as the
    words. Without words, nothing is wrong.
    """
    if not words:
        return ""
    first, last = words[0].start, words[-1].start
    if any(word.end < word.start for word in words):
        return "a word ends before it starts"
    if any(after.start < before.start for before, after in pairwise(words)):
        return "the words are not in order"
    if first < from_ms - TIME_TOLERANCE_MS:
        return "a word is before the audio that was sent"
    if max(word.end for word in words) > sent_ms + TIME_TOLERANCE_MS:
        return "a word is after the audio that was sent"
    if last - first < MIN_WORD_INTERVAL_MS * (len(words) - 1):
        return "there are more words than anyone can say"
    return ""
