"""Recordings that are still being written."""

import os
import signal
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support import audio_files
from workers.audio import growing, growing_bytes
from workers.audio.av_reader import AvReader
from workers.audio.decode import pcm_blocks
from workers.audio.probe import probe
from workers.audio.recording import Reader, Recording
from workers.audio.source import DEFAULT_OPTIONS, RawEncoding, RawFormat, ReadOptions
from workers.errors import Unreadable

FOLLOW = ReadOptions(follow=True)
RATE = 16000
SAMPLES = audio_files.distinct_samples(1.0)
PLACEHOLDERS = [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 36]


@pytest.fixture(autouse=True)
def _ignored_sigio() -> Iterator[None]:
    """As sessions do: the kernel sends it when a file is opened for writing."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGIO, before)


def header(size: int, rate: int = RATE) -> bytes:
    """A header of mono PCM16 that declares this many bytes of audio."""
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    riff = min(size + 36, 0xFFFFFFFF) if size else 0
    return (
        struct.pack("<4sI8s", b"RIFF", riff, b"WAVEfmt ") + fmt + struct.pack("<4sI", b"data", size)
    )


def followed(recording: Recording, *writes: bytes, rate: int = RATE, start: int = 0) -> bytes:
    """What is read of a recording, if its writer adds these pieces whenever all was read."""
    left = list(writes)

    def wait() -> bool:
        if not left:
            return False
        with open(recording.path, "ab") as file:
            file.write(left.pop(0))
        return True

    return b"".join(pcm_blocks(recording, rate, 1600, start, wait=wait))


@pytest.mark.parametrize("size", PLACEHOLDERS)
def test_what_is_added_is_read_bit_for_bit(tmp_path: Path, size: int) -> None:
    """In pieces that end within a sample, behind a header that does not know the size."""
    path, audio = tmp_path / "a.wav", SAMPLES.tobytes()
    path.write_bytes(header(size) + audio[:5001])
    recording = probe(str(path), FOLLOW)

    assert recording.reader is Reader.GROWING
    assert not recording.is_exact
    assert 2500 == recording.frames
    assert audio == followed(recording, audio[5001:5002], audio[5002:20_000], audio[20_000:])


def test_another_attempt_begins_in_the_middle(tmp_path: Path) -> None:
    """Even after what was written when it was probed again."""
    path, audio = tmp_path / "a.wav", SAMPLES.tobytes()
    path.write_bytes(header(0))
    recording = probe(str(path), FOLLOW)

    assert audio[2 * 1000 :] == followed(recording, audio, start=1000)


def test_it_is_resampled_like_any_other(tmp_path: Path) -> None:
    """As if it were complete, although it comes in pieces."""
    path, audio = tmp_path / "a.wav", SAMPLES.tobytes()
    path.write_bytes(header(0))
    in_pieces = followed(probe(str(path), FOLLOW), audio[:10_000], audio[10_000:], rate=8000)
    complete = audio_files.write_recording(tmp_path / "b.wav", SAMPLES)

    assert in_pieces == b"".join(pcm_blocks(probe(complete), 8000, 1600))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_every_encoding_of_single_samples_is_read(tmp_path: Path, subtype: str) -> None:
    """As libsndfile reads the complete file."""
    path = audio_files.write_recording(tmp_path / "a.wav", SAMPLES, RATE, "WAV", subtype)
    complete = b"".join(pcm_blocks(probe(path), RATE, 1600))

    assert complete == followed(probe(path, FOLLOW))


def test_samples_without_a_header_are_read(tmp_path: Path) -> None:
    """Their format is told by the user."""
    path, audio = tmp_path / "a.raw", SAMPLES.astype(">i2").tobytes()
    path.write_bytes(b"")
    raw = RawFormat(RawEncoding.S16BE, RATE)
    recording = probe(str(path), ReadOptions(raw=raw, follow=True))

    assert SAMPLES.tobytes() == followed(recording, audio)


def test_metadata_after_the_audio_is_not_audio(tmp_path: Path) -> None:
    """A recorder may write it when it closes the file, and then the sizes."""
    path, audio = tmp_path / "a.wav", SAMPLES.tobytes()
    path.write_bytes(header(0) + audio)
    recording = probe(str(path), FOLLOW)
    tail = struct.pack("<4sI4s", b"LIST", 4, b"INFO")
    path.write_bytes(header(len(audio)) + audio + tail)

    assert audio == followed(recording)


def test_other_formats_are_refused_while_they_are_written(tmp_path: Path) -> None:
    """Before anything is sent. When they are complete, they are read like any other."""
    adpcm = audio_files.write_recording(tmp_path / "a.wav", SAMPLES, RATE, "WAV", "IMA_ADPCM")
    with open(adpcm, "ab"), pytest.raises(Unreadable, match="while it is written"):
        probe(adpcm, FOLLOW)
    os.utime(adpcm, (0, 0))  # for systems that do not tell who writes
    assert probe(adpcm, FOLLOW).is_exact
    with open(adpcm, "ab"), pytest.raises(Unreadable, match="g722"):
        probe(adpcm, ReadOptions(raw=RawFormat(RawEncoding.G722, RATE), follow=True))


def test_a_file_without_a_header_is_waited_for(tmp_path: Path) -> None:
    """A recorder has just created it."""
    path = tmp_path / "a.wav"
    for content in (b"", header(0)[:40]):
        path.write_bytes(content)
        with pytest.raises(Unreadable, match="not written yet"):
            growing.GrowingFile(str(path), FOLLOW)
    later = threading.Timer(0.2, lambda: path.write_bytes(header(0)))
    later.start()

    assert 0 == probe(str(path), FOLLOW).frames


def test_the_format_of_an_empty_file_shows_when_it_is_written(tmp_path: Path) -> None:
    """Its recorder may write a compressed format, and its header in two pieces."""
    flac = Path(audio_files.write_recording(tmp_path / "a", SAMPLES, kind="FLAC")).read_bytes()
    path = tmp_path / "growing"

    def write(piece: bytes) -> None:
        writer.write(piece)
        writer.flush()

    with path.open("wb") as writer:
        for delay_s, piece in ((0.1, flac[:30]), (0.3, flac[30:])):
            threading.Timer(delay_s, write, [piece]).start()

        assert Reader.GROWING_AV is probe(str(path), FOLLOW).reader


def test_it_is_known_whether_anybody_writes(tmp_path: Path) -> None:
    """Readers do not count."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    reading = os.open(path, os.O_RDONLY)
    try:
        if growing_bytes.has_writer(reading) is None:
            pytest.skip("this file system has no leases")
        assert not growing_bytes.has_writer(reading)
        with path.open("ab"):
            assert growing_bytes.has_writer(reading)
        assert not growing_bytes.has_writer(reading)
    finally:
        os.close(reading)


