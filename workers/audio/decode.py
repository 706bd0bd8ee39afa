"""Any recording as blocks of mono 16-bit PCM, in constant memory."""

from collections.abc import Generator, Iterator
from typing import TypeAlias

import numpy as np
import soundfile
import soxr

from workers.audio.recording import Recording
from workers.errors import Unreadable

Samples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"

_FIT_16_BITS = frozenset(
    [
        "PCM_16",
        "PCM_S8",
        "PCM_U8",
        "ULAW",
        "ALAW",
        "ALAC_16",
        "IMA_ADPCM",
        "MS_ADPCM",
        "GSM610",
        "DPCM_8",
        "DPCM_16",
    ]
)
_KEPT = "What was heard until there is kept."
_READ_AHEAD = 0.25
"""Seconds."""
_SHORTFALL = 0.1
"""Seconds that may be missing at the end: lossy formats round their length."""


def blocks(recording: Recording, rate: int, frames: int) -> Generator[bytes]:
    """Little-endian PCM16 mono at ``rate`` Hz, ``frames`` samples a block; the last may be shorter.

    Channels are averaged. A recording that is mono, at ``rate`` and at most 16 bits deep passes
    through bit for bit. Raises `Unreadable` when the file stops being readable on the way.
    """
    try:
        with soundfile.SoundFile(recording.path) as file:
            pieces = _passed_through(file) if _passes_through(file, rate) else _mono(file, rate)
            yield from _rebuffered(pieces, frames * 2)
            heard = file.tell()
    except (soundfile.LibsndfileError, OSError) as error:
        raise Unreadable(f"the file is damaged ({error})", _KEPT) from error
    if heard < recording.frames - _SHORTFALL * recording.rate:
        raise Unreadable(
            f"the file is damaged: it reads up to {heard / recording.rate:.1f} s "
            f"of {recording.seconds:.1f} s",
            _KEPT,
        )


def length(recording: Recording, rate: int) -> int:
    """How many samples `blocks` gives in all, to within a few when it resamples."""
    return -(-recording.frames * rate // recording.rate)


def _passes_through(file: soundfile.SoundFile, rate: int) -> bool:
    # FLAC names its depth as WAV does, so PCM_16 covers it.
    mono = file.channels == 1 and file.samplerate == rate
    return mono and file.subtype in _FIT_16_BITS


def _passed_through(file: soundfile.SoundFile) -> Iterator[bytes]:
    while block := file.buffer_read(_step(file), dtype="int16"):
        yield bytes(block)


def _step(file: soundfile.SoundFile) -> int:
    """Samples to read at a time: one reading costs as much as sending a chunk, whatever it reads.

    Not more, because a reading that meets damage gives nothing of what comes before it.
    """
    rate: int = file.samplerate
    return max(1, round(rate * _READ_AHEAD))


def _rebuffered(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes, ``size`` at a time; the last may be shorter."""
    pcm = bytearray()
    for piece in pieces:
        pcm += piece
        while len(pcm) >= size:
            yield bytes(pcm[:size])
            del pcm[:size]
    if pcm:
        yield bytes(pcm)


def _mono(file: soundfile.SoundFile, rate: int) -> Iterator[bytes]:
    """Averaged, resampled and rounded."""
    resampler = None
    if rate != file.samplerate:
        resampler = soxr.ResampleStream(file.samplerate, rate, 1, dtype="float32")
    while len(block := file.read(_step(file), dtype="float32", always_2d=True)):
        samples = block[:, 0] if file.channels == 1 else block.mean(axis=1)
        yield _pcm16(resampler.resample_chunk(samples) if resampler else samples)
    if resampler:
        yield _pcm16(resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True))


def _pcm16(samples: Samples) -> bytes:
    """Rounded to 16 bits; what is too loud is clipped, what is not a number is silence."""
    scaled = np.nan_to_num(samples, posinf=1.0, neginf=-1.0) * np.float32(32768)
    clipped: bytes = np.clip(np.rint(scaled), -32768, 32767).astype("<i2").tobytes()
    return clipped
