"""One stream frame by frame: where somebody begins to speak, and how long nobody has spoken."""

from workers.localserver.recognition.segment import LEAD, ONSET, TAIL, Segment
from workers.localserver.recognition.sound import FRAME_MS, Samples, Tape
from workers.localserver.recognition.vad import VoiceDetector

LATE = 96
"""Ms by which the detector takes speech for longer than it is loud: 0.10 s in the median over 58
ends of speech, 0.17 s in nine of ten."""


class Ear:
    """Listens, and opens a piece wherever speech begins; whoever reads the piece closes it."""

    def __init__(self, voice: VoiceDetector) -> None:
        self._voice = voice
        self._free = 0  # the first frame that no earlier piece has claimed
        self._run = 0  # voiced frames in a row, while no piece is open
        self._spoken = 0  # the frame after the last voiced one
        self._loudest = 0.0
        self.tape = Tape()
        self.segment: Segment | None = None

    @property
    def now(self) -> int:
        """Frames listened to."""
        return self.tape.end

    @property
    def position(self) -> int:
        """The same in ms."""
        return self.now * FRAME_MS

    @property
    def silence(self) -> int:
        """Ms since somebody spoke."""
        quiet = self.now - self._spoken
        return quiet * FRAME_MS + LATE if quiet else 0

    def listen(self, frame: Samples, threshold: float) -> None:
        """The next frame; ``threshold``: the probability from which it counts as speech."""
        probability = self._voice.probability(frame)
        self._loudest = max(self._loudest, probability)
        self.tape.add(frame)
        if self.segment is not None:
            self.segment.take(self.now, probability, threshold)
            if self.segment.end == self.now:
                self._spoken = self.now
        else:
            self._await_speech(probability, threshold)
        needed = self.now - LEAD - ONSET if self.segment is None else self.segment.start
        self.tape.forget(needed)

    def loudest(self) -> float:
        """The highest probability of speech since this was asked last."""
        loudest, self._loudest = self._loudest, 0.0
        return loudest

    def close(self) -> None:
        """The piece is over; the next one takes nothing that was in it."""
        if self.segment is not None:
            self._free = min(self.segment.end + TAIL, self.now)
            self.segment = None
            self._run = 0

    def cut(self, at: int, threshold: float) -> None:
        """The piece is over at a frame, and goes on as another if anything was said behind it."""
        if self.segment is not None:
            rest = self.segment.after(at, threshold)
            self._free = at
            self.segment = rest if rest.voiced else None

    def claim(self) -> None:
        """All that was heard until now belongs to what was said."""
        self._free = self.now
        self._run = 0

    def _await_speech(self, probability: float, threshold: float) -> None:
        self._run = self._run + 1 if probability >= threshold else 0
        if self._run < ONSET:
            return
        onset = self.now - self._run
        start = max(onset - LEAD, self._free)
        probabilities = [0.0] * (onset - start) + [probability] * self._run
        self.segment = Segment(start, onset, self.now, self._run, probabilities)
        self._spoken = self.now
        self._run = 0
