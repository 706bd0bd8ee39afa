"""The WebSocket server: speaks the v3 protocol on a loopback port and runs a session per client.

Like the service, it checks key and parameters only after the upgrade, and refuses with an Error
message and a close: an open socket is not yet an accepted session.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from websockets import frames
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from workers.localserver.admission import Admission, KeyStore, ServerPolicy, request_key
from workers.localserver.backend import Backend
from workers.localserver.client_socket import ClientSocket
from workers.localserver.features import overload_warning, values_in_effect
from workers.localserver.http_responder import HttpResponder
from workers.localserver.parameters import ModelFamily, Parameters, parse_query
from workers.localserver.refusal import CloseCode, Refusal, session_cancelled
from workers.localserver.session import ServerSession
from workers.log import Logger
from workers.protocol.endpoint import PROTOCOL_PATH
from workers.protocol.messages import Begin

HOST = "127.0.0.1"
MAX_CLIENT_MESSAGE_BYTES = 8 * 1024 * 1024
"""Far above the longest valid chunk, so that longer chunks get the protocol's Error message."""

API_VERSION = "2025-05-12"
"""The version that the vendor's SDK requests and that the service reports."""

_log = Logger("paceline.server")


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One connection from its open socket to its close, admitted or not."""

    session_id: str  # the id in Begin
    model: str  # the speech model; empty if no session began
    audio_seconds: float
    session_seconds: float  # wall-clock time since the socket opened
    turn_count: int  # number of turns that were sent as final
    unapplied: tuple[str, ...]  # names of parameters that the client set, but that had no effect
    close_code: int  # 1006 if the client left without a close frame
    outcome: str  # how it ended, as text


BackendContext = AbstractAsyncContextManager[Backend]
SessionListener = Callable[[SessionRecord], object]


async def run_server(
    port: int,
    policy: ServerPolicy,
    backend_context: BackendContext,
    announce: Callable[[str], object],
    stop: asyncio.Event,
    on_session: SessionListener = lambda record: None,
) -> None:
    """Serves until ``stop`` is set or the task is cancelled. Port 0 picks a free one.

    ``announce`` receives two lines once clients can connect: the address, and ``capacity N``.
    ``on_session`` receives the record of each connection that has ended.
    """
    async with backend_context as backend:
        admission, key_store = Admission(policy), KeyStore(policy)
        async with serve(
            ConnectionHandler(admission, key_store, backend, on_session, policy).handle,
            HOST,
            port,
            process_request=HttpResponder(key_store, admission, backend).process_request,
            compression=None,  # a loopback is faster than compression
            max_size=MAX_CLIENT_MESSAGE_BYTES,
            ping_interval=None,  # if a peer on this machine dies, its socket closes
            open_timeout=5,  # seconds; a handshake takes milliseconds
            close_timeout=1,  # seconds for a client to answer a close
            server_header=None,
        ) as server:
            port = server.sockets[0].getsockname()[1]
            capacity = admission.session_limit(backend.capacity)
            announce(f"ws://{HOST}:{port}{PROTOCOL_PATH}")
            announce(f"capacity {capacity}")
            _log.info("serving at port %s, capacity %s", port, capacity)
            await stop.wait()


@dataclass(frozen=True, slots=True)
class ConnectionHandler:
    """Admits clients, runs one session for each, and records how each connection ended."""

    admission: Admission
    key_store: KeyStore
    backend: Backend
    on_session: SessionListener
    policy: ServerPolicy

    async def handle(self, socket: ServerConnection) -> None:
        """Runs one connection from its open socket to its close."""
        assert socket.request is not None
        client = ClientConnection(self.backend.wrap_socket(socket), socket.request)
        code: int = frames.CloseCode.ABNORMAL_CLOSURE
        outcome = "the server was stopped"
        try:
            try:
                await self._admit_and_run(client)
                # The slot is already free: a client that waits for the close may reconnect at once.
                await client.socket.close(CloseCode.ENDED, "Session Ended")
                code, outcome = CloseCode.ENDED, "Session Ended"
            except Refusal as refusal:
                await client.socket.refuse(refusal)
                code, outcome = refusal.code, refusal.message
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd_then_sent:
                    code, outcome = closed.rcvd.code, closed.rcvd.reason or "the client left"
                elif closed.sent is not None:  # by `websockets`: we stop, or a message was too big
                    code, outcome = closed.sent.code, closed.sent.reason or outcome
                else:
                    outcome = "the client was gone"
        except Exception:
            # A bug of ours: the client gets the service's text, the log gets the traceback.
            bug = session_cancelled()
            await client.socket.refuse(bug)
            code, outcome = bug.code, bug.message
            raise
        finally:
            _log.info("session %s ended: %s (%s)", client.id, outcome, int(code))
            session = client.session
            self.on_session(
                SessionRecord(
                    client.id,
                    model=session.parameters.speech_model if session else "",
                    audio_seconds=session.audio.duration_s if session else 0.0,
                    session_seconds=time.monotonic() - client.connected_at,
                    turn_count=session.turn_count if session else 0,
                    unapplied=tuple(session.unapplied) if session else (),
                    close_code=int(code),
                    outcome=outcome,
                )
            )

    async def _admit_and_run(self, client: "ClientConnection") -> None:
        """Runs the session if it is admitted. Raises as `ServerSession.run` does."""
        now = time.monotonic()
        _, _, query = client.request.path.partition("?")
        max_session_s = self.key_store.authorise(request_key(client.request.headers, query), now)
        parameters = parse_query(query)
        capacity = self.backend.capacity
        with self.admission.admit(now, capacity, self.backend.backlog_s):
            is_overloaded = self.admission.active_sessions > capacity  # if the policy allows more
            async with self.backend.open_stream(parameters) as stream:
                begin = client.build_begin(parameters, max_session_s)
                _log.info("session %s begins, model %s", begin.id, parameters.speech_model)
                client.session = ServerSession(
                    client.socket,
                    begin,
                    parameters,
                    stream,
                    client.connected_at,
                    self.policy,
                )
                warnings = [overload_warning(capacity)] if is_overloaded else []
                await client.session.run(max_session_s, *warnings)


@dataclass(slots=True)
class ClientConnection:
    """One client, from the moment that its socket is open."""

    socket: ClientSocket
    request: Request
    session: ServerSession | None = None
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
                **values_in_effect(parameters.unapplied),
            },
        )
