"""Any recording as mono PCM: whole, from its middle, and when it is damaged."""

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support import audio_files
from workers.audio import decode
from workers.audio.limits import read_refusal
from workers.audio.probe import probe
from workers.audio.recording import Damage, without_seeking
from workers.errors import Unreadable

FORMATS = [
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "FLOAT"),
    ("wav", "WAV", "ULAW"),
    ("wav", "WAVEX", "PCM_16"),
    ("wav", "RF64", "PCM_16"),
    ("flac", "FLAC", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("aiff", "AIFF", "PCM_24"),
    ("au", "AU", "ULAW"),
    ("w64", "W64", "PCM_16"),
    ("caf", "CAF", "PCM_16"),
]


CONTAINERS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC", "OGG", "MP3")
UNWRITABLE = ("MPEG_LAYER_I", "MPEG_LAYER_II", "DWVW_12")
"""Encodings that libsndfile reads and cannot write."""
ENCODINGS = [
    (kind, sub)
    for kind in CONTAINERS
    for sub in sorted(soundfile.available_subtypes(kind))
    if sub not in UNWRITABLE and (kind, sub) != ("WAV", "MPEG_LAYER_III")
]


def decoded(path: str, rate: int | None = None, frames: int = 1600, start: int = 0) -> np.ndarray:
    recording = probe(path)
    blocks = list(decode.pcm_blocks(recording, rate or recording.rate, frames, start))
    assert all(len(block) == frames * 2 for block in blocks[:-1])
    return np.frombuffer(b"".join(blocks), dtype="<i2")


