"""The halves of a pair start together, on one clock, and are controlled as one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_launcher import RECORDING, FakeSession, SingleMachine
from workers.audio.source import ReadOptions, Source
from workers.jobs.events import Began, Connecting, Ended, Event, JobReport, Outcome, Readied
from workers.jobs.job import JobId, StreamSettings
from workers.protocol.endpoint import custom_endpoint
from workers.runs import run_folder
from workers.scheduling.pair_clock import CLOCK_LEAD_S, MAX_PARTNER_WAIT_S
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Claim, Scheduler, SessionTarget
from workers.scheduling.start_rate import RATE_WINDOW_S, StartRateLimiter
from workers.secrecy import Secret
from workers.session.assignment import Assignment, StartClock, StopCommand, Timeouts

CALL = Source("call.wav", ReadOptions(speakers=("agent", "caller")))
PAIR, AGENT, CALLER, ALONE = map(JobId, (1, 2, 3, 4))
STEREO = replace(RECORDING, channels=2)


class Desk(SingleMachine):
    """A scheduler whose sessions do what the test reports of them."""

    def __init__(self, folder: Path, limiter: StartRateLimiter) -> None:
        super().__init__()
        self.now = 1000.0
        self.sessions: dict[JobId, FakeSession] = {}
        self.folder = run_folder.create(folder)
        self.scheduler = Scheduler(
            self.folder,
            StreamSettings(),
            self,
            clock=lambda: self.now,
            start_limiter=limiter,
            retry_policy=RetryPolicy(first_delay_s=1.0, max_delay_s=1.0),
            timeouts=Timeouts(),
            session_limit=4,
        )
        self._claims: dict[JobId, Claim] = {}

    def create(self, assignment: Assignment, key: Secret | None) -> FakeSession:
        session = self.sessions[assignment.job.id] = FakeSession(assignment)
        return session

    def probe(self) -> None:
        """Probes every file that waits for it."""
        while (claim := self.scheduler.claim_unprobed()) is not None:
            self.scheduler.enqueue(claim, STEREO)

    def start(self) -> list[JobId]:
        """Starts what may start now."""
        started = []
        while (claim := self.scheduler.claim_start()) is not None:
            target = SessionTarget(custom_endpoint("ws://127.0.0.1:1"), None, 30)
            if self.scheduler.create_session(claim, target) is not None:
                started.append(claim.slot.id)
                self._claims[claim.slot.id] = claim
            self.now += 0.05
        return started

    def report(self, job: JobId, *events: Event) -> None:
        slot = self._claims[job].slot
        assert slot.session is not None
        for event in events:
            at = JobReport(job, slot.attempt, slot.file, 1.0, event, slot.half)
            self.scheduler.apply_report(slot, slot.session, at)
            if isinstance(event, Ended):
                self.scheduler.finish_session(slot, slot.session, "ended with code 0")

    def clock_of(self, job: JobId) -> float | None:
        """The start that a session was told; None if it still waits."""
        sent = [each for each in self.sessions[job].sent if isinstance(each, StartClock)]
        return sent[-1].at_s if sent else self.sessions[job].assignment.clock_s


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(limiter: StartRateLimiter | None = None) -> Desk:
        desks.append(Desk(tmp_path / str(len(desks)), limiter or StartRateLimiter()))
        return desks[-1]

    yield make
    for desk in desks:
        desk.folder.close()


CONNECTED = (Connecting("ws://x", "ab"), Readied())
BEGAN = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0)
LOST = Ended(Outcome.LOST, "the connection broke")
BUSY = Ended(Outcome.BUSY, "no place")


def test_both_start_or_none(make_desk: Callable[..., Desk]) -> None:
    """A pair takes two of the places, and what is behind it waits for it."""
    desk = make_desk()
    desk.scheduler.session_limit = 2
    alone = desk.scheduler.add(Source("a.wav"))
    pair = desk.scheduler.add(CALL)
    behind = desk.scheduler.add(Source("b.wav"))
    desk.probe()
    assert desk.scheduler.queue == [alone, pair, behind]
    assert desk.start() == [alone]

    desk.report(alone, Connecting("ws://x", "ab"), BEGAN, Ended(Outcome.DONE, "done"))
    assert desk.start() == [JobId(pair + 1), JobId(pair + 2)]
    assert desk.scheduler.queue == [behind]


def test_a_pair_starts_even_if_only_one_session_may(make_desk: Callable[..., Desk]) -> None:
    """Otherwise it would wait forever."""
    desk = make_desk()
    desk.scheduler.session_limit = 1
    desk.scheduler.add(CALL)
    desk.probe()

    assert desk.start() == [AGENT, CALLER]


def test_both_must_be_probed_first(make_desk: Callable[..., Desk]) -> None:
    """Others may start meanwhile."""
    desk = make_desk()
    desk.scheduler.add(CALL)
    desk.scheduler.add(Source("b.wav"))
    for expected in ([], [AGENT, CALLER], [ALONE]):
        claim = desk.scheduler.claim_unprobed()
        assert claim is not None
        desk.scheduler.enqueue(claim, STEREO)
        assert desk.start() == expected


def test_a_half_starts_alone_if_the_other_cannot_be_read(make_desk: Callable[..., Desk]) -> None:
    """It does not wait in the queue forever."""
    desk = make_desk()
    desk.scheduler.add(CALL)
    claims = [desk.scheduler.claim_unprobed() for _ in range(2)]
    assert claims[0] is not None
    assert claims[1] is not None
    desk.scheduler.enqueue(claims[0], STEREO)
    desk.scheduler.fail_job(claims[1], Ended(Outcome.CRASHED, "the prober crashed"))
    assert desk.start() == [AGENT]
    desk.report(AGENT, *CONNECTED)

    assert desk.clock_of(AGENT) is not None


def test_the_start_rate_counts_both(make_desk: Callable[..., Desk]) -> None:
    """A pair waits until two more sessions may begin within a minute."""
    desk = make_desk(StartRateLimiter(3))
    for _ in range(2):
        desk.scheduler.add(CALL)
    desk.probe()
    assert desk.start() == [AGENT, CALLER]
    desk.now += RATE_WINDOW_S - 1
    assert desk.start() == []
    desk.now += 1
    assert len(desk.start()) == 2


def test_the_clock_starts_when_both_are_ready(make_desk: Callable[..., Desk]) -> None:
    """Both are told the same time, a moment ahead."""
    desk = make_desk()
    desk.scheduler.add(CALL)
    desk.probe()
    desk.start()
    desk.report(AGENT, *CONNECTED)
    assert desk.clock_of(AGENT) is None
    desk.now += 5.0
    desk.report(CALLER, *CONNECTED)

    assert desk.clock_of(AGENT) == desk.clock_of(CALLER) == desk.now + CLOCK_LEAD_S


@pytest.mark.parametrize("ended", [LOST, BUSY])
def test_a_half_does_not_wait_for_one_that_failed(
    make_desk: Callable[..., Desk], ended: Ended
) -> None:
    """The other one joins the clock in its next attempt."""
    desk = make_desk()
    desk.scheduler.add(CALL)
    desk.probe()
    desk.start()
    desk.report(AGENT, *CONNECTED)
    desk.report(CALLER, Connecting("ws://x", "ab"), ended)
    started_at = desk.clock_of(AGENT)
    assert started_at == desk.now + CLOCK_LEAD_S

    desk.now += 10.0
    assert desk.start() == [CALLER]
    assert desk.sessions[CALLER].assignment.clock_s == started_at


def test_a_half_waits_for_half_a_minute_at_most(make_desk: Callable[..., Desk]) -> None:
    """Its socket is open, and the server may not like that. The other one joins later."""
    desk = make_desk()
    desk.scheduler.add(CALL)
    desk.probe()
    desk.start()
    desk.report(AGENT, *CONNECTED)
    desk.now += MAX_PARTNER_WAIT_S - 1
    desk.scheduler.check_sessions()
    assert desk.clock_of(AGENT) is None
    desk.now += 1
    desk.scheduler.check_sessions()
    started_at = desk.clock_of(AGENT)
    assert started_at is not None
    desk.now += 5
    desk.report(CALLER, *CONNECTED)

    assert desk.clock_of(CALLER) == started_at


def test_halves_that_broke_together_start_together_on_a_new_clock(
    make_desk: Callable[..., Desk],
) -> None:
    """So neither of them is behind the other for longer than before."""
    desk = make_desk()
    desk.scheduler.add(CALL)
    desk.probe()
    desk.start()
    for job in (AGENT, CALLER):
        desk.report(job, *CONNECTED, BEGAN)
    before = desk.clock_of(AGENT)
    for job in (AGENT, CALLER):
        desk.report(job, LOST)
    desk.now += 10.0
    assert desk.start() == [AGENT, CALLER]
    assert desk.sessions[AGENT].assignment.clock_s is None
    for job in (AGENT, CALLER):
        desk.report(job, Connecting("ws://x", "ab"), Readied())

    assert desk.clock_of(AGENT) == desk.clock_of(CALLER) != before


def test_a_pair_is_cancelled_and_retried_as_one(make_desk: Callable[..., Desk]) -> None:
    """By its number; a half that is done is not streamed again."""
    desk = make_desk()
    pair = desk.scheduler.add(CALL)
    desk.probe()
    desk.start()
    for job in (AGENT, CALLER):
        desk.report(job, *CONNECTED, BEGAN)
    desk.scheduler.cancel(pair)
    assert [desk.sessions[job].sent[-1] for job in (AGENT, CALLER)] == [StopCommand.CANCEL] * 2
    desk.report(AGENT, Ended(Outcome.DONE, "done"))
    desk.report(CALLER, Ended(Outcome.CANCELLED, "stopped"))

    assert desk.scheduler.retry(pair)
    assert desk.scheduler.queue == [pair]
    desk.probe()
    assert desk.start() == [CALLER]


def test_a_pair_moves_in_the_queue_as_one(make_desk: Callable[..., Desk]) -> None:
    """Its halves stay together."""
    desk = make_desk()
    pair, other = desk.scheduler.add(CALL), desk.scheduler.add(Source("b.wav"))
    desk.probe()
    desk.scheduler.reorder([other, pair])

    assert desk.scheduler.queue == [other, pair]
    assert desk.start() == [ALONE, AGENT, CALLER]
