"""The scheduler over many jobs, without a process and on a clock that the test moves."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.fake_launcher import (
    RECORDING,
    FakeLauncher,
    FakeSession,
    Script,
    random_outcomes,
    script,
)
from tests.support.run_builders import save
from workers.audio.source import Source
from workers.jobs.events import (
    Connecting,
    Ended,
    JobReport,
    Outcome,
    Progressed,
    Retrying,
)
from workers.jobs.job import Job, JobId, StreamSettings
from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import LagSummary
from workers.protocol.endpoint import custom_endpoint
from workers.runs import run_folder
from workers.runs.index import Extent, read_index
from workers.runs.run_folder import RunFolder
from workers.scheduling.job_slot import MAX_SILENT_SETUP_CHECKS
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Scheduler
from workers.scheduling.start_pace import FIRST_GAP_S
from workers.scheduling.start_rate import RATE_WINDOW_S, StartRateLimiter
from workers.session.assignment import Assignment, Timeouts

MAX_SESSIONS = 30
STARTS_PER_MINUTE = 300
MAX_ATTEMPTS = 3
ASSIGNMENT = Assignment(
    Job(JobId(1), "a.wav", RECORDING, StreamSettings()),
    1,
    custom_endpoint("ws://127.0.0.1:1"),
    "a.jsonl",
    "a.log",
)
LOST = Ended(Outcome.LOST, "the connection broke")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    with closing(run_folder.create(tmp_path / "run")) as created:
        yield created


def make_scheduler(
    folder: RunFolder,
    launcher: FakeLauncher,
    *,
    start_limiter: StartRateLimiter | None = None,
    max_attempts: int = MAX_ATTEMPTS,
) -> Scheduler:
    return Scheduler(
        folder,
        StreamSettings(),
        launcher,
        clock=launcher.clock,
        start_limiter=start_limiter or StartRateLimiter(),
        retry_policy=RetryPolicy(max_attempts=max_attempts),
        timeouts=Timeouts(),
        session_limit=MAX_SESSIONS,
    )


def reports_of(scheduler: Scheduler) -> list[JobReport]:
    reports = []
    while not scheduler.reports.empty():
        reports.append(scheduler.reports.get())
    return reports


def test_thousands_of_jobs_end_once_each_within_all_bounds(folder: RunFolder) -> None:
    """Sessions are refused, killed and lost at random; the limits hold at every start."""
    random_outcome = random_outcomes(seed=7)
    outcomes: dict[tuple[JobId, int], list[Outcome | None]] = defaultdict(list)

    accepted_at: list[float] = []

    def play(assignment: Assignment) -> Script:
        outcome = random_outcome()
        outcomes[assignment.job.id, assignment.attempt].append(outcome)
        if outcome is not Outcome.BUSY:  # a refused start does not count
            accepted_at.append(launcher.now)
            Path(assignment.trace_path).touch()
        return script(outcome)

    launcher = FakeLauncher(play)
    limiter = StartRateLimiter(STARTS_PER_MINUTE)
    scheduler = make_scheduler(folder, launcher, start_limiter=limiter)
    jobs = [scheduler.add(Source("a.wav")) for _ in range(2_000)]
    launcher.run(scheduler)
    states = {job: JobState(job, "a.wav") for job in jobs}
    ends = Counter[JobId]()
    for report in reports_of(scheduler):
        states[report.job].apply(report)
        ends[report.job] += isinstance(report.event, Ended)
        ends[report.job] -= isinstance(report.event, Retrying)

    assert set(ends.values()) == {1}
    assert launcher.max_live == MAX_SESSIONS
    assert STARTS_PER_MINUTE * 0.9 < most_within_a_minute(accepted_at) <= STARTS_PER_MINUTE
    for job, state in states.items():
        last = outcomes[job, state.attempt][-1]
        failed = sum(
            ending in (Outcome.LOST, None)
            for number in range(1, state.attempt + 1)
            for ending in outcomes[job, number]
        )
        assert state.attempt <= MAX_ATTEMPTS
        assert state.ended is not None
        assert state.ended.outcome is (last or Outcome.CRASHED)
        assert failed == MAX_ATTEMPTS or last in (Outcome.DONE, Outcome.REFUSED)
        # A number comes again after a refusal, and only then.
        for number in range(1, state.attempt + 1):
            *refused, _ = outcomes[job, number]
            assert set(refused) <= {Outcome.BUSY}
    assert Counter(ending for endings in outcomes.values() for ending in endings)[Outcome.BUSY] > 9


def most_within_a_minute(times: list[float]) -> int:
    first = most = 0
    for count, at in enumerate(times, start=1):
        while times[first] <= at - RATE_WINDOW_S:
            first += 1
        most = max(most, count - first)
    return most


def test_attempts_killed_in_a_row_go_on_from_where_turns_had_ended(folder: RunFolder) -> None:
    """No session reports its end; the next one starts at the last reported resume point."""
    heard = iter([0.5, 1.0, 1.5])
    endings = iter([None, None, None, Outcome.DONE])

    def play(assignment: Assignment) -> Script:
        Path(assignment.trace_path).touch()
        return script(next(endings), heard_until_s=next(heard, 0.0))

    launcher = FakeLauncher(play)
    scheduler = make_scheduler(folder, launcher, max_attempts=4)
    job = scheduler.add(Source("a.wav"))
    launcher.run(scheduler)
    assignments = [assignment for _, assignment in launcher.starts]
    reports = reports_of(scheduler)
    ended = [report.event for report in reports if isinstance(report.event, Ended)]

    assert [1, 2, 3, 4] == [assignment.attempt for assignment in assignments]
    assert [0, 500, 1000, 1500] == [each.resume_point.at_ms for each in assignments]
    assert [0.5, 1.0, 1.5] == [event.sent_seconds for event in ended[:3]]
    assert {"the session's process was killed (signal 9)"} == {e.reason for e in ended[:3]}
    assert [job] * len(reports) == [report.job for report in reports]


def test_a_retry_of_a_job_that_waits_starts_it_now(folder: RunFolder) -> None:
    """Neither its own delay nor the pause after a refusal applies any longer."""
    endings = iter([Outcome.BUSY, Outcome.DONE])
    launcher = FakeLauncher(lambda _: script(next(endings)))
    scheduler = make_scheduler(folder, launcher)
    job = scheduler.add(Source("a.wav"))
    retried_at: list[float] = []

    def retry_when_waiting() -> float:
        if len(launcher.starts) == 1 and scheduler.queue == [job] and not retried_at:
            retried_at.append(launcher.now)
            assert scheduler.next_start_at is not None
            assert scheduler.next_start_at > launcher.now
            assert scheduler.retry(job)
        return launcher.now

    launcher.run(scheduler, between=retry_when_waiting)

    assert [at for at, _ in launcher.starts][1] == retried_at[0]
    assert [1, 1] == [assignment.attempt for _, assignment in launcher.starts]


def test_a_retry_ends_the_backoff_of_a_job_that_waits(folder: RunFolder) -> None:
    """Nothing else changes: it is the same attempt, and it starts once."""

    class Tomorrow(RetryPolicy):
        def random_delay(self, failed_attempts: int) -> float:
            return 86_400.0

    endings = iter([Outcome.LOST, Outcome.DONE])
    launcher = FakeLauncher(lambda _: script(next(endings)))
    scheduler = Scheduler(
        folder,
        StreamSettings(),
        launcher,
        clock=launcher.clock,
        start_limiter=StartRateLimiter(),
        retry_policy=Tomorrow(),
        timeouts=Timeouts(),
        session_limit=1,
    )
    job = scheduler.add(Source("a.wav"))

    def retry_when_waiting() -> None:
        if len(launcher.starts) == 1 and scheduler.queue == [job]:
            assert scheduler.retry(job)

    launcher.run(scheduler, between=retry_when_waiting)
    times = [at for at, _ in launcher.starts]

    assert [2.1] == [pytest.approx(b - a) for a, b in pairwise(times)]
    assert not scheduler.queue


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.UNREACHABLE])
def test_a_server_that_asks_to_wait_is_not_asked_before(
    folder: RunFolder, outcome: Outcome
) -> None:
    """No job starts meanwhile, although another session ends; the user may ask earlier."""
    refused = Ended(outcome, "HTTP 503", retry_after_s=50.0)
    refusal = Script([(0.1, Connecting("ws://x", "ab")), (0.3, refused)], 0.4)
    scripts = iter([script(Outcome.DONE), refusal, script(Outcome.DONE), refusal])
    launcher = FakeLauncher(lambda _: next(scripts, script(Outcome.DONE)))
    scheduler = make_scheduler(folder, launcher)
    jobs = [scheduler.add(Source("a.wav")) for _ in range(2)]
    launcher.run(scheduler)
    scheduler.retry(jobs[0])  # the fourth script; then, against the server's wish, the fifth

    def retry_when_waiting() -> None:
        if len(launcher.starts) == 4 and scheduler.queue == jobs[:1]:
            assert scheduler.retry(jobs[0])

    launcher.run(scheduler, between=retry_when_waiting)
    first, second, third, fourth, fifth = (at for at, _ in launcher.starts)

    assert third == pytest.approx(second + 0.4 + 50.0)
    assert fifth < fourth + 1.0
    assert first <= second <= first + 1.0


def test_a_login_that_a_proxy_refuses_is_not_tried_for_every_job(folder: RunFolder) -> None:
    """A few more would lock the account. So one session starts alone, and the others wait for it;
    the user may retry any of them."""
    refused = Ended(Outcome.REFUSED, "the proxy refuses", code=407)
    refusal = Script([(0.1, Connecting("ws://x", "ab")), (0.3, refused)], 0.4)
    scripts = iter([refusal])
    launcher = FakeLauncher(lambda _: next(scripts, script(Outcome.DONE)))
    scheduler = make_scheduler(folder, launcher, start_limiter=StartRateLimiter(trial_first=True))
    jobs = [scheduler.add(Source("a.wav")) for _ in range(20)]
    launcher.run(scheduler)
    endings = [report.event for report in reports_of(scheduler) if isinstance(report.event, Ended)]

    assert len(launcher.starts) == 1
    assert [(ended.outcome, ended.reason) for ended in endings] == [
        (Outcome.REFUSED, "the proxy refuses")
    ] * 20

    for job in jobs:
        assert scheduler.retry(job)
    launcher.run(scheduler)
    times = [at for at, _ in launcher.starts[1:]]

    assert len(times) == 20
    assert times[1] >= times[0] + 0.2  # when the first one was accepted
    assert times[-1] < times[1] + 1.0


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNAUTHORISED])
def test_the_first_refusal_holds_the_other_starts(folder: RunFolder, outcome: Outcome) -> None:
    """What one session of the run is refused for, all are. A retry releases them."""
    refusal = Script([(0.1, Connecting("ws://x", "ab")), (0.3, Ended(outcome, "no"))], 0.4)
    scripts = iter([refusal])
    launcher = FakeLauncher(lambda _: next(scripts, script(Outcome.DONE)))
    scheduler = make_scheduler(folder, launcher, start_limiter=StartRateLimiter(trial_first=True))
    first, *others = [scheduler.add(Source("a.wav")) for _ in range(20)]

    def release() -> None:
        if scheduler.held_by_refusal:
            assert (len(launcher.starts), scheduler.queue) == (1, others)
            assert scheduler.holding
            assert scheduler.retry(first)

    launcher.run(scheduler, between=release)

    assert len(launcher.starts) == 21
    assert not scheduler.holding


@pytest.mark.parametrize("is_accepted_before", [True, False])
def test_a_refusal_of_one_recording_holds_nothing(
    folder: RunFolder, is_accepted_before: bool
) -> None:
    """The server has accepted others, or the recording has parameters of its own."""
    refusal = Script([(0.1, Connecting("ws://x", "ab")), (0.3, Ended(Outcome.REFUSED, "no"))], 0.4)
    scripts = iter([script(Outcome.DONE), refusal] if is_accepted_before else [refusal])
    launcher = FakeLauncher(lambda _: next(scripts, script(Outcome.DONE)))
    limiter = StartRateLimiter(trial_first=True)
    scheduler = make_scheduler(folder, launcher, start_limiter=limiter)
    own = () if is_accepted_before else (("mode", "balanced"),)
    scheduler.add(Source("a.wav", params=own))
    for _ in range(4):
        scheduler.add(Source("a.wav"))
    launcher.run(scheduler)

    assert len(launcher.starts) == 5
    assert not scheduler.held_by_refusal


def test_sessions_are_told_whether_the_server_was_reached(folder: RunFolder) -> None:
    """What stands between after that may be gone soon."""
    outcomes = iter([Outcome.UNREACHABLE, Outcome.LOST, Outcome.DONE])
    launcher = FakeLauncher(lambda _: script(next(outcomes)))
    scheduler = make_scheduler(folder, launcher)
    scheduler.add(Source("a.wav"))
    launcher.run(scheduler)

    assert [a.was_reached for _, a in launcher.starts] == [False, False, True]


def test_sessions_that_stream_together_have_phases_apart(folder: RunFolder) -> None:
    """One that is alone starts at once; the others are spread evenly over the interval."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    scheduler = make_scheduler(folder, launcher)
    for _ in range(20):
        scheduler.add(Source("a.wav"))
    launcher.run(scheduler)
    first, *phases = [assignment.phase for _, assignment in launcher.starts]

    assert first is None
    gaps = [later - earlier for earlier, later in pairwise(sorted(filter(None, phases)))]
    assert 0.02 < min(gaps) <= max(gaps) < 0.1


