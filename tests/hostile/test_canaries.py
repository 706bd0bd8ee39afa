"""Secrets planted where they are used, with servers and proxies that repeat them in every form.

Everything that the program wrote meanwhile is searched: the run folder, logs, state, output and
the screen; and so is what others can see of its processes.
"""

import base64
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from tests.engine.cli.test_program import ROOT, cli_command
from tests.engine.cli.test_secrets import OWN_SETTINGS
from tests.engine.support.key_echo_server import REDIRECT_PATH, KeyEchoServer
from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.terminal.test_guard import ANSWERS
from tests.support import audio_files
from tests.support.encodings import ENCODINGS
from workers.secrecy import MIN_KEY_CHARS, REDACTED

KEY = "9f86d081884c7d659a2feaa0c55ad015"
PASSWORD = "pr0xyPassw0rdThatIsLong"
LOGIN = "rem0tePassw0rdThatIsLong"
SIGNATURE = "5ignatureOfAnUrlThatIsLong"
CREDENTIAL = "wJalrXUtnFEMIK7MDENGbPxRfiCYcredential"
SECRETS = (KEY, PASSWORD, LOGIN, SIGNATURE, CREDENTIAL)


PARTIAL = {"its beginning", "its end", "masked in the middle"}
"""What is left of a secret in these may be too little to be removed."""


def forms(secret: str) -> Iterator[bytes]:
    """What must be nowhere: the secret in each form, also as JSON writes it, and long parts."""
    for name, encode in ENCODINGS.items():
        if name in PARTIAL:
            continue
        text = encode(secret)
        yield text.lower().encode()
        yield json.dumps(text)[1:-1].lower().encode()
        yield json.dumps(text, ensure_ascii=False)[1:-1].lower().encode()
    for start in range(len(secret) - MIN_KEY_CHARS + 1):
        yield secret[start : start + MIN_KEY_CHARS].lower().encode()


FORMS = {form for secret in SECRETS for form in forms(secret)}


def leaks(data: bytes) -> list[bytes]:
    """The forms of secrets in what was written."""
    lowered = data.lower()
    return [form for form in FORMS if form in lowered]


def leaks_below(*folders: Path) -> list[tuple[Path, list[bytes]]]:
    """The files below folders that hold a secret, also in their names."""
    files = [path for folder in folders for path in folder.rglob("*")]
    found = [
        (path, leaks(os.fsencode(path.name) + (path.read_bytes() if path.is_file() else b"")))
        for path in files
    ]
    assert files
    return [(path, forms) for path, forms in found if forms]


class Onlooker:
    """Looks at what others can see of a program's processes, as often as it is asked."""

    def __init__(self) -> None:
        self.seen: dict[int, bytes] = {}
        """By process: its arguments and environment; not the environment that the user made."""
        self.core_limits: set[tuple[int, int]] = set()

    def look(self, program: psutil.Process) -> None:
        with suppress(psutil.Error):
            own, processes = program.cmdline(), [program, *program.children(recursive=True)]
            for process in processes:
                with suppress(psutil.Error, OSError):  # it has just ended
                    # Between fork and exec, a child is a copy of the program.
                    is_program = process == program or process.cmdline() == own
                    files = ["cmdline"] if is_program else ["cmdline", "environ"]
                    seen = b"".join(
                        Path(f"/proc/{process.pid}/{file}").read_bytes() for file in files
                    )
                    self.seen[process.pid] = self.seen.get(process.pid, b"") + seen
                    if not is_program:  # it may not have set its limit yet
                        self.core_limits.add(process.rlimit(psutil.RLIMIT_CORE))

    def assert_saw_nothing(self) -> None:
        assert len(self.seen) > 3
        assert {data[:300] for data in self.seen.values() if leaks(data)} == set()
        assert {(0, 0)} == self.core_limits


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Secrets where people keep them, and a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    secrets = {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "ASSEMBLYAI_API_KEY": KEY,
        "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
        "https_proxy": f"http://user:{PASSWORD}@127.0.0.1:9",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **secrets}


def write_recordings(folder: Path, count: int) -> Path:
    folder.mkdir()
    samples = audio_files.distinct_samples(0.2)
    for number in range(count):
        audio_files.write_recording(folder / f"{number}.wav", samples)
    return folder


def test_a_key_that_is_repeated_in_every_form_is_written_nowhere(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """In every place of a handshake and a session; what is written has a mark instead."""
    onlooker = Onlooker()

    def look(visitors: int) -> None:
        if visitors % 10 == 0:
            onlooker.look(psutil.Process(program.pid))

    run = tmp_path / "run"
    with KeyEchoServer(look, list(ENCODINGS.values())) as parrot:
        files = write_recordings(tmp_path / "files", parrot.fault_count)
        options = [
            "--json",
            "--sessions",
            "40",
            "--attempts",
            "2",
            *OWN_SETTINGS,
            "--log-level",
            "debug",
        ]
        with subprocess.Popen(
            cli_command("run", *options, "--endpoint", parrot.url, "--out", run, files),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**environment, "MALLOC_ARENA_MAX": "1"},
        ) as program:
            out, errors = program.communicate(timeout=240)
    print(f"{parrot.fault_count} places")

    assert parrot.all_faults_served
    assert {KEY} == {request.headers["Authorization"] for request in parrot.requests}
    assert [] == [one.path for one in parrot.requests if REDIRECT_PATH in one.path]
    assert [] == leaks(out + errors)
    assert [] == leaks_below(tmp_path)
    assert REDACTED in out.decode()
    onlooker.assert_saw_nothing()


