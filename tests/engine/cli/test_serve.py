"""``paceline serve`` as a user starts it: its lines, who is let in, how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import pytest
from click.testing import CliRunner
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.engine.cli.test_program import ROOT, cli_command, run_cli
from tests.engine.support.supervisor_harness import (
    LONG_ENOUGH,
    AcceleratedStartRate,
    run_supervisor,
)
from tests.support import audio_files
from tui.cli.registry import paceline
from workers.jobs.events import Ended, Outcome
from workers.session.assignment import Timeouts

CHUNK = bytes(3200)
TERMINATE = '{"type":"Terminate"}'

SCRIPT = """
[[session]]
partial_after = 0.05
final_after = 0.1
[[session.turn]]
words = [["Good", 100, 300], ["morning.", 300, 700]]
[[session.turn]]
words = [["Goodbye.", 900, 1200]]
"""


class ServeProcess:
    """The program, from its start; leaving it ends it if nothing else did."""

    def __init__(self, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            cli_command("serve", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.address = self.line()
        self.key = self.line().removeprefix("key: ")
        self.capacity, self.example, self.hint = self.line(), self.line(), self.line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        """The next line on stdout; empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def dial(self, query: str = "", key: str | None = None) -> ClientConnection:
        header = {"Authorization": self.key if key is None else key}
        return connect(f"{self.address}?{query}", additional_headers=header, proxy=None)

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Exit code and the rest of both outputs after this signal."""
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=LONG_ENOUGH)
        return self.process.returncode, out, errors


def script(folder: Path, text: str = SCRIPT) -> Path:
    path = folder / "day.toml"
    path.write_text(text)
    return path


def receive_rest(client: ClientConnection) -> list[dict[str, Any]]:
    """All messages up to the close."""
    got = []
    try:
        while True:
            got.append(json.loads(client.recv(LONG_ENOUGH)))
    except ConnectionClosed:
        return got


def session(
    server: ServeProcess, key: str | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """Two seconds of audio and a Terminate: what came back, and the close code."""
    with server.dial(key=key) as client:
        try:
            for _ in range(20):
                client.send(CHUNK)
            client.send(TERMINATE)
        except ConnectionClosed:
            pass
        return receive_rest(client), client.close_code


def test_it_says_where_it_is_and_who_came(tmp_path: Path) -> None:
    """The address first, so that a program can read it; then a line for message session."""
    with ServeProcess("--script", script(tmp_path)) as server:
        got, code = session(server)
        last_line = server.line()
        turns = [message for message in got if message["type"] == "Turn" and message["end_of_turn"]]

        assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/v3/ws", server.address)
        assert len(server.key) > 20
        assert re.fullmatch(r"capacity: \d+ sessions at once", server.capacity)
        assert server.key in server.example
        assert server.address in server.example
        assert "Ctrl-C" in server.hint
        assert 1000 == code
        assert ["Good morning.", "Goodbye."] == [turn["transcript"] for turn in turns]
        assert last_line.startswith(f"{got[0]['id']} · u3-rt-pro · 2.0 s of audio in ")
        assert last_line.endswith(" s · 2 turns · Session Ended (1000)")


@pytest.mark.parametrize("options", [(), ("--warn",)])
def test_what_is_not_applied_is_told(tmp_path: Path, options: tuple[str, ...]) -> None:
    """In the session's line and the log; to the client only as --warn says."""
    log = tmp_path / "engine.log"
    with ServeProcess("--script", script(tmp_path), "--log-file", log, *options) as server:
        with server.dial("prompt=Dates") as client:
            client.send(TERMINATE)
            kinds = [message["type"] for message in receive_rest(client)]
        line = server.line()

        assert ["Begin", *["Warning" for _ in options], "Termination"] == [
            kind for kind in kinds if kind != "Turn"
        ]
        assert " · not applied: prompt · Session Ended (1000)" in line
        assert "'prompt' is not supported: the recogniser ignores prompts" in log.read_text()


def test_only_its_key_is_let_in(tmp_path: Path) -> None:
    """Any other is refused, and the refusal is printed."""
    with ServeProcess("--script", script(tmp_path)) as server:
        got, code = session(server, "wrong")

        assert [("Error", 1008)] == [(message["type"], message["error_code"]) for message in got]
        assert 1008 == code
        assert server.line().endswith(" · Unauthorized Connection: Invalid API key (1008)")


