"""Splits a stream into segments of speech that are transcribed as a whole.

Indices count frames of 32 ms from the beginning of the stream.
"""

from dataclasses import dataclass, field

import numpy as np

from workers.localserver.recogniser_protocol import RecognisedWords
from workers.localserver.recognition.sound import FRAME_MS, FrameBuffer, Samples
from workers.localserver.recognition.vad import VoiceDetector


def frames_in(duration_ms: float) -> int:
    """The smallest number of frames that cover a duration."""
    return -(-int(duration_ms) // FRAME_MS)


ONSET_FRAMES = 2
"""Speech begins after this many consecutive voiced frames; a click fills only one."""

LEAD_IN_FRAMES = frames_in(480)
TAIL_FRAMES = frames_in(320)
"""Frames transcribed before the first and after the last voiced one: words start and end softly."""

MIN_VOICED_FRAMES = 4
"""A segment with fewer voiced frames is noise; an engine would write "You" for it."""

CERTAIN_PROBABILITY, CERTAIN_RATIO = 0.7, 2.4
"""A segment is noise, too, if no frame has the first probability, nor one this many times the
threshold. In 79 of 80 segments of speech from 13 telephone recordings (clean, 40 dB quieter, or
with noise 10 dB below), the most probable frame had 0.97 or more; in segments of noise, 0.64 or
less."""

SEGMENT_PAUSE_MS = 800
"""Silence that closes a segment within a turn: longer segments are not recognised any better."""

SHORT_PAUSE_FRAMES = frames_in(160)
"""A segment is transcribed after this much silence, so that its words are known by the time the
silence is long enough to end the turn."""

CLOSE_AT_PAUSE_FRAMES = frames_in(4_000)
CUT_AT_GAP_FRAMES = frames_in(7_000)
MAX_SEGMENT_FRAMES = frames_in(12_000)
"""The longer a segment, the slower its transcription. Beyond the first length it is closed at the
next short pause; beyond the second it is cut at the next gap between words; at the third it is cut
where speech was least probable, perhaps within a word."""

WORD_GAP_FRAMES = frames_in(64)

CUT_SEARCH_FRAMES = frames_in(2_000)
"""How far back to search for the frame in which speech is least probable."""

VAD_HYSTERESIS = 0.15
"""Speech ends only when its probability falls this far below the threshold, as the detector's
authors recommend."""

VAD_LAG_MS = 96
"""The detector still reports speech for this long after its end: in 58 measurements, the median was
0.10 s, the 90th percentile 0.17 s."""


def is_certain_speech(probability: float, threshold: float) -> bool:
    """Whether a frame of this probability is speech beyond doubt; see `CERTAIN_PROBABILITY`."""
    return probability >= max(threshold, min(CERTAIN_PROBABILITY, threshold * CERTAIN_RATIO))


@dataclass(slots=True)
class Segment:
    """A stretch of speech that is transcribed as a whole."""

    start_frame: int  # the first frame, lead-in included
    onset_frame: int
    end_frame: int  # the frame after the last voiced one
    voiced_frames: int
    probabilities: list[float] = field(default_factory=list)
    """Speech probability of each frame since ``start_frame``."""
    words: RecognisedWords = ()  # the latest transcription
    pause_end_frame: int = -1  # ``end_frame`` at the last transcription in a pause
    partial_end_frame: int | None = None  # the frame at which the last partial ended
    is_certain: bool = False  # whether a frame was speech beyond doubt

    def add_frame(self, now: int, probability: float, threshold: float) -> None:
        """Adds the next frame; ``now`` is the index after it."""
        self.probabilities.append(probability)
        self.is_certain = self.is_certain or is_certain_speech(probability, threshold)
        minimum = threshold
        if now - self.end_frame <= SHORT_PAUSE_FRAMES:
            minimum = max(threshold - VAD_HYSTERESIS, min(threshold, 0.01))
        if probability >= minimum:
            self.end_frame = now
            self.voiced_frames += 1

    @property
    def is_speech(self) -> bool:
        """False for a noise: too short, or never speech beyond doubt."""
        return self.voiced_frames >= MIN_VOICED_FRAMES and self.is_certain

    @property
    def is_transcribed(self) -> bool:
        """True if all of its speech was transcribed at a pause."""
        return self.pause_end_frame == self.end_frame

    def cut_point(self, now: int) -> int | None:
        """The frame at which to cut a segment that is too long; None if it must not be cut now."""
        if now - self.start_frame >= CUT_AT_GAP_FRAMES and now - self.end_frame == WORD_GAP_FRAMES:
            return now - WORD_GAP_FRAMES // 2
        if now - self.start_frame >= MAX_SEGMENT_FRAMES:
            recent = np.convolve(self.probabilities[-CUT_SEARCH_FRAMES:], np.ones(3), "valid")
            return now - len(recent) - 1 + int(np.argmin(recent))
        return None


class SpeechSegmenter:
    """Detects speech frame by frame and opens a segment where it starts. Callers close it."""

    def __init__(self, vad: VoiceDetector) -> None:
        self._vad = vad
        self._first_free_frame = 0  # the first frame after all earlier segments
        self._voiced_run = 0  # consecutive voiced frames while no segment is open
        self._speech_end_frame = 0  # the frame after the last voiced one
        self._peak_probability = 0.0
        self.buffer = FrameBuffer()
        self.segment: Segment | None = None

    @property
    def frame_count(self) -> int:
        return self.buffer.end_frame

    @property
    def position_ms(self) -> int:
        return self.frame_count * FRAME_MS

    @property
    def silence_ms(self) -> int:
        """Silence since the end of the last speech; 0 during speech."""
        frames = self.frame_count - self._speech_end_frame
        return frames * FRAME_MS + VAD_LAG_MS if frames else 0

    def process_frame(self, frame: Samples, threshold: float) -> None:
        """Processes a frame, which is voiced if its speech probability reaches ``threshold``."""
        probability = self._vad.probability(frame)
        self._peak_probability = max(self._peak_probability, probability)
        self.buffer.append(frame)
        now = self.frame_count
        if self.segment is not None:
            self.segment.add_frame(now, probability, threshold)
        else:
            self._voiced_run = self._voiced_run + 1 if probability >= threshold else 0
            if self._voiced_run >= ONSET_FRAMES:
                onset = now - self._voiced_run
                start = max(onset - LEAD_IN_FRAMES, self._first_free_frame)
                probabilities = [0.0] * (onset - start) + [probability] * self._voiced_run
                self.segment = Segment(
                    start,
                    onset,
                    now,
                    self._voiced_run,
                    probabilities,
                    is_certain=is_certain_speech(probability, threshold),
                )
                self._voiced_run = 0
        if self.segment is None:
            self.buffer.drop_before(now - LEAD_IN_FRAMES - ONSET_FRAMES)
        else:
            self.buffer.drop_before(self.segment.start_frame)
            if self.segment.end_frame == now:
                self._speech_end_frame = now

    def take_peak_probability(self) -> float:
        """Returns the highest speech probability since the last call."""
        peak, self._peak_probability = self._peak_probability, 0.0
        return peak

    def close_segment(self) -> None:
        """Closes the segment; the next one starts after its tail."""
        if self.segment is not None:
            self._first_free_frame = min(self.segment.end_frame + TAIL_FRAMES, self.frame_count)
            self.segment = None
            self._voiced_run = 0

    def split_segment(self, cut: int, threshold: float) -> None:
        """Closes the segment at a frame; any speech after it becomes the next segment."""
        if self.segment is not None:
            # It goes on from certain speech, so it is as certain.
            rest = Segment(cut, cut, cut, 0, is_certain=self.segment.is_certain)
            probabilities = self.segment.probabilities[cut - self.segment.start_frame :]
            for now, probability in enumerate(probabilities, cut + 1):
                rest.add_frame(now, probability, threshold)
            self._first_free_frame = cut
            self.segment = rest if rest.voiced_frames else None

    def claim_audio(self) -> None:
        """Excludes all audio so far from the next segment."""
        self._first_free_frame = self.frame_count
        self._voiced_run = 0
