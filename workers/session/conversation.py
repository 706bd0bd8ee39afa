"""The conversation of one attempt: dial, Begin, every chunk on time, Terminate, Termination.

One thread and one ``select`` for everything: the socket, the orders from outside, and the moment at
which the next chunk is due. So nothing but a late operating system comes between a chunk and its
due time.
"""

import select
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain

from workers import endings
from workers.audio import decode
from workers.audio.lags import Lags, certificate
from workers.audio.pacing import Schedule
from workers.errors import Malformed, Unreadable
from workers.events import (
    Began,
    ChunksSent,
    Connecting,
    Ended,
    MessageReceived,
    MessageSent,
    Outcome,
    Progressed,
    Slipped,
    TurnHeard,
    Warned,
)
from workers.session.assignment import Assignment
from workers.session.orders import Orders
from workers.session.recorder import Recorder
from workers.speech import messages
from workers.speech.connection import (
    Closed,
    Connection,
    ConnectionLost,
    Unreachable,
    dial,
    framed,
)
from workers.speech.endpoint import Secret
from workers.speech.messages import Begin, ServerMessage, Terminate, Termination, Turn

REPORT_EVERY = 1.0
"""Seconds of audio between two reports of progress."""

LEAD = 0.02
"""Seconds from the first chunk's being ready to its due time: saying Began comes in between."""

SHORTEST_CHUNK_MS = 50
"""The protocol's bound; a shorter last chunk is filled up with silence."""

_ENDED_EARLY = Ended(
    Outcome.LOST,
    "the server ended the session before all audio was sent",
    "What was heard until then is kept; retry.",
)


@dataclass(frozen=True, slots=True)
class Moments:
    """When the conversation got how far, in seconds of the monotonic clock."""

    dialled: float
    opened: float
    begun: float


