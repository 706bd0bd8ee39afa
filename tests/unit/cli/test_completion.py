"""Shells complete commands, options, runs, formats and models."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from tests.unit.cli.test_run_names import make_run
from tui.cli.completion import SHELLS
from tui.cli.registry import COMMANDS, COMPLETE_VARIABLE, paceline


def completed(*words: str) -> set[str]:
    """What a shell offers for the last word."""
    *before, incomplete = words
    completer = ShellComplete(paceline, {}, "paceline", COMPLETE_VARIABLE)
    return {item.value for item in completer.get_completions(before, incomplete)}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "paceline" / "runs"


def test_the_first_word_is_a_command_a_path_or_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options are those of the program and of the desk."""
    monkeypatch.chdir(tmp_path)
    for name in ("run-1", "ru n", "talks"):
        (tmp_path / name).mkdir()

    assert {*COMMANDS} < completed("")
    assert {"runs", "run", "run-1"} == completed("ru")
    assert {"t"} == completed("t")  # the shell looks for paths
    assert {"--version", "--local"} <= completed("--")


def test_runs_complete_with_the_names_that_are_listed(runs: Path) -> None:
    """And with “latest”; the word itself stands for folders."""
    make_run(runs / "2026-01-02_a")
    make_run(runs / "2026-01-03_b")

    for command in ("view", "export", "score", "report", "resume", "compare"):
        assert {"2026-01-02_a", "2026-01-03_b", "2026"} == completed(command, "2026")
        assert "latest" in completed(command, "la")


def test_values_complete_too() -> None:
    """Formats one after the other, without those that are there."""
    assert {"stm", "srt", "seglst"} == completed("export", "--to", "s")
    assert {"srt,stm", "srt,seglst"} == completed("export", "--to", "srt,s")
    assert "u3-rt-pro" in completed("run", "--speech-model", "u3")
    assert {"us", "eu"} == completed("run", "--region", "")
    assert {"mix", "left", "right", "split"} == completed("run", "--channels", "")
    assert {*SHELLS} == completed("completion", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_each_shell(shell: str) -> None:
    """It asks the program itself."""
    result = CliRunner().invoke(paceline, ["completion", shell])

    assert result.exit_code == 0
    assert f"{COMPLETE_VARIABLE}={shell}_complete" in result.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_completes_with_it(tmp_path: Path, runs: Path) -> None:
    """The real shell, with the program that is tested."""
    make_run(runs / "2026-01-02_a")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "paceline"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tui "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(paceline completion bash)"
        COMP_WORDS=(paceline view 2026) COMP_CWORD=2
        _paceline_completion paceline 2026 view 2>/dev/null
        echo "${COMPREPLY[@]}"
    """
    shell = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        cwd=Path(__file__).parents[3],
        check=True,
    )

    assert shell.stdout.split() == ["2026-01-02_a"], shell.stderr
