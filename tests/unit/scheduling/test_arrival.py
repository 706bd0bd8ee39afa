"""Jobs whose recordings arrive from elsewhere, without a process, a network or a clock."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_launcher import RECORDING, FakeLauncher, script
from tests.unit.scheduling.test_scheduler import make_scheduler, reports_of
from workers.audio.source import ReadOptions, Source
from workers.errors import Unreadable
from workers.jobs.events import Ended, Fetched, Outcome
from workers.jobs.job import JobId
from workers.runs import run_folder
from workers.runs.run_folder import RunFolder
from workers.scheduling.job_slot import Arrival, JobPhase
from workers.scheduling.scheduler import (
    MAX_RECEIVED_AHEAD,
    MAX_RECEIVED_AHEAD_BYTES,
    Claim,
    Scheduler,
)

REMOTE = Source("https://example.org/a.wav")
BROKEN = Unreadable("the download broke", "Retry.")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    with closing(run_folder.create(tmp_path / "run")) as created:
        yield created


@pytest.fixture
def launcher() -> FakeLauncher:
    return FakeLauncher(lambda assignment: script(Outcome.DONE, heard_until_s=1.0))


@pytest.fixture
def scheduler(folder: RunFolder, launcher: FakeLauncher) -> Scheduler:
    return make_scheduler(folder, launcher)


def claim(scheduler: Scheduler) -> Claim:
    found = scheduler.claim_unprobed()
    assert found is not None
    return found


def ends_of(scheduler: Scheduler) -> list[tuple[Outcome, str]]:
    events = [report.event for report in reports_of(scheduler)]
    return [(event.outcome, event.reason) for event in events if isinstance(event, Ended)]


def test_a_recording_is_probed_when_it_has_arrived(scheduler: Scheduler, launcher: FakeLauncher):
    """Until then the job says how much has come, and nothing is followed."""
    scheduler.add(REMOTE)
    arriving = claim(scheduler)
    scheduler.note_arrival(arriving, 100, 200)

    assert arriving.slot.phase is JobPhase.RECEIVING
    assert scheduler.claim_unprobed() is None
    assert [Fetched(100, 200)] == [report.event for report in reports_of(scheduler)]

    scheduler.end_arrival(arriving, None)
    probing = claim(scheduler)
    assert not probing.slot.read_options.follow
    scheduler.enqueue(probing, RECORDING)
    launcher.run(scheduler)
    assert [outcome for outcome, _ in ends_of(scheduler)] == [Outcome.DONE]


def test_a_recording_that_does_not_arrive_fails(scheduler: Scheduler):
    """The reason is that of the download; a retry receives it again."""
    job = scheduler.add(REMOTE)
    scheduler.end_arrival(claim(scheduler), BROKEN)

    assert ends_of(scheduler) == [(Outcome.UNREADABLE, "the download broke")]
    assert scheduler.retry(job)
    assert claim(scheduler).slot.phase is JobPhase.RECEIVING


def test_what_cannot_be_followed_is_awaited(scheduler: Scheduler):
    """It is tried again when four times as much has arrived, but not for long."""
    scheduler.add(REMOTE)
    arriving = claim(scheduler)
    slot, tried_at_bytes = arriving.slot, []
    while slot.arrival is Arrival.BEGUN:
        tried_at_bytes.append(slot.follow_at_bytes)
        scheduler.follow_arrival(arriving)
        probing = claim(scheduler)
        assert probing.slot.read_options.follow
        scheduler.await_arrival(probing)
    assert tried_at_bytes == [4096, 16384, 65536, 262144, 1048576]

    scheduler.follow_arrival(arriving)
    assert scheduler.claim_unprobed() is None
    scheduler.end_arrival(arriving, None)
    assert not claim(scheduler).slot.read_options.follow


def test_what_arrived_while_it_was_probed_is_probed_again(scheduler: Scheduler):
    """All of it is there then, so nothing must be followed."""
    scheduler.add(REMOTE)
    arriving = claim(scheduler)
    scheduler.follow_arrival(arriving)
    probing = claim(scheduler)
    scheduler.end_arrival(arriving, None)
    scheduler.await_arrival(probing)

    assert not claim(scheduler).slot.read_options.follow


def test_the_halves_of_a_call_need_all_of_it(scheduler: Scheduler):
    """A pair cannot follow a file that grows."""
    scheduler.add(replace(REMOTE, options=ReadOptions(speakers=("left", "right"))))
    for arriving in (claim(scheduler), claim(scheduler)):
        scheduler.follow_arrival(arriving)

    assert scheduler.claim_unprobed() is None


def test_a_job_that_followed_a_broken_download_is_not_done(
    scheduler: Scheduler, launcher: FakeLauncher
):
    """Its session sent all that had arrived; a retry continues there with the rest."""
    job = scheduler.add(REMOTE)
    arriving = claim(scheduler)
    scheduler.follow_arrival(arriving)
    scheduler.enqueue(claim(scheduler), RECORDING)
    launcher.run(scheduler, lambda: scheduler.end_arrival(arriving, BROKEN))

    assert ends_of(scheduler) == [(Outcome.UNREADABLE, "the download broke")]
    Path(launcher.starts[0][1].trace_path).touch()
    assert scheduler.retry(job)
    assert arriving.slot.resume_point.at_ms == 1000


def test_no_more_is_received_than_is_needed_soon(scheduler: Scheduler):
    """Further recordings wait until a session has started."""
    for _ in range(MAX_RECEIVED_AHEAD + 1):
        scheduler.add(REMOTE)
    ahead = [claim(scheduler) for _ in range(MAX_RECEIVED_AHEAD)]
    assert scheduler.claim_unprobed() is None

    scheduler.cancel(JobId(1))
    assert scheduler.claim_unprobed() is not None
    scheduler.cancel(JobId(2))
    scheduler.add(REMOTE)
    scheduler.note_arrival(ahead[2], MAX_RECEIVED_AHEAD_BYTES, None)
    assert scheduler.claim_unprobed() is None


def test_the_halves_of_a_large_call_share_its_room(scheduler: Scheduler):
    """One waits for the other, so both must be allowed in."""
    for _ in range(MAX_RECEIVED_AHEAD - 1):
        scheduler.add(REMOTE)
    scheduler.add(replace(REMOTE, options=ReadOptions(speakers=("left", "right"))))
    *_, half = [claim(scheduler) for _ in range(MAX_RECEIVED_AHEAD)]
    scheduler.note_arrival(half, MAX_RECEIVED_AHEAD_BYTES, None)

    assert claim(scheduler).slot is half.slot.partner


@pytest.mark.parametrize(("end_s", "outcome"), [(None, Outcome.UNREADABLE), (0.05, Outcome.DONE)])
def test_a_job_that_did_not_await_its_recording_is_not_done(
    scheduler: Scheduler, launcher: FakeLauncher, end_s: float | None, outcome: Outcome
):
    """A system that does not tell who writes a file may take a pause for its end. If only a part is
    streamed, the rest is not awaited."""
    scheduler.add(replace(REMOTE, options=ReadOptions(end_s=end_s)))
    scheduler.follow_arrival(claim(scheduler))
    scheduler.enqueue(claim(scheduler), RECORDING)
    launcher.run(scheduler)

    assert [outcome] == [ended for ended, _ in ends_of(scheduler)]
