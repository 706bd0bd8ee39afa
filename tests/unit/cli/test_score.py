"""``paceline score``: what it prints, its JSON, and its gate."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tests.unit.evaluation.scored_runs import turn, write_index, write_job
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import paceline
from workers.jobs.events import Outcome
from workers.pacing.certificate import Verdict


def score(folder: Path, *options: str) -> Result:
    """Runs the command."""
    return CliRunner().invoke(paceline, ["score", str(folder), *options])


def as_json(folder: Path, *options: str) -> dict[str, Any]:
    """The JSON that it prints."""
    result = score(folder, "--json", *options)
    assert result.exit_code == ExitCode.DONE, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of three recordings; two have references, the third was cancelled."""
    for name, text in (("a", "Good morning all."), ("b", "The light burned.")):
        (tmp_path / f"{name}.txt").write_text(text)
    files = [tmp_path / f"{name}.wav" for name in "abc"]
    folder = write_index(
        tmp_path / "run", files, [{"line": "1"}, {"line": "2", "speaker": "x"}, {"line": "2"}]
    )
    heard = [turn(2.0, 0, "good morning all", [0.5, 1.0, 1.4], final=True)]
    write_job(folder, heard, job=1, file=str(files[0]))
    heard = [turn(2.5, 0, "the night burned down", [0.5, 1.0, 1.4, 1.8], final=True)]
    write_job(folder, heard, job=2, file=str(files[1]))
    write_job(folder, [], job=3, file=str(files[2]), outcome=Outcome.CANCELLED)
    return folder


def test_scores_have_their_definitions_beside_them(run: Path) -> None:
    """Accuracy, delays, references, what was left out, and the errors of the worst recording."""
    result = score(run)
    assert result.exit_code == ExitCode.DONE, result.output
    lines = result.stdout.splitlines()

    (wer,) = (line for line in lines if line.startswith("| wer"))
    assert [cell.strip() for cell in wer.split("|")[2:9]] == [
        "33.33 %", "0.00–66.67 %", "33.33 %", "1", "0", "1", "6",
    ]  # fmt: skip
    assert any(line.startswith("| eot, due") for line in lines)
    assert "  eot: from the chunk with the end of a turn's last word to the final" in result.stdout
    assert "  wer: word errors, normalised, per words of the reference" in lines
    assert "  S, D, I: words or characters that were replaced, left out and added" in lines
    assert "References: 2 of 2 recordings" in lines
    assert any(line.startswith("Left out:") and "cancelled" in line for line in lines)
    assert "  the [light→night] burned [+down]" in lines
    assert "! 2 recordings: at least 25 are needed before intervals mean much" in lines
    assert "! ends of words are the server's own: no reference has word times" in lines
    assert "whisper-en@0.1.15" in result.stdout


def test_groups_are_those_of_a_column(run: Path) -> None:
    """Any column of the manifest, all recordings first."""
    found = as_json(run, "--by", "line")
    assert [group["name"] for group in found["groups"]] == ["", "1", "2"]
    assert [group["rates"]["wer"]["pooled"] for group in found["groups"][1:]] == [0.0, 2 / 3]


def test_the_same_run_can_be_scored_again_otherwise(run: Path, tmp_path: Path) -> None:
    """With another normaliser, another reference, key terms and equivalences; nothing streams."""
    assert as_json(run)["groups"][0]["rates"]["fwer"]["pooled"] == 1.0
    plain = as_json(run, "--normaliser", "none")
    assert plain["normaliser"] == "none"
    assert plain["groups"][0]["rates"]["wer"]["pooled"] == 1.0
    refs = tmp_path / "refs.csv"
    refs.write_text("file,text\na.wav,good evening all\n")
    other = as_json(run, "--references", str(refs))
    assert other["groups"][0]["rates"]["wer"]["pooled"] == pytest.approx(1 / 3)
    assert other["without_reference"] == [str(tmp_path / "b.wav"), str(tmp_path / "c.wav")]
    same = tmp_path / "same.txt"
    same.write_text("light, night\n")
    equal = as_json(run, "--equivalences", str(same), "--term", "Light", "--term", "morning")
    assert equal["groups"][0]["rates"]["wer"]["pooled"] == pytest.approx(1 / 6)
    assert equal["groups"][0]["rates"]["recall"]["pooled"] == 1.0


