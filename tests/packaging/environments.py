"""Where the stage installs what it tests: environments, commands and their sizes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv" / "packaging" / "bin"
"""The programs of the dependency group `packaging`."""

STAGE = ROOT / ".venv" / "packaged"
"""The stage's own folder, emptied at the start of each run."""

CACHES = {
    "UV_CACHE_DIR": str(TOOLS.parent / "uv-cache"),
    "PIP_CACHE_DIR": str(TOOLS.parent / "pip-cache"),
}
"""Beside the environments, which share their files. A test has a home without caches."""

MAX_COMMAND_S = 900.0
"""After that a command is given up; on a quiet machine none takes a third of that."""


def run(
    *command: object,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
) -> str:
    """Runs a command in ``folder`` and returns what it printed; its exit code must be one of
    ``codes``. ``environment``: variables to add."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **CACHES, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MAX_COMMAND_S,
    )
    assert done.returncode in codes, f"{command}: code {done.returncode}\n{done.stdout}"
    return done.stdout


def new_environment(name: str, interpreter: object = sys.executable) -> Path:
    """Makes an empty environment in the stage's folder and returns its Python."""
    folder = STAGE / name
    run(TOOLS / "uv", "venv", "--quiet", "--clear", "--python", interpreter, folder)
    return folder / "bin" / "python"


def find_interpreter(version: str) -> Path | None:
    """A Python of this version, in the path or where pyenv keeps its versions; None without one."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    in_path = shutil.which(f"python{version}")
    found = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    found += [Path(in_path)] if in_path else []
    for each in found:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        asked = subprocess.run([each, "-c", code], capture_output=True, text=True)
        if asked.stdout.strip() == version:  # pyenv's own commands may answer that there is none
            return each
    return None


def install(python: Path, *options: object) -> None:
    """Installs into the environment of ``python`` what options of ``uv pip install`` name."""
    run(TOOLS / "uv", "pip", "install", "--quiet", "--python", python, *options)


def requirement(wheel: Path, *extras: str) -> str:
    """The wheel with extras, as installers name it."""
    return f"paceline[{','.join(extras)}] @ {wheel.as_uri()}" if extras else str(wheel)


def installed_mb(python: Path) -> float:
    """The size of all packages in an environment, in MB of 1,000,000 bytes."""
    files = (python.parents[1] / "lib").rglob("*")
    return sum(each.stat().st_size for each in files if each.is_file()) / 1e6
