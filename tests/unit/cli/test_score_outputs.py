"""What ``score`` and ``compare`` write besides the terminal: tables, summaries, logs and JSON."""

import csv
import json
import subprocess
import sys
from codecs import BOM_UTF8
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from tests.unit.evaluation.scored_runs import BEGAN_S, sent, turn, write_index, write_job
from tui.cli.exit_codes import ExitCode
from tui.cli.registry import paceline
from workers.jobs.events import Outcome, Warned
from workers.jobs.resume_point import ResumePoint

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
HOSTILE = "=cmd|<b>*x*.wav"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two recordings: a good one with a hostile name, and one that was resumed and is damaged."""
    (tmp_path / f"{Path(HOSTILE).stem}.txt").write_text("red green blue")
    (tmp_path / "b.txt").write_text("black <entity>white</entity> grey")
    files = [tmp_path / HOSTILE, tmp_path / "b.wav"]
    folder = write_index(tmp_path / "run", files, [{"speaker": "x", "wer": "mine"}, {}])
    write_job(
        folder,
        [
            turn(1.0, 0, "red", [0.4]),
            turn(2.0, 0, "red green glue", [0.4, 0.9, 1.4], final=True),
            sent(BEGAN_S + 4, "Terminate"),
        ],
        job=1,
        file=HOSTILE,
    )
    broken = [turn(1.5, 0, "black", [0.5], final=True)]
    write_job(folder, broken, job=2, file="b.wav", seconds=2.0, outcome=Outcome.LOST)
    resumed = [
        (2.0, Warned("a hole", None, 2.5)),
        turn(3.0, 1, "wide grey", [2.4, 3.0], final=True),
    ]
    seam = ResumePoint(1000, 1)
    write_job(folder, resumed, job=2, file="b.wav", attempt=2, resume_point=seam)
    index = json.loads((folder / "run.json").read_text())
    for job, name in zip(index["jobs"], (HOSTILE, "b.wav"), strict=True):
        job["file"] = job["source"]["file"] = name  # as the user named it
    (folder / "run.json").write_text(json.dumps(index))
    return folder


def paceline_command(*arguments: object) -> str:
    """What a command prints."""
    result = CliRunner().invoke(paceline, list(map(str, arguments)))
    assert result.exit_code in (ExitCode.DONE, ExitCode.GATE_FAILED), result.output
    return result.stdout


def strict(schema: Any) -> Any:
    """A schema that allows no field that it does not describe."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(value) for key, value in schema.items()}
    if isinstance(found.get("properties"), dict):
        found["additionalProperties"] = False
    return found


@pytest.mark.parametrize("command", ["score", "compare"])
def test_json_is_what_its_schema_says(run: Path, command: str) -> None:
    """Every field that is printed is described, and every field that is required is printed."""
    others = [run] if command == "compare" else ["--term", "white"]
    gate = "wer.delta>1pp" if command == "compare" else "wer>1%"
    printed = json.loads(paceline_command(command, run, *others, "--json", "--fail-if", gate))
    schema = json.loads((SCHEMAS / f"{command}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(printed, strict(schema), jsonschema.Draft202012Validator)
    broken = deepcopy(printed)
    del broken["gate"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema, jsonschema.Draft202012Validator)


def test_csv_has_one_row_a_recording(run: Path, tmp_path: Path) -> None:
    """Figures under the names of metrics; a name that a spreadsheet would run is harmless."""
    paceline_command("score", run, "--csv", tmp_path / "x.csv")
    paceline_command("score", run, "--csv", tmp_path / "excel.csv", "--bom")
    with (tmp_path / "x.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["file"] == f"'{HOSTILE}"
    assert (first["wer"], first["wer_s"], first["speaker"]) == (str(1 / 3), "1", "x")
    assert (first["eot_n"], first["eot_p95"]) == ("1", "")  # one sample has no p95
    assert (tmp_path / "excel.csv").read_bytes() == BOM_UTF8 + (tmp_path / "x.csv").read_bytes()
    assert (second["missed"], second["seams_and_damage"], second["speaker"]) == ("1.0", "2", "")


def test_parquet_has_the_same_rows(run: Path, tmp_path: Path) -> None:
    """With types, so that nothing has to be parsed again."""
    parquet = pytest.importorskip("pyarrow.parquet")
    paceline_command("score", run, "--parquet", tmp_path / "x.parquet")
    first, _ = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    assert (first["file"], first["wer"], first["eot_n"]) == (HOSTILE, 1 / 3, 1)
    assert first["valid_for_latency"] is True


def test_a_summary_is_added_to_a_markdown_file(run: Path, tmp_path: Path) -> None:
    """After what other steps wrote; a hostile name changes nothing."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    paceline_command("score", run, "--markdown", summary, "--fail-if", "wer>6%")
    paceline_command("compare", run, run, "--markdown", summary)
    text = summary.read_text()
    assert text.startswith("before\n## Scores of run\n")
    assert "- ❌ wer.pooled is 33.33 %, which fails wer\\>6%" in text
    assert "=cmd\\|\\<b\\>\\*x\\*.wav" in text
    assert "## Compared with run" in text
    assert "no difference shown" in text


def test_words_over_time_are_what_omnisteval_measures(run: Path, tmp_path: Path) -> None:
    """Its LAAL and YAAL of the log that we write are those that we print."""
    pytest.importorskip("omnisteval")
    from omnisteval.io import load_shortform_instances
    from omnisteval.scoring import LAALScorer, YAALScorer

    log = tmp_path / "instances.log"
    jobs = json.loads(paceline_command("score", run, "--simuleval", log, "--json"))["jobs"]
    instances = load_shortform_instances(str(log), None, "delays", "elapsed")
    for name, scorer in (("laal", LAALScorer(True)), ("yaal", YAALScorer(True))):
        assert scorer(instances) == pytest.approx(jobs[0]["delays"][name]["mean"], abs=1e-6)
        assert name not in jobs[1]["delays"]  # two sessions have no common clock


def test_the_log_says_how_much_audio_had_been_sent(run: Path, tmp_path: Path) -> None:
    """For each word, when it was there to stay."""
    log = tmp_path / "instances.log"
    paceline_command("score", run, "--simuleval", log)
    (record,) = map(json.loads, log.read_text().splitlines())
    assert record["prediction"] == "red green glue"
    assert record["delays"] == pytest.approx([500.0, 1500.0, 1500.0])
    assert record["elapsed"] == pytest.approx([500.0, 1500.0, 1500.0])
    assert record["source_length"] == pytest.approx(4000.0)


def test_help_loads_nothing_that_scores() -> None:
    """Neither the packages of the extra, nor ours that use them; nor does the help of ``score``."""
    code = (
        "import sys; from tui.cli.registry import paceline\n"
        "for words in (['--help'], ['score', '--help']):\n"
        "    paceline(words, standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    ).stderr.split()
    assert "click" in loaded
    unwanted = {"numpy", "rapidfuzz", "matplotlib", "whisper_normalizer", "praatio", "pyarrow"}
    assert not (unwanted | {"workers.evaluation"}) & set(loaded)
