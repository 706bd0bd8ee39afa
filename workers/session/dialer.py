"""Dials the server in a thread, because looking up a host cannot be interrupted."""

import os
import select
import time
from urllib.parse import urlsplit

from workers import threads
from workers.jobs.events import Ended
from workers.protocol.connection import Connection
from workers.protocol.dialing import dial
from workers.protocol.unreachable import timed_out
from workers.secrecy import Secret
from workers.session.assignment import Timeouts
from workers.session.control import ControlChannel
from workers.session.session_state import SessionState


def connect(
    url: str,
    ca_file: str | None,
    key: Secret | None,
    timeouts: Timeouts,
    control: ControlChannel,
    state: SessionState,
) -> Connection:
    """Dials ``url`` and returns the open connection; ``ca_file`` as for `dial`.

    Raises `Unreachable`, also if a stop command arrives before the handshake. After a later command
    it waits for the handshake, which may open a session that must then be terminated. The thread
    of an abandoned attempt ends with the process.
    """
    results: list[Connection | Exception] = []
    is_abandoned = handshake_started = False
    done_fd, done_write_fd = os.pipe()  # done_fd reaches its end when there is a result

    def claim() -> bool:
        nonlocal handshake_started
        # Each thread writes its own flag before it reads the other's, so one of them sees both.
        handshake_started = True
        return not is_abandoned

    def dial_in_thread() -> None:
        headers = {"User-Agent": "Paceline"}
        if key is not None:
            headers["Authorization"] = key.reveal()
        try:
            results.append(dial(url, headers, ca_file=ca_file, claim_handshake=claim))
        except Exception as error:
            results.append(error)
        finally:
            os.close(done_write_fd)

    threads.start_thread(dial_in_thread, "dialer")
    deadline = time.monotonic() + timeouts.dial_s
    ready: list[int] = []
    while done_fd not in ready:
        is_abandoned = state.is_stopping
        left = deadline - time.monotonic()
        if left <= 0 or (is_abandoned and not handshake_started):
            raise timed_out(urlsplit(url).netloc)
        ready = select.select([done_fd, *control.read_fds], [], [], left)[0]
        for command in control.receive(ready):
            if isinstance(command, Ended):
                state.end(command)
                deadline = min(deadline, state.ended_at + timeouts.shutdown_s)
    os.close(done_fd)
    if not results:
        raise RuntimeError("the thread that dials died")
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]
