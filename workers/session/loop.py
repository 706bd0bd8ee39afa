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
from workers.protocol.connection import PART, Closed, Connection, Part
from workers.protocol.messages import ServerMessage, Turn
from workers.session.assignment import Request
from workers.session.control import Orders
from workers.session.handover import Handover
from workers.session.keepalive import Pulse
from workers.session.progress import Tally
from workers.session.recorder import Recorder
from workers.session.session_state import Course

AT_ONCE = 64
"""Messages taken in between two looks at the clock, so that a flood of them delays no chunk."""

_FLOOD, _FLOOD_RATE = 8e6, 2e5
"""Bytes of messages, and more a second: several times what the busiest speech can bring."""


class Attention:
    """Of one conversation, from the open socket on; ``silence`` in seconds, as `Pulse` bounds it.

    Raises `ConnectionLost` wherever the connection breaks.
    """

    def __init__(
        self,
        connection: Connection,
        course: Course,
        tally: Tally,
        orders: Orders,
        recorder: Recorder,
        *,
        silence: float,
    ) -> None:
        self._connection = connection
        self._course = course
        self._tally = tally
        self._orders = orders
        self._recorder = recorder
        self._pulse = Pulse(connection, silence)
        self._more = False
        """Messages may be there that were not taken in yet."""
        self.handover: Handover | None = None
        """From Begin on."""

    def until(self, deadline: float, enough: Callable[[], bool]) -> None:
        """Handles messages and orders until ``deadline`` or until it is ``enough``.

        Looks at least once: what is there already counts, however late this process comes to it.
        """
        connection = self._connection
        socket = connection.fileno()
        late = False
        while not late and not enough():
            now = time.monotonic()
            late = now >= deadline
            left = min(deadline - now, self._pulse.feel(now), self._tally.report_alive(now))
            if self.handover is not None:
                left = min(left, self.handover.due_in(now))
            self._more |= connection.buffered
            at_once = late or self._more
            reading = [socket, *self._orders.watched]
            writing = [socket] if connection.waiting else []
            ready, writable, _ = select.select(reading, writing, [], 0 if at_once else left)
            if writable:
                connection.flush()
            if self._more or socket in ready:
                self._take_messages()
            for order in self._orders.arrived(ready) if ready else ():
                self._obey(order)

    # --- what comes from outside -----------------------------------------------------------------

    def _obey(self, order: Ended | Request) -> None:
        """Ends the session, or passes a message on: while that means something to the server."""
        if isinstance(order, Ended):
            self._course.end(order)
        elif self._course.streams:
            self._connection.send(order)
            self._recorder.note(MessageSent(messages.to_json(order)))

    # --- what comes from the server --------------------------------------------------------------

    def _take_messages(self) -> None:
        self._more = False
        for _ in range(AT_ONCE):
            try:
                message = self._connection.receive()
            except Malformed as error:
                self._course.warn(Warned(f"a message was not understood: {error.reason}"))
                message = PART
            if message is None:
                return
            self._expect_no_flood()
            if not self._course.over:
                self._take(message)
            if self._course.over:
                return
        self._more = True

    def _take(self, message: ServerMessage | Closed | Part) -> None:
        if isinstance(message, Part):
            return
        final = isinstance(message, Turn) and message.end_of_turn
        if final:
            self._tally.report_new()  # so that it is known what was sent when it came
        self._course.take(message)
        if final and self.handover is not None:
            self.handover.consider(time.monotonic())

    def _expect_no_flood(self) -> None:
        allowed = _FLOOD + _FLOOD_RATE * self._recorder.elapsed
        if self._connection.received_bytes > allowed:
            self._course.over = True
            reason = "the server sends more than any speech could bring"
            self._course.end(Ended(Outcome.REFUSED, reason, "Is this the right endpoint?"))
