import os
import select
import threading
from multiprocessing import Pipe
from typing import Any

import pytest

from tests.support.report_builders import progressed, queued, report, turn_heard
from workers.jobs.events import JobReport, Warned
from workers.protocol.messages import ForceEndpoint, UpdateConfiguration
from workers.session.assignment import StopCommand
from workers.session.session_queue import Closed, Empty, SessionQueue

LARGE = report(1, Warned("x" * 100_000))  # more than a pipe holds


def open_queue() -> tuple[SessionQueue[Any], SessionQueue[Any]]:
    """The queue as the reading process and the writing process hold it."""
    reader, writer = Pipe(duplex=False)
    copy = os.dup(reader.fileno()), os.dup(writer.fileno())
    reading = SessionQueue[Any](reader, writer)
    writing = SessionQueue[Any](type(reader)(copy[0]), type(writer)(copy[1]))
    reading.close_writer()
    writing.close_reader()
    return reading, writing


def items_until_closed(queue: SessionQueue[Any]) -> list[Any]:
    items = []
    while True:
        try:
            items.append(queue.get())
        except Closed:
            queue.close()
            return items


def read_all(reading: SessionQueue[Any], writing: SessionQueue[Any]) -> list[Any]:
    """Starts to read only now, closes the queue, and returns every item."""
    items: list[Any] = []
    reader = threading.Thread(target=lambda: items.extend(items_until_closed(reading)))
    reader.start()
    writing.close()
    reader.join()
    return items


def test_items_arrive_in_order_until_the_queue_is_closed() -> None:
    """`Closed` comes after the last item."""
    reading, writing = open_queue()
    reports = [report(1, queued()), report(2, Warned("careful"))]
    for item in reports:
        writing.put(item)
    writing.close()

    assert items_until_closed(reading) == reports


def test_put_never_waits_for_a_slow_reader() -> None:
    """Items that do not fit into the pipe are kept, and arrive later and complete."""
    reading, writing = open_queue()
    for _ in range(5):
        writing.put(LARGE)  # nothing reads yet

    assert read_all(reading, writing) == [LARGE] * 5


def test_reports_that_nothing_reads_for_hours_do_not_pile_up() -> None:
    """Superseded partials and progress are dropped; final turns and the order stay."""
    reading, writing = open_queue()
    writing.put(LARGE)  # the pipe is full
    expected: list[JobReport] = [LARGE]
    for order in range(3):
        for chunk in range(1000):
            progress = report(1, progressed(order * 1000.0 + chunk))
            partial = report(1, turn_heard(order, f"word {chunk}"))
            writing.put(progress)
            writing.put(partial)
        final = report(1, turn_heard(order, "all words", final=True))
        writing.put(final)
        expected += [progress, final]
    for order in (3, 4):
        partial = report(1, turn_heard(order, "still open"))
        writing.put(partial)
        expected.append(partial)

    assert read_all(reading, writing) == expected


def test_put_does_not_fail_when_the_reader_is_gone() -> None:
    """The trace has everything; the session ends in its own time."""
    reading, writing = open_queue()
    reading.close()
    writing.put(LARGE)
    writing.close()


def test_a_writer_that_dies_in_mid_item_closes_the_queue() -> None:
    """Whole items arrive, the partial one does not."""
    reading, writing = open_queue()
    writing.put(report(1, queued()))
    os.write(writing._writer.fileno(), b"\0\0\1\0\x80\x05\x95")
    writing.close_writer()

    assert items_until_closed(reading) == [report(1, queued())]


def test_get_without_blocking_takes_whole_items_only() -> None:
    """It raises `Empty` while an item is on its way."""
    reading, writing = open_queue()
    messages = [ForceEndpoint(), UpdateConfiguration(prompt="x" * 100_000), StopCommand.CANCEL]
    for message in messages:
        writing.put(message)
    items: list[Any] = []
    empty_gets = 0
    while len(items) < len(messages):
        assert select.select([reading], [], [], 10)[0]
        try:
            items.append(reading.get(block=False))
        except Empty:
            empty_gets += 1
            writing.flush()

    assert items == messages
    assert empty_gets > 0
    writing.close()
    with pytest.raises(Closed):
        reading.get(block=False)
    reading.close()
