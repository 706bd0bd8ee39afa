"""The program as a user starts it: arguments, output, exit codes; with the real engine."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import psutil
import pytest
from click.testing import CliRunner, Result
from whisper_normalizer.english import EnglishTextNormalizer

from tests.engine.support.scripted_server import (
    BEGIN,
    ScriptedServer,
    ServerConnectionScript,
    serve_normally,
    turn_message,
)
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from tui.cli.registry import paceline

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "samples"
RECORDINGS = ["station.aiff", "museum.flac", "message.wav"]
BROKEN = SAMPLES / "odd" / "broken.flac"


def cli_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "tui", *map(str, arguments)]


def run_cli(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        cli_command(*arguments),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=2 * LONG_ENOUGH,
        stdin=subprocess.DEVNULL,
    )


def run_in_process(*arguments: str | Path, **environment: str) -> Result:
    """The same in this process, where it starts no session and installs no handler of signals."""
    return CliRunner().invoke(paceline, [*map(str, arguments)], env=environment)


@dataclass(frozen=True)
class Run:
    """A finished ``paceline run --json`` over three samples and a broken file."""

    result: subprocess.CompletedProcess[str]
    folder: Path

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.result.stdout.splitlines()]

    def of(self, kind: str, name: str | None = None) -> list[dict[str, Any]]:
        return [e for e in self.events if e["type"] == kind and (name is None or name in e["file"])]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("program") / "run"
    files = [SAMPLES / "recordings" / name for name in RECORDINGS]
    broken = folder.with_name("broken.flac")
    broken.write_text("no audio")
    return Run(run_cli("run", "--json", "--local", "--out", folder, *files, broken), folder)


def reference_text(name: str) -> str:
    for row in (SAMPLES / "manifest.tsv").read_text().splitlines():
        fields = row.split("\t")
        if fields[0].endswith(name):
            return fields[-1]
    raise KeyError(name)


@pytest.mark.engine
def test_real_words_come_back(run: Run) -> None:
    """Recordings of three formats and rates, recognised at once by the real engine."""
    normal = EnglishTextNormalizer()
    transcripts = [
        normal(" ".join(t["transcript"] for t in run.of("turn", name) if t["end_of_turn"]))
        for name in RECORDINGS
    ]

    assert jiwer.wer([normal(reference_text(name)) for name in RECORDINGS], transcripts) < 0.25


@pytest.mark.engine
def test_words_appear_while_the_audio_is_still_being_sent(run: Run) -> None:
    """Live means before the end: partials come before the last chunk has left."""
    for name in RECORDINGS:
        kinds = [e["type"] for e in run.events if name in e["file"]]

        assert kinds.index("turn") < len(kinds) - 1 - kinds[::-1].index("progress")


@pytest.mark.engine
def test_some_failed_is_told_by_the_exit_code(run: Run) -> None:
    """One broken file of four; the others went on."""
    assert run.result.returncode == 3
    assert [e["outcome"] for e in run.of("ended", "broken")] == ["unreadable"]
    assert [e["outcome"] for name in RECORDINGS for e in run.of("ended", name)] == ["done"] * 3
    assert "broken.flac" in run.result.stderr
    assert "Traceback" not in run.result.stderr


@pytest.mark.engine
def test_every_event_is_as_documented(run: Run) -> None:
    """Each has the common fields and its own, by their documented names, and no others."""
    documented = documented_fields()
    for event in run.events:
        kind = event["type"]
        assert list(event)[:5] == ["type", "job", "attempt", "file", "t"]
        assert set(event) - {"type", "job", "attempt", "file", "t"} <= documented[kind]

    assert {"queued", "connecting", "began", "progress", "turn", "ended"} <= {
        event["type"] for event in run.events
    }
    needed = documented["ended"] - {"code", "retry_after_s"}  # only if a server sent them
    assert needed <= set(run.of("ended", "station")[0])


def documented_fields() -> dict[str, set[str]]:
    page = (ROOT / "docs" / "reference" / "events.md").read_text()
    table = page.split("<!-- events -->")[1].split("<!-- /events -->")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    return {kind.strip(" `"): set(re.findall(r"`(\w+)`", fields)) for kind, fields in rows}


@pytest.mark.engine
def test_a_run_is_exported_offline(run: Run, tmp_path: Path) -> None:
    """Every format, named after the recording; not overwritten without --overwrite."""
    formats = ("srt", "vtt", "txt", "json", "csv")
    arguments = ("export", run.folder, "--to", ",".join(formats), "--into", tmp_path)
    first, second = run_in_process(*arguments), run_in_process(*arguments)
    third = run_in_process(*arguments, "--overwrite")

    assert (first.exit_code, second.exit_code, third.exit_code) == (0, 3, 0)
    assert {p.name for p in tmp_path.iterdir()} == {
        f"{Path(name).stem}.{format}" for name in RECORDINGS for format in formats
    }
    exported = json.loads((tmp_path / "station.json").read_text())
    live = [t["transcript"] for t in run.of("turn", "station") if t["end_of_turn"]]
    assert [t["transcript"] for t in exported["turns"]] == live


def test_check_sends_nothing_and_says_everything() -> None:
    """What each file is, and what would be sent of it; a damaged one is streamed too."""
    result = run_cli("check", SAMPLES / "recordings" / "bakery.wav", BROKEN)

    assert result.returncode == 0
    assert "stereo" in result.stdout
    assert "mixed down to mono" in result.stdout
    assert "is a speaker of a call, add --channels split." in result.stdout
    assert "cut short" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["samples"], 2, "paceline run"),
        (["run", "--out", "/proc/nowhere", "samples"], 1, "cannot be written"),
    ],
)
def test_a_mistake_ends_the_program_in_a_sentence(
    arguments: list[str], code: int, words: str
) -> None:
    """What happened and what to do, the right exit code, never a traceback."""
    result = run_cli(*arguments)

    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run"], 2, "Missing argument"),
        (["run", "nowhere"], 2, "no file or folder"),
        (["compare"], 2, "“paceline runs” lists them"),
        (["run", "docs"], 2, "no audio"),
        (["run", "--chunk-ms", "20", "samples"], 2, "a whole number from 50 to 1,000"),
        (["run", "--param", "x", "samples"], 2, "not a parameter"),
        (["run", "--endpoint", "http://x", "samples"], 2, "WebSocket"),
        (["run", "--region", "us", "samples"], 2, "needs a key"),
        (["--nonsense"], 2, "No such option"),
        (["export", "docs", "--to", "txt"], 1, "not a run folder"),
    ],
)
def test_a_mistake_gets_a_sentence(
    arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, in this process: nothing is started for any of these."""
    monkeypatch.chdir(ROOT)
    result = run_in_process(*arguments)

    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.stderr
    assert words in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["export", "-h"]])
