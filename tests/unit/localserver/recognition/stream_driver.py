"""A stream walked through by hand, for the tests of listening. No clock, no model."""

from collections.abc import Callable

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tests.unit.localserver.recognition import synthetic_speech
from workers.localserver.recogniser_protocol import Encoding, Endpointing, Reading
from workers.localserver.recognition.engines import EngineWords
from workers.localserver.recognition.segment import LINE_PAUSE, SHORTEST
from workers.localserver.recognition.sound import FRAME, RATE, Intake, Samples
from workers.localserver.recognition.speech_segmenter import Ear
from workers.localserver.recognition.stream_recogniser import Hearing, Notice, Reason

RULES = Endpointing(320, 1280, vad_threshold=0.5)


def quiet(milliseconds: int) -> str:
    """The frames after which it is known that nobody spoke for so long."""
    ear = Ear(synthetic_speech.Voice())
    for frame in Intake(RATE, Encoding.PCM_S16LE).frames(synthetic_speech.audio("aa")):
        ear.listen(frame, 0.5)
    spoken_to = ear.now
    while ear.silence < milliseconds:
        ear.listen(np.zeros(FRAME, np.float32), 0.5)
    return "." * (ear.now - spoken_to)


PAUSE = quiet(RULES.min_turn_silence)
END = quiet(RULES.max_turn_silence)
CLOSED = quiet(LINE_PAUSE)


class Walk:
    """One stream as a recogniser walks it: reads whatever is wanted, and keeps what is told."""

    def __init__(
        self,
        rules: Endpointing = RULES,
        interval: int | None = None,
        read: Callable[[Samples], EngineWords] = synthetic_speech.words,
    ) -> None:
        self.hearing = Hearing(Intake(RATE, Encoding.PCM_S16LE), synthetic_speech.Voice(), rules)
        self.interval = interval
        self.readings: list[tuple[Reason, str]] = []
        self.told: list[Notice] = []
        self._read = read

    def hears(self, *texts: str) -> "Walk":
        for text in texts:
            self.hears_bytes(synthetic_speech.audio(text))
        return self

    def hears_bytes(self, data: bytes) -> "Walk":
        self.hearing.hear(data, at=0.0)
        return self.goes_on()

    def configures(self, rules: Endpointing) -> "Walk":
        self.hearing.configure(rules, at=0.0)
        return self.goes_on()

    def flushes(self) -> "Walk":
        self.hearing.flush(at=0.0)
        return self.goes_on()

    def goes_on(self) -> "Walk":
        while self.hearing.busy:
            self.hearing.advance(self.interval)
            if self.hearing.wanted is not None:
                samples = self.hearing.samples()
                self.readings.append((self.hearing.wanted.reason, synthetic_speech.text(samples)))
                self.hearing.read(self._read(samples))
            self.told += self.hearing.notices
            self.hearing.notices.clear()
        return self

    @property
    def readings_told(self) -> list[Reading]:
        return [notice.reading for notice in self.told if notice.reading is not None]

    @property
    def finals(self) -> list[Reading]:
        return [reading for reading in self.readings_told if reading.over]

    @property
    def transcripts(self) -> list[str]:
        """Of the turns that are over."""
        return [said(reading) for reading in self.finals]

    @property
    def flushed(self) -> int:
        return sum(notice.flushed for notice in self.told)


def said(reading: Reading) -> str:
    return " ".join(word.text for word in reading.words)


def times(walk: Walk) -> list[int]:
    """Starts and ends of all words, turn after turn."""
    words = [word for final in walk.finals for word in final.words]
    return [time for word in words for time in (word.start, word.end)]


def pieces(walk: Walk, reason: Reason = Reason.PAUSE) -> list[str]:
    """What was read for a reason, without the silence around it."""
    return [text.strip(".") for each, text in walk.readings if each is reason]


FEWER = settings(max_examples=20)
"""An example is half a minute of audio."""

SPEECH = st.tuples(st.sampled_from("abAB"), st.integers(SHORTEST, 260)).map(lambda a: a[0] * a[1])
SILENCE = st.tuples(st.sampled_from("..34"), st.integers(1, 60)).map(lambda a: a[0] * a[1])
TALK = st.lists(st.one_of(SPEECH, SPEECH, SILENCE), min_size=1, max_size=9).map("".join)
