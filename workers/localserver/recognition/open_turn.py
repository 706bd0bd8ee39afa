"""The words of the open turn, and the rule that ends it."""

from workers.localserver.recogniser_protocol import Endpointing, Hypothesis, RecognisedWords

MAX_TURN_MS = 30_000
"""A turn this long ends with its segment, even without a pause, to limit the size of messages."""

COMPLETE_CONFIDENCE = 0.9
INCOMPLETE_CONFIDENCE = 0.2
"""Invented end-of-turn confidences, with and without the end of a sentence. The default thresholds
lie between them; thresholds of 0 and 1 have the effect that the vendor documents."""


class OpenTurn:
    """The words of the turn's closed segments. Callers pass the words of the open segment."""

    def __init__(self) -> None:
        self._settled_words: RecognisedWords = ()
        self.partial_sent = False
        """True if a partial turn was sent: a final turn must follow it, even without words."""

    def add_settled(self, words: RecognisedWords) -> None:
        """Adds the words of a closed segment; they will not change."""
        self._settled_words += words

    @property
    def is_too_long(self) -> bool:
        words = self._settled_words
        return bool(words) and words[-1].end_ms - words[0].start_ms >= MAX_TURN_MS

    def has_ended(
        self, segment_words: RecognisedWords, silence_ms: int, endpointing: Endpointing
    ) -> bool:
        """Whether ``silence_ms`` of silence after the open segment end the turn."""
        words = self._settled_words + segment_words
        if not (words or self.partial_sent):
            return False
        if silence_ms >= endpointing.max_turn_silence:
            return True
        return (
            silence_ms >= endpointing.min_turn_silence
            and _end_confidence(words) >= endpointing.end_of_turn_threshold
        )

    def take_partial(self, segment_words: RecognisedWords, *, at_pause: bool = False) -> Hypothesis:
        """Returns all words so far; at a pause, with the confidence that the turn has ended."""
        words = self._settled_words + segment_words
        self.partial_sent = self.partial_sent or bool(words)
        confidence = _end_confidence(words) if at_pause else 0.0
        return Hypothesis(words, len(self._settled_words), end_of_turn_confidence=confidence)

    def finish(self, segment_words: RecognisedWords) -> Hypothesis | None:
        """Ends the turn. Returns the final hypothesis; None if no word was recognised or sent."""
        words, self._settled_words = self._settled_words + segment_words, ()
        partial_sent, self.partial_sent = self.partial_sent, False
        if not (words or partial_sent):
            return None
        return Hypothesis(words, len(words), True, _end_confidence(words))


def _end_confidence(words: RecognisedWords) -> float:
    complete = words and words[-1].text.endswith((".", "?", "!"))
    return COMPLETE_CONFIDENCE if complete else INCOMPLETE_CONFIDENCE
