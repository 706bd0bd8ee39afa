"""One stream frame by frame: where somebody begins to speak, and how long nobody has spoken."""

from workers.localserver.recognition.segment import (
    LEAD_IN_FRAMES,
    ONSET_FRAMES,
    TAIL_FRAMES,
    Segment,
)
from workers.localserver.recognition.sound import FRAME_MS, FrameBuffer, Samples
from workers.localserver.recognition.vad import VoiceDetector

VAD_LAG_MS = 96
"""Ms by which the detector takes speech for longer than it is loud: 0.10 s in the median over 58
ends of speech, 0.17 s in nine of ten."""


class SpeechSegmenter:
    """Listens, and opens a piece wherever speech begins; whoever reads the piece closes it."""

    def __init__(self, vad: VoiceDetector) -> None:
        self._vad = vad
        self._first_free_frame = 0  # the first frame that no earlier piece has claimed
        self._voiced_run = 0  # voiced frames in a row, while no piece is open
        self._speech_end_frame = 0  # the frame after the last voiced one
        self._peak_probability = 0.0
        self.buffer = FrameBuffer()
        self.segment: Segment | None = None

    @property
    def frame_count(self) -> int:
        """Frames listened to."""
        return self.buffer.end_frame

    @property
    def position_ms(self) -> int:
        """The same in ms."""
        return self.frame_count * FRAME_MS

    @property
    def silence_ms(self) -> int:
        """Ms since somebody spoke."""
        quiet = self.frame_count - self._speech_end_frame
        return quiet * FRAME_MS + VAD_LAG_MS if quiet else 0

    def process_frame(self, frame: Samples, threshold: float) -> None:
        """The next frame; ``threshold``: the probability from which it counts as speech."""
        probability = self._vad.probability(frame)
        self._peak_probability = max(self._peak_probability, probability)
        self.buffer.append(frame)
        if self.segment is not None:
            self.segment.add_frame(self.frame_count, probability, threshold)
            if self.segment.end_frame == self.frame_count:
                self._speech_end_frame = self.frame_count
        else:
            self._detect_onset(probability, threshold)
        needed = (
            self.frame_count - LEAD_IN_FRAMES - ONSET_FRAMES
            if self.segment is None
            else self.segment.start_frame
        )
        self.buffer.drop_before(needed)

    def take_peak_probability(self) -> float:
        """The highest probability of speech since this was asked last."""
        loudest, self._peak_probability = self._peak_probability, 0.0
        return loudest

    def close_segment(self) -> None:
        """The piece is over; the next one takes nothing that was in it."""
        if self.segment is not None:
            self._first_free_frame = min(self.segment.end_frame + TAIL_FRAMES, self.frame_count)
            self.segment = None
            self._voiced_run = 0

    def split_segment(self, at_frame: int, threshold: float) -> None:
        """The piece is over at a frame, and goes on as another if anything was said behind it."""
        if self.segment is not None:
            rest = self.segment.remainder(at_frame, threshold)
            self._first_free_frame = at_frame
            self.segment = rest if rest.voiced_frames else None

    def claim_audio(self) -> None:
        """All that was heard until now belongs to what was said."""
        self._first_free_frame = self.frame_count
        self._voiced_run = 0

    def _detect_onset(self, probability: float, threshold: float) -> None:
        self._voiced_run = self._voiced_run + 1 if probability >= threshold else 0
        if self._voiced_run < ONSET_FRAMES:
            return
        onset = self.frame_count - self._voiced_run
        start = max(onset - LEAD_IN_FRAMES, self._first_free_frame)
        probabilities = [0.0] * (onset - start) + [probability] * self._voiced_run
        self.segment = Segment(start, onset, self.frame_count, self._voiced_run, probabilities)
        self._speech_end_frame = self.frame_count
        self._voiced_run = 0
