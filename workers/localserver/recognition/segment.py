"""A piece of speech that is read as a whole, and the rules of where it begins and ends.

Indices are of frames, 32 ms each, counted from the beginning of the stream.
"""

from dataclasses import dataclass, field

import numpy as np

from workers.localserver.recogniser_protocol import HeardWord
from workers.localserver.recognition.sound import FRAME_MS


def frames(milliseconds: float) -> int:
    """Whole frames that last at least so long."""
    return -(-int(milliseconds) // FRAME_MS)


ONSET = 2
"""Frames in a row that must be voiced for speech to begin: a click is one."""

LEAD = frames(480)
TAIL = frames(320)
"""Frames read before the first and after the last voiced one: words begin and end softly."""

SHORTEST = 4
"""Voiced frames below which nothing was said: read alone, a noise becomes a "You"."""

LINE_PAUSE = 800
"""Ms of silence that close a piece though its turn goes on: a longer one reads no better."""

BREATH = frames(160)
"""After so much silence a piece is read, so that it is known what was said when the silence has
become long enough to decide something."""

LONG = frames(4_000)
LONGER = frames(7_000)
LONGEST = frames(12_000)
"""A piece gets slower to read with its length. So after `LONG` it is closed at the first `BREATH`;
after `LONGER` it is cut at the first `GAP` between two words; and after `LONGEST` wherever it was
quietest of late, which may be within a word."""

GAP = frames(64)

LATE = frames(2_000)
"""How far back that is looked for."""

RELEASE = 0.15
"""By how much the probability of speech may fall below the threshold before speech is over; the
detector's authors advise it."""


@dataclass(slots=True)
class Segment:
    """The open piece."""

    start: int
    """Its first frame, lead-in included."""
    onset: int
    end: int
    """The frame after the last voiced one."""
    voiced: int
    """How many frames were."""
    probabilities: list[float] = field(default_factory=list)
    """One for each frame since ``start``."""
    words: tuple[HeardWord, ...] = ()
    """As it was last read."""
    read_to: int = -1
    """``end``, as it was at the last reading in a pause."""
    partial_at: int | None = None
    """The frame before which the last partial was read."""

    def take(self, now: int, probability: float, threshold: float) -> None:
        """The next frame; ``now`` is the one after it."""
        self.probabilities.append(probability)
        if now - self.end > BREATH:
            lowest = threshold
        else:
            lowest = max(threshold - RELEASE, min(threshold, 0.01))
        if probability >= lowest:
            self.end = now
            self.voiced += 1

    @property
    def long(self) -> bool:
        """Whether the next breath closes it."""
        return self.end - self.start >= LONG

    @property
    def read(self) -> bool:
        """Whether all that was said in it was read in a pause."""
        return self.read_to == self.end

    def cut(self, now: int) -> int | None:
        """Where to cut it because it is long, if now is the time."""
        if now - self.start >= LONGER and now - self.end == GAP:
            return now - GAP // 2
        if now - self.start >= LONGEST:
            late = np.convolve(self.probabilities[-LATE:], np.ones(3), "valid")
            return now - len(late) - 1 + int(np.argmin(late))
        return None

    def after(self, cut: int, threshold: float) -> "Segment":
        """What is left of it behind the cut."""
        rest = Segment(cut, cut, cut, 0)
        for now, probability in enumerate(self.probabilities[cut - self.start :], cut + 1):
            rest.take(now, probability, threshold)
        return rest
