"""The process of one session: settles in, holds the conversation, and says how it ended.

Loaded by the fork server before any session starts, so importing it must do nothing.
"""

import hashlib
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from workers.jobs.events import Ended, JobReport, Outcome
from workers.protocol.codec import Json, dump
from workers.protocol.endpoint import Secret
from workers.session.assignment import Assignment, ForwardedMessage, StopCommand
from workers.session.control import Cancelled, ControlChannel
from workers.session.conversation import Conversation
from workers.session.recorder import Recorder, unwritable_ending
from workers.session.session_queue import SessionQueue
from workers.traces.trace_file import TraceWriter

_FILE_CHANGED = Ended(
    Outcome.UNREADABLE,
    "the file has changed since it was begun",
    "It cannot go on from there: add it anew.",
)


def run_session(
    assignment: Assignment,
    key: Secret | None,
    reports: SessionQueue[JobReport],
    control_queue: SessionQueue[StopCommand | ForwardedMessage],
) -> None:
    """Runs a session process from its start to its end; its last report is always `Ended`."""
    reports.close_reader()
    control_queue.close_writer()
    control = ControlChannel(control_queue)
    control.install_signal_handlers()
    _set_process_name(f"paceline {assignment.job.id}.{assignment.attempt}")
    try:
        _redirect_output(Path(assignment.log_path))
        trace = TraceWriter(Path(assignment.trace_path), _trace_header(assignment))
    except OSError as error:
        job = assignment.job
        ended = unwritable_ending(error)
        reports.put(JobReport(job.id, assignment.attempt, job.file, 0.0, ended))
        reports.close()
        return
    with trace:
        recorder = Recorder(assignment, trace, reports)
        recorder.publish(_run_conversation(assignment, key, recorder, control))
    reports.close()


def _run_conversation(
    assignment: Assignment, key: Secret | None, recorder: Recorder, control: ControlChannel
) -> Ended:
    path = assignment.job.recording.path
    try:
        sha256 = _sha256(path, control)
    except OSError as error:
        return Ended(Outcome.UNREADABLE, f"the file cannot be read ({error.strerror})")
    except Cancelled as recalled:
        return recalled.ending
    if assignment.expected_sha256 and sha256 != assignment.expected_sha256:
        return _FILE_CHANGED
    try:
        return Conversation(assignment, key, recorder, control).run(sha256)
    except Cancelled as recalled:
        return recalled.ending
    except Exception as error:
        incident = traceback.format_exc()
        print(
            key.redact(incident) if key else incident, file=sys.stderr, flush=True
        )  # into the log
        return Ended(
            Outcome.CRASHED,
            f"a fault in Paceline ended the session ({type(error).__name__})",
            f"The log says where: {assignment.log_path}",
        )


def _sha256(path: str, control: ControlChannel) -> str:
    """Of a file's bytes; read in small pieces, or their buffer would stay in the process.

    Some gigabytes take their time, so an order is heeded between two of them.
    """
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while block := file.read(1 << 15):
            digest.update(block)
            control.check()
    return digest.hexdigest()


def _trace_header(assignment: Assignment) -> dict[str, Json]:
    job = assignment.job
    return {
        "job": job.id,
        "attempt": assignment.attempt,
        "file": job.file,
        "recording": dump(job.recording),
        "settings": dump(job.settings),
        "seam": dump(assignment.resume_point),
        "endpoint": assignment.endpoint.address,
    }


def _set_process_name(name: str) -> None:
    """What ``top`` and ``ps -e`` show, where the system lets a process say it: up to 15 bytes."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def _redirect_output(log: Path) -> None:
    """What this process or its C libraries print goes to the log, never over the screen."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    with suppress(OSError):
        os.close(descriptor)
