"""Recognises one stream: decides what to transcribe and when, and turns the words into reports.

Runs in a recogniser process. `advance` processes frames until a segment should be transcribed; the
caller runs the engine and passes the words to `apply_words`. A transcription that affects decisions
blocks the stream until it is done, so the result does not depend on the speed or load of the
machine. Partial turns do not block, and are skipped if there is no time for them.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby

import numpy as np

from workers.localserver.recogniser_protocol import (
    REPORT_INTERVAL_MS,
    Endpointing,
    Flushed,
    Hypothesis,
    Open,
    Recognised,
    RecognisedWords,
)
from workers.localserver.recognition.engines import EngineWords
from workers.localserver.recognition.open_turn import OpenTurn
from workers.localserver.recognition.sound import (
    FRAME_MS,
    FRAME_SAMPLES,
    FrameDecoder,
    Samples,
    raise_to_engine_level,
)
from workers.localserver.recognition.speech_segmenter import (
    CLOSE_AT_PAUSE_FRAMES,
    ONSET_FRAMES,
    SEGMENT_PAUSE_MS,
    SHORT_PAUSE_FRAMES,
    TAIL_FRAMES,
    Segment,
    SpeechSegmenter,
)
from workers.localserver.recognition.vad import VoiceDetector
from workers.localserver.recognition.word_timing import time_words

MIN_LOOP_REPEATS = 5
"""A decoder sometimes loops ("tho tho tho …") and recovers with the next transcription. After
this many equal words in a row, the segment keeps its previous words."""

MAX_FRAMES_PER_ADVANCE = 100
"""Frames to process before the next stream is served: about 30 ms of work."""


class RequestReason(Enum):
    """Why a segment is transcribed. All reasons except `PARTIAL` block the stream."""

    PARTIAL = auto()
    PAUSE = auto()
    LENGTH = auto()
    FLUSH = auto()


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A transcription of the open segment that the caller should run."""

    reason: RequestReason
    end_frame: int  # the frame after the last one to transcribe
    arrived_at: float
    """Arrival time of the audio that caused the request, in seconds on the monotonic clock."""

    @property
    def is_blocking(self) -> bool:
        return self.reason is not RequestReason.PARTIAL


@dataclass(frozen=True, slots=True)
class _FlushMarker:
    """Marks the place in the queue where the audio of a flush ends."""

    remainder: Samples  # samples before the flush that do not fill a frame


