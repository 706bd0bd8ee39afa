"""How a session calls its server: with which parameters, as whom, and for how long."""

import os
import select
import threading
import time
from urllib.parse import urlsplit

from workers.jobs.events import Ended
from workers.jobs.job import Settings
from workers.protocol.connection import Connection
from workers.protocol.dialing import dial, unanswered
from workers.protocol.endpoint import Endpoint, Secret
from workers.session.assignment import Patience
from workers.session.control import Orders
from workers.session.session_state import Course


class Call:
    """Making one calls, for audio of ``rate`` Hz, in a thread: looking up a host heeds no order.

    Nobody waits for a thread whose call was given up; it ends with the process.
    """

    def __init__(
        self, endpoint: Endpoint, settings: Settings, rate: int, key: Secret | None
    ) -> None:
        self._endpoint = endpoint
        self._key = key
        self._url = endpoint.with_parameters(settings.query(rate))
        self._answer: Connection | Exception | None = None
        self._wanted = True
        self._asking = False
        """It is about to ask for a session, or has."""
        self._over, self._writer = os.pipe()
        """Its reading end reads as end-of-file when there is an answer."""
        threading.Thread(target=self._dial, name="call", daemon=True).start()

    def answered(self, patience: Patience, orders: Orders, course: Course) -> Connection:
        """The open connection; raises `Unreachable`.

        An order ends the course. Then the call is given up at once, unless a session was asked for
        already: that may be about to open, and somebody has to end it.
        """
        deadline = time.monotonic() + patience.dial
        ready: list[int] = []
        while self._over not in ready:
            left = deadline - time.monotonic()
            if left <= 0 or (course.halted and self._dropped()):
                raise unanswered(urlsplit(self._url).netloc)
            ready = select.select([self._over, *orders.watched], [], [], left)[0]
            for order in orders.arrived(ready):
                if isinstance(order, Ended):
                    course.end(order)
                    deadline = min(deadline, course.ended_at + patience.farewell)
        os.close(self._over)
        if isinstance(self._answer, Connection):
            return self._answer
        assert self._answer is not None
        raise self._answer

    def _dropped(self) -> bool:
        """Whether nobody is asked for a session any more."""
        self._wanted = False
        return not self._asking

    # --- in the thread ---------------------------------------------------------------------------

    def _dial(self) -> None:
        headers = {"User-Agent": "Paceline"}
        if self._key is not None:
            headers["Authorization"] = self._key.reveal()
        ca = self._endpoint.ca
        try:
            self._answer = dial(self._url, headers, ca=ca, key=self._key, wanted=self._asks)
        except Exception as error:
            self._answer = error
        os.close(self._writer)

    def _asks(self) -> bool:
        # Says so before it looks, as `_dropped` does: so one of the two sees the other.
        self._asking = True
        return self._wanted
