"""The user's verbs, and what they ask of the supervisor."""

from dataclasses import replace
from pathlib import Path

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    certificate,
    connecting,
    ended_done,
    ended_failed,
    queued,
    retrying,
    streaming,
)
from tui.app.desk import Desk
from tui.config.remembered_choices import save_choice
from tui.model.first_hint import HINT_CHOICE_KEY, FirstHint
from workers.jobs.events import Ended, Outcome
from workers.jobs.job import JobId
from workers.pacing.certificate import Verdict
from workers.protocol.messages import UpdateConfiguration


def four() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming())
    supervisor.job("/rec/two.wav", *streaming())
    supervisor.job("/rec/three.wav", *streaming(), ended_done())
    supervisor.job("/rec/four.wav", queued(), ended_failed("it broke"))
    return supervisor


async def test_cancel_reaches_the_current_job(open_desk: DeskFactory) -> None:
    """The row shows at once that it is stopping, and then how it ended."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("j", "x")
        assert [JobId(2)] == supervisor.cancelled
        assert "stopping" in seat.table_lines()[1]
        assert "Cancelling 1 recording; transcripts are kept" in seat.footer_text()

        supervisor.report(JobId(2), Ended(Outcome.CANCELLED, "stopped by the user"))
        await seat.process_reports()
        assert "cancelled" in seat.table_lines()[1]


async def test_cancel_again_forces_and_says_so(open_desk: DeskFactory) -> None:
    """The supervisor gets a second request."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("x", "x")

        assert [JobId(1), JobId(1)] == supervisor.cancelled
        assert "by force" in seat.footer_text()


async def test_verbs_act_on_the_marked_rows(open_desk: DeskFactory) -> None:
    """Space marks and moves on; rows that the verb does not fit are skipped and counted."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("space", "space", "space")
        assert ["◆", "◆", "◆", " "] == [row[1] for row in seat.table_lines()]

        await seat.press("r")
        assert "Nothing to do: 3 recordings" in seat.footer_text()


async def test_more_than_one_live_session_is_cancelled_after_a_question(
    open_desk: DeskFactory,
) -> None:
    """Only y means yes; a forced cancel asks no question."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("space", "space", "space", "x")
        assert "Cancel 2 running sessions?" in " ".join(
            rendered_lines(seat.desk.screen.query_one("#question"))
        )
        for key in ("n", "enter", "escape"):
            await seat.press(key, "x")
        assert [] == supervisor.cancelled

        await seat.press("y")
        assert [JobId(1), JobId(2)] == supervisor.cancelled
        assert "Cancelling 2 recordings" in seat.footer_text()

        await seat.press("x")
        assert 4 == len(supervisor.cancelled)


async def test_the_end_of_the_run_is_an_event(open_desk: DeskFactory) -> None:
    """A panel says what it came to and which keys one needs now, until Esc or another start; a
    desk that opens on a finished run has none. The title of the window counts."""
    supervisor = FakeSupervisor()
    late = certificate(p99=30.0, verdict=Verdict.LATE)
    supervisor.job("/rec/one.wav", *streaming(), replace(ended_done(), certificate=late))
    other = supervisor.job("/rec/two.wav", *streaming())
    async with open_desk(supervisor) as seat:

        def panel() -> str:
            return "\n".join(rendered_lines(seat.desk.screen.query_one("#end")))

        assert "" == panel()
        assert seat.desk.frame.window_title.startswith("1/2 ")
        supervisor.report(other, ended_failed("it broke"))
        await seat.process_reports()
        assert "All recordings have finished" in panel()
        assert "1 done   ✗ 1 failed   ▲ 1 invalid for latency" in panel()
        assert "Not exported yet." in panel()
        assert "R retry 1 failure   E export all   Enter read   q quit   Esc close this" in panel()
        assert "2/2 Paceline" == seat.desk.frame.window_title
        await seat.press("enter")
        assert "1 failed" in panel(), "full screen too"
        await seat.press("escape", "escape")
        assert "" == panel()

        supervisor.report(other, retrying(0.0, 9.0), connecting(), *streaming())
        await seat.process_reports()
        supervisor.report(other, ended_done())
        await seat.process_reports()
        assert "2 done" in panel()
    async with open_desk(supervisor) as seat:
        assert "" == "".join(rendered_lines(seat.desk.screen.query_one("#end")))


async def test_one_live_session_among_several_jobs_is_asked_for_too(open_desk: DeskFactory) -> None:
    """Otherwise the y for the question would be taken for another verb."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("down", "space", "space", "space", "x")
        assert "Cancel 1 running session?" in " ".join(
            rendered_lines(seat.desk.screen.query_one("#question"))
        )


async def test_a_turn_is_ended_now(open_desk: DeskFactory) -> None:
    """In sessions that stream; the others are counted."""
    supervisor = four()
    supervisor.streaming = {JobId(1)}
    async with open_desk(supervisor) as seat:
        await seat.press(".")
        assert "Ending the current turn of 1 session" in seat.footer_text()
        await seat.press("space", "space", ".")

        assert [JobId(1)] * 2 == supervisor.turns_ended
        assert "Ending the current turn of 1 session; 1 not streaming" in seat.footer_text()


async def test_one_key_retries_all_failed_sessions(open_desk: DeskFactory) -> None:
    """Wherever the cursor is."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("R")
        assert [JobId(4)] == supervisor.retried

        await seat.process_reports()
        await seat.press("R")
        assert "No session has failed" in seat.footer_text()


