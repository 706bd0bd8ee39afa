import os
import select
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest

from tests.support.report_builders import progressed, queued, report, turn_heard
from workers.jobs.events import JobReport, Warned
from workers.protocol.messages import ForceEndpoint, UpdateConfiguration
from workers.session.assignment import StopCommand
from workers.session.pipe import Inbox, Outbox, read_reports

LARGE = report(1, Warned("x" * 100_000))  # more than a pipe holds


def test_reports_arrive_as_they_were_said() -> None:
    """In order, and the end of the pipe is the end."""
    theirs, ours = Pipe(duplex=False)
    outbox = Outbox(ours)
    said = [report(1, queued()), report(2, Warned("careful"))]
    for each in said:
        outbox.put(each)
    outbox.close()
    ours.close()

    assert list(read_reports(theirs)) == said


def all_of(theirs: Connection, outbox: Outbox, ours: Connection) -> list[object]:
    """What arrives, once somebody reads, up to the end."""
    arrived: list[object] = []
    reader = threading.Thread(target=lambda: arrived.extend(read_reports(theirs)))
    reader.start()
    outbox.close()
    ours.close()
    reader.join()
    return arrived


def test_a_slow_reader_never_holds_a_session_up() -> None:
    """What the pipe does not take waits in the session, and goes in the end, whole."""
    theirs, ours = Pipe(duplex=False)
    outbox = Outbox(ours)
    for _ in range(5):
        outbox.put(LARGE)  # nobody reads yet, and this comes back all the same

    assert all_of(theirs, outbox, ours) == [LARGE] * 5


def test_what_nobody_reads_for_hours_does_not_pile_up() -> None:
    """Partials and progress that were overtaken are dropped; ends of turns and their order stay."""
    theirs, ours = Pipe(duplex=False)
    outbox = Outbox(ours)
    outbox.put(LARGE)  # the pipe is full
    said: list[JobReport] = [LARGE]
    for order in range(3):
        for chunk in range(1000):
            so_far = report(1, progressed(order * 1000.0 + chunk))
            partial = report(1, turn_heard(order, f"word {chunk}"))
            outbox.put(so_far)
            outbox.put(partial)
        final = report(1, turn_heard(order, "all words", final=True))
        outbox.put(final)
        said += [so_far, final]
    for order in (3, 4):
        partial = report(1, turn_heard(order, "still open"))
        outbox.put(partial)
        said.append(partial)

    assert all_of(theirs, outbox, ours) == said


def test_a_reader_that_is_gone_is_no_reason_to_fail() -> None:
    """The trace has it all; the session ends in its own time."""
    theirs, ours = Pipe(duplex=False)
    theirs.close()
    outbox = Outbox(ours)
    outbox.put(LARGE)
    outbox.close()


def test_a_writer_killed_in_mid_report_ends_the_reading() -> None:
    """What was whole is there, the torn rest is not."""
    theirs, ours = Pipe(duplex=False)
    Outbox(ours).put(report(1, queued()))
    os.write(ours.fileno(), b"\x80\x05\x95")
    ours.close()

    assert list(read_reports(theirs)) == [report(1, queued())]


def test_orders_are_taken_whole_and_nobody_waits() -> None:
    """Neither who gives more of them than the pipe holds, nor who gets the beginning of one."""
    theirs, ours = Pipe(duplex=False)
    outbox, inbox = Outbox(ours), Inbox(theirs)
    given = [ForceEndpoint(), UpdateConfiguration(prompt="x" * 100_000), StopCommand.CANCEL]
    for each in given:
        outbox.put(each)
    taken: list[Any] = []
    looks = 0
    while select.select([inbox], [], [], 0)[0]:
        taken += inbox.read_available()
        outbox.flush()
        looks += 1

    assert taken == given
    assert looks > 10
    ours.close()
    with pytest.raises(EOFError):
        inbox.read_available()
