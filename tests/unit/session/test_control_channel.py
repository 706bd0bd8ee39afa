"""A session that is not wanted any more when it comes to call its server."""

from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import pytest

from tests.support import audio_files
from tests.unit.session.recorder_harness import Told, recording
from workers.audio.probe import probe
from workers.jobs.events import Connecting, Outcome
from workers.jobs.job import Job, JobId, Settings
from workers.jobs.resume_point import Seam
from workers.protocol.endpoint import custom
from workers.session.assignment import Assignment, Order
from workers.session.control import Orders, Recalled
from workers.session.conversation import Conversation
from workers.session.pipe import Outbox


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        (Order.CANCEL, Outcome.CANCELLED),
        (Order.LEAVE, Outcome.INTERRUPTED),
        (None, Outcome.INTERRUPTED),
    ],
)
@pytest.mark.parametrize("longer", [False, True])
def test_an_order_counts_before_anybody_is_called(
    tmp_path: Path, order: Order | None, outcome: Outcome, longer: bool
) -> None:
    """Or the end of the program that could give one; also on the way to a seam far in the file."""
    path = audio_files.write(tmp_path / "a.ogg", audio_files.tone(2.0), 16000, "OGG", "VORBIS")
    facts = probe(path)
    if longer:  # nobody gets there, so whoever tried would find the file damaged
        facts = replace(facts, seconds=60.0, frames=60 * 16000)
    job = Job(JobId(1), facts.path, facts, Settings())
    seam = Seam(at_ms=50_000 if longer else 0)
    nobody = custom("ws://127.0.0.1:9")
    reader, writer = Pipe(duplex=False)
    if order is not None:
        Outbox(writer).put(order)
    else:
        writer.close()
    told = Told()
    assignment = Assignment(job, 1, nobody, "a.trace", "a.log", seam=seam)
    with recording(tmp_path, told) as recorder:
        conversation = Conversation(assignment, None, recorder, Orders(reader))
        with pytest.raises(Recalled) as recalled:
            conversation.run("")

    assert recalled.value.ending.outcome is outcome
    assert [type(event) for event in told.events] == [Connecting]
