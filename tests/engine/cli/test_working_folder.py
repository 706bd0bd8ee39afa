"""Files in the working folder are data: no process imports one, however Python searches."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.support import audio_files
from tests.support.av_files import encode

ROOT = Path(__file__).parents[3]

CONSOLE_SCRIPT = """#!{python}
import sys
from tui.__main__ import main
if __name__ == '__main__':
    sys.exit(main())
"""
"""What installers write for the entry point in pyproject.toml."""

FOREIGN_MODULE = """
import sys
with open({record!r}, "a") as file:
    print({name!r}, *sys.orig_argv, file=file)
raise SystemExit("a foreign module was executed: {name}")
"""

MODULES = {
    *sys.stdlib_module_names,
    *importlib.metadata.packages_distributions(),
    *("tui", "workers", "sitecustomize", "usercustomize"),
}
"""Every module that can be imported here, and two that Python itself tries."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of an installation of its own; its dependencies are those of the tests."""
    root = tmp_path_factory.mktemp("installation")
    venv.create(root, symlinks=True)
    site_packages = next(root.glob("lib/*/site-packages"))
    for package in ("tui", "workers"):
        shutil.copytree(ROOT / package, site_packages / package)
    dependencies = {entry for entry in sys.path if entry.endswith(("-packages", ".egg"))}
    (site_packages / "dependencies.pth").write_text("\n".join(dependencies))
    script = root / "bin" / "paceline"
    script.write_text(CONSOLE_SCRIPT.format(python=root / "bin" / "python"))
    script.chmod(0o755)
    return script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two short recordings, one of them for FFmpeg, and an empty subfolder."""
    samples = audio_files.distinct_samples(0.4)
    audio_files.write_recording(tmp_path / "words.wav", samples)
    (tmp_path / "words.m4a").write_bytes(encode("mp4", "aac", samples, rate=16_000))
    (tmp_path / "relative").mkdir()
    return tmp_path


def plant(folder: Path, names: Iterable[str]) -> Path:
    """Writes modules into a folder; returns the file in which those that are executed say so."""
    record = folder / "executed.txt"
    for name in names:
        source = FOREIGN_MODULE.format(record=str(record), name=name)
        (folder / f"{name}.py").write_text(source)
    return record


def modules_of_startup(program: Path) -> set[str]:
    """What Python imports before the program's first line: no program can change that."""
    code = "import sys; print(*sys.modules)"
    python = program.parent / "python"
    names = subprocess.run([python, "-I", "-c", code], stdout=PIPE, text=True, check=True).stdout
    return {name.partition(".")[0] for name in names.split()} | {
        *("sitecustomize", "usercustomize", "tui")
    }


class User:
    """Uses commands in the folder, several at once."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder

    def stream(self) -> None:
        """Uses every command that starts processes or needs no run."""
        with ScriptedServer() as endpoint, ThreadPoolExecutor() as at_once:
            started = [
                at_once.submit(self._serve),
                at_once.submit(self._run, "run --local --out a-run words.wav words.m4a"),
                at_once.submit(self._open_desk, "--endpoint", endpoint.url, "words.wav"),
                at_once.submit(self._run, "check ."),
                at_once.submit(self._run, "settings"),
                at_once.submit(self._run, "--version"),
            ]
            for each in started:
                each.result()

    def read_back(self) -> None:
        """Uses every command that reads a run."""
        commands = (
            "resume --no-desk a-run",
            "export a-run --to txt,srt,json --into out",
            "compare a-run a-run",
            "score a-run",
            "runs",
        )
        with ThreadPoolExecutor() as at_once:
            viewing = at_once.submit(self._open_desk, "view", "a-run")
            for each in [at_once.submit(self._run, command) for command in commands]:
                each.result()
            viewing.result()

    def _run(self, arguments: str) -> None:
        result = subprocess.run(
            [self._program, *arguments.split()],
            cwd=self._folder,
            stdin=DEVNULL,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr

    def _open_desk(self, *arguments: str) -> None:
        with PseudoTerminal(
            *arguments, command=[self._program], working_folder=self._folder
        ) as desk:
            desk.wait_for_output("✓ done".encode())
            desk.send_keys(b"L")  # a player starts; on most machines it finds no sound device
            desk.wait_until(lambda: b"is not heard" in desk.output or b"playing" in desk.output)
            desk.processes += desk.program.children(recursive=True)
            desk.send_keys(b"q")
            desk.wait_until_gone()

    def _serve(self) -> None:
        script = self._folder / "script.toml"
        script.write_text("[[session]]")
        command: list[str | Path] = [self._program, "serve", "--script", script]
        with subprocess.Popen(command, cwd=self._folder, stdout=PIPE) as server:
            assert server.stdout is not None
            first_line = server.stdout.readline()
            server.terminate()
        assert first_line.startswith(b"ws://")


@pytest.mark.engine
@pytest.mark.slow
def test_no_command_executes_a_module_of_the_working_folder(program: Path, folder: Path) -> None:
    """Also with modules there that are named like each one that Python, Paceline or its
    dependencies import."""
    record = plant(folder, MODULES)
    user = User(program, folder)

    user.stream()
    user.read_back()

    assert not record.exists(), record.read_text()


@pytest.mark.engine
@pytest.mark.slow
def test_relative_entries_of_the_module_path_are_ignored(
    program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty entry names the working folder too; nobody means a folder of recordings by it."""
    names = MODULES - modules_of_startup(program)
    records = [plant(each, names) for each in (folder, folder / "relative")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("", "relative", ".", "../" + folder.name)))

    User(program, folder).stream()

    assert [] == [record.read_text() for record in records if record.exists()]


def test_absolute_entries_of_the_module_path_stay(
    program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user names stays, even if it is the working folder: the prober finds it there."""
    record = plant(folder, ["soundfile"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("relative", str(folder))))

    subprocess.run([program, "check", "words.wav"], cwd=folder, stdout=PIPE)

    assert "soundfile" in record.read_text()


def test_an_interpreter_that_ignores_the_environment_is_no_way_around(
    program: Path, folder: Path
) -> None:
    """With ``-E``, helper processes would ignore the variable that keeps them safe."""
    record = plant(folder, MODULES)
    python = program.parent / "python"

    result = subprocess.run([python, "-E", program, "check", "words.wav"], cwd=folder, stdout=PIPE)

    assert result.returncode == 0
    assert not record.exists(), record.read_text()
