"""Files without a header: how each encoding is read, and which suffixes tell one."""

import os

from workers.audio.source import RawEncoding, RawFormat

SNDFILE_ENCODINGS = {
    RawEncoding.S16LE: ("PCM_16", "LITTLE"),
    RawEncoding.S16BE: ("PCM_16", "BIG"),
    RawEncoding.S8: ("PCM_S8", "FILE"),
    RawEncoding.U8: ("PCM_U8", "FILE"),
    RawEncoding.S24LE: ("PCM_24", "LITTLE"),
    RawEncoding.S32LE: ("PCM_32", "LITTLE"),
    RawEncoding.F32LE: ("FLOAT", "LITTLE"),
    RawEncoding.MULAW: ("ULAW", "FILE"),
    RawEncoding.ALAW: ("ALAW", "FILE"),
}
"""Encodings that libsndfile reads, with its names for them and their order of bytes."""

_SUFFIX_FORMATS = {
    ".g722": RawFormat(RawEncoding.G722, 16000),
    ".g726": RawFormat(RawEncoding.G726, 8000),
    ".sln": RawFormat(RawEncoding.S16LE, 8000),
    ".sln16": RawFormat(RawEncoding.S16LE, 16000),
    ".ul": RawFormat(RawEncoding.MULAW, 8000),
    ".ulaw": RawFormat(RawEncoding.MULAW, 8000),
    ".al": RawFormat(RawEncoding.ALAW, 8000),
    ".alaw": RawFormat(RawEncoding.ALAW, 8000),
}
"""What telephone systems write under these suffixes."""


def raw_format_of(path: str) -> RawFormat | None:
    """The format that a file's suffix tells; None if it tells none."""
    return _SUFFIX_FORMATS.get(os.path.splitext(path)[1].lower())
