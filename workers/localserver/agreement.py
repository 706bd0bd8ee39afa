"""The open turn while it is read again and again: which of its words can be relied on."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from workers.localserver.recogniser_protocol import HeardWord

PUNCTUATION = '.,;:!?…"“”()[]—–-'

SHORTEST_WORD = 10
"""Ms that are left to a word whose time was given to the words before it."""


def plain(text: str) -> str:
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
        self.words: tuple[HeardWord, ...] = ()
        self.committed: tuple[HeardWord, ...] = ()
        self.settled = 0
        """How many of them nobody will read again."""
        self._seen: list[int] = []

    def read(self, words: Sequence[HeardWord]) -> None:
        """The next reading, for whom nothing is final before its end."""
        self._seen = [
            self._seen[index] + 1
            if index < len(self.words) and self.words[index].text == word.text
            else 1
            for index, word in enumerate(words)
        ]
        self.words = tuple(words)

    def heard(self, words: Sequence[HeardWord], settled: int = 0) -> None:
        """The next reading; its first ``settled`` words are committed whatever others say."""
        kept = self._kept(words)
        same = [plain(a.text) == plain(b.text) for a, b in zip(self.words, kept, strict=False)]
        agreed = len(list(takewhile(bool, same)))
        self.settled = max(self.settled, len(kept) - len(words) + settled)
        self.committed = kept[: max(agreed - 1, self.settled, len(self.committed))]
        self.read(kept)

    @property
    def next_word(self) -> HeardWord | None:
        """The word after the committed ones, as far as it is known."""
        return self.words[len(self.committed)] if len(self.words) > len(self.committed) else None

    def confidence(self, index: int) -> float:
        """How sure the word is: the engine's own figure, or else 0.6 when first seen, nearer to 1
        with each reading that repeats it, which is made up."""
        known = self.words[index].confidence
        if known is not None:
            return round(known, 4)
        return round(1 - 0.4 * 0.5 ** min(self._seen[index] - 1, 5), 4)

    def _kept(self, words: Sequence[HeardWord]) -> tuple[HeardWord, ...]:
        """The reading with the committed words in place of those that stand for them in it."""
        known = _stands_for(self.committed, words)
        kept = [
            replace(before, text=now.text) if plain(before.text) == plain(now.text) else before
            for before, now in zip(self.committed, words[:known], strict=False)
        ]
        kept += self.committed[len(kept) :]
        # Times move a little with each reading; those that were given out stay in order.
        end = kept[-1].end if kept else 0
        for word in words[known:]:
            kept.append(_not_before(word, end))
            end = kept[-1].end
        return tuple(kept)


def _not_before(word: HeardWord, time: int) -> HeardWord:
    start = max(word.start, time)
    return replace(word, start=start, end=max(word.end, start + SHORTEST_WORD))


def _stands_for(committed: Sequence[HeardWord], words: Sequence[HeardWord]) -> int:
    """How many words, from the first, are the nearest to the committed ones by edit distance."""
    known = [plain(word.text) for word in committed]
    costs = list(range(len(known) + 1))  # from no word at all to the first n of the known
    best = (costs[-1], len(known), 0)
    for count, word in enumerate(words, 1):
        above, costs[0] = costs[0], count
        for at, each in enumerate(known, 1):
            changed = above + (each != plain(word.text))
            above, costs[at] = costs[at], min(changed, costs[at] + 1, costs[at - 1] + 1)
        # Of equal ones the nearest in length: a word that was changed is neither lost nor added.
        # But with a new word before it, the last committed one is farther on, and is not doubled.
        farther = count > len(known) and known[-1:] == [plain(word.text)]
        best = min(best, (costs[-1], -1 if farther else abs(len(known) - count), count))
    return best[-1]
