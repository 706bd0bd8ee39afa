"""Chunks that are made before they are due."""

from collections.abc import Iterator

import pytest

from workers.errors import Unreadable
from workers.session.chunks import Chunk, read_ahead

PCM = bytes(3200)


def test_a_chunk_has_its_length_its_level_and_its_frame() -> None:
    """The frame is masked, so silence is not silent there."""
    chunk = Chunk.of(PCM)

    assert (1600, -99) == (chunk.samples, chunk.level_db)
    assert len(PCM) + 8 == len(chunk.frame)


def test_blocks_are_read_in_groups_after_the_first() -> None:
    """The first chunk waits for no other one."""
    read: list[int] = []

    def blocks() -> Iterator[bytes]:
        for number in range(8):
            read.append(number)
            yield PCM

    chunks = read_ahead(blocks(), 5)
    counts = []
    for group in chunks:
        counts.append((len(group), len(read)))

    assert [(1, 1), (5, 6), (2, 8)] == counts


def test_what_comes_before_a_damaged_place_is_sent_first() -> None:
    """Chunks that could be read are not lost with the one that could not."""

    def blocks() -> Iterator[bytes]:
        for _ in range(4):
            yield PCM
        raise Unreadable("the disk is away")

    chunks = read_ahead(blocks(), 5)

    assert [1, 3] == [len(next(chunks)) for _ in range(2)]
    with pytest.raises(Unreadable):
        next(chunks)
