"""One stream from audio to turns: what to read, when, and what follows from it.

Runs in a recogniser process. It walks through the stream frame by frame and stops wherever it
wants a piece read; its owner has an engine read it and hands the words back. A reading that decides
something holds the stream up until it is there, so what is heard does not depend on how fast or how
busy the machine is; partials do not, and are skipped when there is no time for them.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby

import numpy as np

from workers.localserver.recogniser_protocol import Endpointing, HeardWord, Reading
from workers.localserver.recognition.engines import EngineWords
from workers.localserver.recognition.open_turn import OpenTurn
from workers.localserver.recognition.segment import (
    BREATH,
    LINE_PAUSE,
    ONSET,
    SHORTEST,
    TAIL,
    Segment,
)
from workers.localserver.recognition.sound import FRAME, FRAME_MS, Intake, Samples
from workers.localserver.recognition.speech_segmenter import Ear
from workers.localserver.recognition.vad import VoiceDetector
from workers.localserver.recognition.word_timing import raised, timed

STUTTER = 5
"""The decoder sometimes loops ("tho tho tho …") and recovers with the next reading. So many equal
words in a row are taken for that, and the piece stays as it was read before."""

NOTICE = 500
"""Ms of audio between two notices of how far the stream was listened to."""

AT_ONCE = 100
"""Frames that are listened to before it is the next stream's turn: some 30 ms of work."""


