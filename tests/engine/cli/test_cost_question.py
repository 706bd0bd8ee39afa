"""A run that costs more than the user's limit asks, or does not start."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.engine.cli.test_program import ROOT, cli_command, run_cli
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files


def priced_run(folder: Path, url: str, price: float) -> tuple[str, ...]:
    """The arguments of a run of one recording of a second, at so much an hour."""
    file = audio_files.write_recording(folder / "a.wav", audio_files.sine(1))
    prices = folder / "prices.toml"
    prices.write_text(f'[endpoints]\n"{url.split("/")[2]}" = {price}\n')
    where = ("--endpoint", url, "--prices", str(prices), "--out", str(folder / "run"))
    return ("run", file, *where)


@pytest.mark.slow
def test_without_a_terminal_a_dear_run_does_not_start_unless_it_is_confirmed(
    tmp_path: Path,
) -> None:
    """It exits with 2 and says what to add; a setting raises the limit."""
    settings = tmp_path / "settings.toml"
    with ScriptedServer() as server:
        dear = priced_run(tmp_path, server.url, 9000)
        refused = run_cli(*dear)
        sessions = len(server.received_sessions)
        settings.write_text("[cost]\nask_above = 100\n")
        allowed = run_cli(*dear, PACELINE_SETTINGS=str(settings))

    assert refused.returncode == 2
    assert "this run costs about $7.50, more than $5.00" in refused.stderr
    assert "--yes" in refused.stderr
    assert sessions == 0
    assert allowed.returncode == 0, allowed.stderr


def test_on_a_terminal_it_asks_and_no_ends_it(tmp_path: Path) -> None:
    """Nothing was streamed, and the exit code is that of an interruption."""
    with ScriptedServer() as server:
        ours, theirs = pty.openpty()
        program = subprocess.Popen(
            cli_command(*priced_run(tmp_path, server.url, 9000)),
            cwd=ROOT,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, b"n\n")
        code = program.wait(LONG_ENOUGH)
        os.close(ours)
        sessions = len(server.received_sessions)

    assert b"1 session, 0:01 of audio" in shown
    assert b"$7.50 by the list prices of" in shown
    assert code == 130
    assert sessions == 0


@pytest.mark.slow
def test_confirmed_or_free_runs_never_ask(tmp_path: Path) -> None:
    """``--yes``, and an endpoint on this machine without a price."""
    with ScriptedServer() as server:
        confirmed = run_cli(*priced_run(tmp_path, server.url, 9000), "--yes")
        file = audio_files.write_recording(tmp_path / "b.wav", audio_files.sine(1))
        free = run_cli("run", file, "--endpoint", server.url, "--out", tmp_path / "free")

    assert confirmed.returncode == 0, confirmed.stderr
    assert free.returncode == 0, free.stderr
