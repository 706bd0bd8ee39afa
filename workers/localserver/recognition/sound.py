"""What a client sends, as samples for the recogniser: mono, 16 kHz, 32-bit float from -1 to 1."""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from workers.localserver.recogniser_protocol import Encoding

MODEL_RATE_HZ = 16_000
"""What recogniser and voice-activity detector were trained on, in Hz."""

FRAME_SAMPLES = 512
"""Samples that the voice-activity detector judges at once: 32 ms."""

FRAME_MS = FRAME_SAMPLES * 1000 // MODEL_RATE_HZ

Samples = npt.NDArray[np.float32]


class FrameDecoder:
    """Cuts a client's bytes into whole frames; what is left over waits for the next bytes."""

    def __init__(self, sample_rate: int, encoding: Encoding) -> None:
        self._sample_rate = sample_rate
        self._decode = _DECODERS[encoding]
        self._resampler = self._new_resampler()
        self.remainder: Samples = np.empty(0, np.float32)
        """Less than a frame."""

    def decode_frames(self, data: bytes) -> list[Samples]:
        samples = self._decode(data)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        return self._split_frames(samples)

    def flush(self) -> list[Samples]:
        """What a resampler has kept back; it begins anew."""
        if self._resampler is None:
            return []
        kept = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
        self._resampler = self._new_resampler()
        return self._split_frames(kept)

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
    """The latest frames of a stream; frames are counted from its beginning."""

    def __init__(self) -> None:
        self._frames: deque[Samples] = deque()
        self._first_frame = 0

    @property
    def end_frame(self) -> int:
        """How many frames there were."""
        return self._first_frame + len(self._frames)

    def append(self, frame: Samples) -> None:
        self._frames.append(frame)

    def drop_before(self, frame: int) -> None:
        """Drops the frames that nobody will ask for."""
        while self._first_frame < frame:
            self._frames.popleft()
            self._first_frame += 1

    def between(self, start: int, end: int) -> Samples:
        return np.concatenate(
            list(islice(self._frames, start - self._first_frame, end - self._first_frame))
        )


def rms(samples: Samples) -> float:
    """Root mean square; 0 for no samples."""
    return float(np.sqrt(np.mean(samples * samples))) if len(samples) else 0.0


def _decode_s16le(data: bytes) -> Samples:
    # A torn last sample would raise, and its other half is not in the next message either.
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768)


def _mulaw_table() -> Samples:
    """The 256 values of G.711 µ-law: sign, 3 bits of exponent, 4 of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 7).astype(np.int32)
    magnitude = (((code & 15).astype(np.int32) << 3) + 132 << exponent) - 132
    signed: Samples = (np.where(code & 128, -magnitude, magnitude) / 32768).astype(np.float32)
    return signed


_MULAW_TABLE = _mulaw_table()


def decode_mulaw(data: bytes) -> Samples:
    """The samples of G.711 µ-law."""
    return _MULAW_TABLE[np.frombuffer(data, np.uint8)]


_DECODERS: Mapping[Encoding, Callable[[bytes], Samples]] = {
    Encoding.PCM_S16LE: _decode_s16le,
    Encoding.PCM_MULAW: decode_mulaw,
}
