"""Every command with output that cannot be written, and in terminals that lack characters."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.engine.cli.test_program import ROOT, cli_command
from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from tests.support.run_builders import write_sample_run
from tui.cli.registry import COMMANDS

SPOKEN = "Grüße aus 東京, “Привет” – 🎧"


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """A run and a recording whose names few encodings know."""
    run, other = (write_sample_run(tmp_path / name) for name in ("Läufe 東京", "Läufe 大阪"))
    for trace in (next(each.glob("*-1.1.trace.jsonl")) for each in (run, other)):
        trace.write_text(trace.read_text().replace("Good morning all.", SPOKEN))
    (tmp_path / "refs").mkdir()
    (tmp_path / "refs" / "1.txt").write_text(SPOKEN)
    samples = audio_files.distinct_samples(0.3)
    recording = audio_files.write_recording(tmp_path / "größer 東京.wav", samples)
    return {
        "run": str(run),
        "other": str(other),
        "recording": str(recording),
        "refs": str(tmp_path / "refs"),
        "out": str(tmp_path / "out"),
    }


COMMAND_LINES = {
    "help": "--help",
    "help-of-export": "export --help",
    "check": "check {recording}",
    "compare": "compare {run} {run} --references {refs}",
    "completion": "completion fish",
    "compress": "compress {run}",
    "doctor": "doctor --endpoint {url}",
    "export": "export {run} --to txt,srt,vtt,json,csv,stm,ctm,seglst --into {out}",
    "man": "man find-limit",
    "merge": "merge {run} {other} --into {out}",
    "report": "report {run} --references {refs} --out {out}.html",
    "run": "run --endpoint {url} --out {out} {recording}",
    "run-json": "run --json --endpoint {url} --out {out} {recording}",
    "runs": "runs",
    "score": "score {run} --references {refs}",
    "score-json": "score {run} --references {refs} --json",
    "settings": "settings",
}
"""What is tried of each command, except those that only draw or serve."""


def run_command(
    name: str, places: dict[str, str], output: int, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command line with this stdout; `run` streams to a server of its own."""
    with ScriptedServer() as endpoint:
        arguments = [
            part.format(url=endpoint.url, **places) for part in COMMAND_LINES[name].split()
        ]
        return subprocess.run(
            cli_command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, **environment},
            timeout=LONG_ENOUGH,
        )


def test_every_command_is_tried() -> None:
    """A new one must be added here, unless it draws, serves, or streams for long."""
    tried = {line.split()[0] for line in COMMAND_LINES.values()}

    assert set(COMMANDS) - tried == {
        *("calibrate", "demo", "desk", "find-limit", "resume", "serve", "view", "web"),
    }


@pytest.mark.parametrize("name", COMMAND_LINES)
@pytest.mark.parametrize("target", ["full disk", "closed pipe"])
def test_output_that_cannot_be_written_is_one_sentence(
    name: str, target: str, places: dict[str, str]
) -> None:
    """The exit code is 1, or 130 if nobody reads the events of a run any more. Of a reader that
    left, as ``head`` does, nothing is said unless a run goes on."""
    reader, pipe = os.pipe()
    os.close(reader)
    output = pipe if target == "closed pipe" else os.open("/dev/full", os.O_WRONLY)
    ended = run_command(name, places, output)
    os.close(output)
    told = [line for line in ended.stderr.decode().splitlines() if "could not be written" in line]

    if name == "run":  # it writes nothing to stdout
        assert (ended.returncode, told) == (0, [])
        return
    is_unread_run = name == "run-json" and target == "closed pipe"
    assert ended.returncode in ((130, 1) if is_unread_run else (1,)), ended.stderr
    assert len(told) == (target == "full disk" or is_unread_run)
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("name", COMMAND_LINES)
@pytest.mark.parametrize("encoding", ["ascii", "shift_jis"])
def test_every_command_writes_what_the_terminal_can_show(
    name: str, encoding: str, places: dict[str, str]
) -> None:
    """No traceback, no byte that the encoding does not have; exports are UTF-8 all the same."""
    ended = run_command(name, places, subprocess.PIPE, PYTHONIOENCODING=encoding)

    assert ended.returncode == 0, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert "\ufffd" not in ended.stdout.decode(encoding) + ended.stderr.decode(encoding)
    if name == "export":
        assert SPOKEN in (Path(places["out"]) / "1.txt").read_text("utf-8")


def test_the_desk_draws_only_what_the_terminal_can_show(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where Textual draws by itself, as the scroll bar of the help."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with PseudoTerminal("view", places["run"]) as window:
        window.wait_for_output(b"looking back")
        window.send_keys(b"?")
        window.wait_for_output(b"Keys and symbols")
        window.wait_for_output(b"#")
        window.send_keys(b"\x03")
        window.wait_until(lambda: window.program.poll() is not None)

    _, drawn = window.output.split(b"\x1b[?1049h")
    assert drawn.isascii()
    assert b"\\u" not in drawn


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "nonsense"])
def test_locales_without_utf_8_are_no_hindrance(locale: str, places: dict[str, str]) -> None:
    """Also without the UTF-8 mode that Python would turn on by itself."""
    ended = run_command(
        "run",
        places,
        subprocess.PIPE,
        LC_ALL=locale,
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )

    assert ended.returncode == 0, ended.stderr
    assert b"Traceback" not in ended.stderr
