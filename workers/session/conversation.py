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
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.connection import Connection, ConnectionLost, audio_frame
from workers.protocol.dialing import Unreachable
from workers.protocol.endpoint import Secret
from workers.protocol.messages import Begin, Terminate
from workers.session.assignment import Assignment
from workers.session.control import ControlChannel
from workers.session.dialer import Dialer
from workers.session.handover import Handover
from workers.session.loop import SessionLoop
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.session_state import SessionState

REPORT_INTERVAL_S = 1.0
"""Seconds of audio between two reports of progress."""

START_LEAD_S = 0.02
"""Seconds from Begin to the first chunk's due time: saying Began comes in between."""

MIN_CHUNK_MS = 50
"""The protocol's bound; a shorter last chunk is filled up with silence."""


@dataclass(frozen=True, slots=True)
class ConnectTimes:
    """When the conversation got how far, in seconds of the monotonic clock."""

    dialled_at: float
    opened_at: float
    begun_at: float


class Conversation:
    """One attempt. `run` it once; `Ended` tells how it went."""

    def __init__(
        self,
        assignment: Assignment,
        key: Secret | None,
        recorder: Recorder,
        control: ControlChannel,
    ) -> None:
        self._endpoint = assignment.endpoint
        self._timeouts = assignment.timeouts
        self._recording = assignment.job.recording
        self._settings = assignment.job.settings
        self._resume_point = assignment.resume_point
        self._changes = assignment.changes
        self._rate = self._settings.sample_rate_for(self._recording)
        self._start_sample = round(self._resume_point.at_ms * self._rate / 1000)
        self._key = key
        self._recorder = recorder
        self._control = control
        self._state = SessionState(recorder, self._resume_point)
        self._progress = SendProgress(self._recording, self._settings, self._start_sample, recorder)

    def run(self, sha256: str) -> Ended:
        """All of it. Whatever happens, what was heard is kept and the ending says why it ended.

        Raises `Cancelled` for an order that comes before the server is called.
        """
        address = self._endpoint.address
        resume_point = self._resume_point
        self._recorder.publish(
            Connecting(
                address, sha256, resume_point.at_ms, resume_point.turn, resume_point.kept_words
            )
        )
        with closing(self._chunks()) as chunks:
            try:
                # Before anybody is called: to get far into a file may take a minute.
                first = next(chunks, None)  # none: only the end was missing
            except Unreadable as error:
                return Ended(Outcome.UNREADABLE, error.reason, error.hint)
            self._control.check()
            return self._connect_and_run(chain([first] if first else [], chunks))

    def _connect_and_run(self, chunks: Iterator[bytes]) -> Ended:
        dialled = time.monotonic()
        try:
            call = Dialer(self._endpoint, self._settings, self._rate, self._key)
            connection = call.wait_for_connection(self._timeouts, self._control, self._state)
        except Unreachable as error:
            return self._state.ending or outcomes.ended_by_unreachable(error)
        opened = time.monotonic()
        self._loop = SessionLoop(
            connection,
            self._state,
            self._progress,
            self._control,
            self._recorder,
            silence_s=self._timeouts.silence_s,
        )
        with connection:
            try:
                self._stream_and_terminate(connection, chunks, dialled, opened)
            except ConnectionLost as error:
                self._state.end(Ended(Outcome.LOST, error.reason, outcomes.RETRY_HINT))
            connection.close()
        return replace(
            self._state.finalize(),
            sent_seconds=round(self._progress.sent_seconds, 3),
            open_seconds=round(time.monotonic() - opened, 3),
            certificate=self._progress.certificate(),
        )

    # --- the acts --------------------------------------------------------------------------------

    def _stream_and_terminate(
        self, connection: Connection, chunks: Iterator[bytes], dialled_at: float, opened_at: float
    ) -> None:
        session_state = self._state
        self._await_begin(opened_at + self._timeouts.begin_s)
        if session_state.begin is not None and not session_state.is_stopping:
            begun = time.monotonic()
            expires_at = session_state.begin.expires_at
            self._loop.handover = Handover(
                expires_at, session_state, self._progress, wall_time=time.time(), now=begun
            )
            self._stream(
                connection, chunks, session_state.begin, ConnectTimes(dialled_at, opened_at, begun)
            )
        if not session_state.finished:  # though it has not begun: Begin may be on its way
            self._terminate(connection)

    def _await_begin(self, deadline: float) -> None:
        """Only Begin, not the open socket, means that the session is accepted."""
        session_state = self._state
        self._loop.run_until(
            deadline, lambda: session_state.begin is not None or session_state.is_stopping
        )
        if session_state.begin is None:
            timeouts = f"{self._timeouts.begin_s:g} s"
            session_state.end(
                Ended(
                    Outcome.UNREACHABLE,
                    f"{self._endpoint.name} opened the connection but began no session "
                    f"within {timeouts}",
                    "Is this the address of a v3 endpoint? Retry later.",
                )
            )

    def _stream(
        self, connection: Connection, chunks: Iterator[bytes], begin: Begin, times: ConnectTimes
    ) -> None:
        """Every chunk at its due time; the clock starts with the first."""
        chunks_a_report = max(1, round(REPORT_INTERVAL_S * 1000 / self._settings.chunk_ms))
        session_state, progress = self._state, self._progress
        start = time.monotonic() + START_LEAD_S
        schedule = Schedule(rate=self._rate, start=start, release=self._settings.release)
        self._publish_began(begin, times, start)
        self._resend_changes(connection, start)
        try:
            for chunk in chunks:  # each is decoded while there is time
                if not self._send_on_time(connection, schedule, chunk):
                    break
                progress.report_every(chunks_a_report)
            else:
                session_state.all_audio_sent = True
            self._loop.run_until(
                schedule.due(progress.sent_samples, 0), lambda: session_state.is_stopping
            )
        except Unreadable as error:
            session_state.end(Ended(Outcome.UNREADABLE, error.reason, error.hint))
        progress.report()

    def _send_on_time(self, connection: Connection, schedule: Schedule, chunk: bytes) -> bool:
        """Sends a chunk when it is due; False when the session is to stop instead."""
        session_state, progress = self._state, self._progress
        frames, frame = len(chunk) // 2, audio_frame(chunk)
        due = schedule.due(progress.sent_samples, frames)
        self._loop.run_until(due, lambda: session_state.is_stopping)
        if session_state.is_stopping:
            return False
        stalled = schedule.slip_if_late(due, time.monotonic())
        if stalled is not None:
            progress.record_slip(stalled)
            due = schedule.due(progress.sent_samples, frames)
        connection.send_audio(frame)
        if connection.has_unsent:  # for as long as the pulse allows
            self._loop.run_until(
                float("inf"), lambda: session_state.is_stopping or not connection.has_unsent
            )
        progress.add_chunk(chunk, time.monotonic() - due)
        return True

    def _terminate(self, connection: Connection) -> None:
        """Terminate, and then all that is still to come, up to Termination."""
        session_state = self._state
        connection.send(Terminate())
        session_state.terminate_sent = True
        self._recorder.trace_only(MessageSent(messages.to_json(Terminate())))
        began = now = session_state.last_message_at = time.monotonic()
        while not session_state.finished and now < self._termination_deadline(began):
            now = time.monotonic()
            end = min(self._termination_deadline(began), now + 1.0)
            self._loop.run_until(end, lambda: session_state.finished)
        if not session_state.finished:
            session_state.end(
                Ended(
                    Outcome.LOST,
                    "the server did not confirm the end in time",
                    "The last words may be missing; retry goes on from the last turn.",
                )
            )
        session_state.finished = True

    def _termination_deadline(self, terminate_sent_at: float) -> float:
        """When the Termination is given up, if Terminate was sent at ``terminate_sent_at``."""
        session_state, timeouts = self._state, self._timeouts
        if session_state.is_interrupted or session_state.begin is None:
            return session_state.ended_at + timeouts.shutdown_s
        return min(
            session_state.last_message_at + timeouts.next_message_s,
            terminate_sent_at + timeouts.termination_s,
        )

    # --- what is said and sent -------------------------------------------------------------------

    def _publish_began(self, begin: Begin, times: ConnectTimes, clock_start: float) -> None:
        began = Began(
            session_id=begin.id,
            model=begin.model or self._settings.speech_model,
            sample_rate=self._rate,
            expires_at=begin.expires_at,
            connect_ms=round((times.opened_at - times.dialled_at) * 1000, 1),
            begin_ms=round((times.begun_at - times.opened_at) * 1000, 1),
        )
        self._recorder.publish(began, at=clock_start)
        self._progress.start_reporting()
        self._state.publish_pending_warnings(clock_start)

    def _resend_changes(self, connection: Connection, clock_start: float) -> None:
        """What was changed in an earlier session, before any audio.

        By message and not in the query: a hundred key terms make an address too long for a server.
        """
        if self._changes != NO_CHANGES:
            connection.send(self._changes)
            self._recorder.trace_only(MessageSent(messages.to_json(self._changes)), at=clock_start)

    def _chunks(self) -> Generator[bytes]:
        """The recording from the seam on, a chunk at a time, the last filled up to the shortest."""
        frames = -(-self._rate * self._settings.chunk_ms // 1000)  # rounded up: never too short
        shortest = 2 * -(-self._rate * MIN_CHUNK_MS // 1000)
        blocks = decode.pcm_blocks(
            self._recording, self._rate, frames, self._start_sample, on_skip=self._control.check
        )
        with closing(blocks):
            for block in blocks:
                yield block.ljust(shortest, b"\0")
