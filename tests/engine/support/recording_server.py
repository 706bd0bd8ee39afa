"""A web server on loopback that delivers recordings, and misbehaves as its paths say."""

import re
import threading
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

LOGIN = "Basic dXNlcjpwYTU1d29yZA=="
"""The header for the user ``user`` with the password ``pa55word``."""


class RecordingServer:
    """Serves ``data`` under paths whose words, such as ``/ranges/cut/a.wav``, choose what happens.

    ``ranges``: requests for parts are answered; ``cut``: the first two answers break in the middle;
    ``dead``: every answer breaks before its body; ``busy``: the first answer is 503; ``unknown``:
    no length is announced; ``changed``: the file is another one at the second request; ``login``:
    `LOGIN` is needed; ``missing``: 404; ``loop``, ``to-file``, ``to-here``, ``moved``: redirects;
    ``hold``: the second half comes only after `release` is set.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.requests: list[tuple[str, str | None]] = []
        """The path and the range of each request."""
        self.logins: list[str | None] = []
        self.release = threading.Event()
        self._counts: Counter[str] = Counter()
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.port}/{path}"

    def count(self, path: str) -> int:
        """How often a path was requested, including now."""
        self._counts[path] += 1
        return self._counts[path]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them

    def handle_error(self, request: object, client_address: object) -> None:
        """Prints nothing: some clients hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, server: RecordingServer, *args: object) -> None:
        self._recordings = server
        super().__init__(*args)  # type: ignore[arg-type]  # whatever the server passes

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""

    def do_GET(self) -> None:
        served, words = self._recordings, self.path.split("?")[0].strip("/").split("/")
        number = served.count(self.path)
        served.requests.append((self.path, self.headers.get("Range")))
        served.logins.append(self.headers.get("Authorization"))
        self.close_connection = True
        redirects = {
            "loop": self.path,
            "to-file": "file:///etc/passwd",
            "to-here": f"http://localhost:{served.port}/a.wav",
            "moved": "/ranges/a.wav",
        }
        if words[0] in redirects:
            self._answer(302, {"Location": redirects[words[0]], "Content-Length": "0"})
        elif "missing" in words or ("login" in words and served.logins[-1] != LOGIN):
            self._answer(404 if "missing" in words else 401, {"Content-Length": "0"})
        elif "busy" in words and number == 1:
            self._answer(503, {"Content-Length": "0"})
        else:
            self._deliver(words, number)

    def _deliver(self, words: list[str], number: int) -> None:
        data, start = self._recordings.data, 0
        etag = '"second"' if "changed" in words and number > 1 else '"first"'
        headers = {"ETag": etag}
        end = len(data)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if asked and "ranges" in words and self.headers.get("If-Range") in (None, etag):
            start, end = int(asked[1]), int(asked[2] or end - 1) + 1
            if start >= len(data):
                self._answer(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
                return
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        body = data[start:end]
        if "unknown" not in words:
            headers["Content-Length"] = str(len(body))
        self._answer(206 if "Content-Range" in headers else 200, headers)
        if "dead" in words:
            return
        half = len(body) // 2
        self.wfile.write(body[:half])
        if "hold" in words:
            self._recordings.release.wait()
        if not ("cut" in words and number <= 2):
            self.wfile.write(body[half:])

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
