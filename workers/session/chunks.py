"""Chunks that are ready to be sent: framed and measured before they are due."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from workers.audio.levels import levels_dbfs
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
        return cls.all_of([pcm])[0]

    @classmethod
    def all_of(cls, blocks: Sequence[bytes]) -> list[Self]:
        """The chunks of blocks of 16-bit samples."""
        return [
            cls(len(pcm) // 2, level, audio_frame(pcm))
            for pcm, level in zip(blocks, levels_dbfs(blocks), strict=True)
        ]


def read_ahead(blocks: Iterator[bytes], count: int) -> Iterator[list[Chunk]]:
    """Makes chunks of blocks, ``count`` at a time: that takes less than one now and then, when
    other sessions have run meanwhile and the processor's caches hold their data.

    If a block cannot be read, the chunks before it come first.
    """
    group = list(islice(blocks, 1))  # nothing waits for more than that
    while group:
        yield Chunk.all_of(group)
        group = []
        try:
            for block in islice(blocks, count):
                group.append(block)
        except Unreadable:
            if group:
                yield Chunk.all_of(group)
            raise
