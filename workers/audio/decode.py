"""Any recording as blocks of mono 16-bit PCM, from any sample on, in constant memory."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from math import gcd
from typing import TypeAlias

import numpy as np
import soundfile
import soxr

from workers.audio.audio_reader import AudioReader, SampleBlock
from workers.audio.recording import Recording
from workers.errors import Unreadable

MonoSamples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"

_PCM16_SUBTYPES = frozenset(
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
_KEPT_BEFORE_DAMAGE_HINT = "What was heard until there is kept."
_MAX_SHORTFALL_S = 0.1
"""Seconds that may be missing at the end: lossy formats round their length."""
_RESAMPLER_WARM_UP_S = 0.25
"""Seconds by which a resampler starts early, to be past the silence that it takes for the past."""


def pcm_blocks(
    recording: Recording,
    rate: int,
    block_frames: int,
    start_frame: int = 0,
    *,
    on_skip: Callable[[], object] = lambda: None,
) -> Generator[bytes]:
    """Little-endian PCM16 mono at ``rate`` Hz, ``block_frames`` samples a block; the last may be
    shorter.

    Channels are averaged. A recording that is mono, at ``rate`` and at most 16 bits deep passes
    through bit for bit. The first block begins with sample ``start_frame`` of those that there are
    from the beginning; nothing is given when there are no more than that. ``on_skip`` is called now
    and then while it is on its way there, and may raise: to get far into a file may take a minute.
    Raises `Unreadable` when the file stops being readable.
    """
    try:
        with AudioReader(recording.path, on_skip) as file:
            blocks = _raw_pcm if _can_pass_through(file, rate) else _mono_pcm
            yield from _regroup(blocks(file, rate, start_frame), block_frames * 2)
            heard = file.next_frame
    except soundfile.LibsndfileError as error:
        if not os.path.exists(recording.path):
            raise Unreadable("the file is no longer there", "Was it moved or deleted?") from error
        what = error.error_string.rstrip(".").strip()
        raise Unreadable(f"the file is damaged ({what})", _KEPT_BEFORE_DAMAGE_HINT) from error
    if heard < recording.frames - _MAX_SHORTFALL_S * recording.rate:
        raise Unreadable(
            f"the file is damaged: it reads up to {heard / recording.rate:.1f} s "
            f"of {recording.seconds:.1f} s",
            _KEPT_BEFORE_DAMAGE_HINT,
        )


def sample_count(recording: Recording, rate: int) -> int:
    """How many samples `blocks` gives in all, to within a few when it resamples."""
    return -(-recording.frames * rate // recording.rate)


def _can_pass_through(file: AudioReader, rate: int) -> bool:
    # FLAC names its depth as WAV does, so PCM_16 covers it.
    mono = file.channels == 1 and file.samplerate == rate
    return mono and file.subtype in _PCM16_SUBTYPES


def _raw_pcm(file: AudioReader, rate: int, start_frame: int) -> Iterator[bytes]:
    return (
        block.astype("<i2", copy=False).tobytes()
        for block in file.iter_blocks("int16", start_frame)
    )


def _mono_pcm(file: AudioReader, rate: int, start_frame: int) -> Iterator[bytes]:
    """Averaged, resampled and rounded."""
    if rate == file.samplerate:
        return (_to_pcm16(_downmix(block)) for block in file.iter_blocks("float32", start_frame))
    return _resampled_pcm(file, rate, start_frame)


def _resampled_pcm(file: AudioReader, rate: int, start_frame: int) -> Iterator[bytes]:
    """Begins where a sample of the file and one of the result fall on the same moment, so that the
    others do too; in whole numbers, because a fraction would be a sample off after some hours."""
    common = gcd(rate, file.samplerate)
    here, there = file.samplerate // common, rate // common
    together = max(
        0, start_frame // there - -(-round(_RESAMPLER_WARM_UP_S * file.samplerate) // here)
    )
    surplus = (start_frame - together * there) * 2
    resampler = soxr.ResampleStream(file.samplerate, rate, 1, dtype="float32")
    for pcm in _resample(resampler, map(_downmix, file.iter_blocks("float32", together * here))):
        yield pcm[surplus:]
        surplus = max(0, surplus - len(pcm))


def _resample(resampler: soxr.ResampleStream, blocks: Iterable[MonoSamples]) -> Iterator[bytes]:
    for block in blocks:
        yield _to_pcm16(resampler.resample_chunk(block))
    yield _to_pcm16(resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True))


def _downmix(block: SampleBlock) -> MonoSamples:
    mono: MonoSamples = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
    return mono


def _regroup(blocks: Iterator[bytes], block_bytes: int) -> Iterator[bytes]:
    """The same bytes, ``block_bytes`` at a time; the last may be shorter."""
    pcm = bytearray()
    for block in blocks:
        pcm += block
        while len(pcm) >= block_bytes:
            yield bytes(pcm[:block_bytes])
            del pcm[:block_bytes]
    if pcm:
        yield bytes(pcm)


def _to_pcm16(samples: MonoSamples) -> bytes:
    """Rounded to 16 bits; what is too loud is clipped, what is not a number is silence."""
    scaled = np.nan_to_num(samples, posinf=1.0, neginf=-1.0) * np.float32(32768)
    clipped: bytes = np.clip(np.rint(scaled), -32768, 32767).astype("<i2").tobytes()
    return clipped