class StreamRecogniser:
    """Recognises one stream; its reports collect in ``pending_reports``."""

    def __init__(
        self, command: Open, vad: VoiceDetector, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream_id = command.stream
        self._clock = clock
        self._decoder = FrameDecoder(command.sample_rate, command.encoding)
        self._endpointing = command.endpointing
        self._queue: deque[tuple[float, Samples | Endpointing | _FlushMarker]] = deque()
        self._flush_remainder: Samples = np.empty(0, np.float32)  # remainder at the latest flush
        self._arrived_at = 0.0  # arrival time of the item being processed
        self._segmenter = SpeechSegmenter(vad)
        self._open_turn = OpenTurn()
        self.request: TranscriptionRequest | None = None
        self.pending_reports: list[Recognised | Flushed] = []  # the caller sends and clears them

    # --- input; ``arrived_at`` is in seconds on the monotonic clock

    def feed(self, data: bytes, arrived_at: float) -> None:
        self._queue.extend((arrived_at, frame) for frame in self._decoder.decode_frames(data))

    def configure(self, endpointing: Endpointing, arrived_at: float) -> None:
        self._queue.append((arrived_at, endpointing))

    def flush(self, arrived_at: float) -> None:
        """Ends the open turn once all audio so far has been processed."""
        self._queue.extend((arrived_at, frame) for frame in self._decoder.flush())
        self._queue.append((arrived_at, _FlushMarker(self._decoder.remainder)))

    @property
    def waiting_since(self) -> float | None:
        """Arrival time of the oldest item that has not been processed; None if there is none."""
        return self._queue[0][0] if self._queue else None

    @property
    def is_busy(self) -> bool:
        """True if anything is left to process or to transcribe."""
        return bool(self._queue) or self.request is not None

    @property
    def accepts_partials(self) -> bool:
        """True if the open segment has speech that no blocking transcription has covered."""
        return self._segmenter.segment is not None and not self._segmenter.segment.is_transcribed

    # --- frame by frame

    def advance(self, partial_interval_ms: int | None) -> None:
        """Processes queued items until a transcription is needed.

        ``partial_interval_ms`` is the audio between two partial turns; None: send none. Returns
        early after `MAX_FRAMES_PER_ADVANCE`, so that other streams get their share.
        """
        for _ in range(min(len(self._queue), MAX_FRAMES_PER_ADVANCE)):
            if self.request is not None and self.request.is_blocking:
                return
            self._arrived_at, item = self._queue.popleft()
            if isinstance(item, _FlushMarker):
                self._flush_remainder = item.remainder
                segment = self._segmenter.segment
                if (
                    segment is not None
                    and not segment.is_transcribed
                    and segment.voiced_frames >= ONSET_FRAMES
                    and segment.is_certain
                ):
                    self._set_request(RequestReason.FLUSH, self._segmenter.frame_count)
                else:
                    self._end_turn()
                    self._finish_flush()
            elif isinstance(item, Endpointing):
                self._endpointing = item
            else:
                before_ms = self._segmenter.position_ms
                self._segmenter.process_frame(item, self._endpointing.vad_threshold)
                now_ms = self._segmenter.position_ms
                if now_ms // REPORT_INTERVAL_MS != before_ms // REPORT_INTERVAL_MS:
                    self._add_report()
                pending = self.request
                if self._plan_request(partial_interval_ms) and pending is None:
                    return

    def _plan_request(self, partial_interval_ms: int | None) -> bool:
        """Requests a transcription or ends the turn when due; returns True for a request."""
        segment, now = self._segmenter.segment, self._segmenter.frame_count
        if segment is None or segment.is_transcribed:
            self._settle_or_end()
            return False
        rules, silent_frames = self._endpointing, now - segment.end_frame
        min_silence_ms = min(rules.min_turn_silence, rules.max_turn_silence)
        if silent_frames >= SHORT_PAUSE_FRAMES or self._segmenter.silence_ms >= min_silence_ms:
            if segment.is_speech:
                return self._set_request(RequestReason.PAUSE, now)
            if silent_frames >= TAIL_FRAMES:  # noise
                self._close_segment()
            return False
        cut = segment.cut_point(now)
        if cut is not None and segment.is_speech:
            return self._set_request(RequestReason.LENGTH, cut)
        if cut is not None:  # a long noise, such as music
            self._close_segment()
            return False
        if partial_interval_ms is None or not segment.is_speech:
            return False
        if self._open_turn.partial_sent and not rules.continuous_partials:
            return False
        if silent_frames:  # perhaps a pause, which causes a transcription anyway
            return False
        if segment.partial_end_frame is None:
            since_frame, interval_ms = segment.onset_frame, rules.first_partial_ms
        else:
            since_frame, interval_ms = segment.partial_end_frame, partial_interval_ms
        is_due = (now - since_frame) * FRAME_MS >= interval_ms
        return is_due and self._set_request(RequestReason.PARTIAL, now)

    def _set_request(self, reason: RequestReason, end_frame: int) -> bool:
        arrived_at = self._arrived_at
        if self.request is not None:  # a partial turn that was not transcribed in time
            arrived_at = min(arrived_at, self.request.arrived_at)
        self.request = TranscriptionRequest(reason, end_frame, arrived_at)
        return True

    # --- transcription

    def request_samples(self) -> Samples:
        """The audio to transcribe for the request, at the level that engines expect."""
        assert self.request is not None
        segment, end_frame = self._open_segment, self.request.end_frame
        samples = self._segmenter.buffer.between(segment.start_frame, end_frame)
        if self.request.reason is RequestReason.FLUSH:
            samples = np.concatenate([samples, self._flush_remainder])
        if self.request.reason is RequestReason.PAUSE:  # the rest of its tail has not arrived yet
            missing = segment.end_frame + TAIL_FRAMES - end_frame
            samples = np.pad(samples, (0, max(0, missing) * FRAME_SAMPLES))
        return raise_to_engine_level(samples)

    def apply_words(self, words: EngineWords) -> None:
        """Completes the request with the engine's words for `request_samples`."""
        request, segment = self.request, self._open_segment
        assert request is not None
        self.request = None
        runs = groupby(word.text for word in words)
        if all(len(list(run)) < MIN_LOOP_REPEATS for _, run in runs):
            segment.words = self._time_words(words, segment, request.end_frame)
        match request.reason:
            case RequestReason.PARTIAL:
                segment.partial_end_frame = request.end_frame
                if segment.words:
                    self._add_report(self._open_turn.take_partial(segment.words))
            case RequestReason.PAUSE:
                segment.pause_end_frame = segment.partial_end_frame = segment.end_frame
                if not segment.words:
                    self._close_segment()
                elif not self._settle_or_end():
                    self._add_report(self._open_turn.take_partial(segment.words, at_pause=True))
            case RequestReason.LENGTH:
                # A loop leaves the words of an earlier transcription, which may end after the cut.
                cut_ms = request.end_frame * FRAME_MS
                words_before = tuple(word for word in segment.words if word.end_ms <= cut_ms)
                self._open_turn.add_settled(words_before)
                self._segmenter.split_segment(request.end_frame, self._endpointing.vad_threshold)
                self._report_settled()
            case RequestReason.FLUSH:
                self._end_turn()
                self._finish_flush()

    def _time_words(self, words: EngineWords, segment: Segment, end_frame: int) -> RecognisedWords:
        """Adds times to the words: the engine's, or estimates that exclude the lead-in."""
        start = segment.start_frame
        if not (words and words[0].start_s is not None):
            start = max(segment.start_frame, segment.onset_frame - 1)
            end_frame = min(end_frame, max(segment.end_frame, start + 1))
        return time_words(words, self._segmenter.buffer.between(start, end_frame), start * FRAME_MS)

    # --- ends of segments and turns

    def _settle_or_end(self) -> bool:
        """Ends the turn, or only its segment, after enough silence; returns True if so."""
        segment, silence_ms = self._segmenter.segment, self._segmenter.silence_ms
        words = segment.words if segment is not None else ()
        if self._open_turn.has_ended(words, silence_ms, self._endpointing):
            self._end_turn()
            return True
        if segment is None:
            return False
        is_long = segment.end_frame - segment.start_frame >= CLOSE_AT_PAUSE_FRAMES
        if is_long or silence_ms >= SEGMENT_PAUSE_MS:
            self._open_turn.add_settled(words)
            self._close_segment()
            self._report_settled()
            return True
        return False

    def _report_settled(self) -> None:
        """Reports the turn after a segment was closed; ends the turn if it is too long."""
        turn = self._open_turn
        self._add_report(turn.finish(()) if turn.is_too_long else turn.take_partial(()))

    def _end_turn(self) -> None:
        segment = self._segmenter.segment
        self._add_report(self._open_turn.finish(segment.words if segment is not None else ()))
        self._close_segment()

    def _close_segment(self) -> None:
        self._segmenter.close_segment()
        self.request = None

    def _finish_flush(self) -> None:
        self._segmenter.claim_audio()
        self.pending_reports.append(Flushed(self._stream_id))

    @property
    def _open_segment(self) -> Segment:
        assert self._segmenter.segment is not None
        return self._segmenter.segment

    def _add_report(self, hypothesis: Hypothesis | None = None) -> None:
        self.pending_reports.append(
            Recognised(
                self._stream_id,
                self._segmenter.position_ms,
                hypothesis,
                self._segmenter.silence_ms,
                self._segmenter.take_peak_probability(),
                lag_s=self._clock() - self._arrived_at,
            )
        )
