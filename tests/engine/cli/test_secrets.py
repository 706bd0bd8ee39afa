"""The key, and the embedded engine's token, are where they must be and nowhere else."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.engine.cli.test_program import ROOT, cli_command, run_cli
from tests.engine.cli.test_serve import ServeProcess, script, session
from tests.engine.support.key_echo_server import REDIRECT_PATH, KeyEchoServer
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.stub_recogniser import install_stub_recogniser
from tests.engine.support.supervisor_harness import LONG_ENOUGH, run_supervisor
from tests.support import audio_files
from tests.support.encodings import ENCODINGS
from tests.support.keyring_backends import FileKeyring
from workers.jobs.events import Began, Ended, Outcome
from workers.localserver.child import LocalServer
from workers.secrecy import REDACTED

KEY = "n0b0dyMayEverReadThis9876543210"
CREDENTIAL = "wJalrXUtnFEMIK7MDENGbPxRfiCYcredential"
FILES = 100

OWN_SETTINGS = ("--chunk-ms", "100", "--matrix", "chunk_ms=50")
"""Gives each job settings of its own, so that one refused session does not hold the others."""

FORMS = [ENCODINGS[name] for name in ("as it is", "JSON escapes", "percent twice", "a login")]
"""How the key is repeated."""


def visible(program: psutil.Process) -> dict[int, str]:
    """What others can read of a program's processes, by their ids: arguments, and environments.

    Not the environment of the first, which the user made.
    """
    seen = {program.pid: repr(program.cmdline())}
    for child in program.children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            seen[child.pid] = repr((child.cmdline(), child.environ()))
    return seen


def holding(folder: Path, secret: str) -> list[Path]:
    """The files under a folder that hold a secret, also in their names."""
    return [
        path
        for path in folder.rglob("*")
        if secret in path.name or (path.is_file() and secret.encode() in path.read_bytes())
    ]


@pytest.mark.slow
def test_a_run_keeps_its_key_to_itself(tmp_path: Path) -> None:
    """A hundred sessions, some of them with a server that repeats the key wherever it can, as it
    is, escaped and encoded; tests/hostile has all forms.

    In the end it stands in no output and no file. Meanwhile it stood in nobody's arguments, and in
    no environment but the one that the user made; and only who was to get it got it.
    """
    files = tmp_path / "files"
    files.mkdir()
    for number in range(FILES):
        audio_files.write_recording(files / f"{number}.wav", audio_files.distinct_samples(0.2))
    seen: dict[int, str] = {}
    core_limits: set[tuple[int, int]] = set()

    def look(visitors: int) -> None:
        if visitors % 10 == 0:
            process = psutil.Process(program.pid)
            seen.update(visible(process))
            core_limits.add(process.rlimit(psutil.RLIMIT_CORE))

    options = ["--json", "--sessions", "50", *OWN_SETTINGS, "--out", str(tmp_path / "run")]
    with (
        KeyEchoServer(look, FORMS) as parrot,
        subprocess.Popen(
            cli_command("run", *options, "--endpoint", parrot.url, files),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            # One arena: that of a thread is memory that a limit comes too late for.
            env={
                **os.environ,
                "ASSEMBLYAI_API_KEY": KEY,
                "MALLOC_ARENA_MAX": "1",
                "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
                "https_proxy": f"http://user:{CREDENTIAL}@127.0.0.1:9",
            },
        ) as program,
    ):
        out, errors = program.communicate(timeout=2 * LONG_ENOUGH)
    logs = [log.read_text() for log in (tmp_path / "run").glob("*.log")]

    assert parrot.all_faults_served
    assert {request.headers["Authorization"] for request in parrot.requests} == {KEY}
    assert not [request.path for request in parrot.requests if REDIRECT_PATH in request.path]
    assert len(seen) >= FILES / 10
    assert not [text for text in seen.values() if KEY in text or CREDENTIAL in text]
    assert {(0, 0)} == core_limits
    for repeated in (KEY, *(encode(KEY) for encode in FORMS)):
        assert repeated not in out + errors
        assert json.dumps(repeated)[1:-1] not in out + errors
        assert holding(tmp_path, repeated) == holding(Path(os.environ["HOME"]), repeated) == []
    assert REDACTED in out
    assert [log for log in logs if "MemoryError" in log]


def test_a_key_comes_out_of_the_keyring(tmp_path: Path) -> None:
    """Where keyring's own command has put it; it wins over the environment, and appears nowhere."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    keyring = {
        "PYTHON_KEYRING_BACKEND": f"{FileKeyring.__module__}.{FileKeyring.__name__}",
        "KEYRING_PROPERTY_FILE": str(tmp_path / "keyring.json"),
        "ASSEMBLYAI_API_KEY": "another-key",
    }
    stored = subprocess.run(
        [sys.executable, "-m", "keyring", "set", "paceline", "ASSEMBLYAI_API_KEY"],
        input=KEY,
        text=True,
        cwd=ROOT,
        env={**os.environ, **keyring},
        timeout=LONG_ENOUGH,
    )
    with ScriptedServer() as endpoint:
        options = ("--endpoint", endpoint.url, "--out", tmp_path / "run")
        result = run_cli("run", "--json", "--keyring", *options, path, **keyring)

    assert (0, 0) == (stored.returncode, result.returncode), result.stderr
    assert KEY == endpoint.received_sessions[0].headers["Authorization"]
    assert KEY not in result.stdout + result.stderr
    assert holding(tmp_path, KEY) == [tmp_path / "keyring.json"]


