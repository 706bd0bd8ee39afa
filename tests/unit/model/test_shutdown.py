"""Leaving: politely, by force, at once."""

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import report, streaming
from tui.model.desk_state import DeskState
from tui.model.shutdown import FAREWELL, PATIENCE, Leaving, Phase


def leaving(*, idle: bool) -> tuple[Leaving, FakeSupervisor]:
    supervisor = FakeSupervisor()
    supervisor.idle = idle
    return Leaving(supervisor), supervisor


def test_with_nothing_at_work_leaving_is_at_once() -> None:
    """The supervisor is not even asked to stop."""
    way, supervisor = leaving(idle=True)
    way.ask(0.0)

    assert Phase.GONE is way.phase
    assert 0 == supervisor.stops


@pytest.mark.parametrize(
    ("asked", "phase", "stops"),
    [(0, Phase.STAYING, 0), (1, Phase.POLITE, 1), (2, Phase.FORCED, 2), (3, Phase.GONE, 2)],
)
def test_asking_again_goes_a_step_further(asked: int, phase: Phase, stops: int) -> None:
    """Polite, by force, at once."""
    way, supervisor = leaving(idle=False)
    for _ in range(asked):
        way.ask(0.0)

    assert phase is way.phase
    assert stops == supervisor.stops


def test_it_is_over_when_nothing_is_left() -> None:
    """Not before."""
    way, supervisor = leaving(idle=False)
    assert not way.over(0.0)
    way.ask(0.0)
    assert not way.over(FAREWELL)

    supervisor.idle = True
    assert way.over(FAREWELL)


def test_what_does_not_end_politely_is_forced_when_the_countdown_is_over() -> None:
    """By nobody's key. Then there is another, behind which the desk closes."""
    way, supervisor = leaving(idle=False)
    way.ask(10.0)
    assert not way.over(10.0 + FAREWELL)
    assert Phase.POLITE is way.phase

    assert not way.over(10.1 + FAREWELL)
    assert Phase.FORCED is way.phase
    assert 2 == supervisor.stops
    assert way.over(10.2 + FAREWELL + PATIENCE)


def test_after_force_patience_ends() -> None:
    """A session that cannot be killed does not keep the user in."""
    way, _ = leaving(idle=False)
    way.ask(0.0)
    way.ask(1.0)

    assert not way.over(1.0 + PATIENCE)
    assert way.over(1.1 + PATIENCE)


def test_it_counts_down_what_it_waits_for() -> None:
    """How many sessions still end, and the seconds that they have for it."""
    way, _ = leaving(idle=False)
    state = DeskState()
    assert "" == way.sentence(state, 0.0)
    way.ask(0.0)
    assert "the last reports" in way.sentence(state, 1.0)
    for number in (1, 2):
        for event in streaming():
            state.apply(report(number, event))

    told = "Leaving: 2 sessions to end politely, by force in 7 s. q forces now"
    assert told == way.sentence(state, FAREWELL - 6.1)
    way.ask(3.0)
    told = "Leaving by force: 2 sessions, closes in 5 s. Z closes now"
    assert told == way.sentence(state, 3.0, "Z")
