"""The open turn while it is read again and again: which of its words can be relied on."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from workers.localserver.recogniser_protocol import RecognisedWord

PUNCTUATION = '.,;:!?…"“”()[]—–-'

MIN_WORD_MS = 10
"""Ms that are left to a word whose time was given to the words before it."""


def plain_word(text: str) -> str:
    """A word in lower case without the punctuation around it; may be empty."""
    return text.strip(PUNCTUATION).lower()


class Agreement:
    """The latest reading of a turn, and what earlier ones say of it.

    ``committed`` follows LocalAgreement-2: a word is committed when two readings in a row begin
    with the same words up to it, but the last agreed word is held back, being the one most often
    cut short by the end of the audio. Committed words never change but for case and punctuation: a
    later reading that contradicts them is taken as if it did not.
    """

    def __init__(self) -> None:
        self.words: tuple[RecognisedWord, ...] = ()
        self.committed: tuple[RecognisedWord, ...] = ()
        self.settled_count = 0
        """How many of them nobody will read again."""
        self._repeat_counts: list[int] = []

    def replace_words(self, words: Sequence[RecognisedWord]) -> None:
        """The next reading, for whom nothing is final before its end."""
        self._repeat_counts = [
            self._repeat_counts[index] + 1
            if index < len(self.words) and self.words[index].text == word.text
            else 1
            for index, word in enumerate(words)
        ]
        self.words = tuple(words)

    def update(self, words: Sequence[RecognisedWord], settled_count: int = 0) -> None:
        """The next reading; its first ``settled_count`` words are committed whatever others say."""
        kept = self._merge_committed(words)
        same = [
            plain_word(a.text) == plain_word(b.text) for a, b in zip(self.words, kept, strict=False)
        ]
        agreed = len(list(takewhile(bool, same)))
        self.settled_count = max(self.settled_count, len(kept) - len(words) + settled_count)
        self.committed = kept[: max(agreed - 1, self.settled_count, len(self.committed))]
        self.replace_words(kept)

    @property
    def next_word(self) -> RecognisedWord | None:
        """The word after the committed ones, as far as it is known."""
        return self.words[len(self.committed)] if len(self.words) > len(self.committed) else None

    def confidence(self, index: int) -> float:
        """How sure the word is: the engine's own figure, or else 0.6 when first seen, nearer to 1
        with each reading that repeats it, which is made up."""
        known = self.words[index].confidence
        if known is not None:
            return round(known, 4)
        return round(1 - 0.4 * 0.5 ** min(self._repeat_counts[index] - 1, 5), 4)

    def _merge_committed(self, words: Sequence[RecognisedWord]) -> tuple[RecognisedWord, ...]:
        """The reading with the committed words in place of those that stand for them in it."""
        known = _aligned_count(self.committed, words)
        kept = [
            replace(before, text=now.text)
            if plain_word(before.text) == plain_word(now.text)
            else before
            for before, now in zip(self.committed, words[:known], strict=False)
        ]
        kept += self.committed[len(kept) :]
        # Times move a little with each reading; those that were given out stay in order.
        end = kept[-1].end_ms if kept else 0
        for word in words[known:]:
            kept.append(_shift_after(word, end))
            end = kept[-1].end_ms
        return tuple(kept)


def _shift_after(word: RecognisedWord, time_ms: int) -> RecognisedWord:
    start_ms = max(word.start_ms, time_ms)
    return replace(word, start_ms=start_ms, end_ms=max(word.end_ms, start_ms + MIN_WORD_MS))


def _aligned_count(committed: Sequence[RecognisedWord], words: Sequence[RecognisedWord]) -> int:
    """How many words, from the first, are the nearest to the committed ones by edit distance."""
    known = [plain_word(word.text) for word in committed]
    costs = list(range(len(known) + 1))  # from no word at all to the first n of the known
    best = (costs[-1], len(known), 0)
    for count, word in enumerate(words, 1):
        above, costs[0] = costs[0], count
        for at, each in enumerate(known, 1):
            changed = above + (each != plain_word(word.text))
            above, costs[at] = costs[at], min(changed, costs[at] + 1, costs[at - 1] + 1)
        # Of equal ones the nearest in length: a word that was changed is neither lost nor added.
        # But with a new word before it, the last committed one is farther on, and is not doubled.
        farther = count > len(known) and known[-1:] == [plain_word(word.text)]
        best = min(best, (costs[-1], -1 if farther else abs(len(known) - count), count))
    return best[-1]
