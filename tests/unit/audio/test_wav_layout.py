"""WAV files whose headers are wrong about sizes, and what follows their audio."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.support import audio_files
from tests.unit.audio.test_decode import decoded
from workers.audio.decode import pcm_blocks
from workers.audio.probe import probe
from workers.audio.recording import Reader
from workers.errors import Unreadable

SAMPLES = audio_files.distinct_samples(2.0)
AUDIO = SAMPLES.tobytes()
LIST = struct.pack("<4sI4s4sI", b"LIST", 20, b"INFO", b"ISFT", 8) + b"Recorder"
BEXT = struct.pack("<4sI", b"bext", 602) + b"An interview".ljust(602, b"\0")
CART = struct.pack("<4sI", b"cart", 2048) + b"0101".ljust(2048, b"\0")
UNKNOWN = struct.pack("<4sI", b"xyzw", 6) + b"\x01\x02\x03\x04\x05\x06"
ID3V1 = b"TAG" + b"A title".ljust(125, b"\0")


def write_wav(
    path: Path,
    audio: bytes,
    after: bytes = b"",
    *,
    riff: int | None = None,
    data: int | None = None,
) -> str:
    """A mono recording of 16 bits at 16000 Hz; ``riff`` and ``data`` replace the sizes."""
    total = 36 + len(audio) + len(after)
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    riff_size = total if riff is None else riff
    data_size = len(audio) if data is None else data
    head = struct.pack("<4sI4s", b"RIFF", riff_size, b"WAVE") + fmt
    path.write_bytes(head + struct.pack("<4sI", b"data", data_size) + audio + after)
    return str(path)


@pytest.mark.parametrize("after", [b"", LIST, BEXT + LIST, CART, UNKNOWN, LIST + UNKNOWN, ID3V1])
def test_what_follows_the_audio_is_no_audio(tmp_path: Path, after: bytes) -> None:
    """Metadata at the end of a file is not streamed, and changes nothing."""
    path = write_wav(tmp_path / "a.wav", AUDIO, after)

    assert np.array_equal(decoded(path), SAMPLES)
    assert probe(path).reader is Reader.SNDFILE


@pytest.mark.parametrize("after", [b"", LIST, BEXT + LIST, CART])
@pytest.mark.parametrize(
    "size",
    [0, 0xFFFFFFFF, 0xFFFFFFDB, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, len(AUDIO) // 2, 1000, 1],
    ids=hex,
)
def test_a_wrong_size_costs_no_audio(tmp_path: Path, size: int, after: bytes) -> None:
    """Sizes of 0 and placeholders come from recorders that crashed or wrote to a pipe."""
    path = write_wav(tmp_path / "a.wav", AUDIO, after, riff=size + 36 & 0xFFFFFFFF, data=size)
    recording = probe(path)

    assert np.array_equal(decoded(path), SAMPLES)
    assert recording.seconds == 2.0
    assert not recording.warnings


@pytest.mark.parametrize("riff", [0, 36, 1000, 36 + len(AUDIO) // 2, 0xFFFFFFFF, 1 << 20])
def test_a_wrong_size_of_the_whole_file_does_not_matter(tmp_path: Path, riff: int) -> None:
    """The size of the audio is right."""
    path = write_wav(tmp_path / "a.wav", AUDIO, LIST, riff=riff)

    assert np.array_equal(decoded(path), SAMPLES)
    assert not probe(path).warnings


def test_a_cut_download_is_read_with_a_warning(tmp_path: Path) -> None:
    """The header says how much is missing."""
    path = write_wav(tmp_path / "a.wav", AUDIO[: len(AUDIO) // 2], data=len(AUDIO))
    recording = probe(path)

    assert np.array_equal(decoded(path), SAMPLES[: len(SAMPLES) // 2])
    assert (1.0, 1.0) == (recording.seconds, recording.missing_seconds)
    assert "stops at 0:01 of 0:02" in recording.warnings[0]


def test_padding_is_no_audio_but_silence_is(tmp_path: Path) -> None:
    """Some recorders fill their last block of the disk with zeros."""
    padded = write_wav(tmp_path / "padded.wav", AUDIO, bytes(4000))
    silence = write_wav(tmp_path / "silence.wav", AUDIO + bytes(100_000), data=len(AUDIO))

    assert len(decoded(padded)) == len(SAMPLES)
    assert len(decoded(silence)) == len(SAMPLES) + 50_000


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_header_without_audio_is_refused(tmp_path: Path, size: int) -> None:
    """The recorder crashed before it wrote any."""
    path = write_wav(tmp_path / "a.wav", b"", LIST, data=size)
    with pytest.raises(Unreadable):
        probe(path)


def test_audio_beyond_4_gb_is_read(tmp_path: Path) -> None:
    """The size wraps around at 4 GB, since the header has 32 bits for it."""
    length = (1 << 32) + (1 << 20)
    path = Path(write_wav(tmp_path / "a.wav", AUDIO, data=length & 0xFFFFFFFF))
    os.truncate(path, 44 + length - len(AUDIO))
    with open(path, "ab") as file:
        file.write(AUDIO)
    recording = probe(str(path))
    end = b"".join(pcm_blocks(recording, 16000, 1600, length // 2 - len(SAMPLES)))

    assert recording.frames == length // 2
    assert end == AUDIO


@pytest.mark.parametrize(
    ("kind", "sub"),
    [
        *(("WAV", sub) for sub in ("PCM_U8", "PCM_24", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")),
        *((kind, sub) for kind in ("WAVEX", "RF64") for sub in ("PCM_16", "FLOAT")),
    ],
)
def test_every_encoding_is_read_behind_a_wrong_header(tmp_path: Path, kind: str, sub: str) -> None:
    """It is decoded as if the header were right, also from its middle."""
    path = Path(
        audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(2.0), kind=kind, sub=sub)
    )
    whole = decoded(str(path))
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + bytes(4) + content[at + 4 :])

    assert np.array_equal(decoded(str(path)), whole)
    assert np.array_equal(decoded(str(path), start=10_000), whole[10_000:])


def test_big_endian_sizes_are_corrected_too(tmp_path: Path) -> None:
    """RIFX is WAV in the other order of bytes."""
    fmt = struct.pack(">4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    head = struct.pack(">4sI4s", b"RIFX", 0, b"WAVE") + fmt + struct.pack(">4sI", b"data", 0)
    (tmp_path / "a.wav").write_bytes(head + SAMPLES.astype(">i2").tobytes())

    assert np.array_equal(decoded(str(tmp_path / "a.wav")), SAMPLES)
