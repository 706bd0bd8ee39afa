"""What was said so far in the turn that is going on, and whether it is over."""

from dataclasses import replace

from workers.localserver.recogniser_protocol import Endpointing, Hypothesis, RecognisedWord

MAX_TURN_MS = 30_000
"""Ms after which a turn ends with its piece, however dense the speech: messages stay small."""

COMPLETE_CONFIDENCE = 0.9
INCOMPLETE_CONFIDENCE = 0.2
"""Made-up confidences that a turn is over, with and without the end of a sentence. The default
thresholds lie between them; 0 and 1 do what the vendor says they do."""

RecognisedWords = tuple[RecognisedWord, ...]


class OpenTurn:
    """The words of its closed pieces; those of the open piece are handed in."""

    def __init__(self) -> None:
        self._settled_words: RecognisedWords = ()
        self.partial_sent = False
        """Whether a partial was told: then its end must be too, even if nothing is left of it."""

    def add_settled(self, words: RecognisedWords) -> None:
        """A piece is closed; its words stay as they are."""
        self._settled_words += words

    @property
    def is_too_long(self) -> bool:
        """Whether it must end with the piece that was closed."""
        words = self._settled_words
        return bool(words) and words[-1].end_ms - words[0].start_ms >= MAX_TURN_MS

    def is_over(
        self, segment_words: RecognisedWords, silence_ms: int, endpointing: Endpointing
    ) -> bool:
        """Whether so many ms of silence behind the piece end it."""
        words = self._settled_words + segment_words
        if not (words or self.partial_sent):
            return False
        if silence_ms >= endpointing.max_turn_silence:
            return True
        return (
            silence_ms >= endpointing.min_turn_silence
            and _end_confidence(words) >= endpointing.end_of_turn_threshold
        )

    def take_partial(self, segment_words: RecognisedWords) -> Hypothesis:
        """All of it so far."""
        words = self._settled_words + segment_words
        self.partial_sent = self.partial_sent or bool(words)
        return Hypothesis(words, len(self._settled_words))

    def take_pause_partial(self, segment_words: RecognisedWords) -> Hypothesis:
        """The same, read in a pause."""
        partial = self.take_partial(segment_words)
        return replace(partial, end_of_turn_confidence=_end_confidence(partial.words))

    def finish(self, segment_words: RecognisedWords) -> Hypothesis | None:
        """All of it, for the last time; None if there was none. The next turn begins."""
        words, self._settled_words = self._settled_words + segment_words, ()
        told, self.partial_sent = self.partial_sent, False
        if not (words or told):
            return None
        return Hypothesis(words, len(words), True, _end_confidence(words))


def _end_confidence(words: RecognisedWords) -> float:
    return (
        COMPLETE_CONFIDENCE
        if words and words[-1].text.endswith((".", "?", "!"))
        else INCOMPLETE_CONFIDENCE
    )
