"""The sentences of the verbs; what they reach is tested on the screen."""

from tests.screens.fakes import FakeSupervisor
from tests.unit.desk_reports import done, queued, streaming
from tui import verbs
from tui.state import DeskState


def desk(supervisor: FakeSupervisor) -> DeskState:
    state = DeskState()
    while not supervisor.reports.empty():
        state.apply(supervisor.reports.get())
    return state


def test_cancelling_passes_over_what_is_over() -> None:
    """And says so when there is nothing else."""
    supervisor = FakeSupervisor()
    over = supervisor.job("/rec/a.wav", *streaming(), done())
    live = supervisor.job("/rec/b.wav", *streaming())
    state = desk(supervisor)

    assert "Nothing to do: 1 job already over" == verbs.cancel(state, supervisor, [over])
    assert verbs.cancel(state, supervisor, [over, live]).startswith("Cancelling 1 job; what")
    assert "Cancelling 1 job, 1 by force" == verbs.cancel(state, supervisor, [over, live])
    assert [live, live] == supervisor.cancelled


def test_a_queued_job_is_taken_out_without_ceremony() -> None:
    """Nothing was heard that could be kept."""
    supervisor = FakeSupervisor()
    job = supervisor.job("/rec/a.wav", queued())

    assert "Cancelling 1 job" == verbs.cancel(desk(supervisor), supervisor, [job])


def test_retrying_counts_what_it_passed_over() -> None:
    """Only what is over can be tried again."""
    supervisor = FakeSupervisor()
    over = supervisor.job("/rec/a.wav", *streaming(), done())
    live = supervisor.job("/rec/b.wav", *streaming())

    assert "Retrying 1 job; 1 not over yet" == verbs.retry(supervisor, [over, live])
    assert "Nothing to do: 1 job not over yet" == verbs.retry(supervisor, [live])
    assert "There is no job yet; a adds files" == verbs.retry(supervisor, [])
