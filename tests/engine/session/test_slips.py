"""A session that could not keep to its schedule, in its real process."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from workers import processes
from workers.audio.probe import probe
from workers.jobs.events import Ended, Event, Slipped
from workers.jobs.job import Job, JobId, StreamSettings
from workers.pacing.certificate import Verdict
from workers.pacing.schedule import MAX_CATCH_UP_S
from workers.protocol.endpoint import custom_endpoint
from workers.session.assignment import Assignment, StopCommand
from workers.session.local_launcher import LocalLauncher


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_ENOUGH
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_session_that_slipped_is_never_certified_as_held(tmp_path: Path) -> None:
    """It was suspended for longer than it may catch up with; no supervisor is there to kill it.

    After the slip its chunks are on time again, so only the slip itself can tell.
    """
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(120.0))
    recording = probe(str(path))
    events: list[Event] = []
    exited = threading.Event()
    processes.warm_up(processes.mp_context())
    with ScriptedServer() as endpoint:
        assignment = Assignment(
            job=Job(JobId(1), recording.path, recording, StreamSettings()),
            attempt=1,
            endpoint=custom_endpoint(endpoint.url),
            trace_path=str(tmp_path / "a.trace.jsonl"),
            log_path=str(tmp_path / "a.log"),
        )
        session = LocalLauncher().create(assignment, None)
        session.start(lambda report: events.append(report.event), lambda text: exited.set())
        wait_until(lambda: any(len(session.audio) > 2 for session in endpoint.received_sessions))
        (process,) = (
            child
            for child in psutil.Process().children(recursive=True)
            if child.name() == "paceline 1.1"
        )
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(MAX_CATCH_UP_S + 0.5)
        os.kill(process.pid, signal.SIGCONT)
        wait_until(lambda: any(isinstance(event, Slipped) for event in events))
        session.send(StopCommand.CANCEL)
        assert exited.wait(LONG_ENOUGH)
        session.close()
    ended = events[-1]

    assert isinstance(ended, Ended)
    assert ended.certificate is not None
    assert ended.certificate.verdict is Verdict.SLIPPED
    assert ended.certificate.slips == 1
    assert ended.certificate.slipped_ms > MAX_CATCH_UP_S * 1000