@pytest.mark.parametrize(("suffix", "kind", "sub"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_becomes_mono_of_the_right_length(
    tmp_path: Path, suffix: str, kind: str, sub: str, channels: int
) -> None:
    """Everything that libsndfile reads is streamed: same length, one channel, and audible."""
    rate = 48000 if sub == "OPUS" else 16000
    path = audio_files.write_recording(
        tmp_path / f"a.{suffix}", audio_files.sine(1.0, rate, channels), rate, kind, sub
    )
    pcm = decoded(path)

    assert probe(path).channels == channels
    assert len(pcm) == pytest.approx(rate, abs=rate * 0.01)
    assert np.abs(pcm).max() > 5000


def test_16_bit_mono_passes_through_bit_for_bit(tmp_path: Path) -> None:
    """Samples in the right format are not changed."""
    samples = audio_files.distinct_samples(1.03)
    for suffix, kind in (("wav", "WAV"), ("flac", "FLAC")):
        path = audio_files.write_recording(tmp_path / f"a.{suffix}", samples, kind=kind)

        assert np.array_equal(decoded(path), samples)


def test_too_loud_is_clipped_not_wrapped(tmp_path: Path) -> None:
    """A float file may exceed full scale; a wrapped peak would be a loud click."""
    loud = np.array([0.0, 1.5, -1.5, 1.0, -1.0], dtype=np.float32)
    path = audio_files.write_recording(tmp_path / "a.wav", loud, sub="FLOAT")

    assert list(decoded(path)) == [0, 32767, -32768, 32767, -32768]


def test_what_is_not_a_number_is_silence(tmp_path: Path) -> None:
    """A damaged float file does not become noise at full scale."""
    path = audio_files.write_recording(
        tmp_path / "a.wav", np.array([0.5, np.nan, 0.5]), sub="FLOAT"
    )

    assert list(decoded(path)) == [16384, 0, 16384]


def test_channels_are_averaged(tmp_path: Path) -> None:
    """Mono is what the service hears; both sides of a conversation are in it."""
    left, right = np.full(100, 1000, np.int16), np.full(100, 3000, np.int16)
    path = audio_files.write_recording(tmp_path / "a.wav", np.stack([left, right], axis=1))

    assert set(decoded(path)) == {2000}


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_resampling_keeps_the_length_and_the_pitch(tmp_path: Path, rate: int) -> None:
    """The declared rate is the rate of what is sent, so a second stays a second at 440 Hz."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0, 22050), 22050)
    pcm = decoded(path, rate, rate // 10)
    spectrum = np.abs(np.fft.rfft(pcm[: rate // 2]))

    assert len(pcm) == pytest.approx(decode.sample_count(probe(path), rate), abs=2)
    assert np.argmax(spectrum) * 2 == pytest.approx(440, abs=4)


def test_resampling_in_blocks_is_resampling_as_a_whole(tmp_path: Path) -> None:
    """The resampler keeps its state between blocks; there is no click at their borders."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0, 44100), 44100)
    small, large = decoded(path, 16000, 800), decoded(path, 16000, 16000)

    assert len(small) == len(large)
    assert np.abs(small.astype(int) - large).max() <= 1


def noise(seconds: float, rate: int) -> np.ndarray:
    """A loud noise that swells: any other sample, and any other state of a decoder, shows."""
    rng = np.random.default_rng(1)
    swell = np.linspace(0.1, 0.3, round(seconds * rate))
    return (rng.standard_normal(len(swell)) * swell * 0.3).astype(np.float32)


@pytest.mark.parametrize(("kind", "sub"), ENCODINGS)
def test_a_recording_goes_on_from_any_sample(tmp_path: Path, kind: str, sub: str) -> None:
    """A session resumes where the one before broke, without repeating or losing a sample:
    bit for bit at the recording's rate, to within the rounding when it is resampled."""
    rate = 48000 if sub == "OPUS" else 44100
    path = audio_files.write_recording(tmp_path / "a", noise(0.7, rate), rate, kind, sub)
    for wanted, rounding in ((rate, 0), (16000, 1)):
        whole = decoded(path, wanted).astype(int)
        for start in (7001, len(whole) - 1000, len(whole)):
            rest = decoded(path, wanted, start=start)

            assert len(rest) == len(whole) - start
            assert np.abs(rest - whole[start:]).max(initial=0) <= rounding


@pytest.mark.parametrize(
    ("rate", "wanted"), [(44100, 16000), (44101, 16000), (48000, 8000), (8000, 48000), (7999, 8000)]
)
def test_resampling_goes_on_from_any_sample(tmp_path: Path, rate: int, wanted: int) -> None:
    """This holds hours into the file, and for rates whose samples rarely coincide."""
    path = audio_files.write_recording(tmp_path / "a.wav", noise(10, rate), rate)
    whole = decoded(path, wanted).astype(int)
    for start in (wanted // 10, wanted + 1, 5 * wanted - 1, 9 * wanted + 77, len(whole) - 3):
        rest = decoded(path, wanted, start=start)

        assert len(rest) == len(whole) - start
        assert np.abs(rest - whole[start:]).max() <= 1


@pytest.mark.parametrize(("kind", "sub"), [("WAV", "PCM_16"), ("WAV", "GSM610"), ("OGG", "OPUS")])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_there_is_nothing_after_the_end(tmp_path: Path, kind: str, sub: str, rate: int) -> None:
    """A session that broke after its last sample has nothing left to send."""
    path = audio_files.write_recording(tmp_path / "a", noise(1, 8000), 8000, kind, sub)

    assert not len(decoded(path, rate, start=3 * rate))


def test_a_file_that_shrank_is_reported_also_from_its_middle(tmp_path: Path) -> None:
    """The length is checked for a resumed recording as well."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(4.0))
    recording = probe(path)
    os.truncate(path, os.path.getsize(path) // 2)
    for start in (16000, 3 * 16000):
        damage: list[Damage] = []
        list(decode.pcm_blocks(recording, 16000, 1600, start, on_damage=damage.append))

        assert [pytest.approx(2.0, abs=0.01)] == [one.at_s for one in damage]
        assert [pytest.approx(2.0, abs=0.01)] == [one.missing_s for one in damage]


class WindingEnded(Exception):
    """Nobody needs the recording any more."""


def test_the_way_to_where_it_begins_can_be_broken_off(tmp_path: Path) -> None:
    """`on_skip` may raise, as the program may quit; it is not called after the first block."""
    path = audio_files.write_recording(tmp_path / "a.wav", noise(3, 8000), 8000, sub="GSM610")
    steps = []

    def winding() -> None:
        steps.append(1)
        if len(steps) == 6:
            raise WindingEnded

    with pytest.raises(WindingEnded):
        list(decode.pcm_blocks(probe(path), 8000, 800, 2 * 8000, on_skip=winding))
    steps.clear()
    rest = sum(map(len, decode.pcm_blocks(probe(path), 8000, 800, 8000, on_skip=winding)))

    assert rest == pytest.approx(2 * 2 * 8000, abs=640)
    assert len(steps) == 4


def test_what_is_left_out_is_not_held_in_memory(tmp_path: Path) -> None:
    """If seeks are not exact, the skipped part is decoded and dropped block by block."""
    path = audio_files.write_recording(tmp_path / "a.wav", noise(60, 8000), 8000, sub="GSM610")
    recording = probe(path)
    peaks = []
    for _ in range(2):  # because a table of the interpreter may grow meanwhile, but not twice
        tracemalloc.start()
        try:
            rest = sum(map(len, decode.pcm_blocks(recording, 8000, 800, 59 * 8000)))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

        assert rest == pytest.approx(2 * 8000, abs=640)
    assert min(peaks) < 200_000  # bytes; the whole would be 960,000


@pytest.mark.parametrize(
    ("kind", "sub"), [("OGG", "OPUS"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]
)
def test_a_lossy_recording_is_the_same_in_pieces(tmp_path: Path, kind: str, sub: str) -> None:
    """This includes the last sample: a seek in the last packet of an Opus file yields noise."""
    path = audio_files.write_recording(tmp_path / "a", noise(2.0026, 48000), 48000, kind, sub)
    at_once, _ = soundfile.read(path, dtype="float32")

    assert np.abs(decoded(path) - at_once * 32768).max() < 1


def test_damage_on_the_way_is_reported_with_what_was_read(tmp_path: Path) -> None:
    """A header can be right and the middle wrong."""
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(16000 * 4) * 3000).astype(np.int16)
    path = audio_files.write_recording(tmp_path / "a.flac", noise, kind="FLAC")
    recording = probe(path)
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(bytes(4000))

    damage: list[Damage] = []
    blocks = decode.pcm_blocks(recording, 16000, 1600, on_damage=damage.append)
    decoded = sum(map(len, blocks))

    assert "damaged" in damage[0].reason
    assert 0 < decoded < 16000 * 4 * 2


def test_after_damage_a_recording_goes_on_from_any_sample(tmp_path: Path) -> None:
    """Positions count what was decoded, so nothing is sent twice by another attempt."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=16000 * 4)
    path = audio_files.write_recording(tmp_path / "a.flac", noise, kind="FLAC")
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 3)
        file.write(bytes(9000))
    recording = probe(path)
    whole = b"".join(decode.pcm_blocks(recording, 16000, 1600))
    rest = b"".join(decode.pcm_blocks(without_seeking(recording), 16000, 1600, 40_000))

    assert rest == whole[80_000:]
    assert len(whole) < 16000 * 4 * 2


def test_damage_is_told_whatever_else_is_wrong(tmp_path: Path) -> None:
    """Only an exact length shows that a probe has told it already."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=16000 * 4)
    path = audio_files.write_recording(tmp_path / "a.flac", noise, kind="FLAC")
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(bytes(9000))
    warned = replace(probe(path), seconds=0.0, frames=0, is_exact=False, warnings=("it is odd",))
    damage: list[Damage] = []
    list(decode.pcm_blocks(warned, 16000, 1600, on_damage=damage.append))

    assert damage


def test_a_disk_that_fails_is_told_as_such(tmp_path: Path) -> None:
    """It is no bug, and ends the job with the words of the system."""
    with pytest.raises(Unreadable, match="Input/output error"), read_refusal():
        os.pread(os.open("/proc/self/mem", os.O_RDONLY), 1, 0)


def test_a_recording_that_went_away_is_reported_as_such(tmp_path: Path) -> None:
    """A file may change while its job is queued."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    recording = probe(path)
    os.unlink(path)

    with pytest.raises(Unreadable, match="no longer there"):
        list(decode.pcm_blocks(recording, 16000, 1600))
