"""The oldest and the newest releases of what we depend on: the unit tests pass with both."""

import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.conftest import RecordFigure
from tests.packaging.environments import ROOT, STAGE, TOOLS, install, new_environment, run

EXTRAS = ("local", "evaluation", "icu", "keyring", "listen")
"""Those that unit tests need and that are small."""

TESTS = [f"tests/unit/{room}" for room in (
    "audio", "cli", "config", "evaluation", "exports", "jobs", "localserver", "protocol",
    "render", "runs", "scheduling", "screens", "session", "sources", "text", "traces",
)]  # fmt: skip
"""Where dependencies are used."""


@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
def test_unit_tests_pass_at_both_ends_of_the_bounds(
    resolution: str, wheel: Path, record_figure: RecordFigure
) -> None:
    """``lowest-direct`` is the lowest release that a bound of pyproject.toml allows.

    The tools of the tests are the newest; they never change the version of what is tested.
    """
    python = new_environment(resolution)
    resolved = STAGE / f"{resolution}.txt"
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    compile_command = (TOOLS / "uv", "pip", "compile", "--quiet", "--python", python)
    options = ("--resolution", resolution, "--no-header", "--no-annotate")
    run(*compile_command, *options, *extras, "pyproject.toml", "--output-file", resolved)
    install(python, "--override", resolved, "--requirements", resolved, "--group", "dev")
    install(python, "--no-deps", wheel)  # for its metadata; the tests import the checkout

    versions = {
        name: version for name, _, version in map(_pinned, resolved.read_text().split("\n"))
    }
    if resolution == "lowest-direct":
        record_figure("lowest: " + ", ".join(f"{n} {versions[n]}" for n in _direct_names()))
    run(python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *TESTS)


def test_the_python_versions_that_are_tested_are_documented() -> None:
    """And no other is claimed."""
    page = (ROOT / "docs" / "installation.md").read_text()

    assert f"| {sys.version_info.major}.{sys.version_info.minor} | tested" in page


def _pinned(line: str) -> tuple[str, str, str]:
    return line.split(" ;")[0].partition("==")


def _direct_names() -> list[str]:
    project = tomllib.loads(Path(ROOT / "pyproject.toml").read_text())["project"]
    found = (Requirement(line) for line in project["dependencies"])
    return [each.name.lower().replace(".", "-") for each in found]
