"""Limits that are found with many sessions, which takes longer."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.engine.cli.test_program import ROOT, run_cli
from tests.engine.support.limited_servers import LimitedServer, search_limit
from tests.support import audio_files
from workers.limit_search.diagnosis import Side
from workers.limit_search.search import LimitSearch


@pytest.mark.parametrize("slows", [False, True], ids=["refuses", "slows"])
@pytest.mark.parametrize("limit", [3, 7])
def test_the_limit_is_found_exactly(limit: int, slows: bool, tmp_path: Path) -> None:
    """Whether the server refuses further sessions or all of them become slow."""
    with LimitedServer(limit, slows=slows) as server:
        report = search_limit(server, tmp_path, LimitSearch(64, repeats=1))

    assert report.limit == limit
    assert report.first_failing == limit + 1
    if not slows:  # else it also depends on whether this machine kept its pace
        assert report.diagnosis.side is Side.SERVICE


def test_the_command_prints_its_object_and_draws_the_trials(tmp_path: Path) -> None:
    """As a user starts it: one object on stdout, as its schema says, trials on stderr, a picture,
    and run folders that other commands read."""
    file = audio_files.write_recording(tmp_path / "tone.wav", audio_files.sine(3))
    picture, runs = tmp_path / "limit.svg", tmp_path / "runs"
    with LimitedServer(1) as server:
        result = run_cli(
            *("find-limit", file, "--endpoint", server.url, "--slo", "ttfs.p95<20s", "--json"),
            *("--hold", "1.2", "--warm-up", "0", "--trials", "1"),
            *("--plot", picture, "--out", runs),
        )
    found = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "schemas" / "find-limit.schema.json").read_text())

    assert result.returncode == 0, result.stderr
    jsonschema.validate(found, schema)
    assert (found["limit"], found["first_failing"], found["ended_by"]) == (1, 2, "found")
    assert found["gave_in"]["side"] == "service"
    assert "✓ 1 session: ttfs.p95" in result.stderr
    assert picture.read_text().startswith("<?xml")
    assert sorted(each.name for each in runs.iterdir()) == ["trial-01-of-1", "trial-02-of-2"]
    assert run_cli("score", runs / "trial-01-of-1", "--allow-invalid").returncode == 0
