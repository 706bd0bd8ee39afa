"""LocalAgreement-2: which words of the open turn are stable across successive hypotheses."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from workers.localserver.recogniser_protocol import RecognisedWord

PUNCTUATION = '.,;:!?…"“”()[]—–-'

MIN_WORD_MS = 10
"""Duration of a word whose time was already given to the words before it."""


def plain_word(text: str) -> str:
    """The word in lower case without surrounding punctuation; may be empty."""
    return text.strip(PUNCTUATION).lower()


class Agreement:
    """The latest hypothesis of a turn, compared with the earlier ones.

    A word is committed when two hypotheses in a row start with the same words up to it. The last
    agreed word is held back, since the end of the audio often cuts it short. Only case and
    punctuation of a committed word can change; a later hypothesis that contradicts it is ignored.
    """

    def __init__(self) -> None:
        self.words: tuple[RecognisedWord, ...] = ()
        self.committed: tuple[RecognisedWord, ...] = ()
        self.settled_count = 0
        """Number of committed words whose audio will not be transcribed again."""
        self._repeat_counts: list[int] = []

    def replace_words(self, words: Sequence[RecognisedWord]) -> None:
        """Takes the next hypothesis without committing anything, as for U3 models."""
        self._repeat_counts = [
            self._repeat_counts[index] + 1
            if index < len(self.words) and self.words[index].text == word.text
            else 1
            for index, word in enumerate(words)
        ]
        self.words = tuple(words)

    def update(self, words: Sequence[RecognisedWord], settled_count: int = 0) -> None:
        """Takes the next hypothesis and commits; its first ``settled_count`` words always are."""
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
        """The word after the committed ones, which may be incomplete."""
        return self.words[len(self.committed)] if len(self.words) > len(self.committed) else None

    def confidence(self, index: int) -> float:
        """Confidence of a word from 0 to 1.

        If the engine reports none it is invented: 0.6 at first, closer to 1 with each hypothesis
        that repeats the word.
        """
        reported = self.words[index].confidence
        if reported is not None:
            return round(reported, 4)
        return round(1 - 0.4 * 0.5 ** min(self._repeat_counts[index] - 1, 5), 4)

    def _merge_committed(self, words: Sequence[RecognisedWord]) -> tuple[RecognisedWord, ...]:
        """The hypothesis with the committed words in place of those that correspond to them."""
        known = _aligned_count(self.committed, words)
        kept = [
            replace(before, text=now.text)
            if plain_word(before.text) == plain_word(now.text)
            else before
            for before, now in zip(self.committed, words[:known], strict=False)
        ]
        kept += self.committed[len(kept) :]
        # Times shift a little with each hypothesis; those of committed words stay in order.
        end = kept[-1].end_ms if kept else 0
        for word in words[known:]:
            kept.append(_shift_after(word, end))
            end = kept[-1].end_ms
        return tuple(kept)


def _shift_after(word: RecognisedWord, time_ms: int) -> RecognisedWord:
    start_ms = max(word.start_ms, time_ms)
    return replace(word, start_ms=start_ms, end_ms=max(word.end_ms, start_ms + MIN_WORD_MS))


def _aligned_count(committed: Sequence[RecognisedWord], words: Sequence[RecognisedWord]) -> int:
    """Length of the prefix of ``words`` with the least edit distance to the committed words."""
    known = [plain_word(word.text) for word in committed]
    costs = list(range(len(known) + 1))  # one row of the matrix: from an empty prefix
    best = (costs[-1], len(known), 0)
    for count, word in enumerate(words, 1):
        above, costs[0] = costs[0], count
        for column, text in enumerate(known, 1):
            changed = above + (text != plain_word(word.text))
            above, costs[column] = (
                costs[column],
                min(changed, costs[column] + 1, costs[column - 1] + 1),
            )
        # Among equal costs prefer the same length: a changed word is neither lost nor added. But
        # if a new word pushed the last committed one further on, go up to it, or it would double.
        shifted = count > len(known) and known[-1:] == [plain_word(word.text)]
        best = min(best, (costs[-1], -1 if shifted else abs(len(known) - count), count))
    return best[-1]
