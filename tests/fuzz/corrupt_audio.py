"""Recordings damaged on purpose: thousands of files that no decoder was made for.

Each of them must be decoded to a plausible length or be refused in words.
``python -m tests.fuzz.corrupt_audio --cases 5000 --seed 1`` says which is not.
"""

import argparse
import random
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.decoder_process import DecodeResult, IsolatedDecoder
from tests.support import audio_files

AUDIO_FORMATS = (
    ("WAV", "PCM_16", 1),
    ("WAV", "PCM_24", 2),
    ("WAV", "FLOAT", 1),
    ("WAV", "ULAW", 1),
    ("WAV", "ALAW", 2),
    ("WAV", "IMA_ADPCM", 1),
    ("WAV", "MS_ADPCM", 2),
    ("WAV", "GSM610", 1),
    ("WAVEX", "PCM_16", 2),
    ("RF64", "PCM_16", 1),
    ("W64", "PCM_16", 1),
    ("W64", "MS_ADPCM", 1),
    ("AIFF", "PCM_16", 1),
    ("AIFF", "FLOAT", 2),
    ("AIFF", "IMA_ADPCM", 1),
    ("CAF", "PCM_16", 1),
    ("CAF", "ALAC_16", 2),
    ("AU", "PCM_16", 2),
    ("AU", "G721_32", 1),
    ("FLAC", "PCM_16", 1),
    ("FLAC", "PCM_24", 2),
    ("OGG", "VORBIS", 1),
    ("OGG", "VORBIS", 2),
    ("OGG", "OPUS", 1),
    ("OGG", "OPUS", 2),
    ("MP3", "MPEG_LAYER_III", 1),
    ("MP3", "MPEG_LAYER_III", 2),
)
"""Container, encoding, channels."""

_SMALL_NUMBERS = (0, 1, 2, 7, 255, 1000, 0x7FFF, 0x8000, 0xFFFF, 1 << 20)
_LARGE_NUMBERS = (
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 40,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
)

_HEADER_BYTES = 96
"""Bytes: most of what a file says of itself is said there."""


@dataclass(frozen=True, slots=True)
class CorruptFile:
    """A file that is not what it was."""

    description: str
    content: bytes


def make_intact_files() -> dict[str, bytes]:
    """A third of a second in every format, by its name."""
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, sub, channels in AUDIO_FORMATS:
            rate = 48000 if sub == "OPUS" else 16000
            path = audio_files.write_recording(
                Path(folder) / "a", audio_files.sine(0.34, rate, channels), rate, kind, sub
            )
            made[f"{kind} {sub} {channels}"] = Path(path).read_bytes()
    return made


def _random_offset(rng: random.Random, content: bytearray) -> int:
    """Anywhere; every other time in the header."""
    return rng.randrange(min(len(content), rng.choice((_HEADER_BYTES, len(content)))))


def _truncate(rng: random.Random, content: bytearray) -> None:
    del content[_random_offset(rng, content) :]


def _flip_bits(rng: random.Random, content: bytearray) -> None:
    for _ in range(rng.choice((1, 3, 30))):
        content[_random_offset(rng, content)] ^= 1 << rng.randrange(8)


def _overwrite_with_constant(rng: random.Random, content: bytearray) -> None:
    start = _random_offset(rng, content)
    end = min(len(content), start + rng.choice((4, 40, 4000)))
    content[start:end] = bytes([rng.choice((0, 0xFF))]) * (end - start)


def _overwrite_number(rng: random.Random, content: bytearray) -> None:
    """Puts another number, of any size and order of bytes, where one may stand."""
    for _ in range(rng.choice((1, 1, 2))):
        code, size = rng.choice((("H", 2), ("I", 4), ("Q", 8)))
        number = rng.choice(_SMALL_NUMBERS + _LARGE_NUMBERS) & ((1 << 8 * size) - 1)
        start = rng.randrange(4, max(5, min(_HEADER_BYTES, len(content) - size))) & ~1
        struct.pack_into(rng.choice("<>") + code, content, start, number)


def _delete_bytes(rng: random.Random, content: bytearray) -> None:
    start = _random_offset(rng, content)
    del content[start : start + rng.choice((1, 2, 50))]


def _duplicate_bytes(rng: random.Random, content: bytearray) -> None:
    start = _random_offset(rng, content)
    content[start:start] = content[start : start + rng.choice((1, 50, 5000))]


CORRUPTIONS: tuple[Callable[[random.Random, bytearray], None], ...] = (
    _truncate,
    _flip_bits,
    _overwrite_with_constant,
    _overwrite_number,
    _overwrite_number,
    _delete_bytes,
    _duplicate_bytes,
)


def generate_corrupt_files(seed: int, cases: int) -> Iterator[CorruptFile]:
    """So many files, the same for the same seed: damaged in one way or more, or two in one."""
    rng = random.Random(seed)
    files = make_intact_files()
    for number in range(cases):
        name = rng.choice(list(files))
        content = bytearray(files[name])
        ways = rng.choices(CORRUPTIONS, k=rng.choice((1, 1, 1, 2, 3)))
        said = [way.__name__.strip("_") for way in ways]
        if rng.random() < 0.15:
            other = rng.choice(list(files))
            del content[_random_offset(rng, content) :]
            content += files[other][_random_offset(rng, bytearray(files[other])) :]
            said.insert(0, f"and {other}")
        for way in ways:
            if len(content) > _HEADER_BYTES // 2:
                way(rng, content)
        yield CorruptFile(f"{number}: {name}, {', '.join(said)}", bytes(content))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the files that went wrong")
    args = parser.parse_args()
    counted: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, IsolatedDecoder() as decoder:
        path = Path(folder) / "a"
        for case in generate_corrupt_files(args.seed, args.cases):
            path.write_bytes(case.content)
            began = time.monotonic()
            outcome = decoder.decode(str(path))
            if (took := time.monotonic() - began) > 5:
                print(f"{case.description}: took {took:.0f} s ({outcome})", flush=True)
            counted[outcome.kind] += 1
            if not outcome.is_acceptable:
                print(f"{case.description}: {outcome.kind} {outcome.message}", flush=True)
                if args.keep:
                    name = f"{args.seed}-{case.description.split(':')[0]}"
                    (args.keep / name).write_bytes(case.content)
    print(dict(counted))
    sys.exit(any(not DecodeResult(kind).is_acceptable for kind in counted))


if __name__ == "__main__":
    main()
