"""What is answered without a WebSocket: health, temporary tokens, and every address but ours."""

import ipaddress
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from workers.localserver.admission import Admission
from workers.localserver.backend import Backend
from workers.localserver.keys import KeyStore, request_key
from workers.localserver.param_types import IntegerParam, InvalidValue
from workers.protocol.codec import Json, JsonObject

PROTOCOL_PATH = "/v3/ws"
HEALTH_PATH = "/v3/ws/health"
TOKEN_PATH = "/v3/token"
RETIRED_PATH = "/v2/realtime/ws"

TOKEN_LIMITS = {
    "expires_in_seconds": IntegerParam(1, 600),
    "max_session_duration_seconds": IntegerParam(60, 10_800),
}
TOKEN_DEFAULTS = {"max_session_duration_seconds": "10800"}
"""The vendor's specification of temporary tokens; the other one must be given."""


@dataclass(frozen=True, slots=True)
class HttpResponder:
    """Judges a request before any upgrade."""

    key_store: KeyStore
    admission: Admission
    backend: Backend

    def __call__(self, socket: ServerConnection, request: Request) -> Response | None:
        """The answer; None lets the upgrade happen."""
        if any(not _is_loopback(origin) for origin in request.headers.get_all("Origin")):
            # A page on the internet must not reach the engine through the browser of this machine.
            return socket.respond(HTTPStatus.FORBIDDEN, "this origin is not allowed\n")
        path, _, query = request.path.partition("?")
        if path == PROTOCOL_PATH:
            return None
        if path == HEALTH_PATH:
            return _json_response(socket, HTTPStatus.OK, self._health())
        if path == TOKEN_PATH:
            return _json_response(socket, *self._issue_token(request, dict(parse_qsl(query))))
        if path == RETIRED_PATH:
            return socket.respond(HTTPStatus.GONE, f"v2 is retired: connect to {PROTOCOL_PATH}\n")
        return socket.respond(HTTPStatus.NOT_FOUND, f"only {PROTOCOL_PATH} is served here\n")

    def _health(self) -> JsonObject:
        return {
            "status": "ok",
            "capacity": self.admission.session_limit(self.backend.capacity),
            "sessions": self.admission.active_sessions,
            "backlog_seconds": round(self.backend.backlog_s, 3),
        }

    def _issue_token(
        self, request: Request, query: dict[str, str]
    ) -> tuple[HTTPStatus, JsonObject]:
        given = request_key(request.headers, "")
        key = given.removeprefix("Bearer ") if given else None  # tolerated here, as it was observed
        if not self.key_store.is_api_key(key):
            why = "Invalid API key" if key else "Missing Authorization header"
            return HTTPStatus.UNAUTHORIZED, {"error": why}
        read: dict[str, int] = {}
        wrong: list[Json] = []
        for name, limits in TOKEN_LIMITS.items():
            try:
                read[name] = limits.parse(query.get(name, TOKEN_DEFAULTS.get(name, "")))
            except InvalidValue as problem:
                wrong.append(
                    {
                        "type": "value_error" if name in query else "missing",
                        "loc": ["query", name],
                        "msg": str(problem),
                        "input": query.get(name),
                    }
                )
        if wrong:
            return HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": wrong}
        seconds, longest = read.values()
        token = self.key_store.issue_token(seconds, longest, time.monotonic())
        return HTTPStatus.OK, {"token": token, "expires_in_seconds": seconds}


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
