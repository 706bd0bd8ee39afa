"""Decodes recordings to mono 16-bit PCM, in constant memory."""

import sys
from collections.abc import Callable, Generator, Iterator
from math import gcd
from typing import TypeAlias

import numpy as np
import soxr

from workers.audio.limits import read_refusal
from workers.audio.reader import (
    AudioReader,
    DamageCallback,
    SampleBlock,
    WaitCallback,
    open_reader,
)
from workers.audio.recording import Damage, Recording

MonoSamples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"

_MAX_SHORTFALL_S = 0.1
"""Seconds that may be missing at the end of a complete file: lossy formats round their length."""
_RESAMPLER_WARM_UP_S = 0.25
"""How many seconds early a resampler starts, since it assumes silence before its first sample."""


def pcm_blocks(
    recording: Recording,
    rate: int,
    block_frames: int,
    start_frame: int = 0,
    *,
    on_skip: Callable[[], object] = lambda: None,
    on_damage: DamageCallback = lambda damage: None,
    wait: WaitCallback | None = None,
) -> Generator[bytes, None, int]:
    """Yields little-endian PCM16 mono at ``rate`` Hz in blocks of ``block_frames`` samples.

    The last block may be shorter. Channels are averaged, unless the recording has a mix of its own
    or its options choose one channel. A single channel at ``rate`` and at most 16 bits deep passes
    through bit for bit. The first block begins with sample ``start_frame`` of the result. Reaching
    it may take a minute; meanwhile ``on_skip`` is called repeatedly, and may raise.

    Audio that cannot be decoded is left out and reported to ``on_damage``; so is an end that comes
    before that of ``recording``. If there is more audio than it says, all of it is yielded. With
    ``wait``, which is called when there is no more yet, a recording that is still being written is
    read until its writer closes it. Returns the sample of the result at which it ended. Raises
    `Unreadable` if nothing can be decoded.
    """
    block_bytes = block_frames * 2
    pcm = bytearray()
    next_frame, last_frame = start_frame, end_frame(recording, rate)
    missing_s = 0.0

    def report(damage: Damage) -> None:
        nonlocal missing_s
        is_end = recording.is_exact and damage.at_s >= recording.seconds - _MAX_SHORTFALL_S
        if is_end and recording.warnings:
            return  # its probe has already reported that it is cut short
        missing_s += damage.missing_s or 0.0
        on_damage(damage)

    with read_refusal(), open_reader(recording, on_skip, report, wait) as reader:
        for decoded in _mono_pcm(reader, rate, start_frame, recording):
            pcm += decoded[: max(0, last_frame - next_frame) * 2 - len(pcm)]
            while len(pcm) >= block_bytes:
                next_frame += block_frames
                yield bytes(pcm[:block_bytes])
                del pcm[:block_bytes]
            if next_frame + len(pcm) // 2 >= last_frame:
                break
        else:
            end_s = reader.next_frame / reader.samplerate
            shortfall_s = recording.seconds - missing_s - end_s
            if shortfall_s > _MAX_SHORTFALL_S and recording.is_exact:
                reason = f"the audio ends before its {recording.seconds:.1f} s"
                report(Damage(end_s, shortfall_s, reason))
    if pcm:
        next_frame += len(pcm) // 2
        yield bytes(pcm)
    return next_frame


def end_frame(recording: Recording, rate: int) -> int:
    """The sample at which the part that is streamed ends; far behind the end without a part."""
    end_s = recording.options.end_s
    return sys.maxsize if end_s is None else round(end_s * rate)


def sample_count(recording: Recording, rate: int) -> int:
    """How many samples `pcm_blocks` yields from the start of the file to the end of the part, give
    or take a few if it resamples."""
    frames, end_s = recording.frames, recording.options.end_s
    if end_s is not None:
        frames = min(frames, round(end_s * recording.rate))
    return -(-frames * rate // recording.rate)


def _mono_pcm(
    reader: AudioReader, rate: int, start_frame: int, recording: Recording
) -> Iterator[bytes]:
    channel = recording.options.channel
    is_single = reader.channels == 1 or channel is not None
    if is_single and reader.samplerate == rate and reader.is_16_bit:
        raw = reader.iter_blocks("int16", start_frame)
        return (_channel(block, channel or 1).astype("<i2", copy=False).tobytes() for block in raw)
    if rate == reader.samplerate:
        floats = reader.iter_blocks("float32", start_frame)
        return (_to_pcm16(_mono(block, recording)) for block in floats)
    return _resampled_pcm(reader, rate, start_frame, recording)


def _resampled_pcm(
    reader: AudioReader, rate: int, start_frame: int, recording: Recording
) -> Iterator[bytes]:
    # Start where a sample of the file coincides with one of the result: all others then align.
    # Computed in integers, because floats would be off by a sample after some hours.
    common = gcd(rate, reader.samplerate)
    step_in, step_out = reader.samplerate // common, rate // common
    warm_up_steps = -(-round(_RESAMPLER_WARM_UP_S * reader.samplerate) // step_in)
    start_step = max(0, start_frame // step_out - warm_up_steps)
    surplus = (start_frame - start_step * step_out) * 2
    resampler = soxr.ResampleStream(reader.samplerate, rate, 1, dtype="float32")
    for block in reader.iter_blocks("float32", start_step * step_in):
        pcm = _to_pcm16(resampler.resample_chunk(_mono(block, recording)))
        yield pcm[surplus:]
        surplus = max(0, surplus - len(pcm))
    yield _to_pcm16(resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True))[surplus:]


def _mono(block: SampleBlock, recording: Recording) -> MonoSamples:
    """The chosen channel, or a mix of all."""
    channel, mix, count = recording.options.channel, recording.mix, block.shape[1]
    mono: MonoSamples
    if channel is not None or count == 1:
        mono = _channel(block, channel or 1)
    elif mix is not None and len(mix.weights) == count:
        weights = np.array(mix.weights, dtype=np.float32)
        # Not a product of matrices, whose library would start threads in every session.
        mono = np.einsum("ij,j->i", block, weights) - np.float32(mix.offset)
    else:
        mono = block.mean(axis=1)
    return mono


def _channel(block: SampleBlock, channel: int) -> MonoSamples:
    """A channel, counted from 1. A damaged file may have fewer than it seemed to have."""
    samples: MonoSamples = block[:, min(channel, block.shape[1]) - 1]
    return samples


def _to_pcm16(samples: MonoSamples) -> bytes:
    """Rounds to 16 bits; clips what is too loud, and turns NaN into silence."""
    scaled = np.nan_to_num(samples, posinf=1.0, neginf=-1.0) * np.float32(32768)
    clipped: bytes = np.clip(np.rint(scaled), -32768, 32767).astype("<i2").tobytes()
    return clipped