def test_the_length_is_what_is_there_so_far(tmp_path: Path) -> None:
    """Whole samples of all channels."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((100, 2), np.int16), RATE)
    with growing.GrowingFile(str(path), FOLLOW) as file:
        assert 100 == file.frames_written
        with path.open("ab") as more:
            more.write(bytes(4 * 50 + 3))
        assert 150 == file.frames_written


@pytest.mark.parametrize(
    ("kind", "sub", "rate"),
    [("FLAC", None, RATE), ("OGG", "VORBIS", RATE), ("OGG", "OPUS", 48000), ("MP3", None, RATE)],
)
def test_a_compressed_file_is_decoded_as_it_comes(
    tmp_path: Path, kind: str, sub: str | None, rate: int
) -> None:
    """Its samples are those of the complete file; its length is not known before its end."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=6 * RATE)
    whole = audio_files.write_recording(tmp_path / "whole", noise, RATE, kind, sub)
    content = Path(whole).read_bytes()
    third = len(content) // 3
    path = tmp_path / "growing"
    with path.open("wb") as writer:
        writer.write(content[:third])
        writer.flush()
        recording = probe(str(path), FOLLOW)
    pieces = [content[third : 2 * third], content[2 * third : -100], content[-100:]]
    heard = np.frombuffer(followed(recording, *pieces, rate=rate), "<i2").astype(int)
    with AvReader(whole, DEFAULT_OPTIONS) as reader:
        expected = np.concatenate(list(reader.iter_blocks("float32")))[:, 0] * 32768

    assert (recording.reader, recording.rate, recording.frames) == (Reader.GROWING_AV, rate, 0)
    assert abs(len(heard) - len(expected)) <= 0.1 * rate
    common = min(len(heard), len(expected))
    assert np.abs(heard[:common] - expected[:common].clip(-32768, 32767)).max() <= 1


def test_a_compressed_file_continues_at_a_later_sample(tmp_path: Path) -> None:
    """Another attempt decodes from the beginning, and yields the rest."""
    path = audio_files.write_recording(tmp_path / "a.flac", SAMPLES, kind="FLAC")
    with open(path, "ab"):
        recording = probe(path, FOLLOW)

    assert followed(recording, start=4000) == SAMPLES[4000:].tobytes()
