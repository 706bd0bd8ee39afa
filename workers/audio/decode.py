"""Reads recordings, and decodes them to mono 16-bit PCM in constant memory."""

import os
from collections.abc import Callable, Generator, Iterator
from math import gcd
from typing import Any, TypeAlias

import numpy as np
import soundfile
import soxr

from workers.audio.recording import Damage, Recording
from workers.errors import Unreadable

SampleBlock: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[Any]]"
"""Samples × channels."""

MonoSamples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"

_EXACT_SEEK_SUBTYPES = frozenset([
    "PCM_16", "PCM_24", "PCM_32", "PCM_S8", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW",
    "ALAC_16", "ALAC_24", "ALAC_32", "IMA_ADPCM", "MS_ADPCM",
])  # fmt: skip
"""Encodings that seek exactly. Files in others are read from the beginning: after a seek, a lossy
decoder returns or counts samples differently, and some decoders cannot seek."""

_BLOCK_S = 0.25
_MAX_BLOCK_SAMPLES = 1 << 18
"""Limit over all channels of a block, because a header may claim any sample rate."""

_PCM16_SUBTYPES = frozenset([
    "PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW", "ALAC_16", "IMA_ADPCM", "MS_ADPCM", "GSM610",
    "DPCM_8", "DPCM_16",
])  # fmt: skip
_MAX_SHORTFALL_S = 0.1
"""Seconds that may be missing at the end of a complete file: lossy formats round their length."""
_RESAMPLER_WARM_UP_S = 0.25
"""How many seconds early a resampler starts, since it assumes silence before its first sample."""