def test_help_is_there(arguments: list[str]) -> None:
    """For the whole and for each command."""
    result = run_in_process(*arguments)

    assert result.exit_code == 0
    assert "Usage: paceline" in result.stdout


def test_a_dead_endpoint_is_told(tmp_path: Path) -> None:
    """Every job fails in words; the program does not hang."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    options = ("--attempts", "1", "--out", tmp_path / "run")
    result = run_cli("run", "--endpoint", "ws://127.0.0.1:9", *options, path)

    assert result.returncode == 3
    assert "nothing answers at 127.0.0.1:9" in result.stderr


@pytest.mark.slow
def test_a_run_folder_that_goes_away_is_told(tmp_path: Path) -> None:
    """Nothing more could be written, and nothing is there to export."""

    async def remove(line: ServerConnectionScript) -> None:
        (tmp_path / "run").rename(tmp_path / "gone")
        await serve_normally(line)

    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    with ScriptedServer(remove) as endpoint:
        result = run_cli("run", "--endpoint", endpoint.url, "--out", tmp_path / "run", path)

    assert result.returncode == 3
    assert "is gone: somebody has deleted or moved it" in result.stderr
    assert "paceline export" not in result.stderr


@pytest.mark.slow
def test_a_refused_key_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    """And the key is nowhere: not in the output, not in the run folder."""

    async def refuse(line: ServerConnectionScript) -> None:
        await line.send({"type": "Error", "error_code": 1008, "error": "Invalid API key"})
        await line.socket.close(1008, "See Error message for details")

    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    with ScriptedServer(refuse) as endpoint:
        result = run_cli(
            "run",
            "--json",
            "--endpoint",
            endpoint.url,
            "--out",
            tmp_path / "run",
            path,
            ASSEMBLYAI_API_KEY="k3y-that-must-not-leak",
        )

    assert endpoint.received_sessions[0].headers["Authorization"] == "k3y-that-must-not-leak"
    assert result.returncode == 4
    assert "Invalid API key" in result.stderr
    everything = [result.stdout, result.stderr]
    everything += [f.read_text() for f in (tmp_path / "run").rglob("*") if f.is_file()]
    assert not [text for text in everything if "k3y-that-must-not-leak" in text]


async def endless(line: ServerConnectionScript) -> None:
    """Hears until Terminate, and then ends as it should."""
    await line.send(BEGIN, turn_message(0, "Heard before.", final=True))
    await line.receive()
    await line.send(
        turn_message(1, "Heard after.", final=True),
        {"type": "Termination", "audio_duration_seconds": 1},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_an_interrupted_run_keeps_what_was_heard(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM: Terminate is sent, the last words are printed, nothing keeps running."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(120.0))
    with (
        ScriptedServer(endless) as endpoint,
        subprocess.Popen(
            cli_command("run", "--endpoint", endpoint.url, "--out", tmp_path / "run", path),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as program,
    ):
        assert program.stderr is not None
        for line in program.stderr:
            if "Heard before" in line:
                break
        family = psutil.Process(program.pid).children(recursive=True)
        program.send_signal(number)
        rest = program.stderr.read()
        program.wait(LONG_ENOUGH)
        _, alive = psutil.wait_procs(family, timeout=LONG_ENOUGH)

    assert program.returncode == 130
    assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]
    assert "Heard after." in rest
    assert alive == []


INTERRUPTED_AT = """
import signal, sys

