"""Evicted turns are on disk; an export reads them back, or says that it cannot."""

from typing import Any

from textual.screen import Screen

from tests.screens.conftest import DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import ended_done, streaming, turn_heard
from tests.unit.model.test_transcript_cache import traced
from workers.jobs.job import JobId


async def test_an_export_has_every_turn_or_fails(open_desk: DeskFactory) -> None:
    """First without the trace, then with it."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/other.wav", *streaming())
    events = [
        *streaming(),
        *(turn_heard(n, f"turn {n}", final=True) for n in range(300)),
        ended_done(),
    ]
    supervisor.job("/rec/1.wav", *events)
    async with open_desk(supervisor) as seat:
        run = seat.desk.actions.run_folder
        run.mkdir()
        assert not seat.desk.state.job_states[JobId(2)].transcript.is_complete
        await seat.press("j", "e", "enter")
        await seat.wait_until(lambda: "cannot be read back" in outcome(seat.desk.screen))
        assert not list(run.rglob("*.txt"))
        await seat.press("escape")

        traced(run, 1, *events, job=2)
        await seat.press("e", "enter")
        await seat.wait_until(lambda: bool(list(run.rglob("*.txt"))))
        (file,) = run.rglob("*.txt")
        await seat.wait_until(lambda: len(file.read_text().splitlines()) >= 300)


def outcome(screen: Screen[Any]) -> str:
    """The result that the dialog shows."""
    return " ".join(" ".join(rendered_lines(screen.query_one("#outcome"))).split())