def test_no_proxy_comes_between_on_this_machine(tmp_path: Path) -> None:
    """One that the environment names for the world outside would get the key in the open."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    with ScriptedServer() as endpoint, socket.create_server(("127.0.0.1", 0)) as proxy:
        address = "http://{}:{}".format(*proxy.getsockname())
        options = ("--endpoint", endpoint.url, "--out", tmp_path / "run")
        result = run_cli(
            "run",
            *options,
            path,
            ASSEMBLYAI_API_KEY=KEY,
            http_proxy=address,
            no_proxy="",
            NO_PROXY="",
        )
        called, _, _ = select.select([proxy], [], [], 0)

    assert [] == called
    assert 0 == result.returncode, result.stderr


# --- the embedded engine


@pytest.mark.engine
def test_the_engines_token_is_known_to_its_sessions_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in no file, and in nobody's arguments or environment; each engine has its own."""
    install_stub_recogniser(tmp_path, monkeypatch)
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1.0))
    log = tmp_path / "engine.log"
    another = LocalServer(log)
    with LocalServer(log) as server:
        address = server.wait_for_address(LONG_ENOUGH)
        with run_supervisor(address, tmp_path / "run", key=server.api_key) as observed:
            observed.supervisor.add([path])
            observed.wait_for_event(Began)
            seen = visible(psutil.Process())
            observed.wait_until_idle()
        with run_supervisor(address, tmp_path / "wrong", key=another.api_key) as refused:
            refused.supervisor.add([path])
            refused.wait_until_idle()

    assert [Outcome.DONE] == [
        end.outcome for end in observed.events_of(Ended) if isinstance(end, Ended)
    ]
    assert [Outcome.UNAUTHORISED] == [
        end.outcome for end in refused.events_of(Ended) if isinstance(end, Ended)
    ]
    for token in (server.api_key, another.api_key):
        assert len(token) >= 43
        assert not [text for text in seen.values() if token in text]
        assert token not in repr(observed.reports + refused.reports)
        assert [] == holding(tmp_path, token)


MALFORMED = (
    "GET /v3/ws?token={key} HTTP/1.0\r\nHost: localhost\r\n\r\n",
    "POST /v3/ws?token={key} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /v3/ws?token= {key} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /v3/ws HTTP/1.1\r\nHost: localhost\r\nAuthorization {key}\r\n\r\n",
    "GET /v3/ws HTTP/1.1\r\nHost: localhost\r\nAuthorization: {key}\0\r\n\r\n",
)


def test_a_served_key_is_told_where_it_is_asked_for_and_nowhere_else(tmp_path: Path) -> None:
    """On stdout, once it is up. Whatever clients do with it, no line is written that holds it."""
    with ServeProcess("--script", script(tmp_path)) as server:
        where = urlsplit(server.address)
        assert where.hostname is not None
        assert where.port is not None
        for request in MALFORMED:
            with socket.create_connection((where.hostname, where.port), LONG_ENOUGH) as client:
                client.sendall(request.format(key=server.key).encode())
                while client.recv(65_536):
                    pass
        good, bad = session(server), session(server, f"Bearer {server.key}")
        seen = visible(psutil.Process(server.process.pid))
        _, out, errors = server.end(signal.SIGINT)

    assert (1000, 1008) == (good[1], bad[1])
    assert server.key not in json.dumps([good, bad])
    assert server.key not in out + errors
    assert not [text for text in seen.values() if server.key in text]
