"""``paceline web`` without a browser: who is let in, one viewer, one desk, no path outside."""

import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.engine.cli.test_program import ROOT, SAMPLES, cli_command, run_cli
from tests.engine.support.supervisor_harness import LONG_ENOUGH

pytest.importorskip("textual_serve")


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


class WebDesk:
    """``paceline web`` over the samples; leaving it ends it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self.run_folder = free_port(), folder / "run"
        self.process = subprocess.Popen(
            cli_command(
                *("web", "--local", "--port", str(self.port), "--out", str(self.run_folder)),
                *options,
                str(SAMPLES / "recordings"),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().removeprefix("Open ").strip()
        self.token = self.url.partition("#token=")[2]
        self.cookie = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> str:
        """Ends it as Ctrl-C does; returns what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=2 * LONG_ENOUGH)[0]

    def desk_pids(self) -> list[int]:
        """The desks below the server."""
        children = psutil.Process(self.process.pid).children()
        return [child.pid for child in children if "web-desk" in child.cmdline()]

    def answer(self, path: str, data: bytes | None = None, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data)
        for name, value in {"Cookie": self.cookie, **headers}.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=LONG_ENOUGH) as answer:
                self.cookie = (answer.headers["Set-Cookie"] or self.cookie).partition(";")[0]
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def enter(self) -> None:
        assert self.answer("/enter", self.token.encode(), Origin=self.origin)[0] == 200

    def view(self, origin: str | None = None) -> ClientConnection:
        address = f"ws://127.0.0.1:{self.port}/ws?width=120&height=34"
        return connect(
            address,
            origin=Origin(origin or self.origin),
            additional_headers={"Cookie": self.cookie},
        )


def drawn(viewer: ClientConnection, words: str) -> str:
    """What a viewer gets until it contains these words."""
    text, deadline = "", time.monotonic() + LONG_ENOUGH
    while words not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text):
        assert time.monotonic() < deadline, text[-2000:]
        data = viewer.recv(LONG_ENOUGH)
        text += data.decode("utf-8", "replace") if isinstance(data, bytes) else ""
    return text


@pytest.mark.slow
def test_one_viewer_with_the_token_sees_one_desk(tmp_path: Path) -> None:
    """Others are refused with a sentence; a viewer who comes back finds the same desk; its paths
    are those that were named; Ctrl-C ends the sessions and says how to continue."""
    with WebDesk(tmp_path) as desk:
        assert "needs its token" in desk.answer("/")[1]
        assert desk.answer("/files")[0] == 403
        assert desk.answer("/enter", b"wrong", Origin=desk.origin)[0] == 403
        assert desk.answer("/enter", desk.token.encode(), Origin="http://evil.test")[0] == 403
        assert desk.answer("/", Host=f"evil.test:{desk.port}")[0] == 403
        with pytest.raises(InvalidStatus):
            desk.view()
        desk.enter()
        with pytest.raises(InvalidStatus):
            desk.view("http://evil.test")
        with desk.view() as viewer:
            drawn(viewer, "station")
            assert "one viewer at a time" in desk.answer("/")[1]
            with pytest.raises(InvalidStatus, match="409"):
                desk.view()
            desks = desk.desk_pids()
            assert desk.token not in " ".join(psutil.Process(desks[0]).cmdline())
        with desk.view() as viewer:
            drawn(viewer, "station")
            viewer.send('["stdin", "a"]')
            drawn(viewer, "Add recordings")
            viewer.send('["stdin", "/etc/hosts\\r"]')
            drawn(viewer, "outside the folders")
        assert desk.desk_pids() == desks
        assert desk.answer("/files/../run.json")[0] == 404
        printed = desk.end()

    assert "paceline resume" in printed
    assert desk.token not in printed
    assert not any(
        desk.token.encode() in path.read_bytes()
        for path in desk.run_folder.rglob("*")
        if path.is_file()
    )


def test_no_desk_is_left_without_its_server(tmp_path: Path) -> None:
    """If the server is killed, the desk ends its sessions and itself."""
    with WebDesk(tmp_path) as desk:
        desk.enter()
        with desk.view() as viewer:
            drawn(viewer, "station")
            left = psutil.Process(desk.desk_pids()[0])
            desk.process.kill()
            left.wait(LONG_ENOUGH)


def test_other_machines_need_the_token_on_purpose() -> None:
    result = run_cli("web", "--host", "0.0.0.0", str(SAMPLES))

    assert result.returncode == 2
    assert "--token" in result.stderr
