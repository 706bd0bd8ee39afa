"""A session that is cancelled before it dials."""

from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import pytest

from tests.support import audio_files
from tests.unit.session.recorder_harness import CollectedReports, open_recorder
from workers.audio.probe import probe
from workers.jobs.events import Connecting, Outcome
from workers.jobs.job import Job, JobId, StreamSettings
from workers.jobs.resume_point import ResumePoint
from workers.protocol.endpoint import custom_endpoint
from workers.session.assignment import Assignment, ControlMessage, StopCommand
from workers.session.control import Cancelled, ControlChannel
from workers.session.conversation import Conversation
from workers.session.recording_file import RecordingFile
from workers.session.session_queue import SessionQueue


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        (StopCommand.CANCEL, Outcome.CANCELLED),
        (StopCommand.SHUT_DOWN, Outcome.INTERRUPTED),
        (None, Outcome.INTERRUPTED),
    ],
)
@pytest.mark.parametrize("longer", [False, True])
def test_a_command_counts_before_the_server_is_dialed(
    tmp_path: Path, command: StopCommand | None, outcome: Outcome, longer: bool
) -> None:
    """The supervisor's death counts too, as does a command while a far resume point is sought."""
    path = audio_files.write_recording(
        tmp_path / "a.ogg", audio_files.sine(2.0), 16000, "OGG", "VORBIS"
    )
    recording = probe(path)
    if longer:  # reading this far would find the file damaged
        recording = replace(recording, seconds=60.0, frames=60 * 16000)
    job = Job(JobId(1), recording.path, recording, StreamSettings())
    resume_point = ResumePoint(at_ms=50_000 if longer else 0)
    nobody = custom_endpoint("ws://127.0.0.1:9")
    queue: SessionQueue[ControlMessage] = SessionQueue(*Pipe(duplex=False))
    if command is not None:
        queue.put(command)
    else:
        queue.close_writer()
    reports = CollectedReports()
    assignment = Assignment(job, 1, nobody, "a.trace", "a.log", resume_point=resume_point)
    with open_recorder(tmp_path, reports) as recorder, RecordingFile(path) as file:
        conversation = Conversation(assignment, None, recorder, ControlChannel(queue), file)
        with pytest.raises(Cancelled) as cancelled:
            conversation.run()

    assert cancelled.value.ending.outcome is outcome
    assert [type(event) for event in reports.events] == [Connecting]
