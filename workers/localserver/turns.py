"""Builds the Turn messages of a session from its hypotheses, in the way of each model family.

The recogniser decides when a turn begins and ends. Nothing here knows sockets, processes or time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from workers.localserver.agreement import Agreement, plain_word
from workers.localserver.parameters import ModelFamily, Parameters
from workers.localserver.profanity import mask_profanity
from workers.localserver.recogniser_protocol import Hypothesis, Recognised, RecognisedWord
from workers.protocol.messages import ServerMessage, SpeechStarted, Turn, Word

LANGUAGE = "en"
"""The only language of the engines."""


class TurnBuilder:
    """Turns the reports on a stream into Turn messages."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._turn_order = 0
        self._agreement = Agreement()
        self._uttered_count = 0  # words of the turn that some `utterance` contained
        self._last_turn: Turn | None = None

    def build_messages(self, report: Recognised) -> list[ServerMessage]:
        """The messages for a report: often none, at most a partial or a final of the turn."""
        hypothesis = report.hypothesis
        if hypothesis is None or not (hypothesis.words or self._last_turn):
            return []
        if not (hypothesis.end_of_turn or self.parameters.include_partial_turns):
            return []
        u3 = self.parameters.family is ModelFamily.U3
        turns = self._build_u3_turns(hypothesis) if u3 else self._build_streaming_turns(hypothesis)
        if hypothesis.end_of_turn:
            self._turn_order += 1
        elif not turns[0].words or (
            self._last_turn is not None and _is_same_text(turns[0], self._last_turn)
        ):
            return []
        started: list[ServerMessage] = []
        if u3 and self._last_turn is None:
            first = turns[0].words[0]
            started = [SpeechStarted(first.start, confidence=first.confidence)]
        self._last_turn = turns[0]
        if hypothesis.end_of_turn:
            self._agreement = Agreement()
            self._uttered_count = 0
            self._last_turn = None
        return [*started, *(self._add_language(turn) for turn in turns)]

    # --- U3: all words may change until the final, which is formatted

    def _build_u3_turns(self, hypothesis: Hypothesis) -> list[Turn]:
        agreement = self._agreement
        agreement.replace_words(hypothesis.words)
        words = self._wire_words(agreement.words, final=hypothesis.end_of_turn)
        text = _join_words(words)
        return [
            Turn(
                turn_order=self._turn_order,
                end_of_turn=hypothesis.end_of_turn,
                transcript=text,
                turn_is_formatted=hypothesis.end_of_turn,
                end_of_turn_confidence=1.0 if hypothesis.end_of_turn else 0.0,
                utterance=text if hypothesis.end_of_turn else "",
                words=words,
            )
        ]

    # --- Universal-Streaming: word by word, unformatted; a formatted final on request

    def _build_streaming_turns(self, hypothesis: Hypothesis) -> list[Turn]:
        agreement = self._agreement
        agreement.update(
            hypothesis.words,
            len(hypothesis.words) if hypothesis.end_of_turn else hypothesis.settled_count,
        )
        committed = self._wire_words(agreement.committed, final=True)
        final = _strip_formatting(committed)
        growing: tuple[Word, ...] = ()
        if (word := agreement.next_word) is not None:
            growing = _strip_formatting(self._wire_words([word], final=False, first=len(committed)))
        turn = Turn(
            turn_order=self._turn_order,
            end_of_turn=hypothesis.end_of_turn,
            transcript=_join_words(final),
            end_of_turn_confidence=hypothesis.end_of_turn_confidence,
            utterance=_join_words(
                _strip_formatting(committed[self._uttered_count : agreement.settled_count])
            ),
            words=(*final, *growing),
        )
        self._uttered_count = agreement.settled_count
        if not (hypothesis.end_of_turn and self.parameters.format_turns):
            return [turn]
        formatted = replace(
            turn,
            transcript=_join_words(committed),
            turn_is_formatted=True,
            utterance="",
            words=committed,
        )
        return [turn, formatted]

    def _wire_words(
        self, words: Iterable[RecognisedWord], *, final: bool, first: int = 0
    ) -> tuple[Word, ...]:
        """The agreement's words from index ``first`` on, as words of a message."""
        filtered = mask_profanity if self.parameters.filter_profanity else str
        return tuple(
            Word(
                filtered(word.text),
                word.start_ms,
                word.end_ms,
                self._agreement.confidence(index),
                final,
            )
            for index, word in enumerate(words, first)
        )

    def _add_language(self, turn: Turn) -> Turn:
        """Per the vendor's reference, finals and complete utterances carry the language."""
        if not (self.parameters.language_detection and (turn.end_of_turn or turn.utterance)):
            return turn
        return replace(turn, language_code=LANGUAGE, language_confidence=1.0)


def _strip_formatting(words: Iterable[Word]) -> tuple[Word, ...]:
    return tuple(replace(word, text=text) for word in words if (text := plain_word(word.text)))


def _join_words(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _is_same_text(turn: Turn, last_turn: Turn) -> bool:
    """Whether two partials have the same words, regardless of times and confidences."""
    return not turn.utterance and [(word.text, word.word_is_final) for word in turn.words] == [
        (word.text, word.word_is_final) for word in last_turn.words
    ]