def test_json_holds_what_another_program_needs(run: Path) -> None:
    """Definitions, method, environment, each job with its errors."""
    found = as_json(run, "--fail-if", "wer>50%")
    assert found["version"] == 1
    assert found["bootstrap"]["over"] == "files"
    assert found["definitions"]["ttfs"] == {
        "unit": "ms",
        "start": "the end of the audio",
        "stop": "the last final message",
    }
    assert found["environment"]["settings"] == {"chunk_ms": 100, "release": "start"}
    assert found["jobs"][1]["alignment"] == [
        ["substitution", "light", "night"],
        ["insertion", "", "down"],
    ]
    assert found["confusions"][0]["count"] == 1
    assert found["gate"] == [{"threshold": "wer>50%", "value": 1 / 3, "breached": False}]


def test_a_breached_gate_ends_with_99(run: Path, tmp_path: Path) -> None:
    """Each breach is one line, and JUnit says the same."""
    junit = tmp_path / "junit.xml"
    result = score(run, "--fail-if", "wer>30%", "--fail-if", "eot.p50>5s", "--junit", str(junit))
    assert result.exit_code == ExitCode.GATE_FAILED
    assert result.stderr.splitlines() == ["✗ wer.pooled is 33.33 %, which fails wer>30%"]
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["wer>30%", "eot.p50>5s"]


@pytest.mark.parametrize("threshold", ["war>1%", "wer>1", "ttfs.p50>1ms"])
def test_a_gate_that_measures_nothing_is_a_usage_error(run: Path, threshold: str) -> None:
    """An unknown metric, a wrong unit, or no data: exit code 2, not a pass."""
    result = score(run, "--fail-if", threshold)
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.startswith("paceline: ")


def test_delays_with_bad_pacing_are_marked(run: Path) -> None:
    """They are left out, named with the reason, and only counted when allowed."""
    (run / "0002-talk.1.trace.jsonl").unlink()
    heard = [turn(2.5, 0, "the night burned down", [0.5, 1.0, 1.4, 1.8], final=True)]
    write_job(run, heard, job=2, file="b.wav", verdict=Verdict.LATE)
    found = as_json(run)
    assert found["invalid"][0]["reason"] == "attempt 1: p99 lag 2.0 ms, more than 10 ms"
    assert found["groups"][0]["delays"]["eot"]["due"]["n"] == 1
    allowed = as_json(run, "--allow-invalid")
    assert allowed["groups"][0]["delays"]["eot"]["due"]["n"] == 2
    assert len(allowed["invalid"]) == 1


def test_a_run_without_references_still_has_delays(tmp_path: Path) -> None:
    """Accuracy is missing, and it says where references are looked for."""
    folder = write_index(tmp_path / "run", [tmp_path / "a.wav"])
    write_job(folder, [turn(2.0, 0, "good morning", [0.5, 1.0], final=True)])
    result = score(folder)
    assert result.exit_code == ExitCode.DONE
    assert "References: 0 of 1 recording" in result.stdout
    assert "put talk.txt beside talk.wav, or name" in result.stdout
    assert "No reference:" not in result.stdout  # of each of a thousand
    assert "| wer" not in result.stdout


def test_a_folder_that_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    """As for every command."""
    for folder, problem in (
        (tmp_path, "is not a run folder"),
        (tmp_path / "none", "there is no run at"),
    ):
        result = score(folder)
        assert result.exit_code == ExitCode.FATAL
        assert problem in result.stderr
