"""Build the sample recordings from their texts.

Free synthesisers speak them, so they can be given away with the project, and their reference texts
are exact. The script is kept so that nobody has to take a binary file on trust: with the versions
named in README.md it writes the same bytes again.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

Samples = npt.NDArray[np.float32]

HERE = Path(__file__).resolve().parent
TEXTS = HERE / "texts"
RECORDINGS = HERE / "recordings"
ODD = HERE / "odd"

LEAD_IN_S = 0.3
PAUSE_S = 0.6  # long enough for a recogniser to end the turn, short enough to sound natural
PEAK = 0.6
COMPRESSION = 0.85  # of libsndfile's 0 to 1: small files that still sound clean
COMPRESSED = frozenset({"FLAC", "MP3", "OGG"})
SILENCE_S = 3.0
SILENCE_RATE = 8_000


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker: the program that speaks, what it is asked for, and the packages that hold it."""

    name: str
    command: tuple[str, ...]  # reads a sentence from {text}, writes {wav}
    packages: tuple[str, ...]


RMS = Voice(
    "flite rms",
    # A little slower than the default: fewer words run together.
    ("flite", "-voice", "rms", "--setf", "duration_stretch=1.15", "-f", "{text}", "-o", "{wav}"),
    ("flite",),
)
SLT = Voice(
    "festival slt",
    ("text2wave", "-eval", "(voice_cmu_us_slt_arctic_hts)", "{text}", "-o", "{wav}"),
    ("festival", "festvox-us-slt-hts"),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One file to make. Two voices take the lines of the text in turn, each in its own channel."""

    file: str
    rate: int
    container: str
    subtype: str
    voices: tuple[Voice, ...]

    @property
    def text(self) -> Path:
        """The lines to speak: the file of the same name in `texts/`."""
        return TEXTS / Path(self.file).with_suffix(".txt").name


CATALOGUE = (
    Recording("alice.mp3", 44_100, "MP3", "MPEG_LAYER_III", (SLT,)),
    Recording("bakery.wav", 8_000, "WAV", "PCM_16", (RMS, SLT)),
    Recording("garden.opus", 48_000, "OGG", "OPUS", (RMS,)),
    Recording("harbour.wav", 16_000, "WAV", "PCM_16", (SLT,)),
    Recording("lighthouse.ogg", 44_100, "OGG", "VORBIS", (RMS,)),
    Recording("message.wav", 8_000, "WAV", "ULAW", (RMS,)),
    Recording("museum.flac", 22_050, "FLAC", "PCM_16", (SLT,)),
    Recording("station.aiff", 16_000, "AIFF", "PCM_24", (SLT,)),
)


def main() -> None:
    """Rebuild every recording, the odd files and the manifest."""
    require_voices()
    RECORDINGS.mkdir(exist_ok=True)
    ODD.mkdir(exist_ok=True)
    for recording in CATALOGUE:
        write(RECORDINGS / recording.file, perform(recording), recording)
        print(f"recordings/{recording.file}")
    write_silence(ODD / "silence.wav")
    write_broken(RECORDINGS / "museum.flac", ODD / "broken.flac")
    write_manifest(HERE / "manifest.tsv")


def require_voices() -> None:
    """Stop before anything is written, with the command that installs what is missing."""
    voices = {voice for recording in CATALOGUE for voice in recording.voices}
    missing = {name for v in voices if shutil.which(v.command[0]) is None for name in v.packages}
    if missing:
        sys.exit(
            f"A speech synthesiser is missing. On Debian: apt install {' '.join(sorted(missing))}"
        )


def perform(recording: Recording) -> Samples:
    """Speak the lines one after the other; frames by channels, at the recording's rate."""
    channels = len(recording.voices)
    parts = [np.zeros((round(LEAD_IN_S * recording.rate), channels), np.float32)]
    pause = np.zeros((round(PAUSE_S * recording.rate), channels), np.float32)
    for number, line in enumerate(lines_of(recording.text)):
        channel = number % channels
        spoken = say(recording.voices[channel], line, recording.rate)
        part = np.zeros((len(spoken), channels), np.float32)
        part[:, channel] = spoken
        parts += [part, pause]
    return np.concatenate(parts)


def say(voice: Voice, line: str, rate: int) -> Samples:
    """Speak one line: no silence around it, resampled, and as loud as every other line."""
    with tempfile.TemporaryDirectory() as folder:
        places = {"text": str(Path(folder, "line.txt")), "wav": str(Path(folder, "line.wav"))}
        Path(places["text"]).write_text(line + "\n", encoding="utf-8")
        command = [word.format_map(places) for word in voice.command]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0 or not Path(places["wav"]).exists():
            # Festival, for one, exits with zero when the voice is not installed.
            sys.exit(
                f"{voice.name} could not speak. On Debian: apt install {' '.join(voice.packages)}\n"
                f"{run.stderr.strip()}"
            )
        samples, own_rate = sf.read(places["wav"], dtype="float32")
    resampled = soxr.resample(trim(samples, own_rate), own_rate, rate)
    return np.asarray(resampled * (PEAK / np.abs(resampled).max()), np.float32)


def trim(samples: Samples, rate: int) -> Samples:
    """Cut the silence at both ends, so that the pauses are ours and not the synthesiser's."""
    heard = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return samples[max(0, heard[0] - rate // 50) : heard[-1] + rate // 20]


def lines_of(text: Path) -> list[str]:
    """The sentences of a text file, one a line."""
    return text.read_text(encoding="utf-8").splitlines()


def write(target: Path, samples: Samples, recording: Recording) -> None:
    """Encode into the recording's own format."""
    sf.write(
        target,
        samples,
        recording.rate,
        format=recording.container,
        subtype=recording.subtype,
        compression_level=COMPRESSION if recording.container in COMPRESSED else None,
    )
    if recording.container == "OGG":
        target.write_bytes(pin_serial(target.read_bytes()))


def pin_serial(ogg: bytes, serial: int = 1) -> bytes:
    """Give every page the same stream number: libsndfile draws it from the clock."""
    pages = bytearray(ogg)
    for start, end in ogg_pages(ogg):
        pages[start + 14 : start + 18] = serial.to_bytes(4, "little")
        pages[start + 22 : start + 26] = bytes(4)
        checksum = ogg_checksum(pages[start:end])
        pages[start + 22 : start + 26] = checksum.to_bytes(4, "little")
    return bytes(pages)


def ogg_pages(ogg: bytes) -> Iterator[tuple[int, int]]:
    """Where each page starts and ends (RFC 3533, section 6)."""
    start = 0
    while start < len(ogg):
        segments = ogg[start + 26]
        end = start + 27 + segments + sum(ogg[start + 27 : start + 27 + segments])
        yield start, end
        start = end


def ogg_checksum(page: bytes | bytearray) -> int:
    """CRC-32 with polynomial 04C11DB7, not reflected: not the one that zlib has."""
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x104C11DB7 if checksum & 0x80000000 else 0)
    return checksum


def write_silence(target: Path) -> None:
    """A readable file in which nobody speaks."""
    sf.write(target, np.zeros(round(SILENCE_S * SILENCE_RATE), np.int16), SILENCE_RATE)


def write_broken(source: Path, target: Path) -> None:
    """A header that promises speech, a few good frames, then a damaged file that ends too early."""
    whole = source.read_bytes()
    good, end = len(whole) // 16, len(whole) // 8
    target.write_bytes(whole[:good] + bytes(byte ^ 0x5A for byte in whole[good:end]))


def write_manifest(target: Path) -> None:
    """One row a recording, measured on the finished file."""
    with target.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE)
        table.writerow(("file", "seconds", "rate", "channels", "format", "voice", "reference"))
        for recording in CATALOGUE:
            table.writerow(manifest_row(recording))


def manifest_row(recording: Recording) -> tuple[str | int, ...]:
    """What a test or a benchmark needs to know about one recording."""
    samples, rate = sf.read(RECORDINGS / recording.file, always_2d=True)
    return (
        f"recordings/{recording.file}",
        f"{len(samples) / rate:.2f}",
        rate,
        samples.shape[1],
        f"{recording.container} {recording.subtype}",
        ", ".join(voice.name for voice in recording.voices),
        " ".join(lines_of(recording.text)),
    )


if __name__ == "__main__":
    main()
