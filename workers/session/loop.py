"""Waits between two chunks for messages, commands, timers and the next due time.

One thread waits for all of them in one ``select``, so only the operating system can delay a chunk.
"""

import select
import time
from collections.abc import Callable, Iterable
from math import inf

from workers.errors import Malformed
from workers.jobs.events import Ended, MessageSent, Outcome, Warned
from workers.log import Logger
from workers.pacing.schedule import MAX_CATCH_UP_S
from workers.protocol import messages
from workers.protocol.connection import NON_MESSAGE, Connection, NonMessage
from workers.protocol.messages import Begin, PartlyMalformed, Turn
from workers.session.assignment import StartClock, Timeouts
from workers.session.clocks import session_life
from workers.session.control import ControlChannel
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.session_state import SessionState
from workers.session.timers import Handover, Keepalive, Timer

MAX_MESSAGES_PER_PASS = 64
"""Maximum number of messages between two looks at the clock; a flood must not delay a chunk."""

_FLOOD_BASE_BYTES, _FLOOD_BYTES_PER_S = 8e6, 2e5
"""Limit on what the server may send: several times what the densest speech produces."""

_log = Logger("paceline.session")


class SessionLoop:
    """Handles messages, commands and timers while `Conversation` waits to send the next chunk.

    Raises `ConnectionLost` when the connection breaks.
    """

    def __init__(
        self,
        connection: Connection,
        state: SessionState,
        progress: SendProgress,
        control: ControlChannel,
        recorder: Recorder,
        timeouts: Timeouts,
        speed: float,
    ) -> None:
        """``speed``: seconds of audio that are sent per second."""
        self.connection = connection
        self._state = state
        self._progress = progress
        self._control = control
        self._recorder = recorder
        self._handover: Handover | None = None
        self.timers: list[Timer] = [Keepalive(connection, timeouts.silence_s), progress]
        self._next_tick_at = -inf
        """When a timer has something to do."""
        self._min_life_s = timeouts.min_life_s
        self._has_pending_messages = False
        self._flood_bytes_per_s = _FLOOD_BYTES_PER_S * max(speed, 1.0)

    def run_until(self, deadline: float, is_done: Callable[[], bool]) -> None:
        """Handles messages, commands and timers until ``deadline`` or until ``is_done``.

        Makes one pass even after ``deadline``, to handle input that has already arrived.
        """
        connection, state = self.connection, self._state
        socket = connection.fileno()
        while not is_done():
            now = time.monotonic()
            if now >= self._next_tick_at:
                self._tick(now)
            self._has_pending_messages |= connection.has_buffered_input
            at_once = self._has_pending_messages or now >= deadline
            pause = 0.0 if at_once else min(deadline, self._next_tick_at) - now
            reading = [socket, *self._control.read_fds]
            writing = [socket] if connection.has_unsent else []
            ready, writable, _ = select.select(reading, writing, [], pause)
            if writable:
                connection.flush()
            if self._has_pending_messages or socket in ready:
                self._receive_messages()
            for command in self._control.receive(ready) if ready else ():
                if isinstance(command, Ended):
                    state.end(command)
                elif isinstance(command, StartClock):
                    state.clock_s = command.at_s
                elif state.is_streaming:
                    self.send(command)
            # If nothing came while it waited, nothing has arrived at the deadline.
            if now >= deadline or (not ready and time.monotonic() >= deadline):
                return

    def send_undisturbed(self, frames: Iterable[tuple[bytes, float]], lags_s: list[float]) -> None:
        """Sends frames, each at the monotonic time beside it, and notes how late each left. Stops
        before one if there is anything to do for `run_until`, or if it is much too late.

        It runs a tenth of what `run_until` runs for a chunk, which takes long, since the memory of
        300 sessions fits into no cache.
        """
        connection, monotonic, wait = self.connection, time.monotonic, select.select
        if self._has_pending_messages or connection.has_buffered_input or connection.has_unsent:
            return
        reading = [connection.fileno(), *self._control.read_fds]
        for frame, due in frames:
            pause = due - monotonic()
            if due >= self._next_tick_at or wait(reading, (), (), max(0.0, pause))[0]:
                return
            if monotonic() - due > MAX_CATCH_UP_S:
                return
            connection.send_audio(frame)
            lags_s.append(monotonic() - due)
            if connection.has_unsent:
                return

    def _tick(self, now: float) -> None:
        """Calls all timers, each of which needs that only when it has said so."""
        self._next_tick_at = now + min(timer.tick(now) for timer in self.timers)

    def send(self, message: messages.ClientMessage, at: float | None = None) -> None:
        """Sends a message and traces it; ``at`` is a monotonic time, None is now."""
        self.connection.send(message)
        self._recorder.trace_only(MessageSent(messages.to_json(message)), at=at)
        _log.debug("sent %s", type(message).__name__)

    def _receive_messages(self) -> None:
        connection, state = self.connection, self._state
        self._has_pending_messages = False
        for _ in range(MAX_MESSAGES_PER_PASS):
            try:
                message = connection.receive()
            except PartlyMalformed as error:
                message = error.message
                state.warn_of_unread_part(error.reason, message)
            except Malformed as error:
                state.warn(Warned(f"a message was not understood: {error.reason}"))
                message = NON_MESSAGE
            if message is None:
                return
            accepted = _FLOOD_BASE_BYTES + self._flood_bytes_per_s * self._recorder.elapsed_s
            if connection.received_bytes > accepted:
                reason = "the server sends more than speech can produce"
                flooded = Ended(Outcome.REFUSED, reason, "Is this the right endpoint?")
                state.finish(None if state.is_terminated else flooded)
            elif not isinstance(message, NonMessage):
                sent_seconds = self._progress.sent_seconds
                state.apply(message, sent_seconds=sent_seconds, at=connection.last_received_at)
                now = time.monotonic()
                if isinstance(message, Begin) and self._handover is None:
                    self._start_handover(message, now)
                elif self._handover and isinstance(message, Turn) and message.end_of_turn:
                    self._handover.check_turn_end(now)
            if state.finished:
                return
        self._has_pending_messages = True

    def _start_handover(self, begin: Begin, now: float) -> None:
        """Times the session. The only look at the wall clock, which may be set at any time."""
        offset_s = self.connection.server_clock_offset_s
        life = session_life(
            begin.expires_at,
            server_time_s=None if offset_s is None else now + offset_s,
            local_time_s=time.time(),
            min_life_s=self._min_life_s,
        )
        if life.warning:
            self._state.warn(Warned(life.warning))
        self._handover = Handover(life.seconds, self._state, self._progress, now=now)
        self.timers.append(self._handover)
        self._next_tick_at = -inf
