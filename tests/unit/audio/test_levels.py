import numpy as np
import pytest

from tests.support import audio_files
from workers.audio.levels import FLOOR_DB, levels_dbfs, rms_dbfs


def pcm(level: float, seconds: float = 0.1) -> bytes:
    return (audio_files.sine(seconds, level=level) * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize(("amplitude", "level"), [(1.0, -3), (0.5, -9), (0.1, -23), (0.001, -63)])
def test_a_level_is_the_root_mean_square(amplitude: float, level: int) -> None:
    """The level of a sine is 3 dB below its peak."""
    assert rms_dbfs(pcm(amplitude)) == level


def test_levels_have_two_ends() -> None:
    """Full scale, and silence, which has no logarithm."""
    assert rms_dbfs(np.full(1600, -32768, "<i2").tobytes()) == 0
    assert rms_dbfs(bytes(3200)) == FLOOR_DB
    assert rms_dbfs(b"\1\0" + bytes(96000)) == FLOOR_DB
    assert rms_dbfs(b"") == FLOOR_DB


def test_blocks_are_measured_together() -> None:
    """Each has its own level, whether all are equally long or not."""
    loud, calm, short = pcm(0.5), pcm(0.1), pcm(0.5, 0.05)

    assert [-9, -23, FLOOR_DB] == levels_dbfs([loud, calm, bytes(len(loud))])
    assert [-9, -23, -9] == levels_dbfs([loud, calm, short])
    assert [FLOOR_DB, FLOOR_DB] == levels_dbfs([b"", b""])
    assert [] == levels_dbfs([])
