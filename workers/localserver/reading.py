"""One line while it is read again and again: which of its words can be relied on."""

from collections.abc import Sequence
from itertools import takewhile

from workers.localserver.lines import HeardWord

PUNCTUATION = '.,;:!?…"“”()[]—–-'


def plain(text: str) -> str:
    """A word in lower case without the punctuation around it; may be empty."""
    return text.strip(PUNCTUATION).lower()


class Reading:
    """The latest hypothesis of a line, and what earlier ones say of it.

    ``committed`` follows LocalAgreement-2: a word is committed when two hypotheses in a row begin
    with the same words up to it, but the last agreed word is held back, being the one most often
    cut short by the end of the audio. Committed words never change, neither text nor time.
    """

    def __init__(self) -> None:
        self.words: tuple[HeardWord, ...] = ()
        self.committed: list[HeardWord] = []
        self._seen: list[int] = []

    def heard(self, words: Sequence[HeardWord]) -> None:
        """The next hypothesis."""
        same = [plain(a.text) == plain(b.text) for a, b in zip(self.words, words, strict=False)]
        agreed = len(list(takewhile(bool, same)))
        self._seen = [
            self._seen[index] + 1
            if index < len(self.words) and self.words[index].text == word.text
            else 1
            for index, word in enumerate(words)
        ]
        self.words = tuple(words)
        while len(self.committed) < agreed - 1:
            self.committed.append(self._after_committed())

    @property
    def next_word(self) -> HeardWord | None:
        """The word after the committed ones, as far as it is known."""
        return self._after_committed() if len(self.words) > len(self.committed) else None

    def _after_committed(self) -> HeardWord:
        # Times move a little with each hypothesis; those that were given out stay in order.
        word = self.words[len(self.committed)]
        start = max(word.start, self.committed[-1].end) if self.committed else word.start
        return HeardWord(word.text, start, max(word.end, start))

    def confidence(self, index: int) -> float:
        """How sure the word is: 0.6 when first seen, nearer to 1 with each hypothesis that
        repeats it. Made up, because the recogniser gives none."""
        seen = self._seen[index] if index < len(self._seen) else 1
        return round(1 - 0.4 * 0.5 ** min(seen - 1, 5), 4)
