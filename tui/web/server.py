"""The server of a desk in a browser: who may see it, and the one process that it shows.

textual-serve starts a process for each viewer. Here there is one for the run, so that nothing is
streamed twice: it starts with the first viewer, goes on without one, and one viewer at a time sees
it. The page, the scripts and the protocol of packets are textual-serve's.
"""

import asyncio
import html
import ipaddress
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlsplit

import textual_serve
from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from workers.protocol.endpoint import is_loopback
from workers.secrecy import public_environment

PAGES = Path(__file__).parent / "pages"
STATIC = Path(textual_serve.__file__).parent / "static"

RELOAD_WAIT_S = 2.0
"""How long a new viewer waits for the former one to leave: a page that is reloaded comes back
before its old connection is closed."""

MAX_SEND_S = 5.0
"""A viewer who takes nothing for so long is disconnected, so that the desk does not wait."""

END_WAIT_S = 60.0
"""How long the desk may take to end its sessions politely, before it is killed."""

MAX_SIDE_CELLS = 1000
"""The largest width or height of a terminal, in cells."""

TAKEN = (
    "Somebody is looking at this desk already, and only one viewer at a time can. Close the other "
    "tab or window, then reload this page. The run goes on meanwhile."
)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the server listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    def accepts(self, host: str) -> bool:
        """Whether a Host header may name this server. A foreign name that somebody has made to
        point here (DNS rebinding) may not: names other than the one that was given are refused."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self.port:
            return False
        if name in ("localhost", "127.0.0.1", "::1", self.host):
            return True
        return not self.is_loopback and _is_ip_address(name)


def _is_ip_address(name: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return False


class DeskProcess(AppService):  # type: ignore[misc, unused-ignore]  # it may not be installed
    """The process of the desk, and its viewer, if there is one."""

    def __init__(self, arguments: Sequence[str], hidden: Mapping[str, str]) -> None:
        """``arguments``: of ``paceline web-desk``. ``hidden``: variables of the environment that
        only the process itself may see; they reach it through a pipe."""
        super().__init__(
            "",
            write_bytes=self._show,
            write_str=self._drop,
            close=self._leave,
            download_manager=DownloadManager(),
        )
        self._arguments, self._hidden = arguments, hidden
        self.viewer: web.WebSocketResponse | None = None
        self.viewer_left = asyncio.Event()
        self.viewer_left.set()
        self.ended = asyncio.Event()
        self.exit_code: int | None = None
        self.run_folder: Path | None = None

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Starts the desk without a shell, in a session of its own: keys of the server's terminal
        do not reach it. Its environment has no secret."""
        drawing = {
            "TEXTUAL_DRIVER": "tui.web.browser_driver:BrowserDriver",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "TERM_PROGRAM": "textual",
            "TERM_PROGRAM_VERSION": version("textual-serve"),
            "PYTHONIOENCODING": "utf-8",
            "COLUMNS": str(width),
            "ROWS": str(height),
        }
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tui", "web-desk", *self._arguments),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={**public_environment(os.environ), **drawing},
            start_new_session=True,
        )
        assert process.stdin is not None
        self._stdin = process.stdin
        process.stdin.write(json.dumps(dict(self._hidden)).encode() + b"\n")
        return process

    async def run(self) -> None:
        """Passes on packets until the process has ended."""
        try:
            await super().run()
        finally:
            if self._process is not None:
                self.exit_code = await self._process.wait()
            self.ended.set()
            await self._leave()

    async def attach(self, viewer: web.WebSocketResponse, width: int, height: int) -> None:
        """Shows the desk to a viewer; starts it for the first one."""
        self.viewer = viewer
        self.viewer_left.clear()
        if self._process is None:
            await self.start(width, height)
        else:
            await self.send_meta({"type": "attach", "width": width, "height": height})

    def detach(self) -> None:
        self.viewer = None
        self.viewer_left.set()

    async def end(self) -> None:
        """Ends the desk and its sessions politely."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended.wait(), END_WAIT_S)
        except TimeoutError:
            self._process.kill()

    async def _show(self, data: bytes) -> None:
        viewer = self.viewer
        if viewer is None or viewer.closed:
            return  # drawn again for the next one
        try:
            await asyncio.wait_for(viewer.send_bytes(data), MAX_SEND_S)
        except (TimeoutError, ConnectionError):
            self.detach()

    async def _drop(self, text: str) -> None:
        """Takes no command for the browser, such as to open an address."""

    async def _leave(self) -> None:
        if self.viewer is not None and not self.viewer.closed:
            await self.viewer.close()

    async def on_meta(self, data: bytes) -> None:
        fields = json.loads(data)
        if fields.get("type") == "run_folder":
            self.run_folder = Path(fields["path"])
        elif fields.get("type") == "exit":
            await self._leave()


class WebServer:
    """Answers browsers. ``token`` lets a browser in, which then has a cookie."""

    def __init__(self, address: ListenAddress, desk: DeskProcess, token: str) -> None:
        self._address, self._desk, self._token = address, desk, token
        self._cookie_name = f"paceline_{address.port}"
        self._cookie = secrets.token_urlsafe(32)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=4096)
        app.add_routes(
            [
                web.get("/", self._page),
                web.post("/enter", self._enter),
                web.get("/ws", self._websocket),
                web.get("/files", self._list_files),
                web.get("/files/{name:.+}", self._send_file),
                web.static("/static", STATIC),
            ]
        )
        return app

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Refuses foreign hosts, foreign pages and browsers without the cookie."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if not self._address.accepts(host):
            return _sentence(403, "This name is not the one of this desk.")
        needs_origin = request.path in ("/ws", "/enter")
        # A proxy that adds encryption keeps Host, but the browser's origin is then https.
        own = (f"http://{host}", f"https://{host}")
        if (origin is not None or needs_origin) and origin not in own:
            return _sentence(403, "Another page may not use this desk.")
        if request.path not in ("/", "/enter") and not self._is_known(request):
            return _sentence(403, "This desk needs its token.")
        response = await handler(request)
        if not response.prepared:
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["X-Frame-Options"] = "DENY"
        return response

    def _is_known(self, request: web.Request) -> bool:
        cookie = request.cookies.get(self._cookie_name, "")
        return secrets.compare_digest(cookie.encode(), self._cookie.encode())

    async def _enter(self, request: web.Request) -> web.Response:
        if not secrets.compare_digest(await request.read(), self._token.encode()):
            return _sentence(403, "This token is wrong. Open the address that was printed last.")
        response = web.Response()
        cookie = {"httponly": True, "samesite": "Strict", "path": "/"}
        response.set_cookie(self._cookie_name, self._cookie, **cookie)  # type: ignore[arg-type]
        return response

    async def _page(self, request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            f"font-src 'self' data:; connect-src 'self' ws://{request.host} wss://{request.host}; "
            f"script-src 'self' 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'"
        )
        if not self._is_known(request):
            text = (PAGES / "enter.html").read_text("utf-8")
        elif self._desk.ended.is_set():
            return _sentence(410, "This desk has ended. To continue its run: paceline resume")
        else:  # a page that is reloaded leaves only once it has this answer
            kind = "wss" if request.headers.get("X-Forwarded-Proto") == "https" else "ws"
            text = (PAGES / "desk.html").read_text("utf-8")
            text = text.replace("WEBSOCKET", html.escape(f"{kind}://{request.host}/ws"))
        headers = {"Content-Security-Policy": policy}
        text = text.replace("NONCE", nonce)
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _is_free(self) -> bool:
        """Whether no viewer is there; waits `RELOAD_WAIT_S` for one who is leaving."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._desk.viewer_left.wait(), RELOAD_WAIT_S)
        return self._desk.viewer is None

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if not await self._is_free():
            return _sentence(409, TAKEN)
        viewer = web.WebSocketResponse(heartbeat=15, max_msg_size=1 << 20)
        self._desk.viewer = viewer  # before anything is awaited: nobody else gets in
        self._desk.viewer_left.clear()
        try:
            await viewer.prepare(request)
            width, height = request.query.get("width"), request.query.get("height")
            await self._desk.attach(viewer, _cells(width, 80), _cells(height, 24))
            async for message in viewer:
                if message.type is WSMsgType.TEXT:
                    await self._take(viewer, message.data)
        finally:
            if self._desk.viewer is viewer:
                self._desk.detach()
        return viewer

    async def _take(self, viewer: web.WebSocketResponse, text: str) -> None:
        """Passes on a message of the page; ignores whatever it never sends."""
        try:
            kind, *rest = json.loads(text)
        except (ValueError, TypeError):
            return
        match kind, *rest:
            case "stdin", str(data):
                await self._desk.send_bytes(data.encode("utf-8", "replace"))
            case "resize", {"width": width, "height": height}:
                await self._desk.set_terminal_size(_cells(width, 80), _cells(height, 24))
            case "ping", str(data):
                await viewer.send_json(["pong", data])
            case ("focus",):
                await self._desk.focus()
            case ("blur",):
                await self._desk.blur()

    # --- files of the run

    def _files(self) -> dict[str, Path]:
        """The exports and pages of the run, by their names below its folder. Follows no link."""
        folder = self._desk.run_folder
        if folder is None:
            return {}
        found = [*folder.glob("exports/**/*"), *folder.glob("*.html")]
        return {
            path.relative_to(folder).as_posix(): path
            for path in sorted(found)
            if path.is_file() and path.resolve() == folder.resolve() / path.relative_to(folder)
        }

    async def _list_files(self, request: web.Request) -> web.Response:
        names = await asyncio.to_thread(self._files)
        rows = "".join(
            f'<li><a download href="/files/{quote(name)}">{html.escape(name)}</a></li>'
            for name in names
        )
        text = (
            f"<ul>{rows}</ul>" if rows else "<p>Nothing is exported yet: press e in the desk.</p>"
        )
        page = f'<!DOCTYPE html><meta charset="utf-8"><title>Exports</title>{text}'
        headers = {"Content-Security-Policy": "default-src 'none'"}
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def _send_file(self, request: web.Request) -> web.StreamResponse:
        path = (await asyncio.to_thread(self._files)).get(request.match_info["name"])
        if path is None:
            return _sentence(404, "This run has no such file.")
        disposition = f"attachment; filename*=UTF-8''{quote(path.name, safe='')}"
        return web.FileResponse(path, headers={"Content-Disposition": disposition})


def _sentence(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")


def _cells(value: object, default: int) -> int:
    try:
        return min(max(int(str(value)), 1), MAX_SIDE_CELLS)
    except ValueError:
        return default


async def serve_desk(
    address: ListenAddress, desk: DeskProcess, token: str, on_ready: Callable[[int], None]
) -> int:
    """Serves until the desk has ended, or until SIGINT or SIGTERM, which end it politely. Returns
    the exit code of the desk; 0 if nobody came. ``on_ready`` is called once it listens."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    server = WebServer(address, desk, token)
    # Without an access log: it would name what viewers open.
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    waits: list[asyncio.Task[bool]] = []
    try:
        await web.TCPSite(runner, address.host, address.port).start()
        on_ready(address.port)
        waits = [asyncio.create_task(each.wait()) for each in (stopped, desk.ended)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await desk.end()
        for wait in waits:
            wait.cancel()
        await runner.cleanup()
    return desk.exit_code or 0
