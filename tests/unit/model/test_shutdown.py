"""Leaving: politely, by force, at once."""

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import report, streaming
from tui.model.desk_state import DeskState
from tui.model.shutdown import (
    CONFIRM_S,
    QUIT_FORCE_TIMEOUT_S,
    QUIT_GRACE_S,
    Shutdown,
    ShutdownPhase,
)


def leaving(*, idle: bool) -> tuple[Shutdown, FakeSupervisor]:
    supervisor = FakeSupervisor()
    supervisor.is_idle = idle
    return Shutdown(supervisor, supervisor.stop), supervisor


def test_quitting_is_immediate_when_nothing_runs() -> None:
    """Quitting an idle desk does not stop the supervisor."""
    shutdown, supervisor = leaving(idle=True)
    shutdown.request(0.0)

    assert ShutdownPhase.CLOSED is shutdown.phase
    assert 0 == supervisor.stops


@pytest.mark.parametrize(
    ("requests", "phase", "stops"),
    [
        (0, ShutdownPhase.RUNNING, 0),
        (1, ShutdownPhase.GRACEFUL, 1),
        (2, ShutdownPhase.FORCED, 2),
        (3, ShutdownPhase.CLOSED, 2),
    ],
)
def test_another_request_enters_the_next_phase(
    requests: int, phase: ShutdownPhase, stops: int
) -> None:
    """Gracefully, by force, at once."""
    shutdown, supervisor = leaving(idle=False)
    for _ in range(requests):
        shutdown.request(0.0)

    assert phase is shutdown.phase
    assert stops == supervisor.stops


def test_the_desk_closes_once_nothing_is_live() -> None:
    """The desk does not close while a session is live."""
    shutdown, supervisor = leaving(idle=False)
    assert not shutdown.poll(0.0)
    shutdown.request(0.0)
    assert not shutdown.poll(QUIT_GRACE_S)

    supervisor.is_idle = True
    assert shutdown.poll(QUIT_GRACE_S)


def test_sessions_are_forced_when_the_countdown_ends() -> None:
    """No key is needed; after another countdown the desk closes."""
    shutdown, supervisor = leaving(idle=False)
    shutdown.request(10.0)
    assert not shutdown.poll(10.0 + QUIT_GRACE_S)
    assert ShutdownPhase.GRACEFUL is shutdown.phase

    assert not shutdown.poll(10.1 + QUIT_GRACE_S)
    assert ShutdownPhase.FORCED is shutdown.phase
    assert 2 == supervisor.stops
    assert shutdown.poll(10.2 + QUIT_GRACE_S + QUIT_FORCE_TIMEOUT_S)


def test_the_desk_closes_although_a_session_stays() -> None:
    """A session that cannot be killed does not keep the desk open."""
    shutdown, _ = leaving(idle=False)
    shutdown.request(0.0)
    shutdown.request(1.0)

    assert not shutdown.poll(1.0 + QUIT_FORCE_TIMEOUT_S)
    assert shutdown.poll(1.1 + QUIT_FORCE_TIMEOUT_S)


def test_the_status_counts_down() -> None:
    """The status contains the number of running sessions and the seconds left."""
    shutdown, _ = leaving(idle=False)
    state = DeskState()
    assert "" == shutdown.status_text(state, 0.0)
    shutdown.request(0.0)
    assert "the last reports" in shutdown.status_text(state, 1.0)
    for number in (1, 2):
        for event in streaming():
            state.apply(report(number, event))

    expected = "Quitting: waiting for 2 sessions, forced in 7 s. q forces now"
    assert expected == shutdown.status_text(state, QUIT_GRACE_S - 6.1)
    shutdown.request(3.0)
    expected = "Forced: waiting for 2 sessions, closes in 5 s. Z closes now"
    assert expected == shutdown.status_text(state, 3.0, "Z")


def test_a_key_quits_live_sessions_only_when_it_is_pressed_twice() -> None:
    """The second press must follow within a few seconds; without live sessions none is needed."""
    shutdown, _ = leaving(idle=False)
    assert shutdown.is_confirmed(0, 10.0)

    assert not shutdown.is_confirmed(8, 10.0)
    assert shutdown.is_confirmed(8, 10.0 + CONFIRM_S / 2)
    assert not shutdown.is_confirmed(8, 10.0 + 2 * CONFIRM_S)

    shutdown.request(20.0)
    assert shutdown.is_confirmed(8, 20.0)
    assert leaving(idle=True)[0].is_confirmed(8, 10.0)
