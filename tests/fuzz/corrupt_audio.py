"""Makes damaged files by the thousand: recordings of all kinds with bytes changed at random.

Each of them must be decoded, or refused with an explanation, within the limits of time and memory.
What cannot be decoded must be reported. ``python -m tests.fuzz.corrupt_audio --cases 5000 --seed
1`` lists the files for which this fails, and the most memory and time that a file took.
"""

import argparse
import random
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.decoder_process import DecodeResult, IsolatedDecoder
from tests.support import audio_files
from tests.support.audio_kinds import KINDS
from tests.support.tones import tones

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
"""Most of what a file says of itself is said there."""

_MAX_INTACT_BYTES = 150_000
"""Larger kinds would only take longer: their headers are those of smaller ones."""

KEPT: tuple[tuple[str, int, int], ...] = (
    ("ts-mp2", 1, 1726),  # a track appeared on the way
    ("ts-mp2", 1, 2258),
)
"""Files at which something went wrong once: name, seed and number."""


@dataclass(frozen=True, slots=True)
class IntactFile:
    """A file to be damaged."""

    suffix: str
    content: bytes


@dataclass(frozen=True, slots=True)
class CorruptFile:
    """A file that is not what it was."""

    description: str
    suffix: str
    content: bytes


def make_intact_files() -> dict[str, IntactFile]:
    """A third of a second in every format of libsndfile, and half a second of every kind."""
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for container, sub, channels in AUDIO_FORMATS:
            rate = 48000 if sub == "OPUS" else 16000
            path = audio_files.write_recording(
                Path(folder) / "a", audio_files.sine(0.34, rate, channels), rate, container, sub
            )
            made[f"{container} {sub} {channels}"] = IntactFile("", Path(path).read_bytes())
    for kind in KINDS:
        content = kind.make(tones(1, kind.rate), kind.rate)
        if len(content) <= _MAX_INTACT_BYTES:
            made[kind.name] = IntactFile(f".{kind.suffix}", content)
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
        last = max(5, min(rng.choice((_HEADER_BYTES, len(content))), len(content) - size))
        start = rng.randrange(4, last) & ~1
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
    """Yields so many files, the same for the same seed: damaged in one way or more, or two in one.

    Each depends only on the seed and its number.
    """
    files = make_intact_files()
    for number in range(cases):
        yield corrupt_file(files, seed, number)


def corrupt_file(
    files: Mapping[str, IntactFile], seed: int, number: int, name: str = ""
) -> CorruptFile:
    """The file with this number, made of the intact file with this name, or of any."""
    rng, name_rng = (random.Random(f"{seed} {number} {purpose}") for purpose in ("damage", "name"))
    name = name or name_rng.choice(list(files))
    content = bytearray(files[name].content)
    ways = rng.choices(CORRUPTIONS, k=rng.choice((1, 1, 1, 2, 3)))
    words = [way.__name__.strip("_") for way in ways]
    if rng.random() < 0.15:
        other = name_rng.choice(list(files))
        rest = bytearray(files[other].content)
        del content[_random_offset(rng, content) :]
        content += rest[_random_offset(rng, rest) :]
        words.insert(0, f"and {other}")
    for way in ways:
        if len(content) > _HEADER_BYTES // 2:
            way(rng, content)
    description = f"{seed}-{number}: {name}, {', '.join(words)}"
    return CorruptFile(description, files[name].suffix, bytes(content))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the files that went wrong")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    peak_bytes, longest_s = 0, 0.0
    with tempfile.TemporaryDirectory() as folder, IsolatedDecoder() as decoder:
        for case in generate_corrupt_files(args.seed, args.cases):
            path = Path(folder) / f"a{case.suffix}"
            path.write_bytes(case.content)
            start = time.monotonic()
            result = decoder.decode(str(path))
            longest_s = max(longest_s, time.monotonic() - start)
            peak_bytes = max(peak_bytes, result.peak_bytes)
            counts[result.kind] += 1
            if not result.is_acceptable:
                print(f"{case.description}: {result.kind} {result.message}", flush=True)
                if args.keep:
                    name = case.description.split(":")[0] + case.suffix
                    (args.keep / name).write_bytes(case.content)
            path.unlink()
    print(f"{dict(counts)}; at most {peak_bytes >> 20} MB and {longest_s:.1f} s")
    sys.exit(any(not DecodeResult(kind).is_acceptable for kind in counts))


if __name__ == "__main__":
    main()
