"""The conversation of one attempt: dial, Begin, every chunk on time, Terminate, Termination."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain

from workers.audio import decode
from workers.errors import Unreadable
from workers.jobs import outcomes
from workers.jobs.events import Began, Connecting, Ended, MessageSent, Outcome
from workers.pacing.schedule import Schedule
from workers.protocol import messages
from workers.protocol.configuration import UNCHANGED
from workers.protocol.connection import Connection, ConnectionLost, framed
from workers.protocol.dialing import Unreachable
from workers.protocol.endpoint import Secret
from workers.protocol.messages import Begin, Terminate
from workers.session.assignment import Assignment
from workers.session.control import Orders
from workers.session.dialer import Call
from workers.session.handover import Handover
from workers.session.loop import Attention
from workers.session.progress import Tally
from workers.session.recorder import Recorder
from workers.session.session_state import Course

REPORT_EVERY = 1.0
"""Seconds of audio between two reports of progress."""

LEAD = 0.02
"""Seconds from Begin to the first chunk's due time: saying Began comes in between."""

SHORTEST_CHUNK_MS = 50
"""The protocol's bound; a shorter last chunk is filled up with silence."""

_KEPT = "What was heard is kept; retry goes on from there."


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
        self._seam = assignment.seam
        self._changes = assignment.changes
        self._rate = self._settings.rate_for(self._recording)
        self._start = round(self._seam.at_ms * self._rate / 1000)
        self._key = key
        self._recorder = recorder
        self._orders = orders
        self._course = Course(recorder, self._seam)
        self._tally = Tally(self._recording, self._settings, self._start, recorder)

    def run(self, sha256: str) -> Ended:
        """All of it. Whatever happens, what was heard is kept and the ending says why it ended.

        Raises `Recalled` for an order that comes before the server is called.
        """
        address = self._endpoint.address
        seam = self._seam
        self._recorder.say(Connecting(address, sha256, seam.at_ms, seam.turn, seam.kept_words))
        with closing(self._chunks()) as chunks:
            try:
                # Before anybody is called: to get far into a file may take a minute.
                first = next(chunks, None)  # none: only the end was missing
            except Unreadable as error:
                return Ended(Outcome.UNREADABLE, error.reason, error.hint)
            self._orders.heed()
            return self._hold(chain([first] if first else [], chunks))

    def _hold(self, chunks: Iterator[bytes]) -> Ended:
        dialled = time.monotonic()
        try:
            call = Call(self._endpoint, self._settings, self._rate, self._key)
            connection = call.answered(self._patience, self._orders, self._course)
        except Unreachable as error:
            return self._course.ending or outcomes.of_unreachable(error)
        opened = time.monotonic()
        self._attention = Attention(
            connection,
            self._course,
            self._tally,
            self._orders,
            self._recorder,
            silence=self._patience.silence,
        )
        with connection:
            try:
                self._converse(connection, chunks, dialled, opened)
            except ConnectionLost as error:
                self._course.end(Ended(Outcome.LOST, error.reason, _KEPT))
            connection.close()
        return replace(
            self._course.ended(),
            sent_seconds=round(self._tally.sent_seconds, 3),
            open_seconds=round(time.monotonic() - opened, 3),
            certificate=self._tally.certificate(),
        )

    # --- the acts --------------------------------------------------------------------------------

    def _converse(
        self, connection: Connection, chunks: Iterator[bytes], dialled: float, opened: float
    ) -> None:
        course = self._course
        self._await_begin(opened + self._patience.begin)
        if course.begin is not None and not course.halted:
            begun = time.monotonic()
            expires_at = course.begin.expires_at
            self._attention.handover = Handover(
                expires_at, course, self._tally, wall=time.time(), now=begun
            )
            self._stream(connection, chunks, course.begin, Moments(dialled, opened, begun))
        if not course.over:  # though it has not begun: Begin may be on its way
            self._finish(connection)

    def _await_begin(self, deadline: float) -> None:
        """Only Begin, not the open socket, means that the session is accepted."""
        course = self._course
        self._attention.until(deadline, lambda: course.begin is not None or course.halted)
        if course.begin is None:
            patience = f"{self._patience.begin:g} s"
            course.end(
                Ended(
                    Outcome.UNREACHABLE,
                    f"{self._endpoint.name} opened the connection but began no session "
                    f"within {patience}",
                    "Is this the address of a v3 endpoint? Retry later.",
                )
            )

    def _stream(
        self, connection: Connection, chunks: Iterator[bytes], begin: Begin, moments: Moments
    ) -> None:
        """Every chunk at its due time; the clock starts with the first."""
        chunks_a_report = max(1, round(REPORT_EVERY * 1000 / self._settings.chunk_ms))
        course, tally = self._course, self._tally
        start = time.monotonic() + LEAD
        schedule = Schedule(rate=self._rate, start=start, release=self._settings.release)
        self._say_began(begin, moments, start)
        self._change_again(connection, start)
        try:
            for chunk in chunks:  # each is decoded while there is time
                if not self._send_on_time(connection, schedule, chunk):
                    break
                tally.report_each(chunks_a_report)
            else:
                course.complete = True
            self._attention.until(schedule.due(tally.sent, 0), lambda: course.halted)
        except Unreadable as error:
            course.end(Ended(Outcome.UNREADABLE, error.reason, error.hint))
        tally.report()

    def _send_on_time(self, connection: Connection, schedule: Schedule, chunk: bytes) -> bool:
        """Sends a chunk when it is due; False when the session is to stop instead."""
        course, tally = self._course, self._tally
        frames, frame = len(chunk) // 2, framed(chunk)
        due = schedule.due(tally.sent, frames)
        self._attention.until(due, lambda: course.halted)
        if course.halted:
            return False
        stalled = schedule.slipped(due, time.monotonic())
        if stalled is not None:
            tally.slip(stalled)
            due = schedule.due(tally.sent, frames)
        connection.send_audio(frame)
        if connection.waiting:  # for as long as the pulse allows
            self._attention.until(float("inf"), lambda: course.halted or not connection.waiting)
        tally.add(chunk, time.monotonic() - due)
        return True

    def _finish(self, connection: Connection) -> None:
        """Terminate, and then all that is still to come, up to Termination."""
        course = self._course
        connection.send(Terminate())
        course.finishing = True
        self._recorder.note(MessageSent(messages.to_json(Terminate())))
        began = now = course.last_message = time.monotonic()
        while not course.over and now < self._last_moment(began):
            now = time.monotonic()
            end = min(self._last_moment(began), now + 1.0)
            self._attention.until(end, lambda: course.over)
        if not course.over:
            course.end(
                Ended(
                    Outcome.LOST,
                    "the server did not confirm the end in time",
                    "The last words may be missing; retry goes on from the last turn.",
                )
            )
        course.over = True

    def _last_moment(self, began: float) -> float:
        """When the Termination is given up, if Terminate was sent at ``began``."""
        course, patience = self._course, self._patience
        if course.interrupted or course.begin is None:
            return course.ended_at + patience.farewell
        return min(course.last_message + patience.end, began + patience.end_altogether)

    # --- what is said and sent -------------------------------------------------------------------

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
        self._tally.begin()
        self._course.tell_early(start)

    def _change_again(self, connection: Connection, start: float) -> None:
        """What was changed in an earlier session, before any audio.

        By message and not in the query: a hundred key terms make an address too long for a server.
        """
        if self._changes != UNCHANGED:
            connection.send(self._changes)
            self._recorder.note(MessageSent(messages.to_json(self._changes)), at=start)

    def _chunks(self) -> Generator[bytes]:
        """The recording from the seam on, a chunk at a time, the last filled up to the shortest."""
        frames = -(-self._rate * self._settings.chunk_ms // 1000)  # rounded up: never too short
        shortest = 2 * -(-self._rate * SHORTEST_CHUNK_MS // 1000)
        blocks = decode.blocks(
            self._recording, self._rate, frames, self._start, winding=self._orders.heed
        )
        with closing(blocks):
            for block in blocks:
                yield block.ljust(shortest, b"\0")
