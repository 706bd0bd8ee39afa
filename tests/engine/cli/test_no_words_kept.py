"""``--no-keep-words``: what was said reaches no file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    turn_message,
)
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode

SAID = ("Canaria sings", "Canaria sings again")


async def talk(line: ServerConnectionScript) -> None:
    """Words in partials, finals, messages that nobody knows and turns that cannot be true."""
    await line.send(BEGIN)
    await line.receive(chunks=2)
    await line.send(turn_message(0, SAID[0], final=False))
    await line.send(turn_message(0, SAID[1], final=True))
    await line.send({"type": "Birdgram", "text": SAID[0]})
    await line.send({"type": "Turn", "turn_order": "x", "transcript": SAID[0]})
    while not line.received.control_messages:
        await line.receive(chunks=len(line.received.audio) + 1)
    await line.send(TERMINATION)


def paceline(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.slow
def test_words_reach_no_file_but_their_times_do(tmp_path: Path) -> None:
    """They are printed; the run can be scored for delays, and says why it is not exported."""
    path = audio_files.write_recording(tmp_path / "call.wav", audio_files.distinct_samples(1.0))
    (tmp_path / "call.txt").write_text("a reference beside it")
    run = tmp_path / "run"
    with ScriptedServer(talk) as endpoint:
        options = ("--endpoint", endpoint.url, "--log-level", "debug", "--out", run)
        ended = paceline("run", "--no-keep-words", *options, path)

    assert ended.returncode == ExitCode.DONE, ended.stderr
    assert SAID[1] in ended.stderr
    written = [one for one in tmp_path.rglob("*") if one.is_file() and one.suffix != ".wav"]
    assert not [one for one in written if b"canar" in one.read_bytes().lower()]
    scored = paceline("score", run, "--json")
    assert scored.returncode == ExitCode.DONE, scored.stderr
    figures = json.loads(scored.stdout)
    assert "ttft" in json.dumps(figures)
    exported = paceline("export", run)
    assert exported.returncode == ExitCode.USAGE
    assert "kept no words" in exported.stderr
    compared = paceline("score", run, "--references", tmp_path / "call.txt")
    assert "kept no words" in compared.stderr
    assert "wer" not in paceline("score", run).stdout.lower().split()
