"""Decodes, resamples, buffers and amplifies audio: mono, 16 kHz, 32-bit float from -1 to 1."""

from collections import deque
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from workers.localserver.recogniser_protocol import Encoding

MODEL_RATE_HZ = 16_000
"""Sample rate of the recognition and voice-activity models."""

FRAME_SAMPLES = 512
FRAME_MS = FRAME_SAMPLES * 1000 // MODEL_RATE_HZ
"""Duration of a frame, the input of the voice-activity detector: 32 ms."""

WINDOW_MS = 10  # window of a level measurement

ENGINE_TARGET_RMS = 10 ** (-20 / 20)
"""RMS to which the loud windows of a quiet segment are amplified before transcription."""

MAX_GAIN = 10 ** (40 / 20)

Samples = npt.NDArray[np.float32]


class FrameDecoder:
    """Turns a client's bytes into whole frames; the remainder is kept for the next bytes."""

    def __init__(self, sample_rate: int, encoding: Encoding) -> None:
        self._sample_rate = sample_rate
        self._decode = _decode_s16le if encoding is Encoding.PCM_S16LE else decode_mulaw
        self._bytes_per_sample = encoding.bytes_per_sample
        self._half_sample = b""  # the first byte of a sample whose second one is yet to come
        self._resampler = self._new_resampler()
        self.remainder: Samples = np.empty(0, np.float32)  # samples that do not fill a frame yet

    def decode_frames(self, data: bytes) -> list[Samples]:
        # Some clients cut their audio within a sample: 50 ms at 22.05 kHz are 2205 bytes.
        data = self._half_sample + data
        whole = len(data) // self._bytes_per_sample * self._bytes_per_sample
        self._half_sample = data[whole:]
        samples = self._decode(data[:whole])
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        return self._split_frames(samples)

    def flush(self) -> list[Samples]:
        """Returns the frames that the resampler still held, and resets the resampler."""
        if self._resampler is None:
            return []
        held_back = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
        self._resampler = self._new_resampler()
        return self._split_frames(held_back)

    def _split_frames(self, samples: Samples) -> list[Samples]:
        samples = np.concatenate([self.remainder, samples])
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        self.remainder = samples[whole:]
        return list(samples[:whole].reshape(-1, FRAME_SAMPLES))

    def _new_resampler(self) -> Any:
        if self._sample_rate == MODEL_RATE_HZ:
            return None
        return soxr.ResampleStream(self._sample_rate, MODEL_RATE_HZ, 1, dtype="float32")


class FrameBuffer:
    """The latest frames of a stream, indexed from its beginning."""

    def __init__(self) -> None:
        self._frames: deque[Samples] = deque()
        self._first_frame = 0

    @property
    def end_frame(self) -> int:
        """Number of frames appended so far."""
        return self._first_frame + len(self._frames)

    def append(self, frame: Samples) -> None:
        self._frames.append(frame)

    def drop_before(self, frame: int) -> None:
        while self._first_frame < frame:
            self._frames.popleft()
            self._first_frame += 1

    def between(self, start: int, end: int) -> Samples:
        first = self._first_frame
        return np.concatenate(list(islice(self._frames, start - first, end - first)))


def rms(samples: Samples) -> float:
    """Root mean square; 0 for no samples."""
    return float(np.sqrt(np.mean(samples * samples))) if len(samples) else 0.0


def raised(samples: Samples, level: float, target_rms: float) -> Samples:
    """Amplifies samples with an RMS of ``level`` to the target and clips them to full scale."""
    gain = min(max(target_rms / level, 1.0), MAX_GAIN) if level > 0 else 1.0
    louder: Samples = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return louder


def window_rms(samples: Samples) -> Samples:
    """Root mean square of each whole window of `WINDOW_MS`."""
    size = MODEL_RATE_HZ * WINDOW_MS // 1000
    windows = samples[: len(samples) // size * size].reshape(-1, size)
    levels: Samples = np.sqrt(np.mean(windows * windows, axis=1))
    return levels


def raise_to_engine_level(samples: Samples) -> Samples:
    """Amplifies a quiet segment to a level for which the engines are trained."""
    levels = window_rms(samples)
    loud = float(np.percentile(levels, 95)) if len(levels) else 0.0
    is_quiet = 0 < loud < ENGINE_TARGET_RMS
    return raised(samples, loud, ENGINE_TARGET_RMS) if is_quiet else samples


def _decode_s16le(data: bytes) -> Samples:
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


def _mulaw_table() -> Samples:
    """The 256 values of G.711 µ-law: sign, 3 bits of exponent, 4 of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 7).astype(np.int32)
    magnitude = (((code & 15).astype(np.int32) << 3) + 132 << exponent) - 132
    signed: Samples = (np.where(code & 128, -magnitude, magnitude) / 32768).astype(np.float32)
    return signed


_MULAW_TABLE = _mulaw_table()


def decode_mulaw(data: bytes) -> Samples:
    """Decodes G.711 µ-law."""
    return _MULAW_TABLE[np.frombuffer(data, np.uint8)]
