"""``paceline compare``: differences with intervals, and when it refuses."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.evaluation.scored_runs import turn, write_index, write_job
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import paceline

SAID = "the light burned all night"


def compare(*arguments: str | Path) -> Result:
    """Runs the command."""
    return CliRunner().invoke(paceline, ["compare", *map(str, arguments)])


def write_run(folder: Path, texts: Sequence[str], delay_s: float = 0.5) -> Path:
    """A run in which each recording was recognised as one of these texts, so long after it."""
    folder.parent.mkdir(exist_ok=True)
    recordings = folder.parent / "recordings"
    recordings.mkdir(exist_ok=True)
    files = [recordings / f"{number:02}.wav" for number in range(len(texts))]
    write_index(folder, files)
    for number, (file, text) in enumerate(zip(files, texts, strict=True), start=1):
        file.with_suffix(".txt").write_text(SAID)
        ends = [0.3 * (index + 1) for index in range(len(text.split()))]
        final = turn(2.0 + delay_s + 0.01 * number, 0, text, ends, final=True)
        write_job(folder, [final], job=number, file=str(file))
    return folder


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Thirty recordings, one error in five of them."""
    wrong = SAID.replace("light", "night")
    return write_run(tmp_path / "good", [wrong if n % 6 == 0 else SAID for n in range(30)])


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """The same recordings, two errors in most of them, a second later."""
    wrong = "the burned fall night"
    return write_run(tmp_path / "bad", [wrong if n % 3 else SAID for n in range(30)], 1.5)


def test_a_difference_has_an_interval_and_a_verdict(good: Path, bad: Path) -> None:
    """Both figures, their difference, and which words changed."""
    result = compare(good, bad)
    assert result.exit_code == ExitCode.DONE, result.output
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for cells in (line.split("|") for line in result.stdout.splitlines())
        if len(cells) == 9
    }
    assert rows["wer"][:3] == ["3.33 %", "26.67 %", "+23.33 pp"]
    assert rows["wer"][-1] == "yes"
    assert rows["final.p50"][2] == "+1100.0 ms"  # fewer words, so another one is in the middle
    assert rows["pacing.p50"][-1] == "no difference shown"
    lines = result.stdout.splitlines()
    assert (
        "Recordings with fewer word errors: 20 in the first run, 5 in the second, 5 equal" in lines
    )
    assert "Recognised only in the second: light (else night) ×5" in lines
    (broken,) = (line for line in lines if line.startswith("Recognised only in the first: "))
    assert "all (else fall) ×20" in broken


def test_a_run_does_not_differ_from_itself(good: Path) -> None:
    """No interval excludes zero."""
    result = compare(good, good, "--json")
    found = json.loads(result.stdout)["comparisons"][0]
    assert found["recordings"] == 30
    assert not found["warnings"]
    for metric in found["metrics"].values():
        assert metric["difference"]["interval"] == {"low": 0.0, "high": 0.0}
        assert metric["difference"]["p"] == 1.0


def test_several_runs_are_compared_with_the_first(good: Path, bad: Path) -> None:
    """One row each in the overview."""
    result = compare(good, bad, good)
    rows = [line for line in result.stdout.splitlines() if line.startswith(("| good", "| bad"))]
    assert len(rows) == 3
    assert result.stdout.count("compared with good") == 2


@pytest.mark.parametrize(
    ("threshold", "code"),
    [
        ("wer.delta>5pp@95%", ExitCode.GATE_FAILED),
        ("wer.delta>23pp@95%", ExitCode.DONE),  # the lower end of the interval is below
        ("wer.delta>23pp", ExitCode.GATE_FAILED),
        ("final.p50.delta>999ms@95%", ExitCode.GATE_FAILED),
        ("final.p95.delta>2s", ExitCode.DONE),
        ("wer>1%", ExitCode.USAGE),
        ("wer.delta>5%", ExitCode.USAGE),
        ("wer.delta>5pp@40%", ExitCode.USAGE),
        ("upwr.delta>1", ExitCode.USAGE),
        ("ttfs.p50.delta>1ms", ExitCode.USAGE),
    ],
)
@pytest.mark.slow
def test_a_gate_on_a_difference(good: Path, bad: Path, threshold: str, code: ExitCode) -> None:
    """With a confidence, the nearer end of the interval must be beyond the limit."""
    assert compare(good, bad, "--fail-if", threshold).exit_code == code


def test_score_has_no_differences(good: Path) -> None:
    """It says which command has them."""
    result = CliRunner().invoke(paceline, ["score", str(good), "--fail-if", "wer.delta>1pp"])
    assert result.exit_code == ExitCode.USAGE
    assert "Only “compare” has it." in result.stderr


def test_other_references_are_refused_unless_told(good: Path, tmp_path: Path) -> None:
    """The same recordings elsewhere, with other references beside them."""
    other = write_run(tmp_path / "other" / "run", [SAID] * 30)
    (tmp_path / "other" / "recordings" / "03.txt").write_text("something else")
    result = compare(good, other)
    assert result.exit_code == ExitCode.USAGE
    assert "1 recordings have different references" in result.stderr
    assert compare(good, other, "--allow-different").exit_code == ExitCode.DONE


def test_few_recordings_and_recordings_of_one_run_are_told(tmp_path: Path) -> None:
    """Such a difference says little."""
    few = write_run(tmp_path / "few", [SAID] * 3)
    more = write_run(tmp_path / "more", [SAID] * 5)
    result = compare(few, more)
    assert "! 3 recordings in common: at least 25 are needed" in result.stdout
    assert "! 2 recordings are in one run only and do not count" in result.stdout


def test_runs_without_a_common_recording(good: Path, tmp_path: Path) -> None:
    """There is nothing to compare."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "run.json").write_text('{"jobs": []}')
    result = compare(good, tmp_path / "empty")
    assert result.exit_code == ExitCode.USAGE
    assert "no scored recording in common" in result.stderr


def test_recordings_in_other_places_are_recognised(tmp_path: Path) -> None:
    """By their paths below the folder that was named, if their names are all the same."""
    runs: list[Path] = []
    for place in ("here", "there"):
        run, folder = tmp_path / place / "run", tmp_path / place / "rec"
        run.parent.mkdir()
        names = [f"{number}/audio.wav" for number in range(3)]
        write_index(run, [folder / name for name in names])
        index = json.loads((run / "run.json").read_text())
        for job, name in zip(index["jobs"], names, strict=True):
            job["relative_path"] = name
            final = turn(2.0, 0, SAID, [0.3 * word for word in range(1, 6)], final=True)
            write_job(run, [final], job=job["id"], file=job["file"])
        (run / "run.json").write_text(json.dumps(index))
        runs.append(run)

    assert "3 recordings in common" in compare(*runs).stdout
