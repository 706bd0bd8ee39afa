"""A confined desk uses only the folders that were named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.files import confinement
from tui.files.folder_listing import list_folder
from tui.files.sources import iter_sources
from workers.audio.discovery import SkippedPaths
from workers.errors import UsageProblem
from workers.sources.manifest import SourceRules


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "calls"
    root.mkdir()
    (tmp_path / "calls2").mkdir()
    for name in ("calls/a.wav", "calls2/b.wav", "secret.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    confinement.confine([str(root)])
    yield root
    confinement.lift()


def find(name: object, skipped: SkippedPaths | None = None) -> list[str]:
    skipped = SkippedPaths() if skipped is None else skipped
    found = iter_sources([str(name)], SourceRules(), skipped)
    return [Path(source.file).name for source in found]


def test_only_files_below_the_roots_are_found(root: Path) -> None:
    """A link that leads out is skipped, and says why."""
    skipped = SkippedPaths()

    assert find(root, skipped) == ["a.wav"]
    assert "outside" in skipped.listed[0][1]


@pytest.mark.parametrize(
    "name",
    ["secret.wav", "*.wav", "calls2", "calls/../secret.wav", "calls/../calls2/*.wav", "/", "**"],
)
def test_paths_outside_are_refused(root: Path, name: str) -> None:
    """Also those that begin like a root."""
    with pytest.raises(UsageProblem):
        find(root.parent / name)


@pytest.mark.parametrize("name", ["https://example.org/a.wav", "file:///etc/hosts"])
def test_addresses_are_refused(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the working folder may be used."""
    monkeypatch.chdir(root)

    with pytest.raises(UsageProblem):
        find(name)


def test_folders_outside_are_not_listed(root: Path) -> None:
    assert [entry.name for entry in list_folder(str(root))] == ["a.wav", "link.wav"]
    with pytest.raises(PermissionError):
        list_folder(str(root.parent))


def test_a_manifest_names_nothing_outside(root: Path) -> None:
    (root / "list.csv").write_text(f"path\n{root / 'a.wav'}\n{root.parent / 'secret.wav'}\n")

    assert find(root / "list.csv") == ["a.wav"]
