"""``paceline calibrate``: every delay of a known script is measured, and none too short."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.engine.cli.test_program import run_cli
from tui.cli.registry import paceline
from workers.evaluation.calibration import write_script


@pytest.mark.slow
def test_every_family_is_measured_against_the_script() -> None:
    """Two real sessions: as many words as the script has, and delays that agree with it.

    The way over loopback and a busy machine make messages later, so the usual error is not negative
    but by the rounding of word times and of the trace.
    """
    result = run_cli("calibrate", "--sessions", "2", "--seconds", "15", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)["sessions"]["2"]

    script = write_script(15)
    words = sum(len(turn.words) for turn in script.turns)
    counts = {name: errors["n"] for name, errors in found.items()}
    assert counts == {
        "ttft": 2,
        "onset": 2,
        "first_word": 2,
        "ttfs": 2,
        "emission": 2 * words,
        "stable": 2 * words,
        "final": 2 * words,
        "eot": 2 * len(script.turns),
        "forced": 2,
    }
    assert found["emission"]["mean"] > -1


def test_a_list_that_is_none() -> None:
    """It says what to write."""
    result = CliRunner().invoke(paceline, ["calibrate", "--sessions", "1,x"])
    assert result.exit_code == 2
    assert "Write, for example, 1,10,50." in result.stderr


def test_times_without_a_script() -> None:
    """Only a scripted server notes them."""
    result = CliRunner().invoke(paceline, ["serve", "--times", "times.jsonl"])
    assert result.exit_code == 2
    assert "--times needs --script" in result.stderr


def test_times_that_cannot_be_written(tmp_path: Path) -> None:
    """The server does not start."""
    script = tmp_path / "script.toml"
    script.write_text("[[session]]\n")
    arguments = ["serve", "--script", str(script), "--times", str(tmp_path / "none" / "times")]
    result = CliRunner().invoke(paceline, arguments)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