class Named:
    def __set_name__(self, owner, name):
        signal.raise_signal(signal.SIGINT)

class Finder:
    def find_spec(name, path=None, target=None):
        if name == at:
            type("Owner", (), {"name": Named()})  # Python makes another error of any in there

at = sys.argv.pop(1)
sys.meta_path.insert(0, Finder)
from tui.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["click", "tui.cli.run_options", "tui.cli.headless"])
def test_an_interruption_before_there_is_anything_to_end_ends_it(
    tmp_path: Path, module: str
) -> None:
    """Whatever is being loaded: without a word, and with the exit code of an interruption."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    arguments = ["run", "--endpoint", "ws://127.0.0.1:9", "--out", str(tmp_path / "run"), path]
    program = [sys.executable, "-c", INTERRUPTED_AT, module, *arguments]
    ended = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=LONG_ENOUGH)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_second_interruption_is_by_force(tmp_path: Path) -> None:
    """When the server does not answer, nobody has to wait for it."""

    async def deaf(line: ServerConnectionScript) -> None:
        await line.send(BEGIN, turn_message(0, "Heard.", final=True))
        await line.receive()
        await line.receive()

    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(120.0))
    with (
        ScriptedServer(deaf) as endpoint,
        subprocess.Popen(
            cli_command("run", "--endpoint", endpoint.url, "--out", tmp_path / "run", path),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as program,
    ):
        assert program.stderr is not None
        for words in ("Heard.", "at once"):
            while words not in program.stderr.readline():
                pass
            program.send_signal(signal.SIGINT)
        rest = program.stderr.read()
        program.wait(LONG_ENOUGH)

    assert program.returncode == 130
    assert "by force" in rest
    assert "Traceback" not in rest


@pytest.mark.slow
def test_nobody_reading_the_output_ends_the_run(tmp_path: Path) -> None:
    """As with ``| head``: sessions are terminated, a sentence says why, and nothing else."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(120.0))
    with (
        ScriptedServer(endless) as endpoint,
        subprocess.Popen(
            cli_command(
                "run", "--json", "--endpoint", endpoint.url, "--out", tmp_path / "run", path
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as program,
    ):
        assert program.stdout is not None
        assert program.stderr is not None
        while "Heard before" not in program.stdout.readline():
            pass
        program.stdout.close()
        errors = program.stderr.read()
        program.wait(LONG_ENOUGH)

    assert program.returncode == 130
    assert "Traceback" not in errors
    assert errors.count("Nobody reads them any more, so the run ends.") == 1
    assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]