async def test_the_queue_is_edited_and_undone(open_desk: DeskFactory) -> None:
    """Rows move, disappear and return; the number of sessions changes."""
    supervisor = four()
    waiting = [supervisor.job(f"/rec/wait-{number}.wav", queued()) for number in range(3)]
    supervisor.queue = list(waiting)
    async with open_desk(supervisor) as seat:
        await seat.press("G", "K")
        assert [waiting[0], waiting[2], waiting[1]] == supervisor.queue
        assert "wait-2" in seat.table_lines()[5]
        await seat.press("J", "u", "u", "u")
        assert waiting == supervisor.queue
        assert "Nothing to undo" in seat.footer_text()

        await seat.press("+", "+", "-")
        assert 5 == supervisor.max_sessions
        assert "5 at once; 3 more can start now" in seat.footer_text()

        await seat.press("d")
        assert [waiting[2]] == supervisor.cancelled
        assert not any("wait-2" in row for row in seat.table_lines())
        supervisor.report(waiting[2], Ended(Outcome.CANCELLED, "taken out of the queue"))
        await seat.process_reports()
        await seat.press("u")
        assert [waiting[2]] == supervisor.retried
        assert any("wait-2" in row for row in seat.table_lines())

        await seat.press("g", "d")
        assert "Nothing removed; 1 recording running: cancel with x first" in seat.footer_text()


async def test_parameters_change_while_streaming(open_desk: DeskFactory) -> None:
    """Values that a server would refuse are reported and not sent."""
    supervisor = four()
    supervisor.streaming = {JobId(1)}
    async with open_desk(supervisor) as seat:
        await seat.press("G", "c")
        assert "Nothing to do: 1 recording not streaming" in seat.footer_text()
        await seat.press("g", "space", "space", "space", "c", "enter")
        assert "No changes yet" in "".join(rendered_lines(seat.desk.screen.query_one("#outcome")))

        await seat.press(*"Oslo, Bergen", "tab", *"20", "enter")
        assert "min silence must be from 50" in "".join(
            rendered_lines(seat.desk.screen.query_one("#outcome"))
        )
        await seat.press("0", "enter")

        changes = UpdateConfiguration(keyterms_prompt=("Oslo", "Bergen"), min_turn_silence=200)
        assert [(JobId(1), changes)] == supervisor.configured
        assert "Sent to 1 session; 2 not streaming" in seat.footer_text()


async def test_escape_clears_marks_and_never_quits(open_desk: DeskFactory) -> None:
    """Esc goes back one step, if there is one."""
    async with open_desk(four()) as seat:
        await seat.press("space", "escape", "escape", "escape")

        assert set() == seat.desk.state.table.marked
        assert seat.desk.is_running


async def test_retry_starts_finished_jobs_again(open_desk: DeskFactory) -> None:
    """Not jobs that are done; the row shows that it is a further attempt."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("r")
        assert [] == supervisor.retried
        assert "running" in seat.footer_text()

        await seat.press("G", "space", "k", "space", "r")
        assert [JobId(4)] == supervisor.retried
        assert "Retrying 1 recording" in seat.footer_text()

        await seat.process_reports()
        assert "↻ retrying" in seat.table_lines()[3]
        supervisor.report(JobId(4), queued())
        await seat.process_reports()
        assert "↻2 waits for its turn" in seat.table_lines()[3]


async def test_hold_is_shown_until_it_is_released(open_desk: DeskFactory) -> None:
    """The notice says that a paced stream cannot pause."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("p")
        assert supervisor.holding
        assert "starts held" in seat.banner_text()
        assert "continue: a paced stream cannot pause" in seat.footer_text()

        await seat.press("p")
        assert not supervisor.holding
        assert "starts held" not in seat.banner_text()


async def test_while_reading_a_verb_acts_on_the_job_on_screen(open_desk: DeskFactory) -> None:
    """Marks, which are out of sight, are ignored."""
    supervisor = four()
    async with open_desk(supervisor) as seat:
        await seat.press("space", "enter", "x")

        assert [JobId(2)] == supervisor.cancelled


async def test_a_hint_for_somebody_new_goes_for_good(tmp_path: Path) -> None:
    """With Esc, or once the help was opened; the next desk has none."""
    for size, keys in (((120, 34), ("escape",)), ((60, 15), ("question_mark", "escape"))):
        save_choice(HINT_CHOICE_KEY, {})
        supervisor = FakeSupervisor()
        supervisor.job("/rec/one.wav", *streaming())
        desk = Desk(supervisor, "here", tmp_path / "run", first_hint=FirstHint())
        async with desk.run_test(size=size) as pilot:
            seat = DeskDriver(desk, supervisor, pilot)
            await seat.process_reports()
            panel = desk.screen.query_one("#end")
            hint = "".join(rendered_lines(panel))
            assert "Down moves" in hint.replace("↓", "Down")
            assert "Esc closes this hint for good" in hint
            await seat.press(*keys)
            await seat.process_reports()
            assert "" == "".join(rendered_lines(panel)).strip()
        assert not FirstHint().is_shown
