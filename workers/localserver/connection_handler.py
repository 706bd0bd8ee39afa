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
from workers.localserver.answers import Answers
from workers.localserver.backend import Source
from workers.localserver.client_socket import Wire
from workers.localserver.features import crowded
from workers.localserver.keys import Keys, given_key
from workers.localserver.parameters import Family, Parameters
from workers.localserver.refusal import CloseCode, Refusal, cancelled
from workers.localserver.server_policy import House, Visit
from workers.localserver.session import Session
from workers.protocol.messages import Begin

API_VERSION = "2025-05-12"
"""The one that the vendor's SDK pins, and that the service names."""

GONE = 1006
"""The close code, never on the wire, of a client that is gone without a close."""

OURS = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d*)?", re.IGNORECASE)
"""What a client calls us by, in its Host header."""

Attendance = Callable[[Visit], object]


class Reception:
    """Who is in at present; `attend` and `answers` are what a socket server calls."""

    def __init__(self, house: House, source: Source, on_session: Attendance) -> None:
        self._source = source
        self._on_session = on_session
        self._keys = Keys(house)
        self._admission = Admission(house)
        self._answers = Answers(self._keys, self._admission, source)

    @property
    def capacity(self) -> int:
        """How many sessions there may be at once."""
        return self._admission.limit(self._source.capacity)

    def answers(self, socket: ServerConnection, request: Request) -> Response | None:
        """What is answered without an upgrade; None lets it happen."""
        if not all(map(OURS.fullmatch, request.headers.get_all("Host"))):
            # The name of a web page that was made to lead to this machine: what the page asks then
            # is of its own origin to the browser, and bears no Origin that could be refused.
            return socket.respond(HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here\n")
        return self._answers(socket, request)

    async def attend(self, socket: ServerConnection) -> None:
        """The whole visit of a client."""
        assert socket.request is not None
        visitor = Visitor(self._source.wire(socket), socket.request)
        try:
            ending = await self._ending(visitor)
        except Exception:
            # A fault of ours: the client is told what the service says then, and the log gets the
            # traceback.
            ending = await _refused(visitor, cancelled())
            raise
        except BaseException:
            ending = GONE, "the server was stopped"
            raise
        finally:
            self._on_session(visitor.visit(*ending))

    async def _ending(self, visitor: "Visitor") -> tuple[int, str]:
        """Close code and words, once the socket is closed."""
        try:
            await self._receive(visitor)
        except Refusal as refusal:
            return await _refused(visitor, refusal)
        except ConnectionClosed as closed:
            return _departure(closed)
        # Only now that its place is free: who waits for the close may come again at once.
        await visitor.wire.close(CloseCode.ENDED, "Session Ended")
        return CloseCode.ENDED, "Session Ended"

    async def _receive(self, visitor: "Visitor") -> None:
        """Raises `Refusal` and `ConnectionClosed` as `Session.run` does."""
        now = time.monotonic()
        _, _, query = visitor.request.path.partition("?")
        key = given_key(visitor.request.headers, query)
        longest = self._keys.longest_session(key, now)
        wishes = parameters.read(query)
        with self._admission.place(now, self._source.capacity, self._source.backlog):
            if self._admission.sessions > self._source.capacity:  # somebody insisted on it
                told = (*wishes.warnings, crowded(self._source.capacity))
                wishes = replace(wishes, warnings=told)
            async with self._source.stream(wishes) as stream:
                begin = visitor.begin(wishes, longest)
                visitor.session = Session(visitor.wire, begin, wishes, stream, visitor.came)
                await visitor.session.run(longest)


class Visitor:
    """One client, from its open socket on."""

    def __init__(self, wire: Wire, request: Request) -> None:
        self.wire = wire
        self.request = request
        self.session: Session | None = None
        self._id = str(uuid.uuid4())
        self._model = ""
        self.came = time.monotonic()

    def begin(self, wishes: Parameters, longest: float) -> Begin:
        """The message that accepts the client, with what is really applied."""
        self._model = wishes.model
        return Begin(
            id=self._id,
            expires_at=int(time.time() + longest),
            configuration={
                "model": wishes.model,
                "mode": wishes.mode.value if wishes.family is Family.U3 else None,
                "api_version": self._api_version(),
                "speaker_labels": False,
                "redact_pii": False,
                "filter_profanity": wishes.filter_profanity,
                "domain": None,
                "voice_focus": None,
            },
        )

    def visit(self, code: int, words: str) -> Visit:
        """The record of it, once it is over."""
        return Visit(
            session=self._id,
            model=self._model,
            audio_seconds=0.0 if self.session is None else self.session.audio_seconds,
            session_seconds=time.monotonic() - self.came,
            turns=0 if self.session is None else self.session.turns,
            code=int(code),
            words=words,
        )

    def _api_version(self) -> str:
        for asked in self.request.headers.get_all("AssemblyAI-Version"):
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", asked, re.ASCII):
                return asked
        return API_VERSION


async def _refused(visitor: Visitor, refusal: Refusal) -> tuple[int, str]:
    await visitor.wire.refuse(refusal)
    return refusal.code, refusal.words


def _departure(closed: ConnectionClosed) -> tuple[int, str]:
    """Code and words of a socket that was not closed by the session."""
    if closed.rcvd is not None and closed.rcvd_then_sent:
        return closed.rcvd.code, closed.rcvd.reason or "the client left"
    if closed.sent is not None:  # by the transport: the server is stopped, or a frame was too big
        return closed.sent.code, closed.sent.reason or "the server was stopped"
    return GONE, "the client was gone"