def test_an_open_house_lets_any_key_in(tmp_path: Path) -> None:
    """And says so; nothing is to be copied."""
    with ServeProcess("--open", "--script", script(tmp_path)) as server:
        _, code = session(server, "whatever")

        assert "any" == server.key
        assert "ASSEMBLYAI_API_KEY" not in server.example
        assert 1000 == code


def test_one_too_many_is_refused_with_the_chosen_code(tmp_path: Path) -> None:
    """--busy-code chooses it."""
    limits = ("--sessions", "1", "--busy-code", "3009", "--script", script(tmp_path))
    with ServeProcess(*limits) as server, server.dial() as first:
        assert "Begin" == json.loads(first.recv(LONG_ENOUGH))["type"]
        _, code = session(server)

        assert "capacity: 1 session at once" == server.capacity
        assert 3009 == code


def test_too_many_within_a_minute_are_refused(tmp_path: Path) -> None:
    """However short they were."""
    with ServeProcess("--start-rate", "2", "--script", script(tmp_path)) as server:
        assert [1000, 1000, 1008] == [session(server)[1] for _ in range(3)]


def test_a_run_against_a_perfect_script(tmp_path: Path) -> None:
    """The other half of the program hears what the script says."""
    recording = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.5))
    with ServeProcess("--script", script(tmp_path)) as server:
        key = tmp_path / "key"
        key.write_text(server.key)
        where = ("--endpoint", server.address, "--api-key-file", key, "--out", tmp_path / "run")
        result = run_cli("run", "--json", *where, recording)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    turns = [message for message in events if message["type"] == "turn" and message["end_of_turn"]]

    assert 0 == result.returncode, result.stderr
    assert "done" == events[-1]["outcome"]
    assert [("Good", 100, 300), ("morning.", 300, 700), ("Goodbye.", 900, 1200)] == [
        (word["text"], word["start"], word["end"]) for turn in turns for word in turn["words"]
    ]


FAULTS = {
    'what = "busy"\ncode = 3009': Outcome.BUSY,
    'what = "busy"\ncode = 1008': Outcome.BUSY,
    'what = "refuse"': Outcome.UNAUTHORISED,
    'what = "error"\nafter = 0.3': Outcome.LOST,
    'what = "error_without_close"\nafter = 0.3': Outcome.LOST,
    'what = "close_without_error"\nafter = 0.3': Outcome.LOST,
    'what = "cut"\nafter = 0.3': Outcome.LOST,
    'what = "reset"\nafter = 0.3': Outcome.LOST,
    'what = "termination_without_close"': Outcome.DONE,
    'what = "unknown_type"\nafter = 0.3': Outcome.DONE,
    'what = "garbage"\nafter = 0.3': Outcome.DONE,
    'what = "duplicate_final"\nafter = "begin"': Outcome.DONE,
    'what = "extra_empty_final"\nafter = "terminate"': Outcome.DONE,
}


@pytest.mark.parametrize(
    ("faults", "patience"),
    [
        (FAULTS, Timeouts()),
        ({'what = "no_begin"': Outcome.UNREACHABLE}, Timeouts(begin_s=0.5)),
        (
            {
                'what = "silence"\nafter = 0.3': Outcome.LOST,
                'what = "no_termination"': Outcome.LOST,
            },
            Timeouts(next_message_s=0.5),
        ),
    ],
)
@pytest.mark.slow
def test_every_fault_has_the_outcome_that_it_should(
    tmp_path: Path, faults: dict[str, Outcome], patience: Timeouts
) -> None:
    """Real session processes against one session of message kind; a refused one retries. One is
    accepted before a refused one, which would hold the others."""
    recording = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.5))
    refuses = Outcome.UNAUTHORISED in faults.values()
    day = "[[session]]\n" if refuses else ""
    day += "".join(f"[[session]]\n[[session.fault]]\n{fault}\n" for fault in faults)
    with (
        ServeProcess("--open", "--script", script(tmp_path, day)) as server,
        run_supervisor(
            server.address,
            tmp_path / "run",
            sessions=len(faults),
            starts=AcceleratedStartRate(),
            timeouts=patience,
        ) as observed,
    ):
        observed.supervisor.add([recording] if refuses else [])
        observed.wait_until_idle()
        observed.supervisor.add([recording] * len(faults))
        observed.wait_until_idle()
    endings = [report.event for report in observed.reports if isinstance(report.event, Ended)]
    expected = Counter(faults.values())
    expected[Outcome.DONE] += refuses + expected[Outcome.BUSY]

    assert +expected == Counter(ended.outcome for ended in endings)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """Clients get a close; no process is left, nothing looks like a failure."""
    with ServeProcess("--script", script(tmp_path)) as server, server.dial() as client:
        assert "Begin" == json.loads(client.recv(LONG_ENOUGH))["type"]
        client.send(CHUNK)
        family = psutil.Process(server.process.pid).children(recursive=True)
        server.process.send_signal(number)
        receive_rest(client)
        out, errors = server.process.communicate(timeout=LONG_ENOUGH)
        _, alive = psutil.wait_procs(family, timeout=LONG_ENOUGH)

    assert 0 == server.process.returncode
    assert 1001 == client.close_code
    assert "(1001)" in out
    assert "" == errors
    assert [] == alive