class Reason(Enum):
    """Why a piece is to be read. All but the first hold the stream up."""

    PARTIAL = auto()
    PAUSE = auto()
    LENGTH = auto()
    FLUSH = auto()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reading of the open piece."""

    reason: Reason
    end: int
    """The frame before which it ends."""
    since: float
    """When the audio that made it necessary arrived, on the monotonic clock."""

    @property
    def decides(self) -> bool:
        return self.reason is not Reason.PARTIAL


@dataclass(frozen=True, slots=True)
class Notice:
    """The stream was listened to up to ``position`` ms."""

    position: int
    silence: int
    speech_probability: float
    since: float
    """When the audio arrived that it is about, on the monotonic clock."""
    reading: Reading | None = None
    flushed: bool = False


@dataclass(frozen=True, slots=True)
class _Flush:
    """The client wants the open turn ended."""

    rest: Samples
    """What was sent before it and does not fill a frame."""


class Hearing:
    """Everything heard of one client's audio."""

    def __init__(self, intake: Intake, voice: VoiceDetector, endpointing: Endpointing) -> None:
        self._intake = intake
        self._rules = endpointing
        self._queue: deque[tuple[float, Samples | Endpointing | _Flush]] = deque()
        self._rest: Samples = np.empty(0, np.float32)  # of the flush under way
        self._arrived = 0.0  # when what is listened to came
        self._ear = Ear(voice)
        self._turn = OpenTurn()
        self.wanted: Wanted | None = None
        self.notices: list[Notice] = []
        """What is to be told; the owner takes it away."""

    # --- what comes in

    def hear(self, data: bytes, at: float) -> None:
        """Audio that arrived at a time of the monotonic clock, in seconds."""
        self._queue.extend((at, frame) for frame in self._intake.frames(data))

    def configure(self, endpointing: Endpointing, at: float) -> None:
        self._queue.append((at, endpointing))

    def flush(self, at: float) -> None:
        """Ends the open turn behind all that was heard before."""
        self._queue.extend((at, frame) for frame in self._intake.flush())
        self._queue.append((at, _Flush(self._intake.rest)))

    @property
    def waiting_since(self) -> float | None:
        """When the oldest audio arrived that was not listened to yet."""
        return self._queue[0][0] if self._queue else None

    @property
    def busy(self) -> bool:
        """Whether there is anything to listen to or to read."""
        return bool(self._queue) or self.wanted is not None

    @property
    def stands(self) -> bool:
        """Whether nothing can be done until the wanted reading is there."""
        return self.wanted is not None and self.wanted.decides

    @property
    def speaking(self) -> bool:
        """Whether a piece is open that partials are read of."""
        return self._ear.segment is not None and not self._ear.segment.read

    # --- frame by frame

    def advance(self, interval: int | None) -> None:
        """Listens on until a reading is wanted; ``interval``: ms between partials, None: none.

        Stops before that when much audio waits: other streams listen too.
        """
        for _ in range(min(len(self._queue), AT_ONCE)):
            if self.stands:
                return
            self._arrived, item = self._queue.popleft()
            if isinstance(item, _Flush):
                self._rest = item.rest
                self._flush()
            elif isinstance(item, Endpointing):
                self._rules = item
            else:
                before = self._ear.position
                self._ear.listen(item, self._rules.vad_threshold)
                if self._ear.position // NOTICE != before // NOTICE:
                    self._notice()
                pending = self.wanted
                if self._wants(interval) and pending is None:
                    return

    def _wants(self, interval: int | None) -> bool:
        """Finds out whether the piece is to be read now, or the turn is over."""
        segment, now = self._ear.segment, self._ear.now
        if segment is None or segment.read:
            self._settle_or_end()
            return False
        soonest = min(self._rules.min_turn_silence, self._rules.max_turn_silence)
        if now - segment.end >= BREATH or self._ear.silence >= soonest:
            if segment.voiced >= SHORTEST:
                return self._want(Reason.PAUSE, now)
            if now - segment.end >= TAIL:  # a noise
                self._close()
            return False
        cut = segment.cut(now)
        if cut is not None:
            return self._want(Reason.LENGTH, cut)
        if interval is not None and self._partial_due(segment, interval):
            return self._want(Reason.PARTIAL, now)
        return False

    def _want(self, reason: Reason, end: int) -> bool:
        since = self._arrived
        if self.wanted is not None:  # a partial that was not read in time
            since = min(since, self.wanted.since)
        self.wanted = Wanted(reason, end, since)
        return True

    def _partial_due(self, segment: Segment, interval: int) -> bool:
        if segment.voiced < SHORTEST or (self._turn.told and not self._rules.continuous_partials):
            return False
        if segment.end < self._ear.now:  # a silence may have begun: then it is read for good
            return False
        if segment.partial_at is None:
            return (self._ear.now - segment.onset) * FRAME_MS >= self._rules.first_partial
        return (self._ear.now - segment.partial_at) * FRAME_MS >= interval

    # --- readings

    def samples(self) -> Samples:
        """What is to be read, at a level that the engine understands."""
        assert self.wanted is not None
        samples = self._ear.tape.between(self._open.start, self.wanted.end)
        if self.wanted.reason is Reason.FLUSH:
            samples = np.concatenate([samples, self._rest])
        if self.wanted.reason is Reason.PAUSE:  # the rest of its tail is still to come
            missing = self._open.end + TAIL - self.wanted.end
            samples = np.pad(samples, (0, max(0, missing) * FRAME))
        return raised(samples)

    def read(self, words: EngineWords) -> None:
        """Takes what the engine made of `samples`."""
        wanted, segment = self.wanted, self._open
        assert wanted is not None
        self.wanted = None
        if not _stutters(words):
            segment.words = self._timed(words, segment, wanted.end)
        match wanted.reason:
            case Reason.PARTIAL:
                segment.partial_at = wanted.end
                if segment.words:
                    self._notice(self._turn.partial(segment.words))
            case Reason.PAUSE:
                self._read_in_pause(segment)
            case Reason.LENGTH:
                # After a stutter they are of an earlier reading, which went beyond the cut.
                cut = wanted.end * FRAME_MS
                self._turn.settle(tuple(word for word in segment.words if word.end <= cut))
                self._ear.cut(wanted.end, self._rules.vad_threshold)
                self._end_if_too_long()
            case Reason.FLUSH:
                self._end_turn()
                self._flushed()

    def _timed(self, words: EngineWords, segment: Segment, end: int) -> tuple[HeardWord, ...]:
        """An engine's own times count from the lead-in; without them, the lead-in is no speech."""
        own = bool(words) and words[0].start is not None
        start = segment.start if own else max(segment.start, segment.onset - 1)
        end = end if own else min(end, max(segment.end, start + 1))
        return timed(words, self._ear.tape.between(start, end), start * FRAME_MS)

    def _read_in_pause(self, segment: Segment) -> None:
        segment.read_to = segment.partial_at = segment.end
        if not segment.words:
            self._close()
        elif not self._settle_or_end():
            self._notice(self._turn.pause(segment.words))

    # --- what follows

    def _settle_or_end(self) -> bool:
        """Ends the turn, or only its piece, if the silence is long enough; whether it was told."""
        segment = self._ear.segment
        words = segment.words if segment is not None else ()
        if self._turn.over(words, self._ear.silence, self._rules):
            self._end_turn()
            return True
        if segment is not None and (segment.long or self._ear.silence >= LINE_PAUSE):
            self._turn.settle(words)
            self._close()
            self._end_if_too_long()
            return True
        return False

    def _end_if_too_long(self) -> None:
        turn = self._turn
        self._notice(turn.end(()) if turn.too_long else turn.partial(()))

    def _end_turn(self) -> None:
        segment = self._ear.segment
        self._notice(self._turn.end(segment.words if segment is not None else ()))
        self._close()

    def _close(self) -> None:
        self._ear.close()
        self.wanted = None

    def _flush(self) -> None:
        segment = self._ear.segment
        if segment is not None and not segment.read and segment.voiced >= ONSET:
            self._want(Reason.FLUSH, self._ear.now)
        else:
            self._end_turn()
            self._flushed()

    def _flushed(self) -> None:
        self._ear.claim()
        self.notices.append(Notice(self._ear.position, 0, 0.0, self._arrived, flushed=True))

    @property
    def _open(self) -> Segment:
        assert self._ear.segment is not None
        return self._ear.segment

    def _notice(self, reading: Reading | None = None) -> None:
        ear = self._ear
        loudest = ear.loudest()
        self.notices.append(Notice(ear.position, ear.silence, loudest, self._arrived, reading))


def _stutters(words: EngineWords) -> bool:
    return any(len(list(run)) >= STUTTER for _, run in groupby(word.text for word in words))
