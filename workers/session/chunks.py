"""Chunks that are ready to be sent: framed and measured before they are due."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Self

from workers.audio.levels import rms_dbfs
from workers.errors import Unreadable
from workers.protocol.connection import audio_frame


@dataclass(frozen=True, slots=True)
class Chunk:
    """Audio that leaves at once."""

    samples: int
    level_db: int
    """The level of its audio; see `workers.audio.levels`."""
    frame: bytes
    """What is written to the socket."""

    @classmethod
    def of(cls, pcm: bytes) -> Self:
        """The chunk of 16-bit samples."""
        return cls(len(pcm) // 2, rms_dbfs(pcm), audio_frame(pcm))


def read_ahead(blocks: Iterator[bytes], count: int) -> Iterator[Chunk]:
    """Makes chunks of blocks, ``count`` at a time: that takes less than one now and then, when
    other sessions have run meanwhile and the processor's caches hold their data.

    If a block cannot be read, the chunks before it come first.
    """
    chunks = [Chunk.of(block) for block in islice(blocks, 1)]  # nothing waits for more than that
    while chunks:
        yield from chunks
        chunks = []
        try:
            for block in islice(blocks, count):
                chunks.append(Chunk.of(block))
        except Unreadable:
            yield from chunks
            raise
