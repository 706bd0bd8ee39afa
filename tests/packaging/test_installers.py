"""The wheel and the sdist, installed by pip, pipx and uv: commands work in an empty folder."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.environments import (
    STAGE,
    TOOLS,
    find_interpreter,
    install,
    new_environment,
    requirement,
    run,
)
from tui.cli.registry import COMMANDS


def with_pip(wheel: Path) -> Path:
    """Returns the command, as the other functions do."""
    run(sys.executable, "-m", "venv", "--clear", STAGE / "pip")
    run(STAGE / "pip" / "bin" / "pip", "install", "--quiet", requirement(wheel, "local"))
    return STAGE / "pip" / "bin" / "paceline"


def with_pipx(wheel: Path) -> Path:
    folders = {"PIPX_HOME": str(STAGE / "pipx"), "PIPX_BIN_DIR": str(STAGE / "pipx-bin")}
    run(
        *(TOOLS / "pipx", "install", "--force", "--python", sys.executable),
        requirement(wheel, "local"),
        environment=folders,
    )
    return STAGE / "pipx-bin" / "paceline"


def with_uv(wheel: Path) -> Path:
    folders = {"UV_TOOL_DIR": str(STAGE / "uv"), "UV_TOOL_BIN_DIR": str(STAGE / "uv-bin")}
    run(
        *(TOOLS / "uv", "tool", "install", "--quiet", "--force", "--python", sys.executable),
        requirement(wheel, "local"),
        environment=folders,
    )
    return STAGE / "uv-bin" / "paceline"


@pytest.mark.parametrize("install_wheel", [with_pip, with_pipx, with_uv], ids=["pip", "pipx", "uv"])
def test_every_command_works_in_an_empty_folder(
    install_wheel: Callable[[Path], Path], wheel: Path, tmp_path: Path
) -> None:
    """Also those that need nothing but the program; ``doctor`` finds the recogniser."""
    paceline = install_wheel(wheel)

    def output(*arguments: str) -> str:
        return run(paceline, *arguments, folder=tmp_path)

    for name in COMMANDS:
        assert f"paceline {name}" in output(name, "--help").replace("\n", " ")
    version = wheel.name.split("-")[1]
    assert output("--version").startswith(f"paceline, version {version}")
    assert "_paceline" in output("completion", "bash")
    assert ".TH" in output("man")
    assert json.loads(output("doctor", "--json"))["ok"] is True
    assert list(tmp_path.iterdir()) == []  # none leaves anything behind


def test_the_samples_of_the_wheel_are_transcribed(wheel: Path, tmp_path: Path) -> None:
    """The main job, without a checkout, a key or a recording of one's own."""
    paceline = STAGE / "uv-bin" / "paceline"
    if not paceline.exists():
        with_uv(wheel)
    samples = next((STAGE / "uv").rglob("tui/samples"))

    checked = json.loads(run(paceline, "check", "--json", samples, folder=tmp_path))
    assert len(checked["recordings"]) == len(list(samples.iterdir()))
    streamed = run(paceline, "demo", "--no-desk", folder=tmp_path)
    assert "Traceback" not in streamed
    runs = json.loads(run(paceline, "runs", "--json", folder=tmp_path))
    assert runs["runs"][0]["jobs"] == {
        "done": len(checked["recordings"]) + 1
    }  # one more, of a person


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_wheel_works_with_other_versions_of_python(
    version: str, wheel: Path, tmp_path: Path
) -> None:
    """The main job again. The other tests run with the Python of the checkout."""
    interpreter = find_interpreter(version)
    if interpreter is None:
        pytest.skip(f"this machine has no Python {version}")
    python = new_environment(f"python-{version}", interpreter)
    install(python, requirement(wheel, "local"))
    paceline = python.with_name("paceline")

    assert f"Python {version}" in run(paceline, "--version", folder=tmp_path)
    assert json.loads(run(paceline, "doctor", "--json", folder=tmp_path))["ok"] is True
    streamed = run(paceline, "demo", "--no-desk", folder=tmp_path)
    assert "Traceback" not in streamed
    assert "Warning" not in streamed
    runs = json.loads(run(paceline, "runs", "--json", folder=tmp_path))
    assert set(runs["runs"][0]["jobs"]) == {"done"}


def test_the_sdist_can_be_installed(sdist: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--clear", STAGE / "sdist")
    run(STAGE / "sdist" / "bin" / "pip", "install", "--quiet", sdist)

    listed = run(STAGE / "sdist" / "bin" / "paceline", "--help", folder=tmp_path)
    assert all(name in listed for name in COMMANDS)
