"""Answers HTTP requests that are not a session: health, temporary tokens, and refusals.

Refuses requests that a web page could make: a page from the internet must not reach the server
through the browser on this machine.
"""

import ipaddress
import json
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from workers.localserver.admission import Admission, KeyStore, request_key
from workers.localserver.backend import Backend
from workers.localserver.param_types import IntegerParam, InvalidValue
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import PROTOCOL_PATH

HEALTH_PATH = "/v3/ws/health"
TOKEN_PATH = "/v3/token"
RETIRED_PATH = "/v2/realtime/ws"

LOCAL_HOST_PATTERN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d*)?", re.IGNORECASE)
"""Matches the accepted Host headers."""

TOKEN_PARAMS = {
    "expires_in_seconds": (IntegerParam(1, 600), ""),
    "max_session_duration_seconds": (IntegerParam(60, 10_800), "10800"),
}
"""Parameters of a token request and the vendor's defaults; the first one is required."""


@dataclass(frozen=True, slots=True)
class HttpResponder:
    """Answers requests before any upgrade to a WebSocket."""

    key_store: KeyStore
    admission: Admission
    backend: Backend

    def process_request(self, socket: ServerConnection, request: Request) -> Response | None:
        """Returns a response, or None to let the upgrade happen; a hook of `websockets`."""
        if not all(map(LOCAL_HOST_PATTERN.fullmatch, request.headers.get_all("Host"))):
            # DNS rebinding: the name of a web page resolves to this machine, so the browser
            # treats us as the page's own origin and sends no Origin that could be refused.
            return socket.respond(HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here\n")
        if not all(map(_is_loopback, request.headers.get_all("Origin"))):
            return socket.respond(HTTPStatus.FORBIDDEN, "this origin is not allowed\n")
        path, _, query = request.path.partition("?")
        if path == PROTOCOL_PATH:
            return None
        if path == HEALTH_PATH:
            health: JsonObject = {
                "status": "ok",
                "capacity": self.admission.session_limit(self.backend.capacity),
                "sessions": self.admission.active_sessions,
                "backlog_seconds": round(self.backend.backlog_s, 3),
            }
            return _json_response(socket, HTTPStatus.OK, health)
        if path == TOKEN_PATH:
            return _json_response(socket, *self._issue_token(request, dict(parse_qsl(query))))
        if path == RETIRED_PATH:
            return socket.respond(HTTPStatus.GONE, f"v2 is retired: connect to {PROTOCOL_PATH}\n")
        return socket.respond(HTTPStatus.NOT_FOUND, f"only {PROTOCOL_PATH} is served here\n")

    def _issue_token(
        self, request: Request, query: dict[str, str]
    ) -> tuple[HTTPStatus, JsonObject]:
        header = request_key(request.headers, "")
        # The service was observed to accept the Bearer scheme here.
        key = header.removeprefix("Bearer ") if header else None
        if not self.key_store.is_api_key(key):
            reason = "Invalid API key" if key else "Missing Authorization header"
            return HTTPStatus.UNAUTHORIZED, {"error": reason}
        values: dict[str, int] = {}
        errors: list[Json] = []
        for name, (param_type, default) in TOKEN_PARAMS.items():
            try:
                values[name] = param_type.parse(query.get(name, default))
            except InvalidValue as problem:
                given = query.get(name)
                kind = "missing" if given is None else "value_error"
                errors.append(
                    {"type": kind, "loc": ["query", name], "msg": str(problem), "input": given}
                )
        if errors:
            return HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": errors}
        lifetime_s, max_session_s = values.values()
        token = self.key_store.issue_token(lifetime_s, max_session_s, time.monotonic())
        return HTTPStatus.OK, {"token": token, "expires_in_seconds": lifetime_s}


def _json_response(socket: ServerConnection, status: HTTPStatus, body: JsonObject) -> Response:
    response = socket.respond(status, json.dumps(body))
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response


def _is_loopback(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
