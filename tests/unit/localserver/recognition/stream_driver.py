"""Drives a `StreamRecogniser` in tests, without a clock or a model."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tests.unit.localserver.recognition import synthetic_speech
from workers.localserver.recogniser_protocol import (
    Encoding,
    Endpointing,
    Flushed,
    Hypothesis,
    Open,
    Recognised,
    StreamId,
)
from workers.localserver.recognition.engines import EngineWords
from workers.localserver.recognition.sound import (
    FRAME_SAMPLES,
    MODEL_RATE_HZ,
    FrameDecoder,
    Samples,
)
from workers.localserver.recognition.speech_segmenter import (
    MIN_VOICED_FRAMES,
    SEGMENT_PAUSE_MS,
    SpeechSegmenter,
)
from workers.localserver.recognition.stream_recogniser import (
    RequestReason,
    StreamRecogniser,
)

NOW = 10.0
"""Seconds: the clock of a driven stream stands still."""

ENDPOINTING = Endpointing(320, 1280, vad_threshold=0.5)


def silence_of(milliseconds: int) -> str:
    """Silent frames after which the segmenter reports this much silence."""
    segmenter = SpeechSegmenter(synthetic_speech.FakeVoiceDetector())
    for frame in FrameDecoder(MODEL_RATE_HZ, Encoding.PCM_S16LE).decode_frames(
        synthetic_speech.encode_speech("aa")
    ):
        segmenter.process_frame(frame, 0.5)
    spoken_to = segmenter.frame_count
    while segmenter.silence_ms < milliseconds:
        segmenter.process_frame(np.zeros(FRAME_SAMPLES, np.float32), 0.5)
    return "." * (segmenter.frame_count - spoken_to)


SHORT_SILENCE = silence_of(ENDPOINTING.min_turn_silence)
TURN_END_SILENCE = silence_of(ENDPOINTING.max_turn_silence)
LINE_END_SILENCE = silence_of(SEGMENT_PAUSE_MS)


class StreamDriver:
    """Drives one stream: runs every requested transcription and collects the reports."""

    def __init__(
        self,
        rules: Endpointing = ENDPOINTING,
        interval: int | None = None,
        read: Callable[[Samples], EngineWords] = synthetic_speech.recognise_words,
    ) -> None:
        opened = Open(StreamId(1), MODEL_RATE_HZ, Encoding.PCM_S16LE, rules, "made-up")
        self.recogniser = StreamRecogniser(
            opened, synthetic_speech.FakeVoiceDetector(), clock=lambda: NOW
        )
        self.interval = interval
        self.readings: list[tuple[RequestReason, str]] = []
        self.reports: list[Recognised | Flushed] = []
        self._read = read

    def feed_text(self, *texts: str) -> "StreamDriver":
        for text in texts:
            self.feed_bytes(synthetic_speech.encode_speech(text))
        return self

    def feed_bytes(self, data: bytes) -> "StreamDriver":
        self.recogniser.feed(data, arrived_at=0.0)
        return self.advance()

    def configure(self, rules: Endpointing) -> "StreamDriver":
        self.recogniser.configure(rules, arrived_at=0.0)
        return self.advance()

    def flush(self) -> "StreamDriver":
        self.recogniser.flush(arrived_at=0.0)
        return self.advance()

    def advance(self) -> "StreamDriver":
        while self.recogniser.is_busy:
            self.recogniser.advance(self.interval)
            if self.recogniser.request is not None:
                samples = self.recogniser.request_samples()
                self.readings.append(
                    (self.recogniser.request.reason, synthetic_speech.decode_speech(samples))
                )
                self.recogniser.apply_words(self._read(samples))
            self.reports += self.recogniser.pending_reports
            self.recogniser.pending_reports.clear()
        return self

    @property
    def published_readings(self) -> list[Hypothesis]:
        return [report.hypothesis for report in self.recognised if report.hypothesis is not None]

    @property
    def recognised(self) -> list[Recognised]:
        """All reports but those that answer a flush."""
        return [report for report in self.reports if isinstance(report, Recognised)]

    @property
    def finals(self) -> list[Hypothesis]:
        return [reading for reading in self.published_readings if reading.end_of_turn]

    @property
    def transcripts(self) -> list[str]:
        """The text of each finished turn."""
        return [reading_text(reading) for reading in self.finals]

    @property
    def flush_positions(self) -> list[int]:
        """Position in ms of the report just before the answer to each flush."""
        return [
            report.position_ms
            for report, answer in pairwise(self.reports)
            if isinstance(report, Recognised) and isinstance(answer, Flushed)
        ]


def reading_text(reading: Hypothesis) -> str:
    return " ".join(word.text for word in reading.words)


def word_times(driver: StreamDriver) -> list[int]:
    """Starts and ends of all words, turn by turn."""
    words = [word for final in driver.finals for word in final.words]
    return [time for word in words for time in (word.start_ms, word.end_ms)]


def segments_read(driver: StreamDriver, reason: RequestReason = RequestReason.PAUSE) -> list[str]:
    """Segments transcribed for a reason, without the silence around them."""
    return [text.strip(".") for read_for, text in driver.readings if read_for is reason]


FEWER_EXAMPLES = settings(max_examples=20)
"""An example is half a minute of audio."""

SPEECH = st.tuples(st.sampled_from("abAB"), st.integers(MIN_VOICED_FRAMES, 260)).map(
    lambda a: a[0] * a[1]
)
SILENCE = st.tuples(st.sampled_from("..34"), st.integers(1, 60)).map(lambda a: a[0] * a[1])
TALK = st.lists(st.one_of(SPEECH, SPEECH, SILENCE), min_size=1, max_size=9).map("".join)
