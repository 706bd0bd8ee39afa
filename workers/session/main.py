"""The main function of a session process: sets it up, runs the conversation, reports the end.

Loaded by the fork server before any session starts, so importing it must have no side effects.
"""

import os
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from workers import files, log, processes, secrecy
from workers.audio import limits
from workers.audio.recording import Reader
from workers.errors import Unreadable
from workers.jobs import outcomes
from workers.jobs.events import Ended, JobReport, Outcome
from workers.output import clean_errors
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage
from workers.session.control import Cancelled, ControlChannel
from workers.session.conversation import Conversation
from workers.session.recorder import Recorder, unwritable_ending
from workers.session.recording_file import FILE_CHANGED, RecordingFile
from workers.session.session_queue import SessionQueue
from workers.traces.writer import TraceWriter

MAX_HEADER_BYTES = 64 * 1024
"""How much of a growing file its writer may still change."""

_TRACE_EXISTS = Ended(
    Outcome.LOST,
    "a session of a program that was killed has written a trace for this attempt meanwhile",
    "The next attempt has a trace of its own.",
)

_log = log.Logger("paceline.session")


def run_session(
    assignment: Assignment,
    key: Secret | None,
    proxies: Mapping[str, Secret],
    reports: SessionQueue[JobReport],
    control_queue: SessionQueue[ControlMessage],
) -> None:
    """Runs a session process from start to end; its last report is always `Ended`.

    ``proxies``: those of the environment that have a login, by variable.
    """
    reports.close_reader()
    control_queue.close_writer()
    control = ControlChannel(control_queue)
    control.install_signal_handlers()
    if processes.START_METHOD == "spawn":  # else it is the fork server's limit
        limits.limit_memory()
    if assignment.lease_until_s is not None:
        control.limit_lease(assignment.lease_until_s)
    secrecy.protect(key)
    secrecy.restore_proxies(proxies)
    job = assignment.job
    with suppress(OSError):  # for ``top`` and ``ps -e``, up to 15 bytes; not every system has /proc
        Path("/proc/self/comm").write_text(f"paceline {job.id}.{assignment.attempt}")
    if assignment.shared_with_group:
        files.share_new_files(Path(assignment.trace_path).parent)
    try:
        # What this process or a C library prints goes to a file, never to the screen.
        output = files.open_log(assignment.log_path)
    except OSError as error:
        _report_unstarted(assignment, unwritable_ending(error), reports)
        reports.close()
        return
    for stream in (1, 2):
        os.dup2(output, stream)
    with suppress(OSError):
        os.close(output)
    clean_errors()
    if assignment.log_config is not None:
        with suppress(OSError):  # the session works without a log
            log.enable(assignment.log_config, job=job.id, attempt=assignment.attempt)
    run_attempt(assignment, key, reports, control)
    reports.close()


def run_attempt(
    assignment: Assignment,
    key: Secret | None,
    reports: SessionQueue[JobReport],
    control: ControlChannel,
) -> None:
    """Runs the attempt of a session whose process is set up; its last report is always `Ended`."""
    job = assignment.job
    try:
        trace = TraceWriter(
            Path(assignment.trace_path),
            assignment.trace_head,
            keep_words=job.settings.keep_words,
        )
    except OSError as error:
        ended = _TRACE_EXISTS if isinstance(error, FileExistsError) else unwritable_ending(error)
        _report_unstarted(assignment, ended, reports)
        return
    start_s = assignment.resume_point.at_ms / 1000
    _log.info("attempt at %s from %.1f s; URL %s", job.file, start_s, assignment.endpoint.address)
    with trace:
        recorder = Recorder(assignment, trace, reports)
        ended = _run_conversation(assignment, key, recorder, control)
        recorder.publish(ended)
    verdict = ended.certificate.verdict.value if ended.certificate else "nothing sent"
    _log.info("ended: %s (%s); pacing: %s", ended.outcome.value, ended.reason, verdict)


def _report_unstarted(
    assignment: Assignment, ended: Ended, reports: SessionQueue[JobReport]
) -> None:
    """Reports the end of an attempt that has no trace."""
    job = assignment.job
    reports.put(JobReport(job.id, assignment.attempt, job.file, 0.0, ended, job.half))


def _recording_file(assignment: Assignment) -> RecordingFile:
    """The recording's file. One that is still being written is hashed only up to where it is now,
    or was when its job began, and without its header, which its writer changes."""
    recording, end = assignment.job.recording, assignment.expected_bytes
    if not recording.is_growing and end is None:
        return RecordingFile(recording.path)
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # see `growing_bytes.has_writer`
    if recording.reader is not Reader.GROWING:
        with limits.read_refusal():
            end = end or os.path.getsize(recording.path)
        return RecordingFile(recording.path, min(MAX_HEADER_BYTES, end), end)
    from workers.audio.growing import GrowingFile  # few sessions need it

    with GrowingFile(recording.path, recording.options) as growing:
        return RecordingFile(recording.path, growing.format.start, end or growing.size)


def _run_conversation(
    assignment: Assignment, key: Secret | None, recorder: Recorder, control: ControlChannel
) -> Ended:
    try:
        with _recording_file(assignment) as file:
            file.hash_before(control.check)
            if assignment.expected_sha256 and file.sha256 != assignment.expected_sha256:
                return FILE_CHANGED
            return Conversation(assignment, key, recorder, control, file).run()
    except Cancelled as cancelled:
        return cancelled.ending
    except Unreadable as error:
        return outcomes.ended_by_unreadable(error)
    except Exception as error:
        text = traceback.format_exc()
        print(text, file=sys.stderr, flush=True)
        return Ended(
            Outcome.CRASHED,
            f"the session crashed because of a bug in Paceline ({type(error).__name__})",
            f"See the traceback in {assignment.log_path}",
        )
