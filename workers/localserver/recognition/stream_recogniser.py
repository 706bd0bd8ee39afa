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

from workers.localserver.recogniser_protocol import Endpointing, Hypothesis, RecognisedWord
from workers.localserver.recognition.engines import EngineWords
from workers.localserver.recognition.open_turn import OpenTurn
from workers.localserver.recognition.segment import (
    MIN_VOICED_FRAMES,
    ONSET_FRAMES,
    SEGMENT_PAUSE_MS,
    SHORT_PAUSE_FRAMES,
    TAIL_FRAMES,
    Segment,
)
from workers.localserver.recognition.sound import FRAME_MS, FRAME_SAMPLES, FrameDecoder, Samples
from workers.localserver.recognition.speech_segmenter import SpeechSegmenter
from workers.localserver.recognition.vad import VoiceDetector
from workers.localserver.recognition.word_timing import apply_gain, time_words

MIN_LOOP_REPEATS = 5
"""The decoder sometimes loops ("tho tho tho …") and recovers with the next reading. So many equal
words in a row are taken for that, and the piece stays as it was read before."""

REPORT_INTERVAL_MS = 500
"""Ms of audio between two notices of how far the stream was listened to."""

MAX_FRAMES_PER_ADVANCE = 100
"""Frames that are listened to before it is the next stream's turn: some 30 ms of work."""


