"""MP3 files that are joined, damaged or unfinished."""

from pathlib import Path

import numpy as np
import pytest

from tests.support import audio_files
from workers.audio.decode import pcm_blocks
from workers.audio.probe import probe
from workers.audio.recording import Damage

RATE = 16000
HOLE = bytes(2_000_000)


@pytest.fixture
def mp3(tmp_path: Path) -> bytes:
    """Two seconds, without the frame that tells their number."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=2 * RATE)
    path = audio_files.write_recording(tmp_path / "a.mp3", noise, RATE, "MP3")
    content = Path(path).read_bytes()
    return content[content.index(b"\xff", content.index(b"LAME")) :]


def sent_seconds(path: Path, damage: list[Damage]) -> float:
    blocks = pcm_blocks(probe(str(path)), RATE, 1600, on_damage=damage.append)
    return sum(map(len, blocks)) / 2 / RATE


def test_audio_after_a_large_hole_is_streamed(tmp_path: Path, mp3: bytes) -> None:
    """The hole is told as damage, whatever its size is."""
    path, damage = tmp_path / "hole.mp3", list[Damage]()
    path.write_bytes(mp3 + HOLE + mp3)

    assert abs(sent_seconds(path, damage) - 4) < 0.3
    (hole,) = damage
    assert abs(hole.at_s - 2) < 0.2


def test_a_file_that_was_never_filled_is_called_cut(tmp_path: Path, mp3: bytes) -> None:
    """Download programs reserve the space of a file. A little padding is usual."""
    path = tmp_path / "reserved.mp3"
    path.write_bytes(mp3 + bytes(1000))
    assert not probe(str(path)).warnings

    path.write_bytes(mp3 + HOLE)
    assert probe(str(path)).warnings == ("the file is cut short: it stops at 0:02",)
