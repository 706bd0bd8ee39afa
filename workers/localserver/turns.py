"""Turns as a client is told of them: each family of models words them in its own way.

When a turn begins and ends is decided where it is heard. Nothing here knows of sockets, processes
or time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from workers.localserver.agreement import Agreement, plain
from workers.localserver.parameters import Family, Parameters
from workers.localserver.profanity import masked
from workers.localserver.recogniser_protocol import Heard, HeardWord, Reading
from workers.protocol.messages import ServerMessage, SpeechStarted, Turn, Word

LANGUAGE = "en"
"""The only one that is heard here."""


class Turns:
    """The turns of a session, from the reports on its stream."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._order = 0
        self._agreement = Agreement()
        self._uttered = 0  # how many words some message has put into its `utterance`
        self._said: Turn | None = None

    def heard(self, report: Heard) -> list[ServerMessage]:
        """What to tell the client now: a reading of the open turn, maybe its last."""
        reading = report.reading
        if reading is None or not (reading.words or self._said):
            return []
        if not (reading.over or self.parameters.include_partial_turns):
            return []
        u3 = self.parameters.family is Family.U3
        turns = self._whole(reading) if u3 else self._word_by_word(reading)
        if reading.over:
            self._order += 1
        elif not turns[0].words or (self._said is not None and _same(turns[0], self._said)):
            return []
        started = self._speech_started(turns[0]) if u3 else []
        self._said = turns[0]
        if reading.over:
            self._begin()
        return [*started, *(self._with_language(turn) for turn in turns)]

    def _begin(self) -> None:
        self._agreement = Agreement()
        self._uttered = 0
        self._said = None

    # --- U3: everything may change until the one final, and all of it is formatted

    def _speech_started(self, turn: Turn) -> list[ServerMessage]:
        if self._said is not None:
            return []
        return [SpeechStarted(turn.words[0].start, confidence=turn.words[0].confidence)]

    def _whole(self, reading: Reading) -> list[Turn]:
        agreement = self._agreement
        agreement.read(reading.words)
        words = self._words(agreement.words, final=reading.over)
        text = _text(words)
        return [
            Turn(
                turn_order=self._order,
                end_of_turn=reading.over,
                transcript=text,
                turn_is_formatted=reading.over,
                end_of_turn_confidence=1.0 if reading.over else 0.0,
                utterance=text if reading.over else "",
                words=words,
            )
        ]

    # --- Universal-Streaming: word by word, unformatted, on request once more formatted

    def _word_by_word(self, reading: Reading) -> list[Turn]:
        agreement = self._agreement
        agreement.heard(reading.words, len(reading.words) if reading.over else reading.settled)
        committed = self._words(agreement.committed, final=True)
        final = _unformatted(committed)
        growing: tuple[Word, ...] = ()
        if (word := agreement.next_word) is not None:
            growing = _unformatted(self._words([word], final=False, first=len(committed)))
        turn = Turn(
            turn_order=self._order,
            end_of_turn=reading.over,
            transcript=_text(final),
            end_of_turn_confidence=reading.end_of_turn_confidence,
            utterance=_text(_unformatted(committed[self._uttered : agreement.settled])),
            words=(*final, *growing),
        )
        self._uttered = agreement.settled
        if not (reading.over and self.parameters.format_turns):
            return [turn]
        formatted = replace(
            turn,
            transcript=_text(committed),
            turn_is_formatted=True,
            utterance="",
            words=committed,
        )
        return [turn, formatted]

    def _words(
        self, heard: Iterable[HeardWord], *, final: bool, first: int = 0
    ) -> tuple[Word, ...]:
        """Words of the agreement from the ``first`` on, as the client wants to see them."""
        shown = masked if self.parameters.filter_profanity else str
        return tuple(
            Word(shown(word.text), word.start, word.end, self._agreement.confidence(index), final)
            for index, word in enumerate(heard, first)
        )

    def _with_language(self, turn: Turn) -> Turn:
        """The vendor's reference has it on finals and on complete utterances."""
        if not (self.parameters.language_detection and (turn.end_of_turn or turn.utterance)):
            return turn
        return replace(turn, language_code=LANGUAGE, language_confidence=1.0)


def _unformatted(words: Iterable[Word]) -> tuple[Word, ...]:
    return tuple(replace(word, text=text) for word in words if (text := plain(word.text)))


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _same(turn: Turn, said: Turn) -> bool:
    """Whether two partials read alike, whatever became of times and confidences."""
    return not turn.utterance and [(word.text, word.word_is_final) for word in turn.words] == [
        (word.text, word.word_is_final) for word in said.words
    ]
