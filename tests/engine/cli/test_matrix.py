"""A run with a matrix: real sessions under each condition, grouped, gated and resumable."""

import json
from pathlib import Path

import pytest

from tests.engine.cli.test_program import run_cli
from tests.engine.cli.test_serve import ServeProcess
from tests.support import audio_files

SCRIPT = """
[[session]]
[[session.turn]]
words = [["Good", 100, 300], ["morning.", 300, 700]]
"""


@pytest.mark.slow
def test_one_run_has_all_conditions(tmp_path: Path) -> None:
    """Two models and two chunk lengths: four sessions, each with its own settings; a group each."""
    recording = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0))
    (tmp_path / "a.txt").write_text("good morning")
    (tmp_path / "day.toml").write_text(SCRIPT)
    with ServeProcess("--open", "--script", tmp_path / "day.toml") as server:
        result = run_cli(
            "run", recording, "--endpoint", server.address, "--out", tmp_path / "run",
            "--matrix", "speech_model=u3-rt-pro,universal-streaming-english",
            "--matrix", "chunk_ms=50,100", "--fail-if", "wer>0%", "--fail-if", "pacing.max<0ms",
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "✓ wer.pooled is 0.00 %, within wer>0%" in result.stderr

    heads = [
        json.loads(path.read_text().partition("\n")[0])["settings"]
        for path in (tmp_path / "run").glob("*.trace.jsonl")
    ]
    assert sorted((head["speech_model"], head["chunk_ms"]) for head in heads) == [
        ("u3-rt-pro", 50),
        ("u3-rt-pro", 100),
        ("universal-streaming-english", 50),
        ("universal-streaming-english", 100),
    ]
    scored = run_cli("score", tmp_path / "run", "--by", "speech_model,chunk_ms", "--json")
    groups = json.loads(scored.stdout)["groups"]
    assert [group["name"] for group in groups] == [
        "", "u3-rt-pro, 50", "u3-rt-pro, 100",
        "universal-streaming-english, 50", "universal-streaming-english, 100",
    ]  # fmt: skip
    assert [group["files"] for group in groups] == [1] * 5
    compared = run_cli("compare", tmp_path / "run", "--by", "speech_model")
    assert "universal-streaming-english compared with u3-rt-pro" in compared.stdout


def test_a_condition_that_the_engine_does_not_know(tmp_path: Path) -> None:
    """Nothing starts."""
    recording = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0))
    result = run_cli("run", recording, "--local", "--matrix", "speech_model=u3-rt-pro,u4")
    assert result.returncode == 2
    assert "u4" in result.stderr
