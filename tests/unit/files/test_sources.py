"""What the names of users stand for."""

from pathlib import Path

import pytest

from tui.files.sources import iter_sources
from workers.audio.discovery import NoAudioFound, SkippedPaths
from workers.sources.manifest import SourceRules


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """One with a recording and two without."""
    for name in ("calls", "empty", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "calls" / "a.wav").write_bytes(b"RIFF")
    return tmp_path


def find(folders: Path, *names: str, skipped: SkippedPaths, allow_empty: bool = False) -> list[str]:
    paths = [str(folders / name) for name in names]
    found = iter_sources(paths, SourceRules(), skipped, allow_empty=allow_empty)
    return [Path(source.file).name for source in found]


@pytest.mark.parametrize("names", [("empty", "calls"), ("calls", "empty")])
def test_a_folder_without_audio_among_others_is_skipped(
    folders: Path, names: tuple[str, ...]
) -> None:
    """And said, wherever it stands among them."""
    skipped = SkippedPaths()

    assert find(folders, *names, skipped=skipped) == ["a.wav"]
    assert skipped.listed == [(str(folders / "empty"), "there is no audio in this folder")]


def test_folders_without_audio_alone_are_a_mistake(folders: Path) -> None:
    """The first one is named."""
    with pytest.raises(NoAudioFound, match="empty"):
        find(folders, "empty", "other", skipped=SkippedPaths())


def test_a_folder_may_fill_later(folders: Path) -> None:
    """One that is watched may be without audio at first."""
    skipped = SkippedPaths()

    assert find(folders, "empty", "other", skipped=skipped, allow_empty=True) == []
    assert not skipped
