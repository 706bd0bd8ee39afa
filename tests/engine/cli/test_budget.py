"""``--budget``: no session starts that may pass it, also after retries and when a run resumes."""

import json
from pathlib import Path

import pytest

from tests.engine.cli.test_program import run_cli
from tests.engine.support.scripted_server import ScriptedServer
from tests.support import audio_files


@pytest.mark.slow
def test_a_budget_holds_new_starts_and_counts_when_the_run_resumes(tmp_path: Path) -> None:
    """One recording fits; the run ends politely, says how to go on, and what was spent stays spent
    until the budget is larger."""
    tone = audio_files.sine(0.5)
    files = [audio_files.write_recording(tmp_path / f"{name}.wav", tone) for name in "abc"]
    run = tmp_path / "run"
    with ScriptedServer() as server:
        where = ("--endpoint", server.url)
        limits = ("--budget", "2.6s", "--sessions", "1")
        first = run_cli("run", *files, *where, "--out", run, *limits)
        connections = len(server.received_sessions)
        again = run_cli("resume", run, "--no-desk")
        unchanged = len(server.received_sessions)
        rest = run_cli("resume", run, "--no-desk", "--budget", "1h")

    assert first.returncode == 3, first.stderr
    assert "the budget of 3 s has no room for another session" in first.stderr
    assert "1 done, 2 interrupted" in first.stderr
    assert connections == 1
    index = json.loads((run / "run.json").read_text())
    assert index["limits"]["budget"] == {"limit": 1.0, "currency": ""}
    assert again.returncode == 3, again.stderr
    assert unchanged == 1
    assert rest.returncode == 0, rest.stderr
    assert "3 done" in rest.stderr


def test_a_budget_in_money_needs_a_price(tmp_path: Path) -> None:
    """That of the user's own endpoint is known to nobody else, unless a file of prices has it."""
    file = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1))
    with ScriptedServer() as server:
        host = server.url.split("/")[2]
        prices = tmp_path / "prices.toml"
        prices.write_text(f'[endpoints]\n"{host}" = 3600\n')
        options = ("--endpoint", server.url, "--prices", prices, "--out", tmp_path / "run")
        small = run_cli("run", file, *options, "--budget", "2usd")
        sessions = len(server.received_sessions)
    away = run_cli("run", file, "--endpoint", "wss://stt.example.com", "--budget", "2usd")

    assert small.returncode == 3, small.stderr
    assert "the budget of $2.00 has no room for another session" in small.stderr
    assert sessions == 0
    assert away.returncode == 2
    assert "no price is known for stt.example.com" in away.stderr
