"""Folders as people have them: what a run streams of them, and what it says of the rest."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli.test_program import ROOT, cli_command
from tests.engine.support.scripted_server import ScriptedServer, serve_normally
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files


class WatchingRun:
    """A ``paceline run --watch --json`` over a folder."""

    def __init__(self, folder: Path, url: str, out: Path) -> None:
        options = ("--watch", "--json", "--endpoint", url, "--out", str(out))
        self.program = subprocess.Popen(
            [*cli_command(), "run", *options, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )
        self.events: list[dict[str, Any]] = []

    def read_until_ended(self, count: int) -> None:
        """Reads events until so many jobs have ended."""
        assert self.program.stdout is not None
        while sum(event["type"] == "ended" for event in self.events) < count:
            self.events.append(json.loads(self.program.stdout.readline()))

    def stop(self) -> tuple[int, str]:
        """Presses Ctrl-C; returns the exit code and what went to stderr."""
        self.program.send_signal(signal.SIGINT)
        _, errors = self.program.communicate(timeout=LONG_ENOUGH)
        return self.program.returncode, errors


@pytest.mark.slow
def test_a_watched_folder_is_streamed_until_the_user_ends_the_run(tmp_path: Path) -> None:
    """What was there, then a download once it has its name; a copy is streamed, and named."""
    folder = tmp_path / "calls"
    folder.mkdir()
    first = audio_files.write_recording(folder / "a.wav", audio_files.distinct_samples(0.2))
    content = Path(first).read_bytes()
    for name, rest in {
        "._a.wav": b"companion",
        ".DS_Store": b"finder",
        "empty.wav": b"",
        "cover.jpg": b"picture",
        "b.wav.part": content,
    }.items():
        (folder / name).write_bytes(rest)
    with ScriptedServer(serve_normally) as endpoint:
        run = WatchingRun(folder, endpoint.url, tmp_path / "run")
        try:
            run.read_until_ended(1)
            os.rename(folder / "b.wav.part", folder / "b.wav")
            run.read_until_ended(2)
            time.sleep(0.1)  # nothing more is found, and the run goes on
            assert run.program.poll() is None
            code, errors = run.stop()
        finally:
            run.program.kill()
    queued = [event for event in run.events if event["type"] == "queued"]

    assert code == 0, errors
    assert [os.path.basename(event["file"]) for event in queued] == ["a.wav", "b.wav"]
    assert [event["same_as"] for event in queued] == ["", str(folder / "a.wav")]
    for words in (
        "companion file",
        "belongs to a file manager",
        "this file is empty",
        "this download is not finished",
        "1 file that is not audio (.jpg 1)",
        "Watching 1 folder",
        "2 done",
        f"b.wav: the same content as {folder / 'a.wav'}",
    ):
        assert words in errors
    index = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [job["status"] for job in index["jobs"]] == ["done", "done"]


def test_a_watch_needs_a_folder(tmp_path: Path) -> None:
    """A shell may have replaced the folder by the names of its files."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    result = subprocess.run(
        [*cli_command(), "run", "--watch", path], capture_output=True, text=True, cwd=ROOT
    )

    assert result.returncode == 2
    assert "--watch needs a folder" in result.stderr
