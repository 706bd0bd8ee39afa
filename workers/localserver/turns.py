"""Builds the Turn messages of a session from its hypotheses, in the format of its model family.

The recogniser decides when a turn begins and ends. Nothing here knows sockets, processes or time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from workers.localserver.parameters import ModelFamily, Parameters
from workers.localserver.profanity import mask_profanity
from workers.localserver.recogniser_protocol import Hypothesis, Recognised, RecognisedWord
from workers.protocol.messages import ServerMessage, SpeechStarted, Turn, Word

PUNCTUATION = '.,;:!?…"“”()[]—–-'

MIN_WORD_MS = 10
"""Duration of a word whose time was already assigned to the previous words."""


class TurnBuilder:
    """Builds Turn messages from the reports on a stream."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._turn_order = 0
        self._agreement = Agreement()
        self._uttered_count = 0  # words of the turn that an `utterance` already contained
        self._last_turn: Turn | None = None

    def build_messages(self, report: Recognised) -> list[ServerMessage]:
        """Builds the messages for a report: often none, else those of a partial or final turn."""
        hypothesis, last = report.hypothesis, self._last_turn
        if hypothesis is None or not (hypothesis.words or last):
            return []
        ended = hypothesis.end_of_turn
        if not (ended or self.parameters.include_partial_turns):
            return []
        u3 = self.parameters.family is ModelFamily.U3
        turns = [self._u3_turn(hypothesis)] if u3 else self._streaming_turns(hypothesis)
        turn = turns[0]
        if not ended and (not turn.words or (last is not None and _is_same_text(turn, last))):
            return []
        if self.parameters.language_detection:
            # As in the vendor's reference, final turns and complete utterances state the language.
            turns = [
                replace(message, language_code="en", language_confidence=1.0)
                if message.end_of_turn or message.utterance
                else message
                for message in turns
            ]
        self._last_turn = turn
        if ended:
            self._turn_order += 1
            self._agreement = Agreement()
            self._uttered_count = 0
            self._last_turn = None
        if u3 and last is None:
            first = turn.words[0]
            return [SpeechStarted(first.start, confidence=first.confidence), *turns]
        return [*turns]

    def _u3_turn(self, hypothesis: Hypothesis) -> Turn:
        """Builds a U3 Turn: every word may change until the final Turn, which is formatted."""
        ended = hypothesis.end_of_turn
        self._agreement.replace_words(hypothesis.words)
        words = self._wire_words(hypothesis.words, final=ended)
        text = _join_words(words)
        return Turn(
            turn_order=self._turn_order,
            end_of_turn=ended,
            transcript=text,
            turn_is_formatted=ended,
            end_of_turn_confidence=1.0 if ended else 0.0,
            utterance=text if ended else "",
            words=words,
        )

    def _streaming_turns(self, hypothesis: Hypothesis) -> list[Turn]:
        """Builds Universal-Streaming Turns: word by word, unformatted, then formatted if asked."""
        agreement, ended = self._agreement, hypothesis.end_of_turn
        settled_count = len(hypothesis.words) if ended else hypothesis.settled_count
        agreement.update(hypothesis.words, settled_count)
        committed = self._wire_words(agreement.committed, final=True)
        next_words = agreement.words[len(committed) : len(committed) + 1]  # may be incomplete
        growing = self._wire_words(next_words, final=False, first=len(committed))
        final = _strip_formatting(committed)
        uttered = _strip_formatting(committed[self._uttered_count : agreement.settled_count])
        self._uttered_count = agreement.settled_count
        turn = Turn(
            turn_order=self._turn_order,
            end_of_turn=ended,
            transcript=_join_words(final),
            end_of_turn_confidence=hypothesis.end_of_turn_confidence,
            utterance=_join_words(uttered),
            words=(*final, *_strip_formatting(growing)),
        )
        if not (ended and self.parameters.format_turns):
            return [turn]
        text = _join_words(committed)
        formatted = replace(
            turn, transcript=text, turn_is_formatted=True, utterance="", words=committed
        )
        return [turn, formatted]

    def _wire_words(
        self, words: Iterable[RecognisedWord], *, final: bool, first: int = 0
    ) -> tuple[Word, ...]:
        """The words of the agreement from index ``first`` on, as words of a message."""
        mask = mask_profanity if self.parameters.filter_profanity else str
        confidence = self._agreement.confidence
        return tuple(
            Word(mask(word.text), word.start_ms, word.end_ms, confidence(index), final)
            for index, word in enumerate(words, first)
        )


