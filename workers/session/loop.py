"""Attending to what happens between two chunks: messages, orders, signs of life, the time.

One thread and one ``select`` for everything: the socket, the orders from outside, and the moment at
which the next chunk is due. So nothing but a late operating system comes between a chunk and its
due time.
"""

import select
import time
from collections.abc import Callable

from workers.errors import Malformed
from workers.jobs.events import Ended, MessageSent, Outcome, Warned
from workers.protocol import messages
from workers.protocol.connection import NON_MESSAGE, Closed, Connection, NonMessage
from workers.protocol.messages import ServerMessage, Turn
from workers.session.assignment import ForwardedMessage
from workers.session.control import ControlChannel
from workers.session.handover import Handover
from workers.session.keepalive import Keepalive
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.session_state import SessionState

MAX_MESSAGES_PER_PASS = 64
"""Messages taken in between two looks at the clock, so that a flood of them delays no chunk."""

_FLOOD_BASE_BYTES, _FLOOD_BYTES_PER_S = 8e6, 2e5
"""Bytes of messages, and more a second: several times what the busiest speech can bring."""


class SessionLoop:
    """Of one conversation, from the open socket on; ``silence_s`` in seconds, as `Pulse` bounds it.

    Raises `ConnectionLost` wherever the connection breaks.
    """

    def __init__(
        self,
        connection: Connection,
        state: SessionState,
        progress: SendProgress,
        control: ControlChannel,
        recorder: Recorder,
        *,
        silence_s: float,
    ) -> None:
        self._connection = connection
        self._state = state
        self._progress = progress
        self._control = control
        self._recorder = recorder
        self._keepalive = Keepalive(connection, silence_s)
        self._has_pending_messages = False
        """Messages may be there that were not taken in yet."""
        self.handover: Handover | None = None
        """From Begin on."""

    def run_until(self, deadline: float, is_done: Callable[[], bool]) -> None:
        """Handles messages and orders until ``deadline`` or until it is ``is_done``.

        Looks at least once: what is there already counts, however late this process comes to it.
        """
        connection = self._connection
        socket = connection.fileno()
        late = False
        while not late and not is_done():
            now = time.monotonic()
            late = now >= deadline
            left = min(
                deadline - now, self._keepalive.check(now), self._progress.report_if_idle(now)
            )
            if self.handover is not None:
                left = min(left, self.handover.check_deadline(now))
            self._has_pending_messages |= connection.has_buffered_input
            at_once = late or self._has_pending_messages
            reading = [socket, *self._control.read_fds]
            writing = [socket] if connection.has_unsent else []
            ready, writable, _ = select.select(reading, writing, [], 0 if at_once else left)
            if writable:
                connection.flush()
            if self._has_pending_messages or socket in ready:
                self._receive_messages()
            for order in self._control.receive(ready) if ready else ():
                self._handle_command(order)

    # --- what comes from outside -----------------------------------------------------------------

    def _handle_command(self, command: Ended | ForwardedMessage) -> None:
        """Ends the session, or passes a message on: while that means something to the server."""
        if isinstance(command, Ended):
            self._state.end(command)
        elif self._state.is_streaming:
            self._connection.send(command)
            self._recorder.trace_only(MessageSent(messages.to_json(command)))

    # --- what comes from the server --------------------------------------------------------------

    def _receive_messages(self) -> None:
        self._has_pending_messages = False
        for _ in range(MAX_MESSAGES_PER_PASS):
            try:
                message = self._connection.receive()
            except Malformed as error:
                self._state.warn(Warned(f"a message was not understood: {error.reason}"))
                message = NON_MESSAGE
            if message is None:
                return
            self._check_for_flood()
            if not self._state.finished:
                self._handle_message(message)
            if self._state.finished:
                return
        self._has_pending_messages = True

    def _handle_message(self, message: ServerMessage | Closed | NonMessage) -> None:
        if isinstance(message, NonMessage):
            return
        final = isinstance(message, Turn) and message.end_of_turn
        if final:
            self._progress.report_if_new()  # so that it is known what was sent when it came
        self._state.apply(message)
        if final and self.handover is not None:
            self.handover.check_turn_end(time.monotonic())

    def _check_for_flood(self) -> None:
        allowed = _FLOOD_BASE_BYTES + _FLOOD_BYTES_PER_S * self._recorder.elapsed_s
        if self._connection.received_bytes > allowed:
            self._state.finished = True
            reason = "the server sends more than any speech could bring"
            self._state.end(Ended(Outcome.REFUSED, reason, "Is this the right endpoint?"))
