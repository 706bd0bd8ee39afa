"""The frame computes its totals only now and then."""

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import progressed, queued, report, streaming
from tui.model.desk_state import DeskState
from tui.model.shutdown import Shutdown
from tui.model.totals import STEP_JOBS
from tui.render.banner import Destination
from tui.screens.frame import TOTALS_INTERVAL_S, TOTALS_STEPS, ScreenFrame
from tui.theme.roles import Look
from tui.theme.symbols import UNICODE


def test_totals_are_computed_once_a_second_or_when_a_status_changes() -> None:
    """The banner is drawn on every tick, which would cost too much."""
    state, supervisor = DeskState(), FakeSupervisor()
    where = Destination("here")
    frame = ScreenFrame(
        state, supervisor, Shutdown(supervisor, supervisor.stop), Look(UNICODE), where
    )
    assert 0.0 == frame.run_status(0.0).totals.sent_s

    for event in streaming(10.0):
        state.apply(report(1, event))
    assert 10.0 == frame.run_status(0.0).totals.sent_s
    state.apply(report(1, progressed(11.0)))
    assert 10.0 == frame.run_status(TOTALS_INTERVAL_S - 0.1).totals.sent_s
    assert 11.0 == frame.run_status(TOTALS_INTERVAL_S).totals.sent_s


def test_the_remaining_time_follows_the_start_rate() -> None:
    """The supervisor knows what limits the starts."""
    state, supervisor = DeskState(), FakeSupervisor()
    supervisor.start_after = 120.0
    frame = ScreenFrame(
        state, supervisor, Shutdown(supervisor, supervisor.stop), Look(UNICODE), Destination("here")
    )
    for job in (1, 2):
        state.apply(report(job, queued(60.0)))

    assert 180.0 == frame.run_status(0.0).totals.remaining_s


def test_totals_of_many_jobs_are_computed_over_several_draws() -> None:
    """A draw visits a bounded number of jobs; the former totals are shown until all are visited."""
    state, supervisor = DeskState(), FakeSupervisor()
    frame = ScreenFrame(
        state, supervisor, Shutdown(supervisor, supervisor.stop), Look(UNICODE), Destination("here")
    )
    jobs = 2 * TOTALS_STEPS * STEP_JOBS
    for job in range(1, jobs + 1):
        state.apply(report(job, queued(2.0)))

    audio_s = [frame.run_status(now / 5).totals.audio_s for now in range(20)]

    assert [0.0] * 2 == audio_s[:2]
    assert 2.0 * jobs == audio_s[-1]
