"""Which channels of a recording are sent, and how they are mixed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.support import audio_files
from tests.support.audio_files import Samples
from tests.support.av_files import encode
from workers.audio import decode
from workers.audio.probe import probe
from workers.audio.recording import ChannelMix
from workers.audio.source import DEFAULT_OPTIONS, ReadOptions
from workers.errors import Unreadable

SAMPLES = Path(__file__).parents[3] / "samples" / "recordings"
SPEECH, RATE = soundfile.read(SAMPLES / "harbour.wav")
CALL, CALL_RATE = soundfile.read(SAMPLES / "bakery.wav")
"""One speaker on each side."""
NOISE = np.random.default_rng(1).normal(0, 0.02, len(SPEECH))
SILENCE = np.zeros(len(SPEECH))


def sent(path: str, options: ReadOptions = DEFAULT_OPTIONS, rate: int = 16000) -> Samples:
    blocks = decode.pcm_blocks(probe(path, options), rate, rate // 10)
    return np.frombuffer(b"".join(blocks), dtype="<i2").astype(float) / 32768


def write(folder: Path, *channels: Samples, rate: int = RATE) -> str:
    return audio_files.write_recording(folder / "a.wav", np.stack(channels, axis=1), rate)


def level_db(samples: Samples) -> float:
    return 10 * float(np.log10(np.mean(np.square(samples)) + 1e-12))


def delayed(samples: Samples, seconds: float) -> Samples:
    frames = round(seconds * RATE)
    return np.concatenate([np.zeros(frames), samples])[: len(samples)]


@pytest.mark.parametrize("channel", [1, 2])
def test_a_chosen_channel_is_sent_bit_for_bit(tmp_path: Path, channel: int) -> None:
    """Nothing of the other channel is in it."""
    left = audio_files.distinct_samples(1.0)
    stereo = np.stack([left, left[::-1]], axis=1)
    path = audio_files.write_recording(tmp_path / "a.wav", stereo)

    assert (stereo[:, channel - 1] == sent(path, ReadOptions(channel=channel)) * 32768).all()


def test_a_chosen_channel_is_resampled_like_a_mono_file(tmp_path: Path) -> None:
    left = audio_files.sine(1.0, 48000)
    stereo = np.stack([left, np.zeros_like(left)], axis=1)
    path = audio_files.write_recording(tmp_path / "a.wav", stereo, 48000)
    mono = audio_files.write_recording(tmp_path / "mono.wav", left, 48000)

    chosen = sent(path, ReadOptions(channel=1))

    assert (sent(mono) == chosen).all()


def test_channels_that_are_split_are_not_compared(tmp_path: Path) -> None:
    """Each is sent as it is, so there is nothing to say of a mix."""
    path = write(tmp_path, SPEECH, -SPEECH)

    assert () == probe(path, ReadOptions(speakers=("agent", "caller"))).warnings


def test_a_channel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Before anything is sent."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0))

    with pytest.raises(Unreadable, match="only one channel, and channel 2 was asked for"):
        probe(path, ReadOptions(channel=2))


@pytest.mark.parametrize(
    ("other", "warning"),
    [
        (-SPEECH, "the right channel is the inverse of the left channel"),
        (SILENCE, "the right channel seems silent"),
        (SILENCE + 0.4, "the right channel seems silent"),
        (NOISE * 0.02, "the right channel seems silent"),
    ],
    ids=["inverse", "silent", "constant", "hiss"],
)
def test_what_another_channel_would_spoil_is_sent_like_mono(
    tmp_path: Path, other: Samples, warning: str
) -> None:
    """The mean would be silence, or half as loud."""
    path = write(tmp_path, SPEECH, other)

    assert warning in "".join(probe(path).warnings)
    assert np.abs(sent(path) - SPEECH).max() < 0.005


@pytest.mark.parametrize(
    ("other", "warning"),
    [
        (-0.3 * SPEECH, "the right channel is the inverse"),
        (delayed(-SPEECH, 0.0004), "the right channel is the inverse"),
        (-SPEECH + NOISE, "the right channel is the inverse"),
        (np.concatenate([SPEECH[:96000], -SPEECH[96000:]]), "in places the right channel"),
        (np.concatenate([-SPEECH[:48000], SPEECH[48000:]]), "in places the right channel"),
    ],
    ids=["quieter", "delayed", "noisy", "half", "quarter"],
)
def test_speech_survives_a_channel_that_is_nearly_the_inverse(
    tmp_path: Path, other: Samples, warning: str
) -> None:
    """At least a third of its level is left in each second."""
    path = write(tmp_path, SPEECH, other)

    heard = sent(path)

    assert warning in "".join(probe(path).warnings)
    assert all(
        level_db(heard[start : start + RATE]) > level_db(SPEECH[start : start + RATE]) - 10
        for start in range(0, len(SPEECH) - RATE, RATE)
    )


def test_a_voice_that_is_much_quieter_is_amplified(tmp_path: Path) -> None:
    """A caller's side is often recorded at another level than the agent's."""
    left, right = CALL.T
    path = write(tmp_path, left, right * 0.04, rate=CALL_RATE)

    heard = sent(path, rate=CALL_RATE)

    alone = np.abs(left) < 0.001
    assert "the right channel is 3" in probe(path).warnings[0]
    assert "dB quieter than the left channel, so it is amplified" in probe(path).warnings[0]
    assert level_db(heard[alone]) > level_db(right[alone] / 2) - 16


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("ipod", "aac", 44100),
        ("mp3", "mp3", 44100),
        ("ogg", "libopus", 48000),
        ("asf", "wmav2", 44100),
    ],
)
def test_an_inverse_channel_is_noticed_behind_a_silence(
    tmp_path: Path, container: str, codec: str, rate: int
) -> None:
    """Compressed recordings too are looked at all over."""
    speech = soxr.resample(np.concatenate([np.zeros(RATE * 6), SPEECH[: RATE * 4]]), RATE, rate)
    stereo = np.stack([speech, -speech], axis=1)
    path = tmp_path / "a"
    path.write_bytes(encode(container, codec, stereo, rate=rate, bit_rate=96000))

    assert "the right channel is the inverse of the left" in "".join(probe(str(path)).warnings)


@pytest.mark.parametrize(
    "channels",
    [
        (CALL[:, 0], CALL[:, 1]),
        (SPEECH, SPEECH),
        (SPEECH, delayed(SPEECH, 0.003) * 0.7),
        (SPEECH + NOISE, SPEECH - NOISE),
        (SPEECH * 0.2, SPEECH),
        (SILENCE, SILENCE),
        (SPEECH, SPEECH, SPEECH),
    ],
    ids=["call", "same", "microphones", "wide", "panned", "silence", "three"],
)
def test_usual_channels_are_averaged_bit_for_bit(
    tmp_path: Path, channels: tuple[Samples, ...]
) -> None:
    """Nothing is said about them."""
    path = write(tmp_path, *channels)
    stored = soundfile.read(path, dtype="float32", always_2d=True)[0]

    recording = probe(path)

    assert (recording.mix, recording.warnings) == (None, ())
    assert (np.rint(stored.mean(axis=1) * 32768) == sent(path) * 32768).all()


def test_a_centre_is_as_loud_as_mono_if_it_is_alone(tmp_path: Path) -> None:
    """Speech in surround sound is in the centre; the mean would divide it by six."""
    path = write(tmp_path, SILENCE, SILENCE, SPEECH, SILENCE, SILENCE, SILENCE)

    assert np.abs(sent(path) - SPEECH).max() < 0.001
    assert probe(path).warnings == ()


def test_a_voice_in_a_channel_that_seemed_silent_is_sent(tmp_path: Path) -> None:
    """Only pieces of a recording are looked at, so no channel is left out."""
    rare = np.zeros(RATE * 120)
    rare[RATE * 60 + 100 : RATE * 60 + 4100] = SPEECH[8000:12000]
    usual = np.tile(SPEECH, 10)[: len(rare)]
    usual[RATE * 60 : RATE * 61] = 0
    path = write(tmp_path, usual, rare)

    heard = sent(path)[RATE * 60 : RATE * 61]

    assert level_db(heard) > level_db(rare[RATE * 60 : RATE * 61]) - 1


def test_a_recording_that_is_shorter_than_a_sound_is_averaged(tmp_path: Path) -> None:
    """Ten milliseconds say nothing about a channel."""
    path = write(tmp_path, SPEECH[8000:8160], NOISE[:160] * 0.02)

    assert len(sent(path)) == 160


def test_a_further_attempt_mixes_in_the_same_way(tmp_path: Path) -> None:
    """It gets the recording from the run folder, not from another look at the file."""
    path = write(tmp_path, SPEECH, -SPEECH)
    recording = replace(probe(path), warnings=())
    whole = b"".join(decode.pcm_blocks(recording, RATE, 1600))

    rest = b"".join(decode.pcm_blocks(recording, RATE, 1600, 50000))

    assert rest == whole[100000:]


@pytest.mark.parametrize("options", [DEFAULT_OPTIONS, ReadOptions(channel=3)])
def test_a_channel_that_has_gone_is_survived(tmp_path: Path, options: ReadOptions) -> None:
    """A damaged surround track may begin with fewer channels than its probe found."""
    path = write(tmp_path, SPEECH, SPEECH)
    recording = replace(probe(path), options=options, mix=ChannelMix((0.2, 0.2, 0.6)))

    pcm = b"".join(decode.pcm_blocks(recording, RATE, 1600))

    assert len(SPEECH) * 2 == len(pcm)
