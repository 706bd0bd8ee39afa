"""Builds WAV files byte by byte, with headers that no encoder would write."""

import struct
from collections.abc import Sequence

import numpy as np

from tests.support.tones import Samples

PCM_TAG, FLOAT_TAG, ALAW_TAG, MULAW_TAG, EXTENSIBLE_TAG = 1, 3, 6, 7, 0xFFFE
_GUID_TAIL = bytes.fromhex("0000000010008000 00AA00389B71")


def pcm16(samples: Samples) -> bytes:
    """Floats as little-endian 16-bit samples."""
    return (samples * 32767).astype("<i2").tobytes()


def pcm24(samples: Samples) -> bytes:
    """Floats as little-endian 24-bit samples."""
    wide = (samples.reshape(-1, 1) * 8388607).astype("<i4").view(np.uint8)
    return wide.reshape(-1, 4)[:, :3].tobytes()


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A RIFF chunk, padded to an even length; ``size``: what it says of its length."""
    return (
        name
        + struct.pack("<I", len(body) if size is None else size)
        + body
        + b"\0" * (len(body) % 2)
    )


def fmt(
    rate: int, *, channels: int = 1, bits: int = 16, tag: int = PCM_TAG, subtag: int = 0
) -> bytes:
    """A chunk that describes samples; ``subtag``: the real format of an extensible one."""
    frame = channels * bits // 8
    bytes_per_s = min(rate * frame, 0xFFFFFFFF)
    body = struct.pack("<HHIIHH", tag, channels, rate, bytes_per_s, min(frame, 0xFFFF), bits)
    if tag == EXTENSIBLE_TAG:
        body += struct.pack("<HHIH", 22, bits, (1 << channels) - 1, subtag) + _GUID_TAIL
    return chunk(b"fmt ", body)


def wav(
    data: bytes,
    format_chunk: bytes,
    *,
    data_size: int | None = None,
    riff_size: int | None = None,
    before: Sequence[bytes] = (),
    after: Sequence[bytes] = (),
) -> bytes:
    """A WAV file with further chunks before and after its samples, and sizes that may be wrong."""
    content = b"".join([b"WAVE", *before, format_chunk, chunk(b"data", data, data_size), *after])
    return b"RIFF" + struct.pack("<I", len(content) if riff_size is None else riff_size) + content
