"""The process of one session: settles in, holds the conversation, and says how it ended.

Loaded by the fork server before any session starts, so importing it must do nothing.
"""

import gc
import hashlib
import os
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from multiprocessing.queues import Queue
from pathlib import Path

from workers.events import Ended, Outcome, Report
from workers.session.assignment import Assignment
from workers.session.conversation import Conversation
from workers.session.orders import Orders
from workers.session.recorder import Recorder, unwritable
from workers.speech.codec import Json, write
from workers.speech.endpoint import Secret
from workers.trace import TraceWriter


def run(assignment: Assignment, key: Secret | None, reports: "Queue[Report]", pipe: Pipe) -> None:
    """The whole life of a session process; its last report is always `Ended`."""
    gc.freeze()  # what came with the fork is never garbage; looking at it would unshare its pages
    orders = Orders(pipe)
    orders.heed_signals()
    try:
        _redirect_output(Path(assignment.log))
        trace = TraceWriter(Path(assignment.trace), _facts(assignment))
    except OSError as error:
        job = assignment.job
        ended = unwritable(error)
        reports.put(Report(job.id, assignment.attempt, job.recording.path, 0.0, ended))
        return
    with trace:
        recorder = Recorder(assignment, trace, reports)
        recorder.say(_conversed(assignment, key, recorder, orders))
    if orders.orphaned:
        reports.cancel_join_thread()  # nobody reads them; the trace has it all


def _conversed(
    assignment: Assignment, key: Secret | None, recorder: Recorder, orders: Orders
) -> Ended:
    path = assignment.job.recording.path
    try:
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return Ended(Outcome.UNREADABLE, f"the file cannot be read ({error.strerror})")
    try:
        return Conversation(assignment, key, recorder, orders).run(sha256)
    except Exception as error:
        traceback.print_exc()  # into the log
        return Ended(
            Outcome.CRASHED,
            f"a fault in Paceline ended the session ({type(error).__name__})",
            f"The log says where: {assignment.log}",
        )


def _facts(assignment: Assignment) -> dict[str, Json]:
    job = assignment.job
    return {
        "job": job.id,
        "attempt": assignment.attempt,
        "file": job.recording.path,
        "recording": write(job.recording),
        "settings": write(job.settings),
        "endpoint": assignment.endpoint.address,
    }


def _redirect_output(log: Path) -> None:
    """What this process or its C libraries print goes to the log, never over the screen."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    with suppress(OSError):
        os.close(descriptor)
