"""A piece of speech that is read as a whole, and the rules of where it begins and ends.

Indices are of frames, 32 ms each, counted from the beginning of the stream.
"""

from dataclasses import dataclass, field

import numpy as np

from workers.localserver.recogniser_protocol import RecognisedWord
from workers.localserver.recognition.sound import FRAME_MS


def frames_in(duration_ms: float) -> int:
    """Whole frames that last at least so long."""
    return -(-int(duration_ms) // FRAME_MS)


ONSET_FRAMES = 2
"""Frames in a row that must be voiced for speech to begin: a click is one."""

LEAD_IN_FRAMES = frames_in(480)
TAIL_FRAMES = frames_in(320)
"""Frames read before the first and after the last voiced one: words begin and end softly."""

MIN_VOICED_FRAMES = 4
"""Voiced frames below which nothing was said: read alone, a noise becomes a "You"."""

SEGMENT_PAUSE_MS = 800
"""Ms of silence that close a piece though its turn goes on: a longer one reads no better."""

SHORT_PAUSE_FRAMES = frames_in(160)
"""After so much silence a piece is read, so that it is known what was said when the silence has
become long enough to decide something."""

CLOSE_AT_PAUSE_FRAMES = frames_in(4_000)
CUT_AT_GAP_FRAMES = frames_in(7_000)
MAX_SEGMENT_FRAMES = frames_in(12_000)
"""A piece gets slower to read with its length. So after `LONG` it is closed at the first `BREATH`;
after `CUT_AT_GAP_FRAMES` it is cut at the first `GAP` between two words; and after `LONGEST`
wherever it was quietest of late, which may be within a word."""

WORD_GAP_FRAMES = frames_in(64)

CUT_SEARCH_FRAMES = frames_in(2_000)
"""How far back that is looked for."""

VAD_HYSTERESIS = 0.15
"""By how much the probability of speech may fall below the threshold before speech is over; the
detector's authors advise it."""


@dataclass(slots=True)
class Segment:
    """The open piece."""

    start_frame: int
    """Its first frame, lead-in included."""
    onset_frame: int
    end_frame: int
    """The frame after the last voiced one."""
    voiced_frames: int
    """How many frames were."""
    probabilities: list[float] = field(default_factory=list)
    """One for each frame since ``start``."""
    words: tuple[RecognisedWord, ...] = ()
    """As it was last read."""
    pause_end_frame: int = -1
    """``end``, as it was at the last reading in a pause."""
    partial_end_frame: int | None = None
    """The frame before which the last partial was read."""

    def add_frame(self, now: int, probability: float, threshold: float) -> None:
        """The next frame; ``now`` is the one after it."""
        self.probabilities.append(probability)
        if now - self.end_frame > SHORT_PAUSE_FRAMES:
            lowest = threshold
        else:
            lowest = max(threshold - VAD_HYSTERESIS, min(threshold, 0.01))
        if probability >= lowest:
            self.end_frame = now
            self.voiced_frames += 1

    @property
    def is_long(self) -> bool:
        """Whether the next breath closes it."""
        return self.end_frame - self.start_frame >= CLOSE_AT_PAUSE_FRAMES

    @property
    def is_transcribed(self) -> bool:
        """Whether all that was said in it was read in a pause."""
        return self.pause_end_frame == self.end_frame

    def cut_point(self, now: int) -> int | None:
        """Where to cut it because it is long, if now is the time."""
        if now - self.start_frame >= CUT_AT_GAP_FRAMES and now - self.end_frame == WORD_GAP_FRAMES:
            return now - WORD_GAP_FRAMES // 2
        if now - self.start_frame >= MAX_SEGMENT_FRAMES:
            late = np.convolve(self.probabilities[-CUT_SEARCH_FRAMES:], np.ones(3), "valid")
            return now - len(late) - 1 + int(np.argmin(late))
        return None

    def remainder(self, cut: int, threshold: float) -> "Segment":
        """What is left of it behind the cut."""
        rest = Segment(cut, cut, cut, 0)
        for now, probability in enumerate(self.probabilities[cut - self.start_frame :], cut + 1):
            rest.add_frame(now, probability, threshold)
        return rest
