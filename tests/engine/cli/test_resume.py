"""``paceline resume``: whatever ended a run, another one brings what is missing."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.cli.test_program import ROOT, cli_command, run_cli, run_in_process
from tests.engine.support import supervisor_harness
from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    serve_normally,
    turn_message,
)
from tests.engine.support.supervisor_harness import LONG_ENOUGH, run_supervisor
from tests.support import audio_files
from tui.cli.resume_options import prepare_resume
from workers.errors import UsageProblem
from workers.jobs.events import Queued
from workers.jobs.job_state import JobStatus
from workers.runs import reader

LONG = 120.0
"""Seconds: longer than any test lasts."""


def turn(order: int, text: str, start: int, *, final: bool = True) -> dict[str, Any]:
    """A turn that begins so many ms into the stream."""
    message = turn_message(order, text, final=final)
    for word in message["words"]:
        word["start"] += start
        word["end"] += start
    return message


async def interrupted(line: ServerConnectionScript) -> None:
    """Two finals and an open turn; what was open becomes a final when Terminate cuts it."""
    await line.send(BEGIN)
    await line.receive(chunks=6)
    await line.send(turn(0, "One.", 0), turn(1, "Two.", 300), turn(2, "thr", 420, final=False))
    await line.receive()
    await line.send(turn(2, "thr", 420), TERMINATION)
    await line.socket.close(1000)


async def rest(line: ServerConnectionScript) -> None:
    """The end of the recording, as a new session hears it: from nought again."""
    await line.send(BEGIN)
    await line.receive(chunks=1)
    await line.send(turn(0, "Three.", 20), {"type": "Error", "error_code": 3006, "error": "Enough"})
    await line.socket.close(3006)


def run(endpoint: ScriptedServer, folder: Path, path: str) -> None:
    """A run of one recording, to its end; it leaves what ``paceline run`` does."""
    with run_supervisor(endpoint.url, folder) as observed:
        observed.supervisor.add([path])
        observed.wait_until_idle()


def stopped_by(number: signal.Signals, url: str, folder: Path, *files: str) -> None:
    """A run that the signal ends when two finals and an open turn were received."""
    with subprocess.Popen(
        cli_command("run", "--json", "--endpoint", url, "--out", folder, *files),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as program:
        assert program.stdout is not None
        while '"thr"' not in program.stdout.readline():
            pass
        family = psutil.Process(program.pid).children(recursive=True)
        program.send_signal(number)
        program.communicate(timeout=LONG_ENOUGH)
        assert psutil.wait_procs(family, timeout=LONG_ENOUGH)[1] == []


def stopped_and_resumed(folder: Path, number: signal.Signals) -> None:
    path = audio_files.write_recording(folder / "a.wav", audio_files.distinct_samples(LONG))
    folder /= "run"
    with ScriptedServer(interrupted, rest) as endpoint:
        stopped_by(number, endpoint.url, folder, path)
        result = run_cli("resume", folder, "--json", "--attempts", "1")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    (connecting,) = [event for event in events if event["type"] == "connecting"]
    (turn_event,) = [event for event in events if event["type"] == "turn"]
    (job_state,) = reader.read_job_states(folder)
    samples = audio_files.distinct_samples(LONG).tobytes()

    assert result.returncode == 3, result.stderr
    assert (connecting["attempt"], connecting["from_ms"], connecting["from_turn"]) == (2, 390, 2)
    assert (turn_event["turn_order"], turn_event["words"][0]["start"]) == (2, 410)
    assert job_state.transcript.text == "One.\nTwo.\nThree."
    assert (
        endpoint.received_sessions[1].pcm
        == samples[390 * 32 :][: len(endpoint.received_sessions[1].pcm)]
    )
    assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]


def test_a_run_goes_on_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files were named from where it began."""
    audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    monkeypatch.chdir(tmp_path)
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.hold(True)
        observed.supervisor.add(["a.wav"])
        observed.wait_for_event(Queued)
    monkeypatch.chdir("/")
    with (
        ScriptedServer(serve_normally) as endpoint,
        supervisor_harness.resume_supervisor(endpoint.url, tmp_path / "run") as again,
    ):
        again.wait_until_idle()

    assert again.job_states[1].status is JobStatus.DONE
    assert {report.file for report in again.reports} == {"a.wav"}


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


