"""What all sessions come to."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.report_builders import (
    began,
    broken_attempt,
    connecting,
    ended_done,
    ended_failed,
    job_reports,
    progressed,
    queued,
    refused_attempt,
    retrying,
    streaming,
)
from tui.model.totals import (
    SendingPace,
    SteadyPace,
    Totals,
    TurnAwayReason,
    time_to_finish_s,
    totals,
)
from workers.jobs.events import Event, Outcome
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.runs import run_folder
from workers.scheduling.start_pace import FIRST_GAP_S
from workers.scheduling.start_rate import StartRateLimiter
from workers.scheduling.supervisor import SessionTarget, Supervisor


def after(*lives: list[Event]) -> dict[JobId, JobState]:
    """One job for each list of events."""
    job_states = {}
    for number, life in enumerate(lives, start=1):
        job_state = job_states[JobId(number)] = JobState(JobId(number), f"{number}.wav")
        for event_report in job_reports(number, *life):
            job_state.apply(event_report)
    return job_states


def of(*lives: list[Event], places: int = 2, held: bool = False) -> Totals:
    job_states = after(*lives)
    return totals(job_states, list(job_states), places, held=held)


def test_audio_and_sockets_are_sums_over_all_that_was_streamed() -> None:
    """Sums include finished, live and broken jobs, but not audio that must be sent again."""
    live = streaming(10.0, 60.0)
    over = [*streaming(60.0, 60.0), ended_done(60.0)]
    again = [*streaming(22.0, 60.0), *broken_attempt(at=20.0)]

    found = of(live, over, again, [queued(75.0)])
    assert (90.0, 255.0) == (found.sent_s, found.audio_s)
    assert 80.0 == of(over, again).open_s


def test_less_time_is_left_at_a_higher_speed() -> None:
    """As much audio, in a quarter of the time."""
    fast = replace(queued(60.0), speed=4.0)

    found = of([fast, connecting(), began(), progressed(20.0, 60.0)], [fast], places=1)
    assert (20.0, 120.0, 10.0 + 15.0) == (found.sent_s, found.audio_s, found.remaining_s)


def test_slots_are_taken_in_queue_order() -> None:
    """Jobs start as soon as a slot is free; the last session to end determines the time."""
    assert 0.0 == time_to_finish_s([], [], 3)
    assert 50.0 == time_to_finish_s([50.0, 10.0], [], 2)
    assert 70.0 == time_to_finish_s([50.0, 10.0], [60.0], 2)
    assert 130.0 == time_to_finish_s([50.0, 10.0], [80.0, 80.0], 2)
    assert 60.0 == time_to_finish_s([], [60.0, 20.0, 30.0], 2)
    assert 80.0 == time_to_finish_s([50.0, 30.0, 10.0], [50.0], 2)  # one of three has no follower


def test_a_start_rate_delays_the_end() -> None:
    """A free slot stays free until the next start is allowed."""
    assert 70.0 == time_to_finish_s(
        [], [30.0, 30.0, 10.0], 3, StartRateLimiter(2).start_simulator()
    )
    assert pytest.approx(110.0 + FIRST_GAP_S) == time_to_finish_s(
        [], [30.0, 100.0, 10.0, 50.0], 3, StartRateLimiter(2).start_simulator()
    )
    assert 160.0 == time_to_finish_s(
        [100.0, 100.0], [60.0], 2, StartRateLimiter(2).start_simulator()
    )


def test_a_supervisor_predicts_starts_from_now_on(tmp_path: Path) -> None:
    """Predictions are in seconds from now, and the same at every call."""
    with closing(run_folder.create(tmp_path / "run")) as folder:
        supervisor = Supervisor(
            nowhere, folder, StreamSettings(), start_limiter=StartRateLimiter(2)
        )
        for _ in range(2):
            start = supervisor.start_simulator()
            assert [0.0, FIRST_GAP_S, 60.0] == [pytest.approx(start(0.0)) for _ in range(3)]


def nowhere() -> SessionTarget:
    raise AssertionError("this launcher must not be used")


def test_the_order_of_the_queue_counts() -> None:
    """The longest job runs alone at the end if it is last in the queue."""
    job_states = after([queued(10.0)], [queued(10.0)], [queued(60.0)])
    one, two, long = job_states

    assert 60.0 == totals(job_states, [long, one, two], 2, held=False).remaining_s
    assert 70.0 == totals(job_states, [one, two, long], 2, held=False).remaining_s
    assert 70.0 == totals(job_states, [], 2, held=False).remaining_s  # none is in the queue yet


def test_jobs_need_only_the_rest_of_their_audio() -> None:
    """A broken one from its resume point, a live one what was not sent."""
    assert (
        40.0
        == of([*streaming(22.0, 60.0), *broken_attempt(at=20.0)], streaming(30.0, 60.0)).remaining_s
    )


def test_an_unknown_end_is_not_predicted() -> None:
    """While starts are held, before the limit is known, and once all jobs have finished."""
    assert of([queued()], held=True).remaining_s is None
    assert of([queued()], places=0).remaining_s is None
    assert of([*streaming(), ended_done()]).remaining_s is None
    assert 50.0 == of(streaming(10.0, 60.0), held=True).remaining_s
    unread = of(streaming(10.0, 60.0), [])
    assert (50.0, True) == (unread.remaining_s, unread.is_lower_bound)


def test_sessions_are_late_if_their_last_chunk_was() -> None:
    """Only streaming sessions count as late."""
    found = of(
        streaming(lag=0.3),
        streaming(lag=10.1),
        streaming(lag=200.0),
        [*streaming(lag=99.0), ended_done()],
    )

    assert (3, 2, 200.0) == (found.streaming_count, found.late_count, found.worst_lag_ms)
    assert of([queued()]).worst_lag_ms is None


UNREACHABLE = ended_failed("nobody answers", outcome=Outcome.UNREACHABLE)
AWAY: dict[str, tuple[list[Event], TurnAwayReason | None]] = {
    "no place": ([queued(), connecting(), *refused_attempt()], TurnAwayReason.SERVER_FULL),
    "an outage": ([queued(), connecting(), UNREACHABLE, retrying(5.0)], TurnAwayReason.UNREACHABLE),
    "a break": ([*streaming(), *broken_attempt()], None),
    "its turn": ([queued()], None),
    "let in": ([queued(), connecting(), *refused_attempt(), connecting(), progressed(1.0)], None),
    "given up": ([queued(), connecting(), UNREACHABLE], None),
}


@pytest.mark.parametrize(("life", "away"), AWAY.values(), ids=AWAY)
def test_jobs_that_wait_for_the_server_are_counted(
    life: list[Event], away: TurnAwayReason | None
) -> None:
    """The outcome of the latest attempt decides; jobs that wait for other reasons do not count."""
    found = of(life, [queued()])

    assert away is found.turn_away_reason
    assert (away is not None) == found.turned_away_count


def test_no_end_is_predicted_while_the_server_accepts_no_session() -> None:
    """A streaming session shows that it accepts some."""
    outage = AWAY["an outage"][0]

    assert of(outage).remaining_s is None
    assert of(outage, [queued(), connecting()]).remaining_s is None
    assert of(outage, streaming(10.0, 60.0)).remaining_s == 60.0


def test_a_server_with_a_streaming_session_is_reachable() -> None:
    """Whatever ended the attempts of waiting jobs; it may still be full."""
    assert of(AWAY["an outage"][0], streaming(10.0, 60.0)).turn_away_reason is None
    assert (
        of(AWAY["no place"][0], streaming(10.0, 60.0)).turn_away_reason
        is TurnAwayReason.SERVER_FULL
    )


def test_an_unreachable_server_is_reported_before_a_full_one() -> None:
    """There is room for one sentence."""
    found = of(AWAY["no place"][0], AWAY["an outage"][0])

    assert (TurnAwayReason.UNREACHABLE, 2) == (found.turn_away_reason, found.turned_away_count)


def test_a_better_pace_is_shown_only_when_it_lasts() -> None:
    """A worse one is shown at once."""
    pace = SteadyPace()

    def shown(*paces: SendingPace | None, start: float) -> list[SendingPace | None]:
        seen = []
        for seconds, each in enumerate(paces):
            pace.update(each, start + seconds)
            seen.append(pace.shown)
        return seen

    good, some, bad = SendingPace.KEEPS_UP, SendingPace.SOME_LATE, SendingPace.FALLS_BEHIND
    assert [None, good, some, bad] == shown(None, good, some, bad, start=0)
    assert [bad] * 5 == shown(good, good, bad, good, some, start=4)
    assert [bad, bad, bad, bad, good] == shown(*[good] * 5, start=9)
    assert [None, bad, None] == shown(None, bad, None, start=20)
