"""Ways to quit the desk."""

import os
import signal

import pytest

from tests.screens.conftest import DeskFactory
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import streaming
from tui.model.shutdown import ShutdownPhase


def busy() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming())
    supervisor.is_idle = False
    return supervisor


async def test_q_quits_at_once_without_live_sessions(open_desk: DeskFactory) -> None:
    """There is nothing to wait for, and no question."""
    async with open_desk() as seat:
        await seat.pilot.press("q")
        await seat.wait_until(lambda: not seat.desk.is_running or seat.desk._exit)

        assert ShutdownPhase.CLOSED is seat.desk.shutdown_state.phase


async def test_with_live_sessions_q_asks_once(open_desk: DeskFactory) -> None:
    """One key must not end what has streamed for an hour."""
    supervisor = busy()
    async with open_desk(supervisor) as seat:
        await seat.press("q")
        assert 0 == supervisor.stops
        assert "1 session is live. q again: stop it and quit" in seat.footer_text()

        supervisor.job("/rec/two.wav", *streaming())
        await seat.process_reports()
        await seat.press("q")
        assert 1 == supervisor.stops
        assert "Quitting: waiting for 2 sessions" in seat.footer_text()


@pytest.mark.parametrize("keys", [("q", "q"), ("ctrl+c",), ("ctrl+q",)])
async def test_with_live_sessions_the_desk_waits_for_them(
    open_desk: DeskFactory, keys: tuple[str, ...]
) -> None:
    """The footer says what it waits for; the desk closes when that has happened. Ctrl-C quits
    unasked, as everywhere."""
    supervisor = busy()
    async with open_desk(supervisor) as seat:
        await seat.press(*keys)
        assert 1 == supervisor.stops
        assert "Quitting: waiting for 1 session" in seat.footer_text()
        assert "stopping" in seat.table_lines()[0]
        assert seat.desk.is_running

        supervisor.is_idle = True
        await seat.wait_until(lambda: seat.desk.shutdown_state.phase is ShutdownPhase.CLOSED)


async def test_another_q_forces_and_one_more_does_not_wait(open_desk: DeskFactory) -> None:
    """The user can always leave."""
    supervisor = busy()
    async with open_desk(supervisor) as seat:
        await seat.press("q", "q", "q")
        assert 2 == supervisor.stops
        assert "Forced" in seat.footer_text()

        await seat.pilot.press("q")
        await seat.wait_until(lambda: seat.desk.shutdown_state.phase is ShutdownPhase.CLOSED)
        assert 2 == supervisor.stops


async def test_control_c_quits_from_inside_a_dialog(open_desk: DeskFactory) -> None:
    """The dialog closes, so that the footer can be read and q pressed again."""
    supervisor = busy()
    async with open_desk(supervisor) as seat:
        await seat.press("a", "q")
        assert 0 == supervisor.stops

        await seat.press("ctrl+c")
        assert 1 == supervisor.stops
        assert "Quitting" in seat.footer_text()


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_after_a_signal_the_screen_closes_at_once(
    open_desk: DeskFactory, number: signal.Signals
) -> None:
    """Its terminal may be gone. Live sessions are left to the command, not ended by force."""
    supervisor = busy()
    async with open_desk(supervisor) as seat:
        os.kill(os.getpid(), number)
        await seat.wait_until(lambda: not seat.desk.is_running or seat.desk._exit)

        assert seat.desk.shutdown_state.interrupted_jobs
        assert 0 == supervisor.stops


async def test_the_last_reports_are_still_applied(open_desk: DeskFactory) -> None:
    """The command continues with the same state."""
    supervisor = busy()
    async with open_desk(supervisor) as seat:
        await seat.press("q", "q")
        supervisor.job("/rec/late.wav", *streaming())
        supervisor.is_idle = True
        await seat.wait_until(lambda: seat.desk.shutdown_state.phase is ShutdownPhase.CLOSED)

        assert 2 == len(seat.desk.state.job_states)
