"""Turns out of lines: what the server says about what the recogniser heard.

A turn is one line or several. It ends as the vendor's turn detection does it: after
``min_turn_silence`` if what was said looks finished, after ``max_turn_silence`` in any case.
Silence is counted in audio, not in time on the clock, so a slow client is not cut off. Nothing here
knows of sockets, processes or time.
"""

from collections.abc import Sequence

from workers.localserver.lines import Heard, HeardWord, Line
from workers.localserver.parameters import Endpointing, Family, Parameters
from workers.localserver.reading import Reading, plain
from workers.speech.messages import ServerMessage, SpeechStarted, Turn, Word

LONGEST_TURN = 30_000
"""Ms after which a turn ends with its line, however dense the speech: messages stay small."""

FINISHED = 0.9
UNFINISHED = 0.2
"""Made-up confidences that a turn is over, with and without the end of a sentence. The default
thresholds lie between them; 0 and 1 do what the vendor says they do."""


class Turns:
    """The turns of a session, from the reports on its stream."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._order = 0
        self._begin()

    def heard(self, report: Heard) -> list[ServerMessage]:
        """What to tell the client now: at most one reading of the open turn, and its end."""
        messages: list[ServerMessage] = []
        for line in report.lines:
            if line.words and self._over(line.words[0].start):
                messages += self._end()
            self._add(line)
        if self._over(report.position):
            messages += self._end()
        else:
            messages += self._partial()
        return messages

    def end(self) -> list[ServerMessage]:
        """Ends the open turn, if there is one, because the client asks for it."""
        if self._open is not None:
            self._close_line(self._open.words)
        return self._end() if self._words else []

    def _begin(self) -> None:
        self._words: list[Word] = []  # of the turn's complete lines, as they were heard
        self._unuttered = 0  # how many of them no message has put into its `utterance` yet
        self._open: Reading | None = None
        self._said: Turn | None = None

    def _add(self, line: Line) -> None:
        if self._open is None:
            self._open = Reading()
        self._open.heard(line.words)
        if line.complete:
            self._close_line(line.words)

    def _close_line(self, words: Sequence[HeardWord]) -> None:
        # The complete line replaces what was committed of it. About one committed word in twenty is
        # contradicted by then; a final that tells the truth is worth more than one that never
        # changed its mind, and a client takes the latest Turn of an order anyway.
        assert self._open is not None
        self._words += [
            _word(word, self._open.confidence(index), final=True)
            for index, word in enumerate(words)
        ]
        self._unuttered += len(words)
        self._open = None

    def _over(self, now: int) -> bool:
        """Whether the turn is over if nothing more is said until ``now``."""
        if self._open is not None or not self._words:
            return False
        rules: Endpointing = self.parameters.endpointing
        silence = now - self._words[-1].end
        finished = _confidence_of_end(self._words) >= rules.threshold
        return (
            silence >= rules.max_turn_silence
            or (finished and silence >= rules.min_turn_silence)
            or now - self._words[0].start >= LONGEST_TURN
        )

    def _end(self) -> list[ServerMessage]:
        finals = (
            self._revisable_final()
            if self.parameters.family is Family.U3
            else self._immutable_finals()
        )
        messages = [*self._speech_started(finals[0]), *finals]
        self._order += 1
        self._begin()
        return messages

    def _partial(self) -> list[ServerMessage]:
        turn = (
            self._revisable_partial()
            if self.parameters.family is Family.U3
            else self._immutable_partial()
        )
        self._unuttered = 0
        if not turn.words or (self._said is not None and _same(turn, self._said)):
            return []
        messages = [*self._speech_started(turn), turn]
        self._said = turn
        return messages

    # --- U3: everything may change until the one final, and all of it is formatted

    def _speech_started(self, turn: Turn) -> list[ServerMessage]:
        if self.parameters.family is not Family.U3 or self._said is not None:
            return []
        return [SpeechStarted(turn.words[0].start, confidence=turn.words[0].confidence)]

    def _revisable_partial(self) -> Turn:
        closed = [_not_final(word) for word in self._words]
        return Turn(
            turn_order=self._order,
            end_of_turn=False,
            transcript=_text(words := closed + self._open_words()),
            words=tuple(words),
        )

    def _open_words(self) -> list[Word]:
        if self._open is None:
            return []
        return [
            _word(word, self._open.confidence(index), final=False)
            for index, word in enumerate(self._open.words)
        ]

    def _revisable_final(self) -> list[Turn]:
        text = _text(self._words)
        return [
            Turn(
                turn_order=self._order,
                end_of_turn=True,
                transcript=text,
                turn_is_formatted=True,
                end_of_turn_confidence=1.0,
                utterance=text,
                words=tuple(self._words),
            )
        ]

    # --- Universal-Streaming: word by word, unformatted, on request once more formatted

    def _immutable_partial(self) -> Turn:
        final = _unformatted(self._words)
        uttered = _unformatted(self._words[len(self._words) - self._unuttered :])
        growing: list[Word] = []
        if self._open is not None:
            committed = [
                _word(word, self._open.confidence(index), final=True)
                for index, word in enumerate(self._open.committed)
            ]
            final += _unformatted(committed)
            if (word := self._open.next_word) is not None:
                confidence = self._open.confidence(len(committed))
                growing = _unformatted([_word(word, confidence, final=False)])
        return Turn(
            turn_order=self._order,
            end_of_turn=False,
            transcript=_text(final),
            utterance=_text(uttered),
            words=(*final, *growing),
        )

    def _immutable_finals(self) -> list[Turn]:
        words = _unformatted(self._words)
        uttered = _unformatted(self._words[len(self._words) - self._unuttered :])
        confidence = _confidence_of_end(self._words)
        unformatted = Turn(
            turn_order=self._order,
            end_of_turn=True,
            transcript=_text(words),
            end_of_turn_confidence=confidence,
            utterance=_text(uttered),
            words=tuple(words),
        )
        if not self.parameters.format_turns:
            return [unformatted]
        formatted = Turn(
            turn_order=self._order,
            end_of_turn=True,
            transcript=_text(self._words),
            turn_is_formatted=True,
            end_of_turn_confidence=confidence,
            words=tuple(self._words),
        )
        return [unformatted, formatted]


def _word(heard: HeardWord, confidence: float, *, final: bool) -> Word:
    return Word(heard.text, heard.start, heard.end, confidence, final)


def _not_final(word: Word) -> Word:
    return Word(word.text, word.start, word.end, word.confidence, word_is_final=False)


def _unformatted(words: Sequence[Word]) -> list[Word]:
    return [
        Word(text, word.start, word.end, word.confidence, word.word_is_final)
        for word in words
        if (text := plain(word.text))
    ]


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _same(turn: Turn, said: Turn) -> bool:
    """Whether two partials read alike, whatever became of times and confidences."""
    return [(word.text, word.word_is_final) for word in turn.words] == [
        (word.text, word.word_is_final) for word in said.words
    ] and turn.utterance in ("", said.utterance)


def _confidence_of_end(words: Sequence[Word]) -> float:
    return FINISHED if words[-1].text.endswith((".", "?", "!")) else UNFINISHED
