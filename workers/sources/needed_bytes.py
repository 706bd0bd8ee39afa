"""Which bytes of a remote file are needed, if only a part of its recording is streamed."""

import struct
from tempfile import TemporaryFile

from workers.audio.source import ReadOptions
from workers.audio.wav_layout import find_wav_audio

HEAD_BYTES = 64 * 1024
"""How much of a file is looked at to find out."""
_MARGIN_S = 1.0
"""How much more is read at both ends; a resampler starts early."""
_FIXED_SIZE_TAGS = frozenset([0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE])
"""Formats of WAV files whose samples all have the same size: PCM, float, A-law, µ-law, and
extensible ones (RFC 2361)."""


def needed_bytes(head: bytes, total: int, options: ReadOptions) -> tuple[int, int]:
    """The first byte that is needed after ``head``, and the one after the last.

    Only a WAV file can be entered anywhere. ``total``: the size of the file in bytes.
    """
    everything = len(head), total
    if (options.start_s <= 0 and options.end_s is None) or total <= len(head):
        return everything
    with TemporaryFile() as file:
        file.write(head)
        file.truncate(total)
        layout = find_wav_audio(file)
    if layout is None or layout.start >= len(head):
        return everything
    tag, _, rate, _, frame_bytes = struct.unpack_from("<HHIIH", layout.header, 20)
    if layout.header[:4] != b"RIFF" or tag not in _FIXED_SIZE_TAGS or not rate * frame_bytes:
        return everything

    def byte_at(seconds: float) -> int:
        frames = max(0, round(seconds * rate))
        return min(total, int(layout.start + frames * frame_bytes))

    first = max(len(head), byte_at(options.start_s - _MARGIN_S))
    end = total if options.end_s is None else byte_at(options.end_s + _MARGIN_S)
    return first, max(first, end)
