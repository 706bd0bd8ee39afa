"""A recording read straight on, from its beginning or from a place that it was wound to."""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import soundfile

Piece: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[Any]]"
"""Samples × channels."""

_SEEK_EXACTLY = frozenset(
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

_READ_AHEAD = 0.25
"""Seconds."""
_MOST = 1 << 18
"""Samples of all channels together to read at a time, whatever rate a header claims."""


class Tape(soundfile.SoundFile):  # type: ignore[misc]  # it ships no types
    """An open audio file; raises `soundfile.LibsndfileError` where it cannot be read.

    ``winding`` is called for each piece that is passed over, on the way to where it is read from.
    """

    position = 0
    """The next sample (of each channel) to be read."""

    def __init__(self, path: str, winding: Callable[[], object] = lambda: None) -> None:
        self._winding = winding
        super().__init__(os.fsencode(path))  # what soundfile makes of a path must be valid UTF-8

    def seekable(self) -> bool:
        """Never: else each reading ends with a seek to its end, which spoils the last of Opus."""
        return False

    def pieces(self, dtype: str, start: int = 0) -> Iterator[Piece]:
        """Everything from sample ``start`` on as ``int16`` or ``float32``; once.

        One reading costs as much as sending a chunk, so a piece is longer than a chunk. Not more,
        because a reading that meets damage gives nothing of what comes before it.
        """
        if start and self.subtype in _SEEK_EXACTLY and super().seekable():
            self.position = self.seek(min(start, self.frames))
        step = max(1, min(round(self.samplerate * _READ_AHEAD), _MOST // self.channels))
        while len(piece := self.read(step, dtype=dtype, always_2d=True)):
            skipped = max(0, start - self.position)
            self.position += len(piece)
            if skipped < len(piece):
                yield piece[skipped:]
            else:
                self._winding()
