"""A server that repeats the client's key wherever it can, and commits every fault."""

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import product
from types import TracebackType
from typing import Any, Self

import psutil
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.engine.support.scripted_server import BEGIN, TERMINATION, turn_message

REDIRECT_PATH = "/elsewhere"
"""The path that it redirects to."""

# --- instead of an upgrade

REFUSED_KEY = "HTTP/1.1 401 {key}\r\nWWW-Authenticate: {key}\r\nContent-Length: 9\r\n\r\n{key}"
HANDSHAKE_REPLIES: Mapping[str, str] = {
    "a redirection": "HTTP/1.1 302 {key}\r\nLocation: ws://{host}{elsewhere}?{key}\r\n\r\n",
    "a status that is none": "HTTP/1.1 {key}\r\n\r\n",
    "a header without a colon": "HTTP/1.1 101 {key}\r\n{key}\r\n\r\n",
    "a header in no encoding": "HTTP/1.1 101\r\n{key}\xff\r\n\r\n",
    "another protocol": "SSH-2.0-{key}\r\n",
}

# --- behind it


def send(caller: ServerConnection, *messages: dict[str, Any] | str) -> None:
    for message in messages:
        caller.send(message if isinstance(message, str) else json.dumps(message))


def wait_for_terminate(caller: ServerConnection) -> None:
    """Waits for Terminate."""
    for message in caller:
        if isinstance(message, str) and "Terminate" in message:
            return


def send_error(caller: ServerConnection, key: str) -> None:
    send(caller, {"type": "Error", "error_code": 3006, "error": f"This is no key: {key}"})
    caller.close(3006, "See Error message for details")


def send_error_without_type(caller: ServerConnection, key: str) -> None:
    send(caller, BEGIN, {"error": key})


def close_with_reason(caller: ServerConnection, code: int, reason: str) -> None:
    """As much of a reason as a close frame holds (RFC 6455, section 5.5)."""
    caller.close(code, reason.encode()[: 125 - 2].decode(errors="ignore"))


def close_immediately(caller: ServerConnection, key: str) -> None:
    close_with_reason(caller, 4000, f"No key: {key}")


def close_mid_session(caller: ServerConnection, key: str) -> None:
    send(caller, BEGIN, turn_message(0, key, final=True))
    close_with_reason(caller, 1011, key)


def send_every_message_type(caller: ServerConnection, key: str) -> None:
    send(
        caller,
        {**BEGIN, "id": key, "configuration": {"model": key}, key: key},
        {"type": "Warning", "warning": f"This is no key: {key}"},
        {"type": key},
        {"type": "Turn", key: key},
        {
            **turn_message(0, f"They said {key} twice: {key}", final=True),
            "utterance": key,
            key: [key],
        },
        key,
        json.dumps(key),
        "{" + key,
    )
    wait_for_terminate(caller)
    send(caller, {**TERMINATION, key: key})
    close_with_reason(caller, 1000, key)


def exhaust_client_memory(caller: ServerConnection, key: str) -> None:
    """Makes the session raise an unexpected exception, so that its log gets a traceback."""
    (process,) = [
        psutil.Process(each.pid)
        for each in psutil.net_connections("tcp")
        if each.laddr == caller.remote_address and each.pid is not None
    ]
    most = process.memory_info().vms + 1024 * 1024
    process.rlimit(psutil.RLIMIT_AS, (most, most))
    send(caller, BEGIN, json.dumps(key * 400_000))
    wait_for_terminate(caller)


FAULTY_SESSIONS = (
    close_mid_session,
    send_every_message_type,
    send_error_without_type,
    close_immediately,
    exhaust_client_memory,
    send_error,
)

ACCEPTANCE_S = 20.0
"""The longest time for which a client whose key is refused waits until another was accepted."""


def serve_normally(caller: ServerConnection, key: str) -> None:
    send(caller, BEGIN)
    wait_for_terminate(caller)
    send(caller, turn_message(0, "Hello.", final=True), TERMINATION)


class KeyEchoServer:
    """Commits one fault for each client, in order, and serves all later clients normally. Keys are
    refused last, after other clients were accepted: a run starts nothing after its first session's
    key was refused. After any other refusal, it starts only sessions with settings of their own.

    ``on_visit`` is called while a client waits for its answer, with the number of clients so far.
    ``encodings``: how the key is repeated; each fault is committed with each of them.
    """

    def __init__(
        self,
        on_visit: Callable[[int], None],
        encodings: Sequence[Callable[[str], str]] = (str,),
    ) -> None:
        self.requests: list[Request] = []
        """All requests, in order."""
        self._on_visit = on_visit
        self._lock = threading.Lock()
        self._server = serve(
            self._handle_connection, "127.0.0.1", 0, process_request=self._reply_to_handshake
        )
        self._host = "{}:{}".format(*self._server.socket.getsockname())
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._pending_replies = list(product(HANDSHAKE_REPLIES.values(), encodings))
        self._pending_sessions = [
            (session, encode)
            for session, encode in product(FAULTY_SESSIONS, encodings)
            if session is not exhaust_client_memory or encode is encodings[0]
        ]
        self._sessions_to_come = len(self._pending_sessions)
        self._pending_refusals = list(encodings)
        self._was_accepted = threading.Event()
        self.fault_count = len(encodings) + len(self._pending_replies) + len(self._pending_sessions)
        self.url = f"ws://{self._host}/v3/ws"

    @property
    def all_faults_served(self) -> bool:
        """Whether every fault was committed."""
        return not (self._pending_replies or self._pending_sessions or self._pending_refusals)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()

    def _reply_to_handshake(self, caller: ServerConnection, request: Request) -> Response | None:
        with self._lock:
            self.requests.append(request)
            self._on_visit(len(self.requests))
            if self._pending_replies:
                answer, encode = self._pending_replies.pop(0)
            elif self._sessions_to_come > 0 or not self._pending_refusals:
                self._sessions_to_come -= 1
                return None
            else:
                answer, encode = REFUSED_KEY, self._pending_refusals.pop(0)
        if answer is REFUSED_KEY:
            self._was_accepted.wait(ACCEPTANCE_S)
        key = encode(request.headers["Authorization"])
        said = answer.format(key=key, host=self._host, elsewhere=REDIRECT_PATH)
        caller.socket.sendall(said.encode("latin-1", "replace"))
        caller.socket.shutdown(socket.SHUT_WR)
        return Response(400, "", Headers())  # nobody gets it

    def _handle_connection(self, caller: ServerConnection) -> None:
        assert caller.request is not None
        with self._lock:
            scenario, encode = (
                self._pending_sessions.pop(0) if self._pending_sessions else (serve_normally, str)
            )
        if scenario is send_error:
            self._was_accepted.wait(ACCEPTANCE_S)
        with suppress(ConnectionClosed):
            scenario(caller, encode(caller.request.headers["Authorization"]))
        if scenario is close_mid_session:
            self._was_accepted.set()
