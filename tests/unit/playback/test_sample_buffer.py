"""Samples between a decoder and a sound device."""

import numpy as np

from workers.errors import Unreadable
from workers.playback.sample_buffer import SampleBuffer


def pcm(first: int, count: int) -> bytes:
    return np.arange(first, first + count, dtype="<i2").tobytes()


def buffer_of(*blocks: bytes, start_frame: int = 0) -> SampleBuffer:
    buffer = SampleBuffer(250, start_frame)  # full from 500 samples on
    for block in blocks:
        assert buffer.put(block)
    return buffer


def test_samples_come_out_in_order_and_are_counted() -> None:
    """A read takes what is there; more can be looked at than is taken."""
    buffer = buffer_of(pcm(0, 5), pcm(5, 5), start_frame=100)

    assert buffer.read(4).tolist() == [0, 1, 2, 3]
    assert buffer.next_frame == 104
    assert buffer.read(3, lookahead=1).tolist() == [4, 5, 6, 7]
    assert buffer.next_frame == 107
    assert buffer.read(9).tolist() == [7, 8, 9]
    assert buffer.next_frame == 110
    assert buffer.read(9).tolist() == []


def test_samples_are_skipped_now_or_when_they_come() -> None:
    """A target behind the next sample skips nothing."""
    buffer = buffer_of(pcm(0, 10))
    buffer.skip_to(4)
    assert buffer.next_frame == 4
    buffer.skip_to(2)
    assert buffer.next_frame == 4

    buffer.skip_to(15)
    assert (buffer.next_frame, len(buffer)) == (15, 0)
    buffer.put(pcm(10, 3))
    buffer.put(pcm(13, 4))
    assert buffer.read(9).tolist() == [15, 16]


def test_a_buffer_says_how_far_the_decoder_is() -> None:
    """Full, complete, drained; and why the decoder stopped."""
    buffer = buffer_of(pcm(0, 499))
    assert not buffer.is_full
    buffer.put(pcm(499, 1))
    assert buffer.is_full

    failure = Unreadable("the file is damaged")
    buffer.complete(failure)
    assert buffer.is_complete
    assert not buffer.is_drained
    buffer.read(500)
    assert buffer.is_drained
    assert buffer.failure is failure


def test_a_decoder_ends_when_nobody_reads_any_more() -> None:
    """Even if the buffer is full."""
    buffer = buffer_of(pcm(0, 500))
    buffer.close()

    assert not buffer.put(pcm(500, 1))
