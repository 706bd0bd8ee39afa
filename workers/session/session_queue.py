"""A one-way queue between a session's process and the program. Each session has two.

`local_launcher` holds the program's ends; `recorder` and `control` use the session's.
"""

import os
import pickle
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from workers.jobs.events import JobReport, Progressed, TurnReceived

READ_SIZE_BYTES = 4096
"""Size of one read: a few dozen control messages, too few to delay a chunk."""

_HEADER_BYTES = 4

T = TypeVar("T")


class Empty(Exception):
    """No item has arrived yet."""


class Closed(Exception):
    """The writing process has closed the queue or has died, and every item has been read."""


class SessionQueue(Generic[T]):
    """A queue of pickled items from one process to one other.

    Both processes hold the queue; each closes the end that it does not use (`close_reader`,
    `close_writer`). Each end belongs to one thread at a time.

    It differs from `multiprocessing.Queue` in what a paced session needs:

    - `put` never waits, so it cannot delay a chunk. What does not fit into the pipe is sent by
      the next `put` or `flush`. No feeder thread competes with the pacer.
    - If the reader is suspended, perhaps for hours, memory stays bounded: a new progress report or
      text of an open turn replaces the one that waits. The trace has them all.
    - It uses no semaphore, so it works in a container without /dev/shm, and a process that is
      killed while it reads or writes leaves no lock behind.
    - When the writing process dies, `get` raises `Closed` at once, even in the middle of an item.
    """

    def __init__(self, reader: Connection, writer: Connection) -> None:
        """Takes the two ends of ``Pipe(duplex=False)``."""
        self._reader, self._writer = reader, writer
        os.set_blocking(writer.fileno(), False)
        self._received_items: deque[T] = deque()
        self._received = bytearray()
        self._unsent_items: deque[T] = deque()
        self._unsent = bytearray()
        """The rest of a partly sent item."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles only the two ends of the pipe."""
        return SessionQueue, (self._reader, self._writer)

    def fileno(self) -> int:
        """For select: readable when `get` has something to do."""
        return self._reader.fileno()

    def put(self, item: T) -> None:
        """Queues an item and sends as much as the pipe takes now. Never waits, never fails."""
        if self._unsent_items:
            self._drop_superseded(item)
        self._unsent_items.append(item)
        self.flush()

    def flush(self) -> None:
        """Sends as many waiting items as the pipe takes now."""
        try:
            while self._unsent or self._unsent_items:
                if not self._unsent:
                    item = pickle.dumps(self._unsent_items.popleft())
                    self._unsent += len(item).to_bytes(_HEADER_BYTES, "big") + item
                del self._unsent[: os.write(self._writer.fileno(), self._unsent)]
        except BlockingIOError:
            pass  # the pipe is full
        except OSError:  # the reader is gone, but the trace has everything
            self._unsent.clear()
            self._unsent_items.clear()

    def get(self, block: bool = True) -> T:
        """Returns the next item or raises `Closed`; if not ``block``, may raise `Empty`."""
        while not self._received_items:
            if not block and not self._reader.poll():
                raise Empty
            try:
                data = os.read(self._reader.fileno(), READ_SIZE_BYTES)
            except OSError:
                data = b""
            if not data:
                raise Closed
            self._received += data
            while len(self._received) >= _HEADER_BYTES:
                end = _HEADER_BYTES + int.from_bytes(self._received[:_HEADER_BYTES], "big")
                if len(self._received) < end:
                    break
                self._received_items.append(pickle.loads(self._received[_HEADER_BYTES:end]))
                del self._received[:end]
        return self._received_items.popleft()

    def close_reader(self) -> None:
        """Closes this process's read end."""
        self._reader.close()

    def close_writer(self) -> None:
        """Closes this process's write end without sending what is left."""
        self._writer.close()

    def close(self) -> None:
        """Sends what is left, unless the reader is gone, and closes both ends."""
        self._reader.close()
        if not self._writer.closed:
            os.set_blocking(self._writer.fileno(), True)
            self.flush()
            self._writer.close()

    def _drop_superseded(self, item: T) -> None:
        """Drops waiting items that ``item`` replaces.

        Drops nothing before an item that must be sent: a final turn needs the progress before it.
        """
        subject, _ = _replaceability(item)
        kept = []
        while self._unsent_items and _replaceability(self._unsent_items[-1])[1]:
            earlier = self._unsent_items.pop()
            if _replaceability(earlier)[0] != subject:
                kept.append(earlier)
        self._unsent_items.extend(reversed(kept))


def _replaceability(item: object) -> tuple[str, bool]:
    """The subject of an item, and whether a later item on the same subject may replace it."""
    match item:
        case JobReport(event=Progressed()):
            return "progress", True
        case JobReport(event=TurnReceived(turn=turn)):
            return f"turn {turn.turn_order}", not turn.end_of_turn
    return "", False
