"""What a file is, before anything is sent: readable, how long, which rate, whole.

libsndfile notes in its log when a header promises more than the file holds; formats without such a
note show it when their last sample cannot be read. Both are told here, so that a truncated
recording is refused with words and not streamed as if that were all.
"""

import os
import re

import soundfile

from workers.audio.audio_reader import AudioReader
from workers.audio.discovery import special_file_kind
from workers.audio.recording import Recording
from workers.errors import Unreadable

UNKNOWN_SIZE_BYTES = 0x7FFF0000
"""A promised size of this or more (or of 0) is what a writer that could not seek leaves behind."""

_UNKNOWN_FRAME_COUNT = 16 * UNKNOWN_SIZE_BYTES
"""A number of samples of this or more is none; it is eight days at 48000 Hz."""

HEADER_SLACK_BYTES = 64
"""Bytes by which headers may be wrong without any audio missing: writers count differently."""

_MAX_OGG_PAGE_BYTES = 27 + 255 + 255 * 255
"""The longest page there can be, in bytes (RFC 3533, section 6)."""

_SIZE_MISMATCH = re.compile(r"(?! *Bytes/sec).*:\s*(\d+) \(should be (\d+)\)")
"""Of a size. Writers get the bytes a second wrong, and nothing depends on them."""

_VALID_RATES_HZ = range(1000, 768_001)
"""Hz. Any other is damage, and would make days of a second, or nothing of an hour."""

_UNHELPFUL_ERROR_CODES = frozenset([7, 24, 29])
"""Errors of libsndfile whose words tell nothing of the file, or something untrue."""

_CONVERT_HINT = (
    "If it plays elsewhere, convert it, for instance: ffmpeg -i INPUT -ac 1 -ar 16000 OUTPUT.wav"
)


def probe(path: str) -> Recording:
    """The facts of a recording; raises `Unreadable` with what is wrong with it."""
    size = _file_size_bytes(path)
    if os.path.splitext(path)[1].lower() == ".raw":
        raise Unreadable("its name says that it has no header", "If it has one, rename it.")
    try:
        with AudioReader(path) as file:
            if file.samplerate not in _VALID_RATES_HZ:
                wrong = f"its header gives a rate of {file.samplerate} Hz, which no recording has"
                raise Unreadable(wrong, _CONVERT_HINT)
            if (short := _truncation(file, path)) is not None:
                raise Unreadable(f"the file is cut short: {short}", "Copy or record it again.")
            frames = _frame_count(file)
            if not frames:
                raise Unreadable("the file holds no audio", "Its length is 0 samples.")
            return Recording(
                path=path,
                seconds=frames / file.samplerate,
                rate=file.samplerate,
                channels=file.channels,
                frames=frames,
                format=f"{file.format} {file.subtype}",
                size=size,
            )
    except soundfile.LibsndfileError as error:
        what = error.error_string.rstrip(".").strip()
        why = "" if error.code in _UNHELPFUL_ERROR_CODES else f" ({what})"
        raise Unreadable(f"the file is not audio that can be read{why}", _CONVERT_HINT) from error


def _file_size_bytes(path: str) -> int:
    """The size of a readable regular file in bytes."""
    try:
        facts = os.stat(path)
        if kind := special_file_kind(facts.st_mode):
            raise Unreadable(f"this is {kind}, not a file", "Name a recording.")
        with open(path, "rb"):
            pass
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise Unreadable("this link leads nowhere", "Was its file moved or deleted?") from error
        raise Unreadable("the file is not there", "Was it moved or deleted?") from error
    except PermissionError as error:
        raise Unreadable("the file may not be read", "Check its permissions.") from error
    except OSError as error:
        raise Unreadable(f"the file cannot be opened ({error.strerror})") from error
    if not facts.st_size:
        raise Unreadable("the file is empty", "Its length is 0 bytes.")
    return facts.st_size


def _truncation(file: AudioReader, path: str) -> str | None:
    """What a truncated file lacks, in words; None for a whole one."""
    for line in file.extra_info.splitlines():
        promise = _SIZE_MISMATCH.match(line)
        if promise is None:
            continue
        promised, there = int(promise[1]), int(promise[2])
        if 0 < promised < UNKNOWN_SIZE_BYTES and promised - there > HEADER_SLACK_BYTES:
            return f"its header promises {promised} bytes and {there} are there"
    if file.format == "OGG" and not _has_ogg_end(path):
        return "its last page is missing"
    if file.format in ("FLAC", "MP3") and 0 < file.frames < _UNKNOWN_FRAME_COUNT:
        return None if _can_read_last_sample(file) else "its last sample cannot be read"
    return None


def _can_read_last_sample(file: AudioReader) -> bool:
    try:
        file.seek(file.frames - 1)
        return len(file.read(1)) == 1
    except soundfile.LibsndfileError:
        return False


def _has_ogg_end(path: str) -> bool:
    """Whether the last page is whole and ends the stream (RFC 3533, section 6: flag 0x04)."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _MAX_OGG_PAGE_BYTES))
        tail = file.read()
    start = tail.rfind(b"OggS")
    header = tail[start : start + 27]
    if start < 0 or len(header) < 27 or not header[5] & 0x04:
        return False
    segments = tail[start + 27 : start + 27 + header[26]]
    return len(tail) >= start + 27 + header[26] + sum(segments)


def _frame_count(file: AudioReader) -> int:
    """Samples a channel; counted by decoding when the header does not say."""
    if 0 <= file.frames < _UNKNOWN_FRAME_COUNT:
        return int(file.frames)
    return sum(len(block) for block in file.iter_blocks("int16"))