@pytest.mark.parametrize("verb", ["desk", "resume"])
def test_a_screen_shows_no_key(tmp_path: Path, environment: dict[str, str], verb: str) -> None:
    """Neither in the table, nor in the words, the messages and the details of a session."""
    onlooker, run = Onlooker(), tmp_path / "run"
    encodings = list(ENCODINGS.values())[:12]
    with KeyEchoServer(lambda visitors: None, encodings) as parrot:
        files = write_recordings(tmp_path / "files", 30)
        options = ["--sessions", "10", "--attempts", "2", "--log-level", "debug", *OWN_SETTINGS]
        command: list[str | Path] = [
            "desk",
            *options,
            "--endpoint",
            parrot.url,
            "--out",
            run,
            files,
        ]
        if verb == "resume":
            command = ["run", *options, "--endpoint", parrot.url, "--out", run, files]
        with PseudoTerminal(*command) as terminal:
            terminal.wait_until(lambda: len(parrot.requests) >= 20)
            onlooker.look(terminal.program)
            terminal.processes += terminal.program.children(recursive=True)
            if verb == "resume":
                terminal.wait_until_gone()
            for key in (b"\r", b"2", b"3", b"4", b"\x1b", b"w", b"\x1b", b"!", b"\x1b", b"j", b"j"):
                if verb == "desk":
                    terminal.send_keys(key)
                    with suppress(AssertionError):
                        terminal.wait_until(after(0.3))
                    onlooker.look(terminal.program)
            if verb == "desk":
                terminal.send_keys(b"\x03")
                terminal.send_keys(b"\x03")
                terminal.wait_until_gone()
            output = terminal.output
        if verb == "resume":
            again = subprocess.run(
                cli_command("resume", "--endpoint", parrot.url, run),
                capture_output=True,
                cwd=ROOT,
                env=environment,
                timeout=120,
            )
            output += again.stdout + again.stderr

    assert [] == leaks(output)
    assert [] == leaks_below(tmp_path)
    onlooker.assert_saw_nothing()


