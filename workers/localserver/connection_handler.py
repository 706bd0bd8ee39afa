"""Lets clients in, one task for each, and keeps record of them.

As the service does, it judges key and parameters only after the upgrade, by an Error frame and a
close: an open socket is not yet an accepted session.
"""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from workers.localserver import parameters
from workers.localserver.admission import Admission
from workers.localserver.answers import HttpResponder
from workers.localserver.backend import Backend
from workers.localserver.client_socket import ClientSocket
from workers.localserver.features import overload_warning
from workers.localserver.keys import KeyStore, request_key
from workers.localserver.parameters import ModelFamily, Parameters
from workers.localserver.refusal import CloseCode, Refusal, session_cancelled
from workers.localserver.server_policy import ServerPolicy, SessionRecord
from workers.localserver.session import Session
from workers.protocol.messages import Begin

API_VERSION = "2025-05-12"
"""The one that the vendor's SDK pins, and that the service names."""

ABNORMAL_CLOSURE = 1006
"""The close code, never on the wire, of a client that is gone without a close."""

LOCAL_HOST_PATTERN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d*)?", re.IGNORECASE)
"""What a client calls us by, in its Host header."""

SessionListener = Callable[[SessionRecord], object]


class ConnectionHandler:
    """Who is in at present; `handle` and `answers` are what a socket server calls."""

    def __init__(self, policy: ServerPolicy, backend: Backend, on_session: SessionListener) -> None:
        self._backend = backend
        self._on_session = on_session
        self._key_store = KeyStore(policy)
        self._admission = Admission(policy)
        self._http = HttpResponder(self._key_store, self._admission, backend)

    @property
    def session_limit(self) -> int:
        """How many sessions there may be at once."""
        return self._admission.session_limit(self._backend.capacity)

    def process_request(self, socket: ServerConnection, request: Request) -> Response | None:
        """What is answered without an upgrade; None lets it happen."""
        if not all(map(LOCAL_HOST_PATTERN.fullmatch, request.headers.get_all("Host"))):
            # The name of a web page that was made to lead to this machine: what the page asks then
            # is of its own origin to the browser, and bears no Origin that could be refused.
            return socket.respond(HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here\n")
        return self._http(socket, request)

    async def handle(self, socket: ServerConnection) -> None:
        """The whole visit of a client."""
        assert socket.request is not None
        visitor = ClientConnection(self._backend.wrap_socket(socket), socket.request)
        try:
            ending = await self._serve(visitor)
        except Exception:
            # A fault of ours: the client is told what the service says then, and the log gets the
            # traceback.
            ending = await _refuse(visitor, session_cancelled())
            raise
        except BaseException:
            ending = ABNORMAL_CLOSURE, "the server was stopped"
            raise
        finally:
            self._on_session(visitor.session_record(*ending))

    async def _serve(self, visitor: "ClientConnection") -> tuple[int, str]:
        """Close code and words, once the socket is closed."""
        try:
            await self._admit_and_run(visitor)
        except Refusal as refusal:
            return await _refuse(visitor, refusal)
        except ConnectionClosed as closed:
            return _close_details(closed)
        # Only now that its place is free: who waits for the close may come again at once.
        await visitor.socket.close(CloseCode.ENDED, "Session Ended")
        return CloseCode.ENDED, "Session Ended"

    async def _admit_and_run(self, visitor: "ClientConnection") -> None:
        """Raises `Refusal` and `ConnectionClosed` as `Session.run` does."""
        now = time.monotonic()
        _, _, query = visitor.request.path.partition("?")
        key = request_key(visitor.request.headers, query)
        longest = self._key_store.authorise(key, now)
        wishes = parameters.parse_query(query)
        with self._admission.admit(now, self._backend.capacity, self._backend.backlog_s):
            if self._admission.active_sessions > self._backend.capacity:  # somebody insisted on it
                told = (*wishes.warnings, overload_warning(self._backend.capacity))
                wishes = replace(wishes, warnings=told)
            async with self._backend.open_stream(wishes) as stream:
                begin = visitor.build_begin(wishes, longest)
                visitor.session = Session(
                    visitor.socket, begin, wishes, stream, visitor.connected_at
                )
                await visitor.session.run(longest)


class ClientConnection:
    """One client, from its open socket on."""

    def __init__(self, socket: ClientSocket, request: Request) -> None:
        self.socket = socket
        self.request = request
        self.session: Session | None = None
        self._id = str(uuid.uuid4())
        self._model = ""
        self.connected_at = time.monotonic()

    def build_begin(self, parameters: Parameters, max_session_s: float) -> Begin:
        """The message that accepts the client, with what is really applied."""
        self._model = parameters.model
        return Begin(
            id=self._id,
            expires_at=int(time.time() + max_session_s),
            configuration={
                "model": parameters.model,
                "mode": parameters.mode.value if parameters.family is ModelFamily.U3 else None,
                "api_version": self._api_version(),
                "speaker_labels": False,
                "redact_pii": False,
                "filter_profanity": parameters.filter_profanity,
                "domain": None,
                "voice_focus": None,
            },
        )

    def session_record(self, close_code: int, outcome: str) -> SessionRecord:
        """The record of it, once it is over."""
        return SessionRecord(
            session_id=self._id,
            model=self._model,
            audio_seconds=0.0 if self.session is None else self.session.audio_seconds,
            session_seconds=time.monotonic() - self.connected_at,
            turn_count=0 if self.session is None else self.session.turn_count,
            close_code=int(close_code),
            outcome=outcome,
        )

    def _api_version(self) -> str:
        for asked in self.request.headers.get_all("AssemblyAI-Version"):
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", asked, re.ASCII):
                return asked
        return API_VERSION


async def _refuse(visitor: ClientConnection, refusal: Refusal) -> tuple[int, str]:
    await visitor.socket.refuse(refusal)
    return refusal.code, refusal.message


def _close_details(closed: ConnectionClosed) -> tuple[int, str]:
    """Code and words of a socket that was not closed by the session."""
    if closed.rcvd is not None and closed.rcvd_then_sent:
        return closed.rcvd.code, closed.rcvd.reason or "the client left"
    if closed.sent is not None:  # by the transport: the server is stopped, or a frame was too big
        return closed.sent.code, closed.sent.reason or "the server was stopped"
    return ABNORMAL_CLOSURE, "the client was gone"
