"""Any recording as blocks of mono 16-bit PCM, from any sample on, in constant memory."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from math import gcd
from typing import TypeAlias

import numpy as np
import soundfile
import soxr

from workers.audio.audio_reader import Piece, Tape
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
_SHORTFALL = 0.1
"""Seconds that may be missing at the end: lossy formats round their length."""
_SETTLING = 0.25
"""Seconds by which a resampler starts early, to be past the silence that it takes for the past."""


def blocks(
    recording: Recording,
    rate: int,
    frames: int,
    start: int = 0,
    *,
    winding: Callable[[], object] = lambda: None,
) -> Generator[bytes]:
    """Little-endian PCM16 mono at ``rate`` Hz, ``frames`` samples a block; the last may be shorter.

    Channels are averaged. A recording that is mono, at ``rate`` and at most 16 bits deep passes
    through bit for bit. The first block begins with sample ``start`` of those that there are from
    the beginning; nothing is given when there are no more than that. ``winding`` is called now and
    then while it is on its way there, and may raise: to get far into a file may take a minute.
    Raises `Unreadable` when the file stops being readable.
    """
    try:
        with Tape(recording.path, winding) as file:
            pieces = _passed_through if _passes_through(file, rate) else _mono
            yield from _rebuffered(pieces(file, rate, start), frames * 2)
            heard = file.position
    except soundfile.LibsndfileError as error:
        if not os.path.exists(recording.path):
            raise Unreadable("the file is no longer there", "Was it moved or deleted?") from error
        what = error.error_string.rstrip(".").strip()
        raise Unreadable(f"the file is damaged ({what})", _KEPT) from error
    if heard < recording.frames - _SHORTFALL * recording.rate:
        raise Unreadable(
            f"the file is damaged: it reads up to {heard / recording.rate:.1f} s "
            f"of {recording.seconds:.1f} s",
            _KEPT,
        )


def length(recording: Recording, rate: int) -> int:
    """How many samples `blocks` gives in all, to within a few when it resamples."""
    return -(-recording.frames * rate // recording.rate)


def _passes_through(file: Tape, rate: int) -> bool:
    # FLAC names its depth as WAV does, so PCM_16 covers it.
    mono = file.channels == 1 and file.samplerate == rate
    return mono and file.subtype in _FIT_16_BITS


def _passed_through(file: Tape, rate: int, start: int) -> Iterator[bytes]:
    return (piece.astype("<i2", copy=False).tobytes() for piece in file.pieces("int16", start))


def _mono(file: Tape, rate: int, start: int) -> Iterator[bytes]:
    """Averaged, resampled and rounded."""
    if rate == file.samplerate:
        return (_pcm16(_averaged(piece)) for piece in file.pieces("float32", start))
    return _resampled(file, rate, start)


def _resampled(file: Tape, rate: int, start: int) -> Iterator[bytes]:
    """Begins where a sample of the file and one of the result fall on the same moment, so that the
    others do too; in whole numbers, because a fraction would be a sample off after some hours."""
    common = gcd(rate, file.samplerate)
    here, there = file.samplerate // common, rate // common
    together = max(0, start // there - -(-round(_SETTLING * file.samplerate) // here))
    surplus = (start - together * there) * 2
    resampler = soxr.ResampleStream(file.samplerate, rate, 1, dtype="float32")
    for pcm in _through(resampler, map(_averaged, file.pieces("float32", together * here))):
        yield pcm[surplus:]
        surplus = max(0, surplus - len(pcm))


def _through(resampler: soxr.ResampleStream, pieces: Iterable[Samples]) -> Iterator[bytes]:
    for piece in pieces:
        yield _pcm16(resampler.resample_chunk(piece))
    yield _pcm16(resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True))


def _averaged(piece: Piece) -> Samples:
    mono: Samples = piece[:, 0] if piece.shape[1] == 1 else piece.mean(axis=1)
    return mono


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


def _pcm16(samples: Samples) -> bytes:
    """Rounded to 16 bits; what is too loud is clipped, what is not a number is silence."""
    scaled = np.nan_to_num(samples, posinf=1.0, neginf=-1.0) * np.float32(32768)
    clipped: bytes = np.clip(np.rint(scaled), -32768, 32767).astype("<i2").tobytes()
    return clipped
