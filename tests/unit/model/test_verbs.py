"""The notices of the verbs; their effect is tested on the screen."""

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    broken_attempt,
    ended_done,
    ended_failed,
    queued,
    streaming,
    turn_heard,
)
from tui.keys.keymap import Keymap
from tui.model import verbs
from tui.model.desk_state import DeskState
from tui.model.supervisor_protocol import SERVER_RESTARTED_MESSAGE
from tui.theme.roles import Look
from tui.theme.symbols import UNICODE
from workers.jobs.job import JobId
from workers.prices.budget import Budget
from workers.scheduling.spending import SpendingStatus


def desk(supervisor: FakeSupervisor) -> DeskState:
    state = DeskState()
    while not supervisor.reports.empty():
        state.apply(supervisor.reports.get())
    return state


def test_cancelling_skips_finished_jobs() -> None:
    """The notice names them if there are no others."""
    supervisor = FakeSupervisor()
    over = supervisor.job("/rec/a.wav", *streaming(), ended_done())
    live = supervisor.job("/rec/b.wav", *streaming())
    state = desk(supervisor)

    assert "Nothing to do: 1 recording already finished" == verbs.cancel(state, supervisor, [over])
    assert verbs.cancel(state, supervisor, [over, live]).startswith(
        "Cancelling 1 recording; transcripts"
    )
    assert "Cancelling 1 recording, 1 by force" == verbs.cancel(state, supervisor, [over, live])
    assert [live, live] == supervisor.cancelled


def test_cancelling_a_queued_job_promises_no_transcript() -> None:
    """A queued job has no words that could be kept."""
    supervisor = FakeSupervisor()
    job = supervisor.job("/rec/a.wav", queued())

    assert "Cancelling 1 recording" == verbs.cancel(desk(supervisor), supervisor, [job])


def test_a_job_that_waits_for_a_retry_is_cancelled_at_once() -> None:
    """A job that waits for a retry has no session that must end first."""
    supervisor = FakeSupervisor()
    job = supervisor.job("/rec/a.wav", *streaming(), *broken_attempt())
    state = desk(supervisor)

    assert "Cancelling 1 recording" == verbs.cancel(state, supervisor, [job])
    assert not state.is_stopping(job)


def test_retrying_shows_where_it_starts() -> None:
    """A broken or cancelled job continues where it stopped; one without words starts again."""
    supervisor = FakeSupervisor()
    spoken = turn_heard(0, "Good morning to all of you.", final=True, at=8000)
    broke = supervisor.job("/rec/a.wav", *streaming(), spoken, ended_failed("it broke"))
    mute = supervisor.job("/rec/c.wav", *streaming(), ended_failed("it broke"))
    state = desk(supervisor)
    all_of_them = list(supervisor.finished)

    def retried(*jobs: JobId) -> str:
        supervisor.finished = set(all_of_them)
        return verbs.retry(state, supervisor, jobs)

    assert "Retrying 1 recording from 0:09, where it stopped" == retried(broke)
    assert "Retrying 1 recording from the start" == retried(mute)
    assert "Retrying 2 recordings: 1 from where it stopped, 1 from the start" == retried(
        broke, mute
    )


def test_done_jobs_are_not_streamed_again_by_mistake() -> None:
    """Their transcripts are complete, and would be billed again."""
    supervisor = FakeSupervisor()
    well = supervisor.job("/rec/b.wav", *streaming(), ended_done())
    mute = supervisor.job("/rec/c.wav", *streaming(), ended_failed("it broke"))
    live = supervisor.job("/rec/d.wav", *streaming())
    state = desk(supervisor)

    assert "Nothing to do: 1 recording done" == verbs.retry(state, supervisor, [well])
    assert "Nothing to do: 2 recordings done or running" == verbs.retry(
        state, supervisor, [well, live]
    )
    assert "Retrying 1 recording from the start; 1 done or running" == verbs.retry(
        state, supervisor, [well, mute]
    )
    assert supervisor.retried == [mute]


def test_retrying_counts_skipped_jobs() -> None:
    """Only finished jobs can be retried."""
    supervisor = FakeSupervisor()
    over = supervisor.job("/rec/a.wav", *streaming(), ended_failed("it broke"))
    live = supervisor.job("/rec/b.wav", *streaming())
    state = desk(supervisor)

    assert "Retrying 1 recording from the start; 1 done or running" == verbs.retry(
        state, supervisor, [over, live]
    )
    assert "Nothing to do: 1 recording running" == verbs.retry(state, supervisor, [live])
    assert verbs.NO_ROW_MESSAGE == verbs.retry(state, supervisor, [])


def test_each_restart_of_the_engine_is_announced_once() -> None:
    """Also if there were several since the last look."""
    supervisor = FakeSupervisor()
    notice = verbs.RunNotices(supervisor, Look(UNICODE, Keymap()))
    assert "" == notice.poll()

    supervisor.server_restarts = 1
    assert [SERVER_RESTARTED_MESSAGE, ""] == [notice.poll(), notice.poll()]
    supervisor.server_restarts = 3
    assert [SERVER_RESTARTED_MESSAGE, ""] == [notice.poll(), notice.poll()]


def test_releasing_starts_that_the_budget_holds_says_so() -> None:
    """The key does what it does, but nothing starts."""
    supervisor = FakeSupervisor()
    supervisor.holding = True
    supervisor.spending = SpendingStatus(budget=Budget(2.0), is_reached=True)

    assert "the budget of 2.00 h has no room" in verbs.toggle_hold(supervisor)
    assert not supervisor.holding
