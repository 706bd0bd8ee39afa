"""A session that is not wanted any more when it comes to call its server."""

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
from workers.session.assignment import Assignment, ForwardedMessage, StopCommand
from workers.session.control import Cancelled, ControlChannel
from workers.session.conversation import Conversation
from workers.session.session_queue import SessionQueue


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        (StopCommand.CANCEL, Outcome.CANCELLED),
        (StopCommand.SHUT_DOWN, Outcome.INTERRUPTED),
        (None, Outcome.INTERRUPTED),
    ],
)
@pytest.mark.parametrize("longer", [False, True])
def test_an_order_counts_before_anybody_is_called(
    tmp_path: Path, order: StopCommand | None, outcome: Outcome, longer: bool
) -> None:
    """Or the end of the program that could give one; also on the way to a seam far in the file."""
    path = audio_files.write_recording(
        tmp_path / "a.ogg", audio_files.sine(2.0), 16000, "OGG", "VORBIS"
    )
    facts = probe(path)
    if longer:  # nobody gets there, so whoever tried would find the file damaged
        facts = replace(facts, seconds=60.0, frames=60 * 16000)
    job = Job(JobId(1), facts.path, facts, StreamSettings())
    resume_point = ResumePoint(at_ms=50_000 if longer else 0)
    nobody = custom_endpoint("ws://127.0.0.1:9")
    queue: SessionQueue[StopCommand | ForwardedMessage] = SessionQueue(*Pipe(duplex=False))
    if order is not None:
        queue.put(order)
    else:
        queue.close_writer()
    told = CollectedReports()
    assignment = Assignment(job, 1, nobody, "a.trace", "a.log", resume_point=resume_point)
    with open_recorder(tmp_path, told) as recorder:
        conversation = Conversation(assignment, None, recorder, ControlChannel(queue))
        with pytest.raises(Cancelled) as recalled:
            conversation.run("")

    assert recalled.value.ending.outcome is outcome
    assert [type(event) for event in told.events] == [Connecting]
