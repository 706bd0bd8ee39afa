"""Which channel of a recording is sent."""

from pathlib import Path

import numpy as np
import pytest

from tests.support import audio_files
from workers.audio import decode
from workers.audio.probe import probe
from workers.audio.source import ReadOptions
from workers.errors import Unreadable


def sent(path: str, options: ReadOptions, rate: int = 16000) -> np.ndarray:
    blocks = decode.pcm_blocks(probe(path, options), rate, rate // 10)
    return np.frombuffer(b"".join(blocks), dtype="<i2")


@pytest.mark.parametrize("channel", [1, 2])
def test_a_chosen_channel_is_sent_bit_for_bit(tmp_path: Path, channel: int) -> None:
    """Nothing of the other channel is in it."""
    left = audio_files.distinct_samples(1.0)
    stereo = np.stack([left, left[::-1]], axis=1)
    path = audio_files.write_recording(tmp_path / "a.wav", stereo)

    assert (stereo[:, channel - 1] == sent(path, ReadOptions(channel=channel))).all()


def test_a_chosen_channel_is_resampled_like_a_mono_file(tmp_path: Path) -> None:
    left = audio_files.sine(1.0, 48000)
    stereo = np.stack([left, np.zeros_like(left)], axis=1)
    path = audio_files.write_recording(tmp_path / "a.wav", stereo, 48000)
    mono = audio_files.write_recording(tmp_path / "mono.wav", left, 48000)

    chosen = sent(path, ReadOptions(channel=1))

    assert (sent(mono, ReadOptions()) == chosen).all()


def test_a_channel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Before anything is sent."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0))

    with pytest.raises(Unreadable, match="only one channel, and channel 2 was asked for"):
        probe(path, ReadOptions(channel=2))
