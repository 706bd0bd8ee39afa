"""Files that ask for far more time or memory than they are worth."""

import struct
from collections.abc import Callable
from functools import cache

from tests.support.audio_kinds import id3v2
from tests.support.av_files import encode
from tests.support.tones import tones
from tests.support.wav_bytes import FLOAT_TAG, PCM_TAG, fmt, pcm16, wav

BOMB_HOURS = 100
_BOMB_RATE_HZ = 1000
_BOMB_BLOCK = 65535
_M4A_RATE_HZ = 16000


def flac_bomb() -> bytes:
    """A hundred hours of silence in 75 KB: each frame says that 65,535 samples are 0."""
    frames = BOMB_HOURS * 3600 * _BOMB_RATE_HZ // _BOMB_BLOCK
    info = struct.pack(">HH6x", _BOMB_BLOCK, _BOMB_BLOCK)
    info += struct.pack(">Q", _BOMB_RATE_HZ << 44 | 15 << 36 | frames * _BOMB_BLOCK) + bytes(16)
    return (
        b"fLaC\x80"
        + len(info).to_bytes(3, "big")
        + info
        + b"".join(map(_silent_frame, range(frames)))
    )


def _silent_frame(number: int) -> bytes:
    """A FLAC frame of one constant subframe (RFC 9639, section 9)."""
    if number < 0x80:
        coded = bytes([number])
    elif number < 0x800:
        coded = bytes([0xC0 | number >> 6, 0x80 | number & 0x3F])
    else:
        coded = bytes([0xE0 | number >> 12, 0x80 | number >> 6 & 0x3F, 0x80 | number & 0x3F])
    header = b"\xff\xf8\x70\x08" + coded + struct.pack(">H", _BOMB_BLOCK - 1)
    header += bytes([_crc(header, 8, 0x07)])
    body = header + b"\0" + b"\0\0"
    return body + struct.pack(">H", _crc(body, 16, 0x8005))


@cache
def _crc_table(bits: int, polynomial: int) -> list[int]:
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> (bits - 1) & 1 else 0)
        table.append(value & ((1 << bits) - 1))
    return table


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    table, value = _crc_table(bits, polynomial), 0
    for byte in data:
        value = (value << 8 & ((1 << bits) - 1)) ^ table[value >> (bits - 8) ^ byte]
    return value


def _m4a() -> bytes:
    return encode("ipod", "aac", tones(1, _M4A_RATE_HZ), rate=_M4A_RATE_HZ)


def m4a_with_tracks(count: int = 10_000) -> bytes:
    """An m4a file whose one track is listed so many times."""
    content = _m4a()
    moov = content.index(b"moov") - 4
    trak = content.index(b"trak") - 4
    size = int.from_bytes(content[trak : trak + 4], "big")
    track = content[trak : trak + size]
    moov_size = int.from_bytes(content[moov : moov + 4], "big") + (count - 1) * size
    head = content[:moov] + struct.pack(">I", moov_size) + content[moov + 4 : trak]
    return head + track * count + content[trak + size :]


def m4a_with_number(box: bytes, offset: int, number: int) -> bytes:
    """An m4a file with another 32-bit number at this offset in the content of a box."""
    content = bytearray(_m4a())
    struct.pack_into(">I", content, content.index(box) + 4 + offset, number)
    return bytes(content)


def _wav(
    rate: int, channels: int, *, bits: int = 16, tag: int = PCM_TAG, size: int | None = None
) -> bytes:
    data = bytes(256 * 1024)
    return wav(data, fmt(rate, channels=channels, bits=bits, tag=tag), data_size=size)


def _mp3_frame(rates: int) -> bytes:
    """A frame of silence; its third byte says bit rate and sample rate."""
    return (b"\xff\xfb" + bytes([rates])).ljust(417 if rates == 0x90 else 384, b"\0")


def _ftyp() -> bytes:
    return struct.pack(">I", 20) + b"ftypM4A \0\0\0\0M4A "


def _long_box(name: bytes, size: int) -> bytes:
    return struct.pack(">I4sQ", 1, name, size)


def _nested_boxes(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = struct.pack(">I", len(content) + 8) + b"moov" + content
    return _ftyp() + content


HOSTILE: dict[str, Callable[[], bytes]] = {
    "100 hours of silence": flac_bomb,
    "10,000 tracks": m4a_with_tracks,
    "4 billion samples of constant size": lambda: m4a_with_number(b"stsz", 8, 0xFFFFFFFF),
    "4 billion durations": lambda: m4a_with_number(b"stts", 4, 0xFFFFFFFF),
    "one duration of 4 billion samples": lambda: m4a_with_number(b"stts", 8, 0xFFFFFFFF),
    "4 billion chunks": lambda: m4a_with_number(b"stco", 4, 0xFFFFFFFF),
    "4 billion samples in a chunk": lambda: m4a_with_number(b"stsc", 12, 0xFFFFFFFF),
    "a box of all bytes that can be counted": lambda: _ftyp() + _long_box(b"free", (1 << 64) - 1),
    "boxes in boxes": lambda: _nested_boxes(20_000),
    "768 kHz": lambda: _wav(768_000, 2),
    "4 GHz": lambda: _wav(0xFFFFFFFF, 1),
    "64 channels": lambda: _wav(48000, 64),
    "64 channels of doubles at 768 kHz": lambda: _wav(768_000, 64, bits=64, tag=FLOAT_TAG),
    "1024 channels": lambda: _wav(768_000, 1024),
    "65535 channels": lambda: _wav(8000, 65535, bits=8),
    "4 billion bytes of WAV": lambda: _wav(8000, 1, size=0xFFFFFFF0),
    "all samples that FLAC can count": lambda: _flac_length((1 << 36) - 1),
    "a tag of 256 MB": lambda: b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + pcm16(tones(1, 8000)),
    "a thousand tags": lambda: id3v2() * 1000,
    "sync words": lambda: b"\xff\xfb\x90\x00" * 100_000,
    "a thousand MP3 files": lambda: (_mp3_frame(0x90) + _mp3_frame(0x94)) * 500,
    "empty pages": lambda: b"OggS\0\0" + bytes(20) + b"OggS\0\x02" + bytes(21) * 20_000,
    "zeros": lambda: bytes(1 << 22),
    "a playlist": lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n",
    "a list of files": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a session description": lambda: b"v=0\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
}
"""By what they ask for."""


def _flac_length(samples: int) -> bytes:
    content = bytearray(flac_bomb()[:2000])
    content[21] = content[21] & 0xF0 | samples >> 32
    content[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(content)
