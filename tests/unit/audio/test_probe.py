"""Probing a file before any of it is sent."""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.support import audio_files
from tests.support.av_files import encode
from tests.support.tones import tones
from tests.unit.audio.test_decode import ENCODINGS, decoded
from workers.audio.part import check_part
from workers.audio.probe import probe
from workers.audio.recording import clock
from workers.audio.source import ReadOptions
from workers.errors import Unreadable


@pytest.mark.parametrize(("kind", "sub"), ENCODINGS)
def test_a_truncated_recording_is_read_as_far_as_it_goes(
    tmp_path: Path, kind: str, sub: str
) -> None:
    """A warning says where it stops, and how long it should be if that is known."""
    rate = 48000 if sub == "OPUS" else 16000
    seconds = 40.0 if kind == "OGG" else 3.0  # a page holds many seconds of a sine
    sound = audio_files.sine(seconds, rate)
    path = audio_files.write_recording(tmp_path / "a", sound, rate, kind, sub)
    os.truncate(path, os.path.getsize(path) * 6 // 10)
    recording = probe(path)

    assert 0.4 < recording.seconds / seconds < 0.7
    assert abs(len(decoded(path)) - recording.frames) <= recording.rate / 10
    assert f"stops at {clock(recording.seconds)}" in recording.warnings[0]


def test_a_stream_that_does_not_say_its_length_is_measured(tmp_path: Path) -> None:
    """An encoder that writes FLAC to a pipe cannot go back to fill in the length."""
    samples = audio_files.distinct_samples(2.0)
    path = audio_files.write_recording(tmp_path / "a.flac", samples, kind="FLAC")
    content = bytearray(Path(path).read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    Path(path).write_bytes(content)

    assert probe(path).seconds == 2.0
    assert np.array_equal(decoded(path, start=20000), samples[20000:])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not audio at all, just words", "as audio"),
        (b"RIFF", "as audio"),
        (b"\n<!DOCTYPE html><html><p>Log in first.", "web page"),
    ],
)
def test_what_is_no_recording_is_refused_in_words(
    tmp_path: Path, content: bytes, words: str
) -> None:
    """The reason says what is wrong with the file."""
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as error:
        probe(str(path))

    assert words in error.value.reason


def test_a_recording_of_no_length_is_refused(tmp_path: Path) -> None:
    """A header alone is not a recording."""
    path = audio_files.write_recording(tmp_path / "a.wav", np.zeros(0, np.int16))
    with pytest.raises(Unreadable, match="no audio"):
        probe(path)


def test_a_length_that_a_writer_left_open_is_no_damage(tmp_path: Path) -> None:
    """Programs that write to a pipe leave all ones as the length in a WAV header."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    with open(path, "r+b") as file:
        for offset in (4, 40):
            file.seek(offset)
            file.write(b"\xff\xff\xff\xff")

    assert probe(path).seconds == pytest.approx(1.0, abs=0.01)


def test_a_wrong_number_of_bytes_a_second_is_no_damage(tmp_path: Path) -> None:
    """Nothing depends on it, and some writers get it wrong."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    with open(path, "r+b") as file:
        file.seek(28)
        file.write((176400).to_bytes(4, "little"))

    assert len(decoded(path)) == 16000


@pytest.mark.parametrize("rate", [1, 999, 1 << 20, (1 << 31) - 1])
def test_a_rate_that_no_recording_has_is_refused(tmp_path: Path, rate: int) -> None:
    """A few damaged bytes at one sample a second would be streamed, and billed, for days."""
    path = audio_files.write_recording(
        tmp_path / "a.au", audio_files.distinct_samples(1.0), kind="AU"
    )
    with open(path, "r+b") as file:
        file.seek(16)
        file.write(rate.to_bytes(4, "big"))

    with pytest.raises(Unreadable, match=f"a rate of {rate} Hz"):
        probe(path)


def test_a_stream_that_lies_about_its_length_is_counted(tmp_path: Path) -> None:
    """A slightly and a grossly wrong length are both found before streaming."""
    path = audio_files.write_recording(
        tmp_path / "a.flac", audio_files.distinct_samples(1.0), kind="FLAC"
    )
    for samples in (16001, 1 << 33):
        content = bytearray(Path(path).read_bytes())
        content[21] = content[21] & 0xF0 | samples >> 32
        content[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
        Path(path).write_bytes(content)

        assert probe(path).frames == 16000


def test_a_missing_file_is_reported_as_such(tmp_path: Path) -> None:
    """The file may have existed when the folder was searched."""
    with pytest.raises(Unreadable, match="does not exist"):
        probe(str(tmp_path / "a.wav"))


@pytest.mark.parametrize(("end_s", "missing_s"), [(0.8, 0.0), (1.5, 0.5), (None, 1.0)])
def test_what_is_missing_of_a_part_counts_alone(
    tmp_path: Path, end_s: float | None, missing_s: float
) -> None:
    """A file that is cut short behind the part is whole where it matters."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(2.0))
    os.truncate(path, 44 + 32000)
    recording = probe(path, ReadOptions(end_s=end_s))

    assert recording.missing_seconds == pytest.approx(missing_s, abs=0.01)
    assert bool(missing_s) == any("stops at 0:01 of 0:02" in text for text in recording.warnings)


def test_a_part_that_ends_late_is_said_in_minutes(tmp_path: Path) -> None:
    """With hundredths only where they matter; a file that is cut short has said it already."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(2.25))
    options = ReadOptions(end_s=65.0)
    late = check_part(probe(path, options)).warnings
    os.truncate(path, 44 + 32000)
    cut = check_part(probe(path, options)).warnings

    assert late == ("the recording ends at 0:02.25, but its part at 1:05",)
    assert len(cut) == 1


def test_damage_in_an_mp3_file_does_not_make_it_longer(tmp_path: Path) -> None:
    """What its first frame announces is there before and after the damage."""
    path = tmp_path / "a.mp3"
    content = bytearray(encode("mp3", "mp3", tones(12, 16000), rate=16000))
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    recording = probe(str(path))

    assert 0.0 == recording.missing_seconds
    assert () == recording.warnings
