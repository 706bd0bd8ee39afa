"""A recording read straight on, from its beginning or from a place that it was wound to."""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import soundfile

SampleBlock: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[Any]]"
"""Samples × channels."""

_EXACT_SEEK_SUBTYPES = frozenset(
    [
        "PCM_16",
        "PCM_24",
        "PCM_32",
        "PCM_S8",
        "PCM_U8",
        "FLOAT",
        "DOUBLE",
        "ULAW",
        "ALAW",
        "ALAC_16",
        "ALAC_24",
        "ALAC_32",
        "IMA_ADPCM",
        "MS_ADPCM",
    ]
)
"""Any other encoding is read from its beginning: a lossy decoder that lands in the middle gives
other samples than one that came there, or counts them from elsewhere, and some cannot seek."""

_BLOCK_S = 0.25
"""Seconds."""
_MAX_BLOCK_SAMPLES = 1 << 18
"""Samples of all channels together to read at a time, whatever rate a header claims."""


class AudioReader(soundfile.SoundFile):  # type: ignore[misc]  # it ships no types
    """An open audio file; raises `soundfile.LibsndfileError` where it cannot be read.

    ``on_skip`` is called for each piece that is passed over, on the way to where it is read from.
    """

    next_frame = 0
    """The next sample (of each channel) to be read."""

    def __init__(self, path: str, on_skip: Callable[[], object] = lambda: None) -> None:
        self._on_skip = on_skip
        super().__init__(os.fsencode(path))  # what soundfile makes of a path must be valid UTF-8

    def seekable(self) -> bool:
        """Never: else each reading ends with a seek to its end, which spoils the last of Opus."""
        return False

    def iter_blocks(self, dtype: str, start_frame: int = 0) -> Iterator[SampleBlock]:
        """Everything from sample ``start_frame`` on as ``int16`` or ``float32``; once.

        One reading costs as much as sending a chunk, so a piece is longer than a chunk. Not more,
        because a reading that meets damage gives nothing of what comes before it.
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
