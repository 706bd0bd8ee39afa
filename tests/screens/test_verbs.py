"""The user's verbs, down to what the supervisor is asked."""

from tests.screens.conftest import Seating
from tests.screens.fakes import FakeSupervisor
from tests.unit.desk_reports import done, failed, queued, streaming
from workers.events import Ended, Outcome
from workers.jobs import JobId


def four() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming())
    supervisor.job("/rec/two.wav", *streaming())
    supervisor.job("/rec/three.wav", *streaming(), done())
    supervisor.job("/rec/four.wav", queued(), failed("it broke"))
    return supervisor


async def test_cancel_reaches_the_current_job(seated: Seating) -> None:
    """The row says at once that it is stopping, and what it was when it has ended."""
    supervisor = four()
    async with seated(supervisor) as seat:
        await seat.press("j", "x")
        assert [JobId(2)] == supervisor.cancelled
        assert "stopping" in seat.rows()[1]
        assert "Cancelling 1 job; what was heard is kept" in seat.foot()

        supervisor.report(JobId(2), Ended(Outcome.CANCELLED, "stopped by the user"))
        await seat.settled()
        assert "cancelled" in seat.rows()[1]


async def test_cancel_again_forces_and_says_so(seated: Seating) -> None:
    """The supervisor is asked a second time."""
    supervisor = four()
    async with seated(supervisor) as seat:
        await seat.press("x", "x")

        assert [JobId(1), JobId(1)] == supervisor.cancelled
        assert "by force" in seat.foot()


async def test_verbs_act_on_the_marked_rows(seated: Seating) -> None:
    """Space marks and goes on; what a verb does not fit is passed over and counted."""
    supervisor = four()
    async with seated(supervisor) as seat:
        await seat.press("space", "space", "space")
        assert ["◆", "◆", "◆", " "] == [row[1] for row in seat.rows()]
        assert "3 marked" in seat.foot()

        await seat.press("x")
        assert [JobId(1), JobId(2)] == supervisor.cancelled
        assert "Cancelling 2 jobs" in seat.foot()


async def test_escape_takes_marks_away_and_never_leaves(seated: Seating) -> None:
    """Esc goes back as far as there is a back."""
    async with seated(four()) as seat:
        await seat.press("space", "escape", "escape", "escape")

        assert set() == seat.desk.state.marked
        assert seat.desk.is_running


async def test_retry_reaches_what_is_over(seated: Seating) -> None:
    """Not what is done; the row says that it is a further attempt."""
    supervisor = four()
    async with seated(supervisor) as seat:
        await seat.press("r")
        assert [] == supervisor.retried
        assert "at work" in seat.foot()

        await seat.press("G", "space", "k", "space", "r")
        assert [JobId(4)] == supervisor.retried
        assert "Retrying 1 job" in seat.foot()

        await seat.settled()
        assert "↻ retrying" in seat.rows()[3]
        supervisor.report(JobId(4), queued())
        await seat.settled()
        assert "↻2 waits for its turn, anew" in seat.rows()[3]


async def test_hold_is_shown_until_it_is_let_go(seated: Seating) -> None:
    """And says that a paced stream cannot pause."""
    supervisor = four()
    async with seated(supervisor) as seat:
        await seat.press("p")
        assert supervisor.holding
        assert "starts held" in seat.banner()
        assert "go on: speech cannot wait" in seat.foot()

        await seat.press("p")
        assert not supervisor.holding
        assert "starts held" not in seat.banner()


async def test_while_reading_a_verb_means_what_is_being_read(seated: Seating) -> None:
    """Marks that are out of sight are left alone."""
    supervisor = four()
    async with seated(supervisor) as seat:
        await seat.press("space", "enter", "x")

        assert [JobId(2)] == supervisor.cancelled
