"""Admits clients, runs one session for each, and records how each connection ended.

Like the service, it checks key and parameters only after the upgrade, and refuses by an Error
message and a close: an open socket is not yet an accepted session.
"""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from websockets import frames
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from workers.localserver import parameters
from workers.localserver.admission import Admission, KeyStore, request_key
from workers.localserver.backend import Backend
from workers.localserver.client_socket import ClientSocket
from workers.localserver.features import overload_warning
from workers.localserver.http_responder import HttpResponder
from workers.localserver.parameters import ModelFamily, Parameters
from workers.localserver.refusal import CloseCode, Refusal, session_cancelled
from workers.localserver.server_policy import ServerPolicy, SessionRecord
from workers.localserver.session import Session
from workers.log import Logger
from workers.protocol.messages import Begin

API_VERSION = "2025-05-12"
"""The version that the vendor's SDK requests and that the service reports."""

_log = Logger("paceline.server")

SessionListener = Callable[[SessionRecord], object]


class ConnectionHandler:
    """Handles all connections of a server."""

    def __init__(self, policy: ServerPolicy, backend: Backend, on_session: SessionListener) -> None:
        self._backend = backend
        self._on_session = on_session
        self._key_store = KeyStore(policy)
        self._admission = Admission(policy)
        self.process_request = HttpResponder(
            self._key_store, self._admission, backend
        ).process_request

    @property
    def session_limit(self) -> int:
        """How many sessions may run at the same time."""
        return self._admission.session_limit(self._backend.capacity)

    async def handle(self, socket: ServerConnection) -> None:
        """Runs one connection from its open socket to its close."""
        assert socket.request is not None
        client = ClientConnection(self._backend.wrap_socket(socket), socket.request)
        code: int = frames.CloseCode.ABNORMAL_CLOSURE
        outcome = "the server was stopped"
        try:
            try:
                await self._admit_and_run(client)
                # The slot is free again: a client that waits for the close may reconnect at once.
                await client.socket.close(CloseCode.ENDED, "Session Ended")
                code, outcome = CloseCode.ENDED, "Session Ended"
            except Refusal as refusal:
                await client.socket.refuse(refusal)
                code, outcome = refusal.code, refusal.message
            except ConnectionClosed as closed:
                code, outcome = _close_details(closed)
        except Exception:
            # A bug of ours: the client gets the service's text, the log gets the traceback.
            bug = session_cancelled()
            await client.socket.refuse(bug)
            code, outcome = bug.code, bug.message
            raise
        finally:
            record = client.session_record(code, outcome)
            _log.info("session %s ended: %s (%s)", record.session_id, outcome, int(code))
            self._on_session(record)

    async def _admit_and_run(self, client: "ClientConnection") -> None:
        """Raises `Refusal` and `ConnectionClosed` as `Session.run` does."""
        now = time.monotonic()
        _, _, query = client.request.path.partition("?")
        key = request_key(client.request.headers, query)
        max_session_s = self._key_store.authorise(key, now)
        requested = parameters.parse_query(query)
        capacity = self._backend.capacity
        with self._admission.admit(now, capacity, self._backend.backlog_s):
            if self._admission.active_sessions > capacity:  # the policy allows more
                warnings = (*requested.warnings, overload_warning(capacity))
                requested = replace(requested, warnings=warnings)
            async with self._backend.open_stream(requested) as stream:
                begin = client.build_begin(requested, max_session_s)
                _log.info("session %s begins, model %s", begin.id, requested.speech_model)
                client.session = Session(
                    client.socket, begin, requested, stream, client.connected_at
                )
                await client.session.run(max_session_s)


@dataclass(slots=True)
class ClientConnection:
    """One client, from its open socket on."""

    socket: ClientSocket
    request: Request
    session: Session | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    connected_at: float = field(default_factory=time.monotonic)

    def build_begin(self, parameters: Parameters, max_session_s: float) -> Begin:
        """The message that accepts the session, with the configuration in effect."""
        versions = self.request.headers.get_all("AssemblyAI-Version")
        valid = [text for text in versions if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII)]
        return Begin(
            id=self.id,
            expires_at=int(time.time() + max_session_s),
            configuration={
                "model": parameters.speech_model,
                "mode": parameters.mode.value if parameters.family is ModelFamily.U3 else None,
                "api_version": valid[0] if valid else API_VERSION,
                "speaker_labels": False,
                "redact_pii": False,
                "filter_profanity": parameters.filter_profanity,
                "domain": None,
                "voice_focus": None,
            },
        )

    def session_record(self, close_code: int, outcome: str) -> SessionRecord:
        session = self.session
        return SessionRecord(
            session_id=self.id,
            model=session.speech_model if session else "",
            audio_seconds=session.audio_seconds if session else 0.0,
            session_seconds=time.monotonic() - self.connected_at,
            turn_count=session.turn_count if session else 0,
            close_code=int(close_code),
            outcome=outcome,
        )


def _close_details(closed: ConnectionClosed) -> tuple[int, str]:
    """Close code and outcome of a connection that the session did not close."""
    if closed.rcvd is not None and closed.rcvd_then_sent:
        return closed.rcvd.code, closed.rcvd.reason or "the client left"
    if closed.sent is not None:  # by `websockets`: the server stops, or a message was too big
        return closed.sent.code, closed.sent.reason or "the server was stopped"
    return frames.CloseCode.ABNORMAL_CLOSURE, "the client was gone"
