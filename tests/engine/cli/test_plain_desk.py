"""The desk for a screen reader, as a real process with pipes."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.terminal.test_guard import ended_politely, talkative
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode


class PlainWindow:
    """A running plain desk: types lines, and reads what it prints."""

    def __init__(self, *arguments: str | Path) -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tui", "--plain", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.kill()
        self.program.wait()
        self._reader.join()
        for pipe in (self.program.stdin, self.program.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self.program.stdout is not None
        for line in self.program.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()

    def type(self, line: str, answer: str) -> None:
        """Types a command and waits for a line with the answer."""
        assert self.program.stdin is not None
        seen = len(self.lines)
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()
        self.wait_for(answer, seen)

    def wait_for(self, text: str, seen: int = 0) -> None:
        with self._changed:
            found = self._changed.wait_for(
                lambda: any(text in line for line in self.lines[seen:]), timeout=LONG_ENOUGH
            )
        assert found, f"{text!r} never came: {self.lines[-10:]}"


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer(talkative) as endpoint:
        yield endpoint


def test_changes_are_announced_and_commands_are_typed(
    endpoint: ScriptedServer, tmp_path: Path
) -> None:
    """Every verb works on numbers, states or all; no line has a control character or a drawing."""
    (tmp_path / "Anna's calls").mkdir()
    long, other = (
        audio_files.write_recording(tmp_path / f"{name}.wav", audio_files.distinct_samples(seconds))
        for name, seconds in (("long", 120.0), ("Anna's calls/other", 60.0))
    )
    options = ("--endpoint", endpoint.url, "--sessions", "1", "--out", tmp_path / "run")
    with PlainWindow(*options, long) as window:
        window.wait_for("[1] long.wav: 0:00 Heard 0.")
        window.type("list", "[1] long.wav: streaming, ")
        window.type(f"add {tmp_path}/none", f"there is no file or folder “{tmp_path}/none”. Check")
        assert window.lines[-1].endswith("”. Check the path.")
        window.type(f"add {other}", "1 recording added to the end of the queue")
        window.type("list state:queued", "[2] other.wav: queued. next, when one ends")
        window.type("list nope:1", "nope")
        window.type("status", "1 queued, 1 streaming. At most 1 at once.")
        window.type("hold", "New starts held.")
        window.type("read 1", "Heard 0.")
        window.type("retry failed", "Which recordings?")
        window.type("sessions many", "How many at once?")
        window.type("frobnicate", "There is no command frobnicate. Type help")
        window.type("lisst", "There is no command lisst. Did you mean list?")
        window.type("cancel 1", "transcripts are kept; press cancel again to force")
        window.wait_for("[1] long.wav: cancelled")
        window.type("export 1", "Exported 1 file (txt) to ")
        window.type("export 1 srt, txt", "Exported 1 file (txt, srt) to ")
        assert "; 1 file existed and was kept" in window.lines[-1]
        window.type("export srt", "Which recordings?")
        window.type("cancel queued", "Cancelling 1 recording")
        window.wait_for("All have finished. 2 recordings: 2 cancelled.")
        window.type("quit", "Quitting")

        assert window.program.wait(LONG_ENOUGH) == ExitCode.DONE
        assert (tmp_path / "run" / "exports" / "long.txt").is_file()
        assert any(line.startswith("Exported to: ") for line in window.lines)
        assert not any(set("─│▌●✓\x1b\a") & set(line) for line in window.lines)


@pytest.mark.slow
def test_quitting_ends_sessions_politely(endpoint: ScriptedServer, tmp_path: Path) -> None:
    """With the command for continuing, as after any other desk."""
    long = audio_files.write_recording(tmp_path / "long.wav", audio_files.distinct_samples(120.0))
    with PlainWindow("--endpoint", endpoint.url, "--out", tmp_path / "run", long) as window:
        window.wait_for("Heard 0.")
        window.type("quit", "Quitting: waiting for 1 session")

        assert window.program.wait(LONG_ENOUGH) == ExitCode.INTERRUPTED
        window.wait_for("Continue with the rest: paceline resume")
        assert ended_politely(endpoint)
