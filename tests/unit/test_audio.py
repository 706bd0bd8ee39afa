import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import sound
from workers.audio import decode
from workers.audio.discovery import found
from workers.audio.probe import probe
from workers.errors import Unreadable, UsageProblem

FORMATS = [
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "FLOAT"),
    ("wav", "WAV", "ULAW"),
    ("wav", "WAVEX", "PCM_16"),
    ("flac", "FLAC", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("aiff", "AIFF", "PCM_24"),
    ("w64", "W64", "PCM_16"),
    ("caf", "CAF", "PCM_16"),
]


def decoded(path: str, rate: int | None = None, frames: int = 1600) -> np.ndarray:
    recording = probe(path)
    blocks = list(decode.blocks(recording, rate or recording.rate, frames))
    assert all(len(block) == frames * 2 for block in blocks[:-1])
    return np.frombuffer(b"".join(blocks), dtype="<i2")


@pytest.mark.parametrize(("suffix", "kind", "sub"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_becomes_mono_of_the_right_length(
    tmp_path: Path, suffix: str, kind: str, sub: str, channels: int
) -> None:
    """Whatever libsndfile reads is streamed: same length, one channel, and it can be heard."""
    rate = 48000 if sub == "OPUS" else 16000
    path = sound.write(tmp_path / f"a.{suffix}", sound.tone(1.0, rate, channels), rate, kind, sub)
    pcm = decoded(path)

    assert probe(path).channels == channels
    assert len(pcm) == pytest.approx(rate, abs=rate * 0.01)
    assert np.abs(pcm).max() > 5000


@pytest.mark.parametrize(("suffix", "kind", "sub"), FORMATS)
def test_a_truncated_recording_is_refused(tmp_path: Path, suffix: str, kind: str, sub: str) -> None:
    """In words, before anything is sent: half a recording is not the recording."""
    rate = 48000 if sub == "OPUS" else 16000
    path = sound.write(tmp_path / f"a.{suffix}", sound.tone(3.0, rate), rate, kind, sub)
    os.truncate(path, os.path.getsize(path) * 6 // 10)

    with pytest.raises(Unreadable) as error:
        probe(path)

    assert error.value.reason


def test_16_bit_mono_passes_through_bit_for_bit(tmp_path: Path) -> None:
    """Nothing touches what is right already."""
    samples = sound.counting(1.03)
    for suffix, kind in (("wav", "WAV"), ("flac", "FLAC")):
        path = sound.write(tmp_path / f"a.{suffix}", samples, kind=kind)

        assert np.array_equal(decoded(path), samples)


def test_too_loud_is_clipped_not_wrapped(tmp_path: Path) -> None:
    """A float file may exceed full scale; a wrapped peak would be a loud click."""
    loud = np.array([0.0, 1.5, -1.5, 1.0, -1.0], dtype=np.float32)
    path = sound.write(tmp_path / "a.wav", loud, sub="FLOAT")

    assert list(decoded(path)) == [0, 32767, -32768, 32767, -32768]


def test_what_is_not_a_number_is_silence(tmp_path: Path) -> None:
    """A damaged float file does not become noise at full scale."""
    path = sound.write(tmp_path / "a.wav", np.array([0.5, np.nan, 0.5]), sub="FLOAT")

    assert list(decoded(path)) == [16384, 0, 16384]


def test_channels_are_averaged(tmp_path: Path) -> None:
    """Mono is what the service hears; both sides of a conversation are in it."""
    left, right = np.full(100, 1000, np.int16), np.full(100, 3000, np.int16)
    path = sound.write(tmp_path / "a.wav", np.stack([left, right], axis=1))

    assert set(decoded(path)) == {2000}


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_resampling_keeps_the_length_and_the_pitch(tmp_path: Path, rate: int) -> None:
    """The declared rate is the rate of what is sent, so a second stays a second at 440 Hz."""
    path = sound.write(tmp_path / "a.wav", sound.tone(1.0, 22050), 22050)
    pcm = decoded(path, rate, rate // 10)
    spectrum = np.abs(np.fft.rfft(pcm[: rate // 2]))

    assert len(pcm) == pytest.approx(decode.length(probe(path), rate), abs=2)
    assert np.argmax(spectrum) * 2 == pytest.approx(440, abs=4)


def test_resampling_in_blocks_is_resampling_as_a_whole(tmp_path: Path) -> None:
    """The resampler keeps its state between blocks; there is no click at their borders."""
    path = sound.write(tmp_path / "a.wav", sound.tone(1.0, 44100), 44100)
    small, large = decoded(path, 16000, 800), decoded(path, 16000, 16000)

    assert len(small) == len(large)
    assert np.abs(small.astype(int) - large).max() <= 1


def test_damage_on_the_way_is_told_with_what_was_read(tmp_path: Path) -> None:
    """A header can be right and the middle wrong."""
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(16000 * 4) * 3000).astype(np.int16)
    path = sound.write(tmp_path / "a.flac", noise, kind="FLAC")
    recording = probe(path)
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(bytes(4000))

    heard: list[bytes] = []
    with pytest.raises(Unreadable, match="damaged"):
        heard.extend(decode.blocks(recording, 16000, 1600))

    assert 0 < sum(map(len, heard)) < 16000 * 4 * 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"not audio at all, just words", "not audio"), (b"RIFF", "not audio")],
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
    path = sound.write(tmp_path / "a.wav", np.zeros(0, np.int16))
    with pytest.raises(Unreadable, match="no audio"):
        probe(path)


def test_a_length_that_a_writer_left_open_is_no_damage(tmp_path: Path) -> None:
    """Programs that write to a pipe leave all ones as the length in a WAV header."""
    path = sound.write(tmp_path / "a.wav", sound.counting(1.0))
    with open(path, "r+b") as file:
        for offset in (4, 40):
            file.seek(offset)
            file.write(b"\xff\xff\xff\xff")

    assert probe(path).seconds == pytest.approx(1.0, abs=0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs")
def test_a_fifo_or_a_folder_is_no_recording(tmp_path: Path) -> None:
    """Opening a FIFO would wait for ever."""
    os.mkfifo(tmp_path / "a.wav")
    for path in (tmp_path / "a.wav", tmp_path):
        with pytest.raises(Unreadable, match="not a file"):
            probe(str(path))


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    """It may have been there when the folder was searched."""
    with pytest.raises(Unreadable, match="not there"):
        probe(str(tmp_path / "a.wav"))


def test_a_folder_is_searched_recursively_in_order(tmp_path: Path) -> None:
    """Audio in all folders below, hidden things and other files left out, no file twice."""
    for name in ("b/2.flac", "a.WAV", "b/1.mp3", ".hidden.wav", ".git/x.wav", "notes.txt", "c.m4a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    listed = found([str(tmp_path), str(tmp_path / "a.WAV")])

    expected = ["a.WAV", "b/1.mp3", "b/2.flac", "c.m4a"]
    assert [os.path.relpath(path, tmp_path) for path in listed] == expected


def test_a_file_that_is_named_is_taken_whatever_its_name(tmp_path: Path) -> None:
    """The user knows better than an ending."""
    path = tmp_path / "recording.bin"
    path.touch()

    assert found([str(path)]) == [str(path)]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    """Folders behind links are not followed."""
    (tmp_path / "a.wav").touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)

    assert found([str(tmp_path)]) == [str(tmp_path / "a.wav")]


def test_nothing_to_stream_is_said(tmp_path: Path) -> None:
    """A missing path and a folder without audio are different mistakes."""
    with pytest.raises(UsageProblem, match="no file or folder"):
        found([str(tmp_path / "nope")])
    with pytest.raises(UsageProblem, match="no audio"):
        found([str(tmp_path)])