def _strip_formatting(words: Iterable[Word]) -> tuple[Word, ...]:
    return tuple(replace(word, text=text) for word in words if (text := plain_word(word.text)))


def _join_words(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _is_same_text(turn: Turn, last_turn: Turn) -> bool:
    """Whether two partial turns have the same words, ignoring times and confidences."""
    return not turn.utterance and [(word.text, word.word_is_final) for word in turn.words] == [
        (word.text, word.word_is_final) for word in last_turn.words
    ]


# --- LocalAgreement-2: which words of the open turn are stable across successive hypotheses


def plain_word(text: str) -> str:
    """The word in lower case without surrounding punctuation; may be empty."""
    return text.strip(PUNCTUATION).lower()


class Agreement:
    """The latest hypothesis of a turn, compared with the earlier ones.

    A word is committed when two hypotheses in a row agree on all words up to it. The last
    agreed word is not committed, since the end of the audio often cuts it short. Only case and
    punctuation of a committed word can change; a later hypothesis that contradicts it is ignored.
    """

    def __init__(self) -> None:
        self.words: tuple[RecognisedWord, ...] = ()
        self.committed: tuple[RecognisedWord, ...] = ()
        self.settled_count = 0
        """Number of committed words whose audio will not be transcribed again."""
        self._repeat_counts: list[int] = []

    def replace_words(self, words: Sequence[RecognisedWord]) -> None:
        """Applies the next hypothesis without committing any word, for U3 models."""
        self._repeat_counts = [
            self._repeat_counts[index] + 1
            if index < len(self.words) and self.words[index].text == word.text
            else 1
            for index, word in enumerate(words)
        ]
        self.words = tuple(words)

    def update(self, words: Sequence[RecognisedWord], settled_count: int = 0) -> None:
        """Applies the next hypothesis and commits words, always the first ``settled_count``."""
        aligned = _aligned_count(self.committed, words)
        kept = [
            replace(before, text=now.text)
            if plain_word(before.text) == plain_word(now.text)
            else before
            for before, now in zip(self.committed, words[:aligned], strict=False)
        ]
        kept += self.committed[len(kept) :]
        # Times shift a little with each hypothesis; those of committed words stay in order.
        for word in words[aligned:]:
            start_ms = max(word.start_ms, kept[-1].end_ms if kept else 0)
            end_ms = max(word.end_ms, start_ms + MIN_WORD_MS)
            kept.append(replace(word, start_ms=start_ms, end_ms=end_ms))
        pairs = zip(self.words, kept, strict=False)
        same = [plain_word(before.text) == plain_word(now.text) for before, now in pairs]
        agreed = len(list(takewhile(bool, same)))
        self.settled_count = max(self.settled_count, len(kept) - len(words) + settled_count)
        count = max(agreed - 1, self.settled_count, len(self.committed))
        self.committed = tuple(kept[:count])
        self.replace_words(kept)

    def confidence(self, index: int) -> float:
        """Confidence of a word from 0 to 1.

        If the engine reports none, it is invented: 0.6 at first, and closer to 1 with each
        hypothesis that repeats the word.
        """
        reported = self.words[index].confidence
        if reported is not None:
            return round(reported, 4)
        return round(1 - 0.4 * 0.5 ** min(self._repeat_counts[index] - 1, 5), 4)


def _aligned_count(committed: Sequence[RecognisedWord], words: Sequence[RecognisedWord]) -> int:
    """Length of the prefix of ``words`` with the least edit distance to the committed words."""
    known = [plain_word(word.text) for word in committed]
    costs = list(range(len(known) + 1))  # one row of the matrix: from an empty prefix
    best = (costs[-1], len(known), 0)
    for count, word in enumerate(words, 1):
        diagonal, costs[0] = costs[0], count
        for column, text in enumerate(known, 1):
            changed = diagonal + (text != plain_word(word.text))
            diagonal = costs[column]
            costs[column] = min(changed, diagonal + 1, costs[column - 1] + 1)
        # At equal cost, prefer the same length, so that a changed word is neither lost nor added.
        # But include the last committed word if a new word moved it back; else it is sent twice.
        shifted = count > len(known) and known[-1:] == [plain_word(word.text)]
        best = min(best, (costs[-1], -1 if shifted else abs(len(known) - count), count))
    return best[-1]
