"""Leaving: politely, by force, at once."""

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import report, streaming
from tui.model.desk_state import DeskState
from tui.model.shutdown import QUIT_FORCE_TIMEOUT_S, QUIT_GRACE_S, Shutdown, ShutdownPhase


def leaving(*, idle: bool) -> tuple[Shutdown, FakeSupervisor]:
    supervisor = FakeSupervisor()
    supervisor.is_idle = idle
    return Shutdown(supervisor, supervisor.stop), supervisor


def test_with_nothing_at_work_leaving_is_at_once() -> None:
    """The supervisor is not even asked to stop."""
    way, supervisor = leaving(idle=True)
    way.request(0.0)

    assert ShutdownPhase.CLOSED is way.phase
    assert 0 == supervisor.stops


@pytest.mark.parametrize(
    ("asked", "phase", "stops"),
    [
        (0, ShutdownPhase.RUNNING, 0),
        (1, ShutdownPhase.GRACEFUL, 1),
        (2, ShutdownPhase.FORCED, 2),
        (3, ShutdownPhase.CLOSED, 2),
    ],
)
def test_asking_again_goes_a_step_further(asked: int, phase: ShutdownPhase, stops: int) -> None:
    """Polite, by force, at once."""
    way, supervisor = leaving(idle=False)
    for _ in range(asked):
        way.request(0.0)

    assert phase is way.phase
    assert stops == supervisor.stops


def test_it_is_over_when_nothing_is_left() -> None:
    """Not before."""
    way, supervisor = leaving(idle=False)
    assert not way.poll(0.0)
    way.request(0.0)
    assert not way.poll(QUIT_GRACE_S)

    supervisor.is_idle = True
    assert way.poll(QUIT_GRACE_S)


def test_what_does_not_end_politely_is_forced_when_the_countdown_is_over() -> None:
    """By nobody's key. Then there is another, behind which the desk closes."""
    way, supervisor = leaving(idle=False)
    way.request(10.0)
    assert not way.poll(10.0 + QUIT_GRACE_S)
    assert ShutdownPhase.GRACEFUL is way.phase

    assert not way.poll(10.1 + QUIT_GRACE_S)
    assert ShutdownPhase.FORCED is way.phase
    assert 2 == supervisor.stops
    assert way.poll(10.2 + QUIT_GRACE_S + QUIT_FORCE_TIMEOUT_S)


def test_after_force_patience_ends() -> None:
    """A session that cannot be killed does not keep the user in."""
    way, _ = leaving(idle=False)
    way.request(0.0)
    way.request(1.0)

    assert not way.poll(1.0 + QUIT_FORCE_TIMEOUT_S)
    assert way.poll(1.1 + QUIT_FORCE_TIMEOUT_S)


def test_it_counts_down_what_it_waits_for() -> None:
    """How many sessions still end, and the seconds that they have for it."""
    way, _ = leaving(idle=False)
    state = DeskState()
    assert "" == way.status_text(state, 0.0)
    way.request(0.0)
    assert "the last reports" in way.status_text(state, 1.0)
    for number in (1, 2):
        for event in streaming():
            state.apply(report(number, event))

    told = "Quitting: waiting for 2 sessions, forced in 7 s. q forces now"
    assert told == way.status_text(state, QUIT_GRACE_S - 6.1)
    way.request(3.0)
    told = "Forced: waiting for 2 sessions, closes in 5 s. Z closes now"
    assert told == way.status_text(state, 3.0, "Z")