def test_late_chunks_make_the_starts_rarer(folder: RunFolder) -> None:
    """A start takes processor time from sessions that stream."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    scheduler = make_scheduler(folder, launcher)
    job = scheduler.add(Source("a.wav"))
    slot, session = scheduler._slots[job], FakeSession(ASSIGNMENT)
    slot.begin_attempt(session, launcher.clock())
    late = Progressed(1.0, 10.0, LagSummary(50.0, 1.0, 50.0, 50.0))

    scheduler.apply_report(slot, session, JobReport(job, 1, "a.wav", 1.0, late))

    assert scheduler.start_limiter.pace.gap_s > FIRST_GAP_S


def test_jobs_that_are_stopped_end_once(folder: RunFolder) -> None:
    """Live jobs end when their session is gone, queued ones at once."""
    launcher = FakeLauncher(lambda _: script(Outcome.LOST))
    scheduler = make_scheduler(folder, launcher)
    for _ in range(100):
        scheduler.add(Source("a.wav"))

    def stop_when_full() -> None:
        if launcher.max_live == MAX_SESSIONS and not scheduler.stopping:
            scheduler.stop()

    launcher.run(scheduler, between=stop_when_full)
    reports = reports_of(scheduler)
    ended = [report for report in reports if isinstance(report.event, Ended)]

    assert len(ended) == 100 == len({report.job for report in ended})
    assert {JobStatus.FAILED, JobStatus.INTERRUPTED} == {
        JobStatus.from_outcome(report.event.outcome)
        for report in ended
        if isinstance(report.event, Ended)
    }
    assert not any(isinstance(report.event, Retrying) for report in reports)


def test_no_more_sessions_start_than_the_launcher_takes(folder: RunFolder) -> None:
    """A fleet may have less room than the user allows, and none while no node answers."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    scheduler = make_scheduler(folder, launcher)
    for _ in range(6):
        scheduler.add(Source("a.wav"))
    while (claim := scheduler.claim_unprobed()) is not None:
        scheduler.enqueue(claim, RECORDING)

    launcher.capacity = 0
    assert scheduler.claim_start() is None
    launcher.capacity = 2
    launcher.run(scheduler)

    assert launcher.max_live == 2
    assert len(launcher.starts) == 6


