"""What a session and its supervisor tell each other: a pipe each way, no thread, no lock.

Neither waits for the other. The supervisor may be slow or gone, and a session has audio to send;
a session may be stopped, and the supervisor has others. What a pipe does not take stays with its
writer and goes later.
"""

import io
import os
import pickle
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any

from workers.events import Report

A_LOOK = 1 << 10
"""Bytes taken in at a time: a dozen orders, which delay no chunk."""


class Outbox:
    """A pipe's writing end. For one thread at a time."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe  # its descriptor lives as long as it does
        self._unsent = bytearray()
        os.set_blocking(pipe.fileno(), False)

    def put(self, said: object) -> None:
        """Sends as much as the pipe takes at once."""
        self._unsent += pickle.dumps(said)
        self.flush()

    def close(self) -> None:
        """Waits until everything is sent, or nobody is there any more to read it."""
        os.set_blocking(self._pipe.fileno(), True)
        self.flush()

    def flush(self) -> None:
        """Sends what the pipe did not take before, as far as it does now."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self._pipe.fileno(), self._unsent)]
        except BlockingIOError:
            pass  # full: with the next one
        except OSError:
            self._unsent.clear()  # nobody reads them; the trace has it all


class Inbox:
    """A pipe's reading end for who has other things to do. For one thread."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._torn = b""

    def fileno(self) -> int:
        """For select."""
        return self._pipe.fileno()

    def take(self) -> list[Any]:
        """What has arrived whole since the last time; raises `EOFError` when the writer is gone.

        Only to be called when it is readable, and then it does not wait.
        """
        try:
            arrived = os.read(self._pipe.fileno(), A_LOOK)
        except OSError:
            arrived = b""
        if not arrived:
            raise EOFError
        stream = io.BytesIO(self._torn + arrived)
        taken, whole = [], 0
        with suppress(EOFError, pickle.UnpicklingError):  # the rest is still to come
            while True:
                taken.append(pickle.load(stream))
                whole = stream.tell()
        self._torn = stream.getvalue()[whole:]
        return taken

    def close(self) -> None:
        """Nothing more is to come."""
        self._pipe.close()


def received(pipe: Pipe) -> Iterator[Report]:
    """Each report as it comes, waiting for it, until the session is dead."""
    broken = suppress(EOFError, OSError, pickle.UnpicklingError)  # also: killed in mid-sentence
    with open(pipe.fileno(), "rb", closefd=False) as stream, broken:
        while True:
            yield pickle.load(stream)
