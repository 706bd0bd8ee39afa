"""Dials the server in a thread, because looking up a host cannot be interrupted."""

import os
import select
import threading
import time
from urllib.parse import urlsplit

from workers.jobs.events import Ended
from workers.jobs.job import StreamSettings
from workers.protocol.connection import Connection
from workers.protocol.dialing import dial, timeout_error
from workers.protocol.endpoint import Endpoint, Secret
from workers.session.assignment import Timeouts
from workers.session.control import ControlChannel
from workers.session.session_state import SessionState


class Dialer:
    """Starts to dial when it is made, for audio of ``rate`` Hz.

    Nothing waits for the thread of an attempt that was given up; it ends with the process.
    """

    def __init__(
        self, endpoint: Endpoint, settings: StreamSettings, rate: int, key: Secret | None
    ) -> None:
        self._endpoint = endpoint
        self._key = key
        self._url = endpoint.with_parameters(settings.query_params(rate))
        self._result: Connection | Exception | None = None
        self._still_wanted = True
        self._handshaking = False
        """The server is about to be asked for a session, or has been."""
        self._done_fd, self._done_write_fd = os.pipe()
        """The reading end reaches its end when there is a result."""
        threading.Thread(target=self._dial, name="dialer", daemon=True).start()

    def wait_for_connection(
        self, timeouts: Timeouts, control: ControlChannel, state: SessionState
    ) -> Connection:
        """Returns the open connection; raises `Unreachable`.

        A stop command ends the session. Dialing is then given up at once, unless the handshake has
        begun: it may open a session, and that must be terminated.
        """
        deadline = time.monotonic() + timeouts.dial_s
        ready: list[int] = []
        while self._done_fd not in ready:
            left = deadline - time.monotonic()
            if left <= 0 or (state.is_stopping and self._abandon()):
                raise timeout_error(urlsplit(self._url).netloc)
            ready = select.select([self._done_fd, *control.read_fds], [], [], left)[0]
            for command in control.receive(ready):
                if isinstance(command, Ended):
                    state.end(command)
                    deadline = min(deadline, state.ended_at + timeouts.shutdown_s)
        os.close(self._done_fd)
        if isinstance(self._result, Connection):
            return self._result
        assert self._result is not None
        raise self._result

    def _abandon(self) -> bool:
        """Gives up; False when the handshake has begun already."""
        self._still_wanted = False
        return not self._handshaking

    # --- in the thread ---------------------------------------------------------------------------

    def _dial(self) -> None:
        headers = {"User-Agent": "Paceline"}
        if self._key is not None:
            headers["Authorization"] = self._key.reveal()
        ca = self._endpoint.ca
        try:
            self._result = dial(
                self._url, headers, ca_file=ca, key=self._key, claim_handshake=self._claim_handshake
            )
        except Exception as error:
            self._result = error
        os.close(self._done_write_fd)

    def _claim_handshake(self) -> bool:
        # Writes its flag before it reads the other, as `_abandon` does: so one of them sees both.
        self._handshaking = True
        return self._still_wanted
