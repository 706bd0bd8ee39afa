"""Commands are loaded by name, and a new one is a file and a line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tui.cli import registry
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import COMMANDS

ROOT = Path(__file__).parents[3]

GREET = '''
import click

from tui.cli.exit_codes import ExitCode


@click.command()
@click.argument("name")
def greet(name: str) -> ExitCode:
    """Greet somebody."""
    click.echo(f"Hello {name}.")
    return ExitCode.SOME_FAILED
'''


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a copy of the program's front end."""
    shutil.copytree(ROOT / "tui", tmp_path / "tui", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "workers").symlink_to(ROOT / "workers")
    return tmp_path


def paceline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )


def add_command(folder: Path, source: str) -> None:
    """Adds a module and one line of registration."""
    (folder / "tui" / "cli" / "greet.py").write_text(source)
    registry = folder / "tui" / "cli" / "registry.py"
    registry.write_text(
        registry.read_text().replace('    "run":', '    "greet": "Greet somebody.",\n    "run":')
    )


def test_a_new_command_is_a_file_and_a_line(program: Path) -> None:
    """It has help, it is listed, and its exit code is the program's."""
    add_command(program, GREET)
    greeted = paceline(program, "greet", "Ada")

    assert (greeted.returncode, greeted.stdout, greeted.stderr) == (3, "Hello Ada.\n", "")
    assert re.search(r"greet +Greet somebody\.", paceline(program, "--help").stdout)
    assert "Greet somebody." in paceline(program, "greet", "-h").stdout


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ('ZeroDivisionError("a slip")', 70, "paceline: internal error (ZeroDivisionError)"),
        ('OSError(28, "No space left on device")', 1, "paceline: [Errno 28] No space left"),
        ("KeyboardInterrupt()", 130, ""),
    ],
)
def test_an_exception_ends_in_one_line(program: Path, error: str, code: int, message: str) -> None:
    """A bug names the file with its traceback; a full disk is no bug."""
    add_command(program, GREET.replace("    click.echo", f"    raise {error}\n    click.echo"))
    ended = paceline(program, "greet", "Ada")

    assert ended.returncode == code
    assert ended.stderr.startswith(message)
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") <= 1
    log = program / "state" / "paceline" / "faults.log"
    assert log.exists() is (code == 70)
    if code == 70:
        assert str(log) in ended.stderr
        assert "ZeroDivisionError: a slip" in log.read_text()


def loaded_modules(*arguments: str) -> set[str]:
    """What the program has imported when it ends."""
    code = "import atexit, sys; atexit.register(lambda: print('loaded:', *sys.modules))\n"
    code += "from tui.__main__ import main; main()"
    program = [sys.executable, "-c", code, *arguments]
    out = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    return {*out.rpartition("loaded:")[2].split()}


def test_the_list_of_commands_loads_none_of_them() -> None:
    """Their lines are those of their own help."""
    assert not {f"tui.cli.{name}" for name in COMMANDS} & loaded_modules("--help")
    for name, line in COMMANDS.items():
        command = registry.paceline.get_command(click.Context(registry.paceline), name)
        assert command is not None
        assert (command.help or "").startswith(line)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(name: str) -> None:
    """Neither the engine, nor the screen, nor a package that is slow to load."""
    loaded = loaded_modules(name, "--help")

    assert not {"textual", "rich", "numpy", "asyncio", "platformdirs"} & loaded
    ours = {module for module in loaded if module.startswith(("tui.", "workers."))}
    assert {module for module in ours if not module.startswith("tui.cli")} <= {
        "tui.__main__",
        "tui.terminal",
        "tui.terminal.stdio",
        "workers.errors",
        "workers.output",
        "workers.ranges",
        "workers.secrecy",
        "workers.visible_text",
    }


def test_a_file_whose_name_looks_like_an_option_gets_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pattern such as ``*.wav`` finds it, and the shell passes it on."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x\x1b.wav").touch()
    result = CliRunner().invoke(registry.paceline, ["check", "-x\x1b.wav", "y.wav"])

    assert result.exit_code == ExitCode.USAGE
    assert "No such option '-x'. To name the file -x␛.wav, put -- before all names." in " ".join(
        result.stderr.split()
    )


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("reprot", "Did you mean “paceline report”?"),
        ("transcribe", "“paceline --help” lists the commands."),
    ],
)
def test_a_word_that_is_neither_a_file_nor_a_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, hint: str
) -> None:
    """Before a terminal is asked for. A folder with the name of a command has a path before it."""
    monkeypatch.chdir(tmp_path)
    unknown = CliRunner().invoke(registry.paceline, [word])
    (tmp_path / word).mkdir()
    (tmp_path / "report").mkdir()
    folders = [CliRunner().invoke(registry.paceline, [name]) for name in (word, "./report")]

    assert unknown.exit_code == ExitCode.USAGE
    sentence = f"There is no file, folder or command “{word}”. {hint}"
    assert sentence in " ".join(unknown.stderr.split())
    assert all("the desk needs a terminal" in result.stderr for result in folders)


def test_help_is_a_word_too() -> None:
    """With or without a command."""
    for words, expected in ((["help"], "Commands:"), (["help", "runs"], "--most")):
        result = CliRunner().invoke(registry.paceline, words)
        assert (result.exit_code, expected in result.stdout) == (0, True)