class RequestReason(Enum):
    """Why a piece is to be read. All but the first hold the stream up."""

    PARTIAL = auto()
    PAUSE = auto()
    LENGTH = auto()
    FLUSH = auto()


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A reading of the open piece."""

    reason: RequestReason
    end_frame: int
    """The frame before which it ends."""
    arrived_at: float
    """When the audio that made it necessary arrived, on the monotonic clock."""

    @property
    def is_blocking(self) -> bool:
        return self.reason is not RequestReason.PARTIAL


@dataclass(frozen=True, slots=True)
class PendingReport:
    """The stream was listened to up to ``position`` ms."""

    position_ms: int
    silence_ms: int
    speech_probability: float
    arrived_at: float
    """When the audio arrived that it is about, on the monotonic clock."""
    hypothesis: Hypothesis | None = None
    flushed: bool = False


@dataclass(frozen=True, slots=True)
class _FlushMarker:
    """The client wants the open turn ended."""

    remainder: Samples
    """What was sent before it and does not fill a frame."""


class StreamRecogniser:
    """Everything heard of one client's audio."""

    def __init__(self, decoder: FrameDecoder, vad: VoiceDetector, endpointing: Endpointing) -> None:
        self._decoder = decoder
        self._endpointing = endpointing
        self._queue: deque[tuple[float, Samples | Endpointing | _FlushMarker]] = deque()
        self._flush_remainder: Samples = np.empty(0, np.float32)  # of the flush under way
        self._arrived_at = 0.0  # when what is listened to came
        self._segmenter = SpeechSegmenter(vad)
        self._open_turn = OpenTurn()
        self.request: TranscriptionRequest | None = None
        self.pending_reports: list[PendingReport] = []
        """What is to be told; the owner takes it away."""

    # --- what comes in

    def feed(self, data: bytes, arrived_at: float) -> None:
        """Audio that arrived at a time of the monotonic clock, in seconds."""
        self._queue.extend((arrived_at, frame) for frame in self._decoder.decode_frames(data))

    def configure(self, endpointing: Endpointing, arrived_at: float) -> None:
        self._queue.append((arrived_at, endpointing))

    def flush(self, arrived_at: float) -> None:
        """Ends the open turn behind all that was heard before."""
        self._queue.extend((arrived_at, frame) for frame in self._decoder.flush())
        self._queue.append((arrived_at, _FlushMarker(self._decoder.remainder)))

    @property
    def waiting_since(self) -> float | None:
        """When the oldest audio arrived that was not listened to yet."""
        return self._queue[0][0] if self._queue else None

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to listen to or to read."""
        return bool(self._queue) or self.request is not None

    @property
    def is_blocked(self) -> bool:
        """Whether nothing can be done until the wanted reading is there."""
        return self.request is not None and self.request.is_blocking

    @property
    def accepts_partials(self) -> bool:
        """Whether a piece is open that partials are read of."""
        return self._segmenter.segment is not None and not self._segmenter.segment.is_transcribed

    # --- frame by frame

    def advance(self, partial_interval_ms: int | None) -> None:
        """Listens on until a reading is wanted; ``partial_interval_ms``: ms between partials, None:
        none.

        Stops before that when much audio waits: other streams listen too.
        """
        for _ in range(min(len(self._queue), MAX_FRAMES_PER_ADVANCE)):
            if self.is_blocked:
                return
            self._arrived_at, item = self._queue.popleft()
            if isinstance(item, _FlushMarker):
                self._flush_remainder = item.remainder
                self._start_flush()
            elif isinstance(item, Endpointing):
                self._endpointing = item
            else:
                before = self._segmenter.position_ms
                self._segmenter.process_frame(item, self._endpointing.vad_threshold)
                if (
                    self._segmenter.position_ms // REPORT_INTERVAL_MS
                    != before // REPORT_INTERVAL_MS
                ):
                    self._add_report()
                pending = self.request
                if self._plan_request(partial_interval_ms) and pending is None:
                    return

    def _plan_request(self, partial_interval_ms: int | None) -> bool:
        """Finds out whether the piece is to be read now, or the turn is over."""
        segment, now = self._segmenter.segment, self._segmenter.frame_count
        if segment is None or segment.is_transcribed:
            self._settle_or_end()
            return False
        soonest = min(self._endpointing.min_turn_silence, self._endpointing.max_turn_silence)
        if now - segment.end_frame >= SHORT_PAUSE_FRAMES or self._segmenter.silence_ms >= soonest:
            if segment.voiced_frames >= MIN_VOICED_FRAMES:
                return self._set_request(RequestReason.PAUSE, now)
            if now - segment.end_frame >= TAIL_FRAMES:  # a noise
                self._close_segment()
            return False
        cut = segment.cut_point(now)
        if cut is not None:
            return self._set_request(RequestReason.LENGTH, cut)
        if partial_interval_ms is not None and self._is_partial_due(segment, partial_interval_ms):
            return self._set_request(RequestReason.PARTIAL, now)
        return False

    def _set_request(self, reason: RequestReason, end_frame: int) -> bool:
        since = self._arrived_at
        if self.request is not None:  # a partial that was not read in time
            since = min(since, self.request.arrived_at)
        self.request = TranscriptionRequest(reason, end_frame, since)
        return True

    def _is_partial_due(self, segment: Segment, interval_ms: int) -> bool:
        if segment.voiced_frames < MIN_VOICED_FRAMES or (
            self._open_turn.partial_sent and not self._endpointing.continuous_partials
        ):
            return False
        if (
            segment.end_frame < self._segmenter.frame_count
        ):  # a silence may have begun: then it is read for good
            return False
        if segment.partial_end_frame is None:
            return (
                self._segmenter.frame_count - segment.onset_frame
            ) * FRAME_MS >= self._endpointing.first_partial_ms
        return (self._segmenter.frame_count - segment.partial_end_frame) * FRAME_MS >= interval_ms

    # --- readings

    def request_samples(self) -> Samples:
        """What is to be read, at a level that the engine understands."""
        assert self.request is not None
        samples = self._segmenter.buffer.between(
            self._open_segment.start_frame, self.request.end_frame
        )
        if self.request.reason is RequestReason.FLUSH:
            samples = np.concatenate([samples, self._flush_remainder])
        if self.request.reason is RequestReason.PAUSE:  # the rest of its tail is still to come
            missing = self._open_segment.end_frame + TAIL_FRAMES - self.request.end_frame
            samples = np.pad(samples, (0, max(0, missing) * FRAME_SAMPLES))
        return apply_gain(samples)

    def apply_words(self, words: EngineWords) -> None:
        """Takes what the engine made of `samples`."""
        wanted, segment = self.request, self._open_segment
        assert wanted is not None
        self.request = None
        if not _is_looping(words):
            segment.words = self._time_words(words, segment, wanted.end_frame)
        match wanted.reason:
            case RequestReason.PARTIAL:
                segment.partial_end_frame = wanted.end_frame
                if segment.words:
                    self._add_report(self._open_turn.take_partial(segment.words))
            case RequestReason.PAUSE:
                self._handle_pause(segment)
            case RequestReason.LENGTH:
                # After a stutter they are of an earlier reading, which went beyond the cut.
                cut = wanted.end_frame * FRAME_MS
                self._open_turn.add_settled(
                    tuple(word for word in segment.words if word.end_ms <= cut)
                )
                self._segmenter.split_segment(wanted.end_frame, self._endpointing.vad_threshold)
                self._end_if_too_long()
            case RequestReason.FLUSH:
                self._end_turn()
                self._finish_flush()

    def _time_words(
        self, words: EngineWords, segment: Segment, end_frame: int
    ) -> tuple[RecognisedWord, ...]:
        """An engine's own times count from the lead-in; without them, the lead-in is no speech."""
        own = bool(words) and words[0].start_s is not None
        start = segment.start_frame if own else max(segment.start_frame, segment.onset_frame - 1)
        end_frame = end_frame if own else min(end_frame, max(segment.end_frame, start + 1))
        return time_words(words, self._segmenter.buffer.between(start, end_frame), start * FRAME_MS)

    def _handle_pause(self, segment: Segment) -> None:
        segment.pause_end_frame = segment.partial_end_frame = segment.end_frame
        if not segment.words:
            self._close_segment()
        elif not self._settle_or_end():
            self._add_report(self._open_turn.take_pause_partial(segment.words))

    # --- what follows

    def _settle_or_end(self) -> bool:
        """Ends the turn, or only its piece, if the silence is long enough; whether it was told."""
        segment = self._segmenter.segment
        words = segment.words if segment is not None else ()
        if self._open_turn.is_over(words, self._segmenter.silence_ms, self._endpointing):
            self._end_turn()
            return True
        if segment is not None and (
            segment.is_long or self._segmenter.silence_ms >= SEGMENT_PAUSE_MS
        ):
            self._open_turn.add_settled(words)
            self._close_segment()
            self._end_if_too_long()
            return True
        return False

    def _end_if_too_long(self) -> None:
        turn = self._open_turn
        self._add_report(turn.finish(()) if turn.is_too_long else turn.take_partial(()))

    def _end_turn(self) -> None:
        segment = self._segmenter.segment
        self._add_report(self._open_turn.finish(segment.words if segment is not None else ()))
        self._close_segment()

    def _close_segment(self) -> None:
        self._segmenter.close_segment()
        self.request = None

    def _start_flush(self) -> None:
        segment = self._segmenter.segment
        if (
            segment is not None
            and not segment.is_transcribed
            and segment.voiced_frames >= ONSET_FRAMES
        ):
            self._set_request(RequestReason.FLUSH, self._segmenter.frame_count)
        else:
            self._end_turn()
            self._finish_flush()

    def _finish_flush(self) -> None:
        self._segmenter.claim_audio()
        self.pending_reports.append(
            PendingReport(self._segmenter.position_ms, 0, 0.0, self._arrived_at, flushed=True)
        )

    @property
    def _open_segment(self) -> Segment:
        assert self._segmenter.segment is not None
        return self._segmenter.segment

    def _add_report(self, hypothesis: Hypothesis | None = None) -> None:
        ear = self._segmenter
        loudest = ear.take_peak_probability()
        self.pending_reports.append(
            PendingReport(ear.position_ms, ear.silence_ms, loudest, self._arrived_at, hypothesis)
        )


def _is_looping(words: EngineWords) -> bool:
    return any(
        len(list(run)) >= MIN_LOOP_REPEATS for _, run in groupby(word.text for word in words)
    )
