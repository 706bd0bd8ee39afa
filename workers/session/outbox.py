"""Reports on their way to the supervisor: one pipe a session, no thread, no lock.

The supervisor may be slow or gone, and a session never waits for it while audio is due: what the
pipe does not take stays here and goes with a later report, the rest when the session is over.
"""

import os
import pickle
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe

from workers.events import Report


class Outbox:
    """The session's end. For one thread."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe  # its descriptor lives as long as it does
        self._unsent = bytearray()
        os.set_blocking(pipe.fileno(), False)

    def put(self, report: Report) -> None:
        """Sends as much as the pipe takes at once."""
        self._unsent += pickle.dumps(report)
        self._send()

    def close(self) -> None:
        """Waits until everything is sent, or nobody is there any more to read it."""
        os.set_blocking(self._pipe.fileno(), True)
        self._send()

    def _send(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._pipe.fileno(), self._unsent)]
        except BlockingIOError:
            pass  # full: with the next one
        except OSError:
            self._unsent.clear()  # nobody reads them; the trace has it all


def received(pipe: Pipe) -> Iterator[Report]:
    """The supervisor's end: each report as it comes, until the session is dead."""
    broken = suppress(EOFError, OSError, pickle.UnpicklingError)  # also: killed in mid-sentence
    with open(pipe.fileno(), "rb", closefd=False) as stream, broken:
        while True:
            yield pickle.load(stream)
