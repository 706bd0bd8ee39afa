"""What the wheel and the sdist contain, and how large an installation is."""

import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging.conftest import RecordFigure
from tests.packaging.environments import ROOT, install, installed_mb, new_environment, requirement

EXTRAS: tuple[tuple[str, ...], ...] = ((), ("local",), ("local", "evaluation"))
"""What most people install. The sizes of the other extras in docs/installation.md were measured
once, as they take long to download."""

MAX_WHEEL_MB = 4.0
MAX_GROWTH = 1.3  # of what docs/installation.md says: dependencies grow


def test_the_wheel_has_the_program_and_its_samples_only(
    wheel: Path, record_figure: RecordFigure
) -> None:
    """Neither tests nor the folder of the documentation."""
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"tui", "workers"}
    recordings = {each.name for each in (ROOT / "samples" / "recordings").iterdir()}
    packaged = {Path(name).name for name in names if name.startswith("tui/samples/")}
    assert packaged == recordings
    size_mb = wheel.stat().st_size / 1e6
    record_figure(f"wheel: {size_mb:.1f} MB")
    assert size_mb < MAX_WHEEL_MB


def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    """Also those that are not modules, such as styles and lists."""
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        str(path.relative_to(ROOT))
        for package in ("tui", "workers")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert sources - names == set()


def test_the_sdist_has_the_licence_and_nothing_that_was_made(
    sdist: Path, record_figure: RecordFigure
) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    record_figure(f"sdist: {sdist.stat().st_size / 1e6:.1f} MB")
    assert {"LICENSE", "README.md", "pyproject.toml", "tui/__main__.py"} <= names
    assert not [name for name in names if name.startswith((".venv", ".coverage", "site/"))]


@pytest.mark.parametrize("extras", EXTRAS, ids=lambda extras: "+".join(extras) or "none")
def test_an_installation_is_as_large_as_documented(
    wheel: Path, extras: tuple[str, ...], record_figure: RecordFigure
) -> None:
    python = new_environment("sizes")
    install(python, requirement(wheel, *extras))
    size_mb = installed_mb(python)
    label = ", ".join(f"`{extra}`" for extra in extras) or "no extra"

    record_figure(f"installed with {label.replace('`', '')}: {size_mb:.0f} MB")
    page = (ROOT / "docs" / "installation.md").read_text()
    documented = re.search(rf"^\| {re.escape(label)} \| (\d+) MB", page, re.MULTILINE)
    assert documented is not None, f"docs/installation.md has no size for {label}"
    assert size_mb < MAX_GROWTH * int(documented[1])
