"""Ways out of the desk."""

import os
import signal

import pytest

from tests.screens.conftest import Seating
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import streaming
from tui.model.shutdown import Phase


def busy() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming())
    supervisor.idle = False
    return supervisor


async def test_q_leaves_at_once_when_nothing_is_at_work(seated: Seating) -> None:
    """There is nobody to wait for, and nothing to ask."""
    async with seated() as seat:
        await seat.pilot.press("q")
        await seat.until(lambda: not seat.desk.is_running or seat.desk._exit)

        assert Phase.GONE is seat.desk.leaving.phase


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_with_sessions_at_work_leaving_is_polite_first(seated: Seating, key: str) -> None:
    """It says what it waits for, and leaves when that has come."""
    supervisor = busy()
    async with seated(supervisor) as seat:
        await seat.press(key)
        assert 1 == supervisor.stops
        assert "Leaving: 1 session to end politely" in seat.foot()
        assert "stopping" in seat.rows()[0]
        assert seat.desk.is_running

        supervisor.idle = True
        await seat.until(lambda: seat.desk.leaving.phase is Phase.GONE)


async def test_a_second_q_forces_and_a_third_does_not_wait(seated: Seating) -> None:
    """Nobody is ever kept in."""
    supervisor = busy()
    async with seated(supervisor) as seat:
        await seat.press("q", "q")
        assert 2 == supervisor.stops
        assert "by force" in seat.foot()

        await seat.pilot.press("q")
        await seat.until(lambda: seat.desk.leaving.phase is Phase.GONE)
        assert 2 == supervisor.stops


async def test_control_c_leaves_from_inside_a_dialog(seated: Seating) -> None:
    """The dialog goes, so that what is awaited can be read and q pressed again."""
    supervisor = busy()
    async with seated(supervisor) as seat:
        await seat.press("a", "q")
        assert 0 == supervisor.stops

        await seat.press("ctrl+c")
        assert 1 == supervisor.stops
        assert "Leaving" in seat.foot()


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_after_a_signal_the_screen_goes_at_once(
    seated: Seating, number: signal.Signals
) -> None:
    """Its terminal may be gone. What is at work is left to whoever runs the desk, not forced."""
    supervisor = busy()
    async with seated(supervisor) as seat:
        os.kill(os.getpid(), number)
        await seat.until(lambda: not seat.desk.is_running or seat.desk._exit)

        assert seat.desk.leaving.cut_short
        assert 0 == supervisor.stops


async def test_what_was_reported_last_is_still_taken_in(seated: Seating) -> None:
    """Whoever runs the desk goes on with the same state."""
    supervisor = busy()
    async with seated(supervisor) as seat:
        await seat.press("q")
        supervisor.job("/rec/late.wav", *streaming())
        supervisor.idle = True
        await seat.until(lambda: seat.desk.leaving.phase is Phase.GONE)

        assert 2 == len(seat.desk.state.histories)
