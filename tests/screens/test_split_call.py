"""A split call on the screen: its row, its two halves below it, and its tabs."""

from functools import partial

from textual.widget import Widget

from tests.screens.conftest import DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import streaming, turn_heard
from tui.model.tabs import Tab
from tui.widgets.events import EventsView
from tui.widgets.transcript import TranscriptView
from workers.jobs.events import Event, JobReport
from workers.jobs.job import Half, JobId


def report_half(supervisor: FakeSupervisor, channel: int, *events: Event) -> None:
    half = Half(1, channel, ("agent", "caller")[channel - 1])
    for event in events:
        job = half.jobs[channel - 1]
        supervisor.reports.put(JobReport(job, 1, "/rec/call.wav", 0.0, event, half))


def call() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    report_half(supervisor, 1, *streaming(10, 60), turn_heard(0, "Good morning", at=0))
    report_half(supervisor, 2, *streaming(10, 60), turn_heard(0, "Hello there", at=2000))
    return supervisor


def shows_both(pane: Widget) -> bool:
    return "agent on the left channel, caller on the right" in "".join(rendered_lines(pane))


async def test_o_unfolds_a_call_to_its_two_speakers(open_desk: DeskFactory) -> None:
    """And folds it again, from any of its rows."""
    async with open_desk(call()) as seat:
        assert "▸ call.wav" in seat.table_lines()[0]
        assert "caller: Hello there" in seat.table_lines()[0]

        await seat.press("o")
        row, agent, caller, *_ = seat.table_lines()
        assert "▾ call.wav" in row
        assert "└ agent" in agent
        assert "Good morning" in agent
        assert "└ caller" in caller

        await seat.press("j", "j", "o")
        assert "▸ call.wav" in seat.table_lines()[0]
        assert seat.desk.state.table.current == JobId(1)


async def test_the_transcript_names_the_speakers(open_desk: DeskFactory) -> None:
    """That of one half does not need to."""
    async with open_desk(call()) as seat:
        view = seat.desk.screen.query_one(TranscriptView)
        text = "\n".join(rendered_lines(view))
        assert "agent: Good morning" in text
        assert "caller: Hello there" in text

        await seat.press("o", "j")
        text = "\n".join(rendered_lines(view))
        assert "Good morning" in text
        assert "agent:" not in text
        assert "Hello there" not in text


async def test_events_belong_to_the_halves(open_desk: DeskFactory) -> None:
    """The tab of the pair says where they are; the other tabs have both."""
    async with open_desk(call()) as seat:
        await seat.press("3")
        view = seat.desk.screen.query_one(EventsView)
        assert "press o and select one" in "\n".join(rendered_lines(view))
        for key, tab in (("2", Tab.TIMING), ("4", Tab.JOB)):
            await seat.press(key)
            await seat.wait_until(partial(shows_both, seat.desk.screen.query_one(f"#{tab.value}")))


async def test_verbs_cancel_the_pair(open_desk: DeskFactory) -> None:
    """Also on the row of a half."""
    supervisor = call()
    async with open_desk(supervisor) as seat:
        await seat.press("o", "j", "x")

    assert supervisor.cancelled == [JobId(1)]


async def test_o_says_when_there_is_nothing_to_unfold(open_desk: DeskFactory) -> None:
    """Other recordings have one session."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(10, 60))
    async with open_desk(supervisor) as seat:
        await seat.press("o")

        assert "Only a call that was split" in seat.footer_text()
