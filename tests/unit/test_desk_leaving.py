"""Leaving: politely, by force, at once."""

import pytest

from tests.screens.fakes import FakeSupervisor
from tests.unit.desk_reports import report, streaming
from tui.leaving import PATIENCE, Leaving, Phase
from tui.state import DeskState


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
    """Not before, however long it takes politely."""
    way, supervisor = leaving(idle=False)
    assert not way.over(0.0)
    way.ask(0.0)
    assert not way.over(10 * PATIENCE)

    supervisor.idle = True
    assert way.over(10 * PATIENCE)


def test_after_force_patience_ends() -> None:
    """A session that cannot be killed does not keep the user in."""
    way, _ = leaving(idle=False)
    way.ask(0.0)
    way.ask(1.0)

    assert not way.over(1.0 + PATIENCE)
    assert way.over(1.1 + PATIENCE)


def test_it_says_what_it_waits_for() -> None:
    """How many sessions, and for how long already."""
    way, _ = leaving(idle=False)
    state = DeskState()
    assert "" == way.sentence(state, 0.0)
    way.ask(0.0)
    assert "the last reports" in way.sentence(state, 1.0)
    for number in (1, 2):
        for event in streaming():
            state.apply(report(number, event))

    assert "Leaving: 2 sessions to end politely, 7 s. q again forces" == way.sentence(state, 7.9)
