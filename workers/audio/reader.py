"""What reads the samples of a recording: one interface, and a reader for each family of formats."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, Self, TypeAlias

import numpy as np

from workers.audio.recording import Damage, Reader, Recording

SampleBlock: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[Any]]"
"""Samples × channels."""

SkipCallback: TypeAlias = Callable[[], object]
"""Called for each block that is skipped on the way to the first sample; may raise."""

DamageCallback: TypeAlias = Callable[[Damage], object]
"""Called for each place that cannot be decoded."""

WaitCallback: TypeAlias = Callable[[], bool]
"""Called when a file that is still being written has no more audio yet. Waits a moment; returns
False if nothing more is to be read."""

BLOCK_S = 0.25
"""Seconds of a block. A read costs as much as sending a chunk, so blocks are longer than chunks.
They are not much longer, because a failed read loses its whole block."""

MAX_BLOCK_SAMPLES = 1 << 18
"""Limit over all channels of a block, because a header may claim any sample rate."""


class AudioReader(Protocol):
    """An open recording. Its constructor raises `Unreadable`."""

    channels: int
    samplerate: int
    """In Hz."""
    is_16_bit: bool
    """Whether ``int16`` blocks hold the samples as they are, without rounding."""
    next_frame: int
    """Index of the next sample to read, the same in each channel."""

    def iter_blocks(self, dtype: str, start_frame: int = 0) -> Iterator[SampleBlock]:
        """Yields all samples from ``start_frame`` on, as ``int16`` or ``float32``. Call it once.

        Reports what cannot be decoded, and goes on after it where the format allows that. Raises
        `Unreadable` if nothing at all can be decoded.
        """

    def iter_pieces(self, starts: Sequence[int], size: int) -> Iterator[SampleBlock]:
        """Yields up to ``size`` samples from near each of these, as ``float32``, without reading
        what lies between. They show what a recording holds; what is streamed comes from
        `iter_blocks`, because a lossy decoder returns other samples if it starts elsewhere."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_reader(
    recording: Recording,
    on_skip: SkipCallback = lambda: None,
    on_damage: DamageCallback = lambda damage: None,
    wait: WaitCallback | None = None,
) -> AudioReader:
    """Opens a recording with the reader that its probe chose; raises `Unreadable`."""
    # Each reader loads its library only if a recording needs it.
    raw = recording.options.raw
    if recording.reader is Reader.AV:
        from workers.audio.av_reader import AvReader

        return AvReader(recording.path, recording.options, on_skip, on_damage)
    if recording.reader is Reader.GROWING_AV:
        from workers.audio.av_reader import AvReader
        from workers.audio.growing_bytes import GrowingBytes

        growing = GrowingBytes(recording.path, wait)
        return AvReader(recording.path, recording.options, on_skip, on_damage, growing)
    if recording.reader is Reader.GROWING:
        from workers.audio.growing import GrowingReader

        return GrowingReader(recording.path, recording.options, wait)
    from workers.audio.sndfile_reader import SndfileReader

    is_wav_corrected = recording.reader is Reader.WAV
    return SndfileReader(
        recording.path, on_skip, on_damage, raw=raw, is_wav_corrected=is_wav_corrected
    )