@pytest.mark.engine
def test_the_real_engine_is_served_and_ends_with_all_its_processes() -> None:
    """Without a script; its recognisers are gone when it is."""
    with ServeProcess("--sessions", "1") as server, server.dial() as client:
        assert "Begin" == json.loads(client.recv(LONG_ENOUGH))["type"]
        family = psutil.Process(server.process.pid).children(recursive=True)
        code, _, errors = server.end(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=LONG_ENOUGH)

    assert family
    assert (0, "", []) == (code, errors, alive)


def test_nobody_reading_its_lines_is_no_reason_to_end(tmp_path: Path) -> None:
    """As with ``| head -1``: clients are served on."""
    with ServeProcess("--script", script(tmp_path)) as server:
        assert server.process.stdout is not None
        server.process.stdout.close()
        codes = [session(server)[1] for _ in range(2)]
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stderr is not None
        errors = server.process.stderr.read()
        server.process.wait(LONG_ENOUGH)

        assert [1000, 1000] == codes
        assert (0, "") == (server.process.returncode, errors)


@pytest.mark.parametrize(
    ("arguments", "text", "code", "words"),
    [
        ([], "[[session]]\nturns = 1", 2, "day.toml, session 1: unknown key “turns”"),
        ([], "[[session", 2, "day.toml is not TOML"),
        (["--port", "70000"], "[[session]]", 2, "from 0 to 65,535"),
        (["--busy-code", "1000"], "[[session]]", 2, "'1008', '3009'"),
    ],
)
def test_a_mistake_gets_a_sentence(
    tmp_path: Path, arguments: list[str], text: str, code: int, words: str
) -> None:
    """Before anything is served."""
    arguments = ["serve", *arguments, "--script", str(script(tmp_path, text))]
    result = CliRunner().invoke(paceline, arguments)

    assert isinstance(result.exception, SystemExit), result.exception
    assert code == result.exit_code
    assert words in result.stderr
    assert "" == result.stdout


def test_a_port_that_is_taken_gets_a_sentence(tmp_path: Path) -> None:
    """In a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_cli("serve", "--port", str(port), "--script", script(tmp_path))

    assert 1 == result.returncode
    assert f"paceline: port {port} of this machine is not available" in result.stderr
    assert "Traceback" not in result.stderr


def run_without_package(package: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """The program on a machine where this package is not installed."""
    code = f"import sys; sys.modules[{package!r}] = None; from tui.cli.registry import paceline; "
    code += f"paceline({['serve', *map(str, arguments)]!r})"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    """With how to install it."""
    with run_without_package("websockets", "--script", script(tmp_path)) as program:
        _, errors = program.communicate(timeout=LONG_ENOUGH)

    assert 1 == program.returncode
    assert "(websockets missing). Install it with: pip install 'paceline[local]'" in errors


def test_a_script_needs_no_recogniser(tmp_path: Path) -> None:
    """It is served where speech cannot be recognised."""
    with run_without_package("moonshine_voice", "--script", script(tmp_path)) as program:
        assert program.stdout is not None
        address = program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=LONG_ENOUGH)

    assert address.startswith("ws://")
    assert 0 == program.returncode
