"""What a session and its supervisor tell each other: a pipe each way, no thread, no lock.

Neither waits for the other. The supervisor may be slow or gone, and a session has audio to send;
a session may be stopped, and the supervisor has others. What a pipe does not take stays with its
writer and goes later, without what has been overtaken by then: a desk may be stopped for hours.
"""

import io
import os
import pickle
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any

from workers.jobs.events import JobReport, Progressed, TurnReceived

READ_SIZE_BYTES = 1 << 10
"""Bytes taken in at a time: a dozen orders, which delay no chunk."""


class Outbox:
    """A pipe's writing end. For one thread at a time."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe  # its descriptor lives as long as it does
        self._partial = bytearray()
        """The rest of what was begun."""
        self._queue: deque[object] = deque()
        os.set_blocking(pipe.fileno(), False)

    def put(self, item: object) -> None:
        """Sends as much as the pipe takes at once."""
        if self._queue:
            self._drop_superseded(item)
        self._queue.append(item)
        self.flush()

    def _drop_superseded(self, item: object) -> None:
        """Drops what waits and is out of date: it is in the trace.

        Only behind what has to arrive: how far audio was sent when a turn ended is told before it.
        """
        passing = []
        while self._queue and _is_supersedable(self._queue[-1]):
            passing.append(self._queue.pop())
        self._queue.extend(each for each in reversed(passing) if not _supersedes(item, each))

    def close(self) -> None:
        """Waits until everything is sent, or nobody is there any more to read it."""
        os.set_blocking(self._pipe.fileno(), True)
        self.flush()

    def flush(self) -> None:
        """Sends what the pipe did not take before, as far as it does now."""
        try:
            while self._partial or self._queue:
                if not self._partial:
                    self._partial += pickle.dumps(self._queue.popleft())
                del self._partial[: os.write(self._pipe.fileno(), self._partial)]
        except BlockingIOError:
            pass  # full: with the next one
        except OSError:
            self._partial.clear()  # nobody reads them; the trace has it all
            self._queue.clear()


def _is_supersedable(item: object) -> bool:
    """Whether a later report may take its place."""
    event = item.event if isinstance(item, JobReport) else None
    return isinstance(event, Progressed) or (
        isinstance(event, TurnReceived) and not event.turn.end_of_turn
    )


def _supersedes(later: object, earlier: object) -> bool:
    """Of one session: how far it is, or how a turn reads that was still open."""
    if not (isinstance(later, JobReport) and isinstance(earlier, JobReport)):
        return False
    match later.event, earlier.event:
        case Progressed(), Progressed():
            return True
        case TurnReceived(turn=new), TurnReceived(turn=old):
            return new.turn_order == old.turn_order
    return False


class Inbox:
    """A pipe's reading end for who has other things to do. For one thread."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._partial = b""

    def fileno(self) -> int:
        """For select."""
        return self._pipe.fileno()

    def read_available(self) -> list[Any]:
        """What has arrived whole since the last time; raises `EOFError` when the writer is gone.

        Only to be called when it is readable, and then it does not wait.
        """
        try:
            arrived = os.read(self._pipe.fileno(), READ_SIZE_BYTES)
        except OSError:
            arrived = b""
        if not arrived:
            raise EOFError
        stream = io.BytesIO(self._partial + arrived)
        taken, whole = [], 0
        with suppress(EOFError, pickle.UnpicklingError):  # the rest is still to come
            while True:
                taken.append(pickle.load(stream))
                whole = stream.tell()
        self._partial = stream.getvalue()[whole:]
        return taken

    def close(self) -> None:
        """Nothing more is to come."""
        self._pipe.close()


def read_reports(pipe: Pipe) -> Iterator[JobReport]:
    """Each report as it comes, waiting for it, until the session is dead."""
    broken = suppress(EOFError, OSError, pickle.UnpicklingError)  # also: killed in mid-sentence
    with open(pipe.fileno(), "rb", closefd=False) as stream, broken:
        while True:
            yield pickle.load(stream)