def test_a_session_that_outlived_its_program_goes_on(folder: RunFolder) -> None:
    """Its job is live at once; it is probed only if it needs another attempt."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    running = launcher.adoptable[JobId(1), 1] = FakeSession(ASSIGNMENT)
    earlier = make_scheduler(folder, launcher)
    for name in ("a.wav", "b.wav"):
        earlier.add(Source(name))
    states = [JobState.of(JobId(number), Source("a.wav")) for number in (1, 2)]
    for state in states:
        state.apply(JobReport(state.job, 1, state.file, 0.0, Connecting("ws://x", "ab", node="b")))
    scheduler = make_scheduler(folder, launcher)

    ((slot, session),) = scheduler.resume(states)
    scheduler.apply_report(slot, session, JobReport(slot.id, 1, slot.file, 9.0, LOST))
    scheduler.finish_session(slot, session, "ended with code 0")
    launcher.run(scheduler)

    assert session is running
    assert running.is_closed
    assert {1, 2} == {assignment.job.id for _, assignment in launcher.starts}
    assert scheduler.is_idle


def test_the_index_learns_how_a_job_ended_before_its_program_was_killed(folder: RunFolder) -> None:
    """The traces told it when the run was resumed."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    earlier = make_scheduler(folder, launcher)
    earlier.add(Source("a.wav"))
    state = JobState.of(JobId(1), Source("a.wav"))
    connecting = JobReport(state.job, 1, state.file, 0.0, Connecting("ws://x", "ab"))
    state.apply(connecting)
    folder.record(state, connecting)
    save(folder)
    state.apply(JobReport(state.job, 1, state.file, 9.0, Ended(Outcome.DONE, "done")))

    make_scheduler(folder, launcher).resume([state])
    save(folder)

    (job,) = read_index(folder.path, Extent.SUMMARIES).jobs
    assert job.status == JobStatus.DONE.value
    assert job.traces.traced["1"].seconds == 9.0


def test_a_session_on_a_silent_machine_is_not_killed_for_its_silence(folder: RunFolder) -> None:
    """Its lease ends it; another attempt before that would be a second session of the same job."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    session = launcher.adoptable[JobId(1), 1] = FakeSession(ASSIGNMENT, reachable=False)
    make_scheduler(folder, launcher).add(Source("a.wav"))
    scheduler = make_scheduler(folder, launcher)
    state = JobState.of(JobId(1), Source("a.wav"))
    state.apply(JobReport(state.job, 1, state.file, 0.0, Connecting("ws://x", "ab", node="b")))
    scheduler.resume([state])

    for _ in range(2 * MAX_SILENT_SETUP_CHECKS):
        scheduler.check_sessions()
    assert not session.is_killed

    session.reachable = True
    for _ in range(MAX_SILENT_SETUP_CHECKS):
        scheduler.check_sessions()
    assert session.is_killed
