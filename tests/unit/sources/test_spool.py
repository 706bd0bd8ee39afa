"""The file in which a run folder keeps what a pipe or a download delivers."""

from pathlib import Path

import pytest

from workers.errors import Unreadable
from workers.sources.spool import SpoolWriter, is_complete, marker_of


def test_a_spool_that_is_a_link_is_neither_written_nor_read(tmp_path: Path) -> None:
    """It does not count as complete, so that nothing reads it; writing it is refused in words."""
    spool, outside = tmp_path / "0001.recording.wav", tmp_path / "outside.wav"
    outside.write_bytes(b"RIFF")
    spool.symlink_to(outside)

    assert not is_complete(spool)
    with pytest.raises(Unreadable, match=r"0001\.recording\.wav is a link"):
        SpoolWriter(spool)
    assert outside.read_bytes() == b"RIFF"


def test_a_marker_that_is_a_link_is_replaced(tmp_path: Path) -> None:
    """What it leads to is not touched."""
    spool, outside = tmp_path / "0001.recording.wav", tmp_path / "outside"
    outside.write_text("kept")
    marker_of(spool).symlink_to(outside)
    with SpoolWriter(spool) as writer:
        writer.write(b"RIFF")
        writer.finish()

    assert is_complete(spool)
    assert outside.read_text() == "kept"