@pytest.fixture(scope="module")
def interruptions(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[signal.Signals, Future[None]]]:
    """They mostly wait, so all run at the same time; each test is about one of them."""
    with ThreadPoolExecutor(len(SIGNALS)) as pool:
        yield {
            number: pool.submit(stopped_and_resumed, tmp_path_factory.mktemp(number.name), number)
            for number in SIGNALS
        }


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.slow
def test_an_interrupted_run_goes_on_behind_its_last_final_turn(
    interruptions: Mapping[signal.Signals, Future[None]], number: signal.Signals
) -> None:
    """No word twice, none missing, and one recording in the end."""
    interruptions[number].result()


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    """And what the user cancelled stays cancelled: there is nothing left, and nobody is called."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    folder = tmp_path / "run"
    with ScriptedServer() as endpoint:
        run(endpoint, folder, path)
        before = {file: file.read_bytes() for file in folder.glob("*.trace.jsonl")}
        result = run_cli("resume", folder, "--no-desk")

    assert result.returncode == 0
    assert "1 done" in result.stderr
    assert len(endpoint.received_sessions) == 1
    assert before == {file: file.read_bytes() for file in folder.glob("*.trace.jsonl")}


def test_files_that_were_never_begun_are_not_forgotten(tmp_path: Path) -> None:
    """The index knows all of them from the first moment on, whenever the program is killed."""
    lengths = [LONG] + [0.2] * 19
    files = [
        audio_files.write_recording(tmp_path / f"{n:02}.wav", audio_files.distinct_samples(seconds))
        for n, seconds in enumerate(lengths)
    ]
    folder = tmp_path / "run"

    async def closed(line: ServerConnectionScript) -> None:
        await line.socket.close(1008, "Unauthorized Connection: Invalid API key")

    with ScriptedServer(interrupted, closed) as endpoint:
        with subprocess.Popen(
            cli_command(
                "run", "--sessions", "1", "--endpoint", endpoint.url, "--out", folder, *files
            ),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as program:
            assert program.stderr is not None
            while "One." not in program.stderr.readline():
                pass
            os.kill(program.pid, signal.SIGKILL)
        result = run_cli("resume", folder, "--json")
    reported_files = {json.loads(line)["file"] for line in result.stdout.splitlines()}

    assert reported_files == set(files)
    assert result.returncode == 4


def test_a_run_that_started_nothing_knows_where_to_go_and_how(tmp_path: Path) -> None:
    """No file could be read, say: the disk was not mounted."""
    damaged = tmp_path / "a.wav"
    damaged.write_bytes(b"RIFF")
    with ScriptedServer() as endpoint:
        run_cli(
            "run",
            "--endpoint",
            endpoint.url,
            "--chunk-ms",
            "50",
            "--out",
            tmp_path / "run",
            damaged,
        )
        audio_files.write_recording(damaged, audio_files.distinct_samples(0.2))
        result = run_cli("resume", tmp_path / "run", "--no-desk")

    assert result.returncode == 0, result.stderr
    assert len(endpoint.received_sessions) == 1
    assert reader.read_run(tmp_path / "run").settings.chunk_ms == 50


def test_two_programs_do_not_work_on_one_run(tmp_path: Path) -> None:
    """The second one says so, and touches nothing."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(LONG))
    folder = tmp_path / "run"
    with (
        ScriptedServer(interrupted) as endpoint,
        subprocess.Popen(
            cli_command("run", "--endpoint", endpoint.url, "--out", folder, path),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as program,
    ):
        assert program.stderr is not None
        while "One." not in program.stderr.readline():
            pass
        result = run_in_process("resume", folder, "--no-desk")
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=LONG_ENOUGH)

    assert result.exit_code == 1
    assert "another program is working on" in result.stderr
    assert len(endpoint.received_sessions) == 1


def test_a_key_goes_only_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run folder may come from anybody, and name any server."""
    index = {
        "format": 1,
        "endpoint": {"kind": "custom", "url": "wss://collector.example/v3/ws", "name": "x"},
        "jobs": [],
    }
    (tmp_path / "run.json").write_text(json.dumps(index))
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "k3y")
    rest: dict[str, Any] = {
        "ca_file": None,
        "key_file": None,
        "keyring": False,
        "unencrypted": False,
        "sessions": None,
        "start_rate": None,
        "attempts": 4,
        "dead_after": 20.0,
    }
    with pytest.raises(UsageProblem, match="only sent to an endpoint you specify"):
        prepare_resume(tmp_path, url=None, **rest)

    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "k3y")
    options, _ = prepare_resume(tmp_path, url="wss://mine.example", **rest)
    assert options.key is not None
    assert options.endpoint is not None
    assert options.endpoint.url == "wss://mine.example/v3/ws"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that belongs to another")
def test_a_key_goes_to_this_machine_only_for_a_folder_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user of the machine may have prepared the folder, and listen at the address."""
    url = "ws://127.0.0.1:9/v3/ws"
    index = {"format": 1, "endpoint": {"kind": "custom", "url": url, "name": "x"}, "jobs": []}
    (tmp_path / "run.json").write_text(json.dumps(index))
    rest: dict[str, Any] = dict.fromkeys(
        ("url", "ca_file", "key_file", "sessions", "start_rate", "attempts", "dead_after")
    )
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "k3y")
    options, _ = prepare_resume(tmp_path, keyring=False, unencrypted=False, **rest)
    assert options.key is not None

    os.chown(tmp_path, 65_534, 65_534)
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "k3y")
    with pytest.raises(UsageProblem, match="only sent to an endpoint you specify"):
        prepare_resume(tmp_path, keyring=False, unencrypted=False, **rest)


def test_past_runs_are_listed_with_how_to_go_on(tmp_path: Path) -> None:
    """The latest first; a run that another attempt cannot help can be looked back at."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    runs = tmp_path / "paceline" / "runs"

    async def refused(line: ServerConnectionScript) -> None:
        await line.socket.close(1008, "Unauthorized Connection: Invalid API key")

    with ScriptedServer(serve_normally, refused) as endpoint:
        run(endpoint, runs / "2026-01-01", path)
        run(endpoint, runs / "2026-01-02", path)  # refused: with this key, it always will be
    listed = run_in_process("runs", XDG_STATE_HOME=str(tmp_path)).stdout
    lines = re.sub(r"  [\d.]+ KB", "", listed).splitlines()
    where = endpoint.url.split("/")[2]

    assert lines == [
        f"2026-01-02  1 failed  → {where}",
        f"  paceline view {runs / '2026-01-02'}",
        f"2026-01-01  1 done  → {where}",
        f"  paceline view {runs / '2026-01-01'}",
    ]


def test_no_run_folder_is_told(tmp_path: Path) -> None:
    """With what it lacks."""
    result = run_in_process("resume", tmp_path, "--no-desk")

    assert result.exit_code == 1
    assert "is not a run folder" in result.stderr
