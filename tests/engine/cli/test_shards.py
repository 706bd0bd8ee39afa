"""Several machines that share the work by ``--shard``, each with a run of its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli.test_program import run_cli
from tests.engine.cli.test_serve import ServeProcess
from tests.support import audio_files

SCRIPT = """
[[session]]
[[session.turn]]
words = [["Good", 100, 300], ["morning.", 300, 700]]
"""


def read_index(run: Path) -> dict[str, Any]:
    index = json.loads((run / "run.json").read_text())
    assert isinstance(index, dict)
    return index


@pytest.mark.slow
def test_shards_stream_every_recording_once(tmp_path: Path) -> None:
    """The run keeps its shard, the account's limits and where each recording was in the list. A
    shard without recordings has a run too, and no threshold to miss."""
    recordings = tmp_path / "rec"
    for name in ("deep/a", "b", "c"):
        (recordings / name).parent.mkdir(parents=True, exist_ok=True)
        audio_files.write_recording(recordings / f"{name}.wav", audio_files.sine(0.5))
    (tmp_path / "day.toml").write_text(SCRIPT)
    found: list[tuple[str, str]] = []
    with ServeProcess("--open", "--script", tmp_path / "day.toml") as server:
        for number in (1, 2):
            out = tmp_path / f"run-{number}"
            result = run_cli(
                "run", recordings, "--endpoint", server.address, "--out", out,
                "--shard", f"{number}/2", "--sessions", "9", "--start-rate", "600",
                "--fail-if", "pacing.max>60s",
            )  # fmt: skip
            assert result.returncode == 0, result.stderr
            index = read_index(out)
            assert index["shard"] == {"number": number, "count": 2}
            assert index["limits"]["sessions"] == 9
            assert f"Shard {number} of 2: " in result.stderr
            share = {1: 5, 2: 4}[number]
            assert f"has {share} of 9 sessions at once and 300 of 600 starts" in result.stderr
            found += [(job["relative_path"], job["status"]) for job in index["jobs"]]

    runs = [tmp_path / "run-1", tmp_path / "run-2"]
    assert run_cli("merge", runs[1], "--into", tmp_path / "half").returncode == 3
    merged = run_cli("merge", *runs, "--into", tmp_path / "run")
    assert merged.returncode == 0, merged.stderr
    assert merged.stdout.splitlines() == [
        f"Merged 2 runs into {tmp_path / 'run'}: 3 recordings (3 done)",
        "3 files linked, none copied. The merged run does not need the others any more.",
        f"Score it: paceline score {tmp_path / 'run'}",
    ]
    for path in runs:
        shutil.rmtree(path)
    exported = run_cli("export", tmp_path / "run", "--to", "txt")
    assert [line.rsplit("/")[-1] for line in sorted(exported.stdout.splitlines())] == [
        "a.txt", "b.txt", "c.txt",
    ]  # fmt: skip
    assert sorted(found) == [("b.wav", "done"), ("c.wav", "done"), ("deep/a.wav", "done")]
