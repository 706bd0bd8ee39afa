"""Reads an audio file in blocks, from its beginning or from any sample on."""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import soundfile

SampleBlock: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[Any]]"
"""Samples × channels."""

_EXACT_SEEK_SUBTYPES = frozenset([
    "PCM_16", "PCM_24", "PCM_32", "PCM_S8", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW",
    "ALAC_16", "ALAC_24", "ALAC_32", "IMA_ADPCM", "MS_ADPCM",
])  # fmt: skip
"""Others are read from the beginning: after a seek, a lossy decoder yields or counts samples
differently, and some decoders cannot seek."""

_BLOCK_S = 0.25
_MAX_BLOCK_SAMPLES = 1 << 18
"""Of all channels together, whatever rate a header claims."""


class AudioReader(soundfile.SoundFile):  # type: ignore[misc]  # it ships no types
    """An open audio file; raises `soundfile.LibsndfileError` where it cannot be read.

    ``on_skip`` is called for each block that is skipped on the way to the first sample.
    """

    next_frame = 0
    """The next sample of each channel to read."""

    def __init__(self, path: str, on_skip: Callable[[], object] = lambda: None) -> None:
        self._on_skip = on_skip
        super().__init__(os.fsencode(path))  # soundfile takes text only if it is valid UTF-8

    def seekable(self) -> bool:
        """False, or each read would end with a seek, which spoils the end of an Opus file."""
        return False

    def iter_blocks(self, dtype: str, start_frame: int = 0) -> Iterator[SampleBlock]:
        """Yields everything from sample ``start_frame`` on, as ``int16`` or ``float32``; once.

        A read costs as much as sending a chunk, so blocks are longer than chunks, but not much,
        because a read that fails loses its whole block.
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
