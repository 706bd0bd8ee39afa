"""Recordings whose names are no text, or text that a terminal, a shell or a spreadsheet obeys."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli.test_program import ROOT, cli_command
from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    turn_message,
)
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from workers.exports.files import FORMATS

NAMES = [
    b"bad\xff name.wav",
    "two\nlines\x1b[31m\x9b2J\u202erev.wav".encode(),
    b"-rf.wav",
    b"=1+1.wav",
    b"x" * 251 + b".wav",
    "会".encode() * 83 + b".wav",
]
HOSTILE = "[red] \x1b]0;t\x07 \x9b2J \u202e \ud800 =1 会議"
"""What the server says of everything, in its own words."""
EXTRA = {"score": float("inf"), "job": "nobody", "file": "nowhere", "t": "never", "x": HOSTILE}


async def hostile(line: ServerConnectionScript) -> None:
    """Says everything in foreign words."""
    await line.send({**BEGIN, "id": HOSTILE, "configuration": {"model": HOSTILE}})
    await line.receive(chunks=1)
    words = {**turn_message(0, HOSTILE, final=True), **EXTRA, "speaker_label": HOSTILE}
    await line.send(
        {"type": "Warning", "warning": HOSTILE}, words, {"type": HOSTILE, **EXTRA}, "[]"
    )
    await line.receive()
    await line.send({**TERMINATION, **EXTRA})
    await line.socket.close(1000, "\x1b[2J \u202e")


@dataclass(frozen=True)
class Run:
    """A finished ``paceline run --json`` over recordings of these names."""

    result: subprocess.CompletedProcess[bytes]
    place: Path
    """Where the recordings are."""

    @property
    def folder(self) -> Path:
        return self.place / "run"


def paceline(
    place: Path, *arguments: str | bytes, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    """Started beside the recordings, on a terminal of that encoding."""
    return subprocess.run(
        [*cli_command(), *arguments],
        capture_output=True,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        timeout=LONG_ENOUGH,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    place = tmp_path_factory.mktemp("hostile")
    for name in NAMES:  # what writes recordings takes no such name
        plain = audio_files.write_recording(place / "plain.wav", audio_files.distinct_samples(0.2))
        os.rename(plain, os.path.join(os.fsencode(place), name))
    with ScriptedServer(hostile) as endpoint:
        to = ("--endpoint", endpoint.url, "--out", "run")
        yield Run(paceline(place, "run", "--json", *to, "--", *NAMES), place)


def harmless(text: str) -> None:
    """Fails if a terminal would do anything but show it, line by line."""
    assert not {char for char in set(text) if not char.isprintable()} - {"\n"}


@pytest.mark.slow
def test_events_of_such_recordings_are_json_and_name_them_exactly(run: Run) -> None:
    """A program that reads them can open the file; the server cannot rename anything."""
    lines = run.result.stdout.decode().splitlines()
    events = [json.loads(line, parse_constant=pytest.fail) for line in lines]

    assert 0 == run.result.returncode, run.result.stderr
    harmless("\n".join(lines))
    for number, name in enumerate(NAMES, start=1):
        own: list[dict[str, Any]] = [event for event in events if event["job"] == number]

        assert {os.fsdecode(name)} == {event["file"] for event in own}
        assert ["done"] == [event["outcome"] for event in own if event["type"] == "ended"]
        assert HOSTILE in [event["transcript"] for event in own if event["type"] == "turn"]
        assert all(isinstance(event["t"], float) for event in own)
    assert set(range(1, len(NAMES) + 1)) == {event["job"] for event in events}


def test_the_run_folder_of_such_recordings_is_read_again(run: Run) -> None:
    """Index and traces are what any reader of JSON reads; and all formats are exported."""
    index = json.loads((run.folder / "run.json").read_text("utf-8"), parse_constant=pytest.fail)
    for trace in run.folder.glob("*.trace.jsonl"):
        for line in trace.read_text("utf-8").splitlines():
            json.loads(line, parse_constant=pytest.fail)

    assert NAMES == [os.fsencode(job["file"]) for job in index["jobs"]]

    result = paceline(run.place, "export", "run", "--to", ",".join(FORMATS), encoding="ascii")
    exports = sorted((run.folder / "exports").iterdir())

    assert 0 == result.returncode, result.stderr
    harmless(result.stdout.decode())
    harmless("\n".join(path.name for path in exports))
    assert len(FORMATS) * len(NAMES) == len(exports)
    for path in exports:
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            found = json.loads(text)
            assert isinstance(found, list) or os.fsencode(found["file"]) in NAMES  # SegLST
        else:
            harmless(text.replace("\r\n", "\n"))


@pytest.mark.slow
def test_such_recordings_are_told_of_as_text(run: Run) -> None:
    """Live, at the end, and when they are only checked; in any locale."""
    with ScriptedServer(hostile) as endpoint:
        to = ("--endpoint", endpoint.url, "--out", "again")
        streamed = paceline(run.place, "run", *to, "--", *NAMES)
    checked = paceline(run.place, "check", "--", *NAMES, encoding="ascii")

    for result in (streamed, checked):
        assert 0 == result.returncode, result.stderr
        harmless(result.stdout.decode())
        harmless(result.stderr.decode())
    assert len(NAMES) == streamed.stderr.decode().count(
        ": 0:00 [red] ␛]0;t␇ \ufffd2J \ufffd \ufffd =1 会議"
    )
    assert len(NAMES) == checked.stdout.decode().count("WAV PCM_16, 16000 Hz, mono")