class Conversation:
    """One attempt. `run` it once; `Ended` tells how it went."""

    def __init__(
        self, assignment: Assignment, key: Secret | None, recorder: Recorder, orders: Orders
    ) -> None:
        self._endpoint = assignment.endpoint
        self._patience = assignment.patience
        self._recording = assignment.job.recording
        self._settings = assignment.job.settings
        self._rate = self._settings.rate_for(self._recording)
        self._key = key
        self._recorder = recorder
        self._orders = orders
        self._begin: Begin | None = None
        self._early: list[Warned] | None = []
        """Warnings that came before the clock started, to be told behind `Began`; None: it has."""
        self._ending: Ended | None = None
        """Why the session ends before its time; the first reason counts."""
        self._finishing = False
        """Terminate has been sent."""
        self._over = False
        """The server has said its last word."""
        self._last_message = 0.0
        self._lags = Lags()
        self._slips_ms: list[float] = []
        self._sent = 0
        self._reported = 0

    def run(self, sha256: str) -> Ended:
        """All of it. Whatever happens, what was heard is kept and the ending says why it ended."""
        self._recorder.say(Connecting(self._endpoint.address, sha256))
        dialled = time.monotonic()
        try:
            connection = dial(self._endpoint.with_parameters(self._parameters()), self._headers())
        except Unreachable as error:
            denied = error.status in (401, 403)
            outcome = Outcome.UNAUTHORISED if denied else Outcome.UNREACHABLE
            return Ended(outcome, error.reason, error.hint, code=error.status)
        opened = time.monotonic()
        with connection:
            try:
                self._converse(connection, dialled, opened)
            except ConnectionLost as error:
                self._end(Ended(Outcome.LOST, error.reason, "What was heard is kept; retry."))
            connection.close()
        return self._ended(time.monotonic() - opened)

    # --- the acts --------------------------------------------------------------------------------

    def _converse(self, connection: Connection, dialled: float, opened: float) -> None:
        self._await_begin(connection, opened + self._patience.begin)
        if self._begin is None:
            return
        if not self._halted():
            self._stream(connection, self._begin, Moments(dialled, opened, time.monotonic()))
        if not self._over:
            self._finish(connection)

    def _await_begin(self, connection: Connection, deadline: float) -> None:
        """Only Begin, not the open socket, means that the session is accepted."""
        self._attend(connection, deadline, lambda: self._begin is not None or self._halted())
        self._end_if(
            self._begin is None,
            Ended(
                Outcome.UNREACHABLE,
                f"{self._endpoint.name} opened the connection but began no session "
                f"within {self._patience.begin:g} s",
                "Is this the address of a v3 endpoint? Retry later.",
            ),
        )

    def _stream(self, connection: Connection, begin: Begin, moments: Moments) -> None:
        """Every chunk at its due time. The clock starts when the first one is ready to be sent."""
        chunks_a_report = max(1, round(REPORT_EVERY * 1000 / self._settings.chunk_ms))
        try:
            with closing(self._chunks()) as chunks:
                first = next(chunks)
                start = time.monotonic() + LEAD
                schedule = Schedule(rate=self._rate, start=start, release=self._settings.release)
                self._say_began(begin, moments, start)
                for chunk in chain([first], chunks):  # the next is decoded while there is time
                    if not self._send_on_time(connection, schedule, chunk):
                        break
                    if len(self._lags) % chunks_a_report == 0:
                        self._report_progress()
                self._attend(connection, schedule.due(self._sent, 0), self._halted)
        except Unreadable as error:
            self._end(Ended(Outcome.UNREADABLE, error.reason, error.hint))
        self._report_progress()

    def _send_on_time(self, connection: Connection, schedule: Schedule, chunk: bytes) -> bool:
        """Sends a chunk when it is due; False when the session is to stop instead."""
        frames, frame = len(chunk) // 2, framed(chunk)
        due = schedule.due(self._sent, frames)
        self._attend(connection, due, self._halted)
        if self._halted():
            return False
        stalled = schedule.slipped(due, time.monotonic())
        if stalled is not None:
            self._slips_ms.append(stalled * 1000)
            self._recorder.say(Slipped(self._sent / self._rate, round(stalled * 1000, 3)))
            due = schedule.due(self._sent, frames)
        connection.send_audio(frame)
        self._lags.add(time.monotonic() - due)
        self._sent += frames
        return True

    def _finish(self, connection: Connection) -> None:
        """Terminate, and then all that is still to come, up to Termination."""
        connection.send(Terminate())
        self._finishing = True
        self._recorder.note(MessageSent(messages.to_json(Terminate())))
        self._last_message = time.monotonic()
        patience = self._patience.end
        while not self._over and time.monotonic() < self._last_message + patience:
            self._attend(connection, self._last_message + patience, lambda: self._over)
        self._end_if(
            not self._over,
            Ended(
                Outcome.LOST,
                f"the server did not confirm the end within {patience:g} s",
                "What was heard is kept, but the last words may be missing; retry.",
            ),
        )
        self._over = True

    # --- attending to what happens meanwhile -----------------------------------------------------

    def _halted(self) -> bool:
        return self._over or self._ending is not None or self._recorder.failure is not None

    def _attend(self, connection: Connection, deadline: float, enough: Callable[[], bool]) -> None:
        """Handles messages and orders until ``deadline`` or until it is ``enough``."""
        while not enough() and (left := deadline - time.monotonic()) > 0:
            socket = connection.fileno()
            ready, _, _ = select.select([socket, *self._orders.watched], [], [], left)
            if socket in ready:
                self._take_messages(connection)
            if ready and (stop := self._orders.stop(ready)):
                self._end(stop)

    def _take_messages(self, connection: Connection) -> None:
        while not self._over:
            try:
                message = connection.receive()
            except Malformed as error:
                self._recorder.say(Warned(f"a message was not understood: {error.reason}"))
                continue
            if message is None:
                return
            self._last_message = time.monotonic()
            self._take(message)

    def _take(self, message: ServerMessage | Closed) -> None:
        match message:
            case Turn():
                self._recorder.say(TurnHeard(message))
                return
            case messages.Warning():
                self._warn(Warned(message.warning, message.warning_code))
                return
            case Closed():
                self._over = True
                self._end(endings.of_close(message))
                return
            case Begin():
                self._begin = message
            case Termination():
                self._over = True
                self._end_if(not self._finishing, _ENDED_EARLY)
            case messages.Error():
                self._over = True
                self._end(endings.of_error(message))
        self._recorder.note(MessageReceived(messages.to_json(message)))

    # --- how it stands, and how it ended ---------------------------------------------------------

    def _end(self, ending: Ended) -> None:
        self._ending = self._ending or ending

    def _end_if(self, so: bool, ending: Ended) -> None:
        if so:
            self._end(ending)

    def _say_began(self, begin: Begin, moments: Moments, start: float) -> None:
        began = Began(
            session_id=begin.id,
            model=begin.model or self._settings.speech_model,
            sample_rate=self._rate,
            expires_at=begin.expires_at,
            connect_ms=round((moments.opened - moments.dialled) * 1000, 1),
            begin_ms=round((moments.begun - moments.opened) * 1000, 1),
        )
        self._recorder.say(began, at=start)
        self._tell_early(start)

    def _warn(self, warned: Warned) -> None:
        if self._early is None:
            self._recorder.say(warned)
        else:
            self._early.append(warned)

    def _tell_early(self, at: float | None = None) -> None:
        early, self._early = self._early or [], None
        for warned in early:
            self._recorder.say(warned, at=at)

    def _report_progress(self) -> None:
        new = self._lags.since(self._reported)
        if new:
            self._recorder.note(ChunksSent(self._reported, new))
            self._reported = len(self._lags)
        total = max(decode.length(self._recording, self._rate), self._sent)
        self._recorder.say(
            Progressed(
                round(self._sent / self._rate, 3),
                round(total / self._rate, 3),
                self._lags.summary(),
            )
        )

    def _ended(self, open_seconds: float) -> Ended:
        self._tell_early()
        ending = self._ending or self._recorder.failure
        if ending is None:
            ending = Ended(Outcome.DONE, "all audio was sent and the server confirmed the end")
        sent_seconds = self._sent / self._rate
        return replace(
            ending,
            sent_seconds=round(sent_seconds, 3),
            open_seconds=round(open_seconds, 3),
            certificate=certificate(
                self._lags.array(),
                tuple(self._slips_ms),
                release=self._settings.release,
                chunk_ms=self._settings.chunk_ms,
                sample_rate=self._rate,
                audio_seconds=sent_seconds,
            ),
        )

    # --- what is sent ----------------------------------------------------------------------------

    def _parameters(self) -> dict[str, str]:
        return {
            **dict(self._settings.params),
            "speech_model": self._settings.speech_model,
            "sample_rate": str(self._rate),  # always the rate of what is sent
            "encoding": "pcm_s16le",
        }

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": "Paceline"}
        if self._key is not None:
            headers["Authorization"] = self._key.reveal()
        return headers

    def _chunks(self) -> Generator[bytes]:
        """The recording, a chunk at a time, the last filled up to the shortest that is allowed."""
        frames = -(-self._rate * self._settings.chunk_ms // 1000)  # rounded up: never too short
        shortest = 2 * -(-self._rate * SHORTEST_CHUNK_MS // 1000)
        with closing(decode.blocks(self._recording, self._rate, frames)) as blocks:
            for block in blocks:
                yield block.ljust(shortest, b"\0")