class AudioReader(soundfile.SoundFile):  # type: ignore[misc]  # it ships no types
    """An open audio file; raises `soundfile.LibsndfileError` if it cannot be read.

    ``on_skip`` is called for each block that is skipped on the way to the first sample.
    """

    next_frame = 0
    """Index of the next sample to read, the same in each channel."""

    def __init__(self, path: str, on_skip: Callable[[], object] = lambda: None) -> None:
        self._on_skip = on_skip
        super().__init__(os.fsencode(path))  # soundfile takes text only if it is valid UTF-8

    def seekable(self) -> bool:
        """Returns False. Otherwise each read would seek, which corrupts the end of an Opus file."""
        return False

    def iter_blocks(self, dtype: str, start_frame: int = 0) -> Iterator[SampleBlock]:
        """Yields all samples from ``start_frame`` on, as ``int16`` or ``float32``. Call it once.

        A read costs as much as sending a chunk, so blocks are longer than chunks. They are
        not much longer, because a failed read loses its whole block.
        """
        if start_frame and self.subtype in _EXACT_SEEK_SUBTYPES and super().seekable():
            self.next_frame = self.seek(min(start_frame, self.frames))
        step = max(1, min(round(self.samplerate * _BLOCK_S), _MAX_BLOCK_SAMPLES // self.channels))
        while len(block := self.read(step, dtype=dtype, always_2d=True)):
            skipped = max(0, start_frame - self.next_frame)
            self.next_frame += len(block)
            if skipped < len(block):
                yield block[skipped:]
            else:
                self._on_skip()


def pcm_blocks(
    recording: Recording,
    rate: int,
    block_frames: int,
    start_frame: int = 0,
    *,
    on_skip: Callable[[], object] = lambda: None,
    on_damage: Callable[[Damage], object] = lambda damage: None,
) -> Generator[bytes, None, int]:
    """Yields little-endian PCM16 mono at ``rate`` Hz in blocks of ``block_frames`` samples.

    The last block may be shorter. Channels are averaged, unless the recording's options choose one
    of them; a single channel at ``rate`` and at most 16 bits deep passes through bit for bit. The
    first block begins with sample ``start_frame`` of the result. Reaching it may take a minute;
    meanwhile ``on_skip`` is called repeatedly, and may raise.

    Audio that cannot be decoded is left out and told to ``on_damage``; so is an end that comes
    before that of ``recording``. If there is more audio than it says, all of it is yielded. Returns
    the sample of the result at which it ended. Raises `Unreadable` if nothing can be decoded.
    """
    block_bytes = block_frames * 2
    pcm = bytearray()
    samples, file, failure = start_frame, None, ""
    try:
        file = AudioReader(recording.path, on_skip)
        with file:
            for decoded in _mono_pcm(file, rate, start_frame, recording.options.channel):
                pcm += decoded
                while len(pcm) >= block_bytes:
                    samples += block_frames
                    yield bytes(pcm[:block_bytes])
                    del pcm[:block_bytes]
    except soundfile.LibsndfileError as error:
        if not os.path.exists(recording.path):
            raise Unreadable("the file is no longer there", "Was it moved or deleted?") from error
        failure = error.error_string.rstrip(".").strip()
    frames_read = file.next_frame if file else 0
    if failure and not frames_read:
        raise Unreadable(f"the file is damaged ({failure})")
    if pcm:
        samples += len(pcm) // 2
        yield bytes(pcm)
    missing_s = (recording.frames - frames_read) / recording.rate
    if failure or missing_s > _MAX_SHORTFALL_S:
        extent = f"{frames_read / recording.rate:.1f} s of {recording.seconds:.1f} s"
        reason = f"the file is damaged: it can be read up to {extent}"
        on_damage(Damage(frames_read / recording.rate, max(0.0, missing_s), reason))
    return samples


def sample_count(recording: Recording, rate: int) -> int:
    """How many samples `pcm_blocks` yields from the start of the file to the end of the part, give
    or take a few if it resamples."""
    frames, end_s = recording.frames, recording.options.end_s
    if end_s is not None:
        frames = min(frames, round(end_s * recording.rate))
    return -(-frames * rate // recording.rate)


def _mono_pcm(
    file: AudioReader, rate: int, start_frame: int, channel: int | None
) -> Iterator[bytes]:
    is_single = file.channels == 1 or channel is not None
    # FLAC files report their depth as WAV files do, so PCM_16 covers them.
    if is_single and file.samplerate == rate and file.subtype in _PCM16_SUBTYPES:
        raw = file.iter_blocks("int16", start_frame)
        return (block[:, (channel or 1) - 1].astype("<i2", copy=False).tobytes() for block in raw)
    if rate == file.samplerate:
        floats = file.iter_blocks("float32", start_frame)
        return (_to_pcm16(_mono(block, channel)) for block in floats)
    return _resampled_pcm(file, rate, start_frame, channel)


def _resampled_pcm(
    file: AudioReader, rate: int, start_frame: int, channel: int | None
) -> Iterator[bytes]:
    # Start where a sample of the file coincides with one of the result: all others then align.
    # Computed in integers, because floats would be off by a sample after some hours.
    common = gcd(rate, file.samplerate)
    step_in, step_out = file.samplerate // common, rate // common
    warm_up_steps = -(-round(_RESAMPLER_WARM_UP_S * file.samplerate) // step_in)
    start_step = max(0, start_frame // step_out - warm_up_steps)
    surplus = (start_frame - start_step * step_out) * 2
    resampler = soxr.ResampleStream(file.samplerate, rate, 1, dtype="float32")
    for block in file.iter_blocks("float32", start_step * step_in):
        pcm = _to_pcm16(resampler.resample_chunk(_mono(block, channel)))
        yield pcm[surplus:]
        surplus = max(0, surplus - len(pcm))
    yield _to_pcm16(resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True))[surplus:]


def _mono(block: SampleBlock, channel: int | None) -> MonoSamples:
    """One channel, counted from 1, or the mean of all."""
    is_mix = channel is None and block.shape[1] > 1
    mono: MonoSamples = block.mean(axis=1) if is_mix else block[:, (channel or 1) - 1]
    return mono


def _to_pcm16(samples: MonoSamples) -> bytes:
    """Rounds to 16 bits; clips what is too loud, and turns NaN into silence."""
    scaled = np.nan_to_num(samples, posinf=1.0, neginf=-1.0) * np.float32(32768)
    clipped: bytes = np.clip(np.rint(scaled), -32768, 32767).astype("<i2").tobytes()
    return clipped
