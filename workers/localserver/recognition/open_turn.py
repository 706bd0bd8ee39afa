"""What was said so far in the turn that is going on, and whether it is over."""

from dataclasses import replace

from workers.localserver.recogniser_protocol import Endpointing, HeardWord, Reading

LONGEST = 30_000
"""Ms after which a turn ends with its piece, however dense the speech: messages stay small."""

FINISHED = 0.9
UNFINISHED = 0.2
"""Made-up confidences that a turn is over, with and without the end of a sentence. The default
thresholds lie between them; 0 and 1 do what the vendor says they do."""

Words = tuple[HeardWord, ...]


class OpenTurn:
    """The words of its closed pieces; those of the open piece are handed in."""

    def __init__(self) -> None:
        self._settled: Words = ()
        self.told = False
        """Whether a partial was told: then its end must be too, even if nothing is left of it."""

    def settle(self, words: Words) -> None:
        """A piece is closed; its words stay as they are."""
        self._settled += words

    @property
    def too_long(self) -> bool:
        """Whether it must end with the piece that was closed."""
        words = self._settled
        return bool(words) and words[-1].end - words[0].start >= LONGEST

    def over(self, piece: Words, silence: int, rules: Endpointing) -> bool:
        """Whether so many ms of silence behind the piece end it."""
        words = self._settled + piece
        if not (words or self.told):
            return False
        if silence >= rules.max_turn_silence:
            return True
        return silence >= rules.min_turn_silence and _confidence(words) >= rules.threshold

    def partial(self, piece: Words) -> Reading:
        """All of it so far."""
        words = self._settled + piece
        self.told = self.told or bool(words)
        return Reading(words, len(self._settled))

    def pause(self, piece: Words) -> Reading:
        """The same, read in a pause."""
        partial = self.partial(piece)
        return replace(partial, end_of_turn_confidence=_confidence(partial.words))

    def end(self, piece: Words) -> Reading | None:
        """All of it, for the last time; None if there was none. The next turn begins."""
        words, self._settled = self._settled + piece, ()
        told, self.told = self.told, False
        if not (words or told):
            return None
        return Reading(words, len(words), True, _confidence(words))


def _confidence(words: Words) -> float:
    return FINISHED if words and words[-1].text.endswith((".", "?", "!")) else UNFINISHED