def after(seconds: float) -> Callable[[], bool]:
    """A condition that holds after a while, so that a terminal is read until then."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


# --- proxies


class LyingProxy(BaseHTTPRequestHandler):
    """Refuses every request, and repeats what it was sent with it, in one form after the other."""

    protocol_version = "HTTP/1.1"
    form = 0

    def do_CONNECT(self) -> None:
        self.refuse()

    def do_GET(self) -> None:
        self.refuse()

    def refuse(self) -> None:
        encode = list(ENCODINGS.values())[LyingProxy.form % len(ENCODINGS)]
        LyingProxy.form += 1
        header = self.headers.get("Proxy-Authorization") or ""
        login = base64.b64decode(header.partition(" ")[2] or b"").decode()
        said = encode(login.partition(":")[2] or "nothing").encode("latin-1", "replace")
        reason = said.replace(b"\r", b" ").replace(b"\n", b" ").replace(b"\0", b"")
        status = (502, 403, 302)[LyingProxy.form % 3]
        self.wfile.write(
            b"HTTP/1.1 %d %b\r\nX-Said: %b\r\nLocation: http://%b/\r\nContent-Length: %d\r\n\r\n%b"
            % (status, reason, reason, reason, len(said), said)
        )
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""


@contextmanager
def web_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("are_alike", [False, True])
def test_a_proxy_that_repeats_its_password_is_not_quoted(
    are_alike: bool, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Sessions and downloads reach it with the password, which children do not see. If all
    sessions are alike, the first refusal holds the others."""
    onlooker, run = Onlooker(), tmp_path / "run"
    LyingProxy.form = 0
    with web_server(LyingProxy) as port:
        proxy = f"http://user:{PASSWORD}@127.0.0.1:{port}"
        environment |= {"http_proxy": proxy, "https_proxy": proxy, "HTTPS_PROXY": proxy}
        files = write_recordings(tmp_path / "files", len(ENCODINGS))
        manifest = tmp_path / "parameters.csv"
        rows = [f"files/{number}.wav,{number}\n" for number in range(len(ENCODINGS))]
        manifest.write_text("".join(["file,param.keyterms_prompt\n", *rows]))
        options = ("--attempts", "1", "--log-level", "debug", "--out", run, "--start-rate", "600")
        with subprocess.Popen(
            cli_command(
                *("run", *options, "--endpoint", "wss://streaming.invalid/v3/ws"),
                *(
                    files if are_alike else manifest,
                    "http://recordings.invalid/a.wav",
                    "http://recordings.invalid/b.wav",
                ),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
        ) as program:
            while program.poll() is None:
                onlooker.look(psutil.Process(program.pid))
                with suppress(subprocess.TimeoutExpired):
                    program.wait(0.2)
            out = program.stdout.read()
    print(f"{LyingProxy.form} answers")

    assert LyingProxy.form >= (1 if are_alike else len(ENCODINGS))
    assert [] == leaks(out)
    assert [] == leaks_below(tmp_path)
    onlooker.assert_saw_nothing()


# --- downloads


class LyingWebServer(BaseHTTPRequestHandler):
    """Repeats login and query of a request in its headers, and then delivers a recording."""

    protocol_version = "HTTP/1.1"
    data = b""
    form = 0

    def do_GET(self) -> None:
        encode = list(ENCODINGS.values())[LyingWebServer.form % len(ENCODINGS)]
        LyingWebServer.form += 1
        login = base64.b64decode((self.headers.get("Authorization") or "").partition(" ")[2] or b"")
        said = encode(login.decode().partition(":")[2] + "/" + SIGNATURE)
        text = said.encode("latin-1", "replace").replace(b"\r\n", b" ").replace(b"\n", b" ")
        text = text.replace(b"\0", b"")
        status = 404 if "missing" in self.path else 200
        data = text if status == 404 else LyingWebServer.data
        self.wfile.write(
            b"HTTP/1.1 %d %b\r\nETag: %b\r\nLast-Modified: %b\r\nContent-Type: %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (status, text, text, text, text, len(data), data)
        )
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""


def test_a_web_server_that_repeats_a_login_is_not_quoted(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Neither the password nor a signature of a URL is in the spool's notes, or in a message."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    LyingWebServer.data, LyingWebServer.form = Path(path).read_bytes(), 0
    run, manifest = tmp_path / "run", tmp_path.parent / f"{tmp_path.name}-manifest.csv"
    with web_server(LyingWebServer) as port, ScriptedServer() as endpoint:
        urls = [
            f"http://user:{LOGIN}@127.0.0.1:{port}/{name}{number}.wav?X-Signature={SIGNATURE}"
            for number in range(len(ENCODINGS))
            for name in ("a", "missing")
        ]
        manifest.write_text("file\n" + "\n".join(urls))
        ended = subprocess.run(
            cli_command(
                *("run", "--json", "--remote", "--sessions", "20", "--log-level", "debug"),
                *("--endpoint", endpoint.url, "--out", run, manifest),
            ),
            capture_output=True,
            cwd=ROOT,
            env=environment,
            timeout=240,
        )
    print(f"{LyingWebServer.form} answers")

    assert 2 * len(ENCODINGS) <= LyingWebServer.form
    assert [] == leaks(ended.stdout + ended.stderr)
    assert [] == leaks_below(run, tmp_path / "home")


# --- processes of all commands


def watch(command: list[str], environment: dict[str, str], onlooker: Onlooker, stop: bytes) -> None:
    """Runs a command and looks at its processes all the time; ends it when it says ``stop``."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=environment,
    ) as program:
        said: list[bytes] = []
        assert program.stdout is not None
        lines = program.stdout
        reader = threading.Thread(target=lambda: said.extend(iter(lines.readline, b"")))
        reader.start()
        while program.poll() is None:
            onlooker.look(psutil.Process(program.pid))
            time.sleep(0.02)
            if stop and stop in b"".join(said):
                time.sleep(0.5)
                onlooker.look(psutil.Process(program.pid))
                program.terminate()
                stop = b""
        reader.join()
    assert [] == [line for line in said if KEY.encode() in line]


def test_no_process_of_any_command_shows_a_secret(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Probers, scorers, servers, recognisers and the guard of the terminal."""
    onlooker, run = Onlooker(), tmp_path / "run"
    files = write_recordings(tmp_path / "files", 30)
    for number in range(30):
        (files / f"{number}.txt").write_text("hello world")
    with ScriptedServer() as endpoint:
        options = ("--endpoint", endpoint.url, "--sessions", "30", "--out", run)
        watch(cli_command("run", *options, files), environment, onlooker, b"")
    for command in (("check", files), ("score", run), ("report", run), ("compare", run, run)):
        watch(cli_command(*command), environment, onlooker, b"")
    watch(cli_command("serve"), environment, onlooker, b"Ctrl-C")
    local = ("run", "--local", "--out", tmp_path / "local", files / "0.wav")
    watch(cli_command(*local), environment, onlooker, b"")
    with PseudoTerminal("view", run) as terminal:
        terminal.wait_for_output(b"\x1b[?2048$p")
        terminal.send_keys(ANSWERS)
        for keys in (b"\r", b"5", b"D", b"L", b"\x1b"):
            terminal.send_keys(keys)
            with suppress(AssertionError):
                terminal.wait_until(after(0.4))
            onlooker.look(terminal.program)
        terminal.send_keys(b"\x03")
        terminal.wait_until(lambda: terminal.program.poll() is not None)
    print(f"{len(onlooker.seen)} processes")

    assert len(onlooker.seen) > 40
    assert [] == leaks_below(tmp_path)
    onlooker.assert_saw_nothing()
