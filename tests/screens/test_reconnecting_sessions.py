"""What the user sees of a job whose connection was lost."""

import re
from collections.abc import Sequence
from time import monotonic

import pytest

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines, style_of
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    began,
    broken_attempt,
    connecting,
    ended_done,
    progressed,
    queued,
    refused_attempt,
    retrying,
    streaming,
    turn_heard,
)
from tui.widgets.transcript import TranscriptView
from workers.jobs.events import Event
from workers.jobs.job import JobId

ONE = JobId(1)

TURNS = [
    turn_heard(order, f"turn number {order}", final=True, at=100 * order) for order in range(120)
]
"""More than any screen here is high."""

OPEN = turn_heard(120, "and what was cut", at=12_000)


def further(turn: int, at_ms: int) -> list[Event]:
    """The next attempt continues from there."""
    return [connecting(at_ms, turn), began(), progressed(at_ms / 1000)]


def view(seat: DeskDriver) -> TranscriptView:
    return seat.desk.screen.query_one(TranscriptView)


def shown(seat: DeskDriver) -> list[str]:
    """The transcript as drawn, without its times."""
    return [line[9:].rstrip() for line in rendered_lines(view(seat)) if line.strip()]


async def report(seat: DeskDriver, *events: Event) -> None:
    seat.supervisor.report(ONE, *events)
    await seat.process_reports()


def later(seat: DeskDriver, seconds: float) -> None:
    """The screen after this many seconds, up to the next tick of the desk."""
    seat.desk.state.tick(monotonic() + seconds)
    seat.desk.draw_changes()


async def test_a_retrying_job_counts_down_in_row_and_details(open_desk: DeskFactory) -> None:
    """When, from where and why; the transcript keeps the words so far."""
    supervisor = FakeSupervisor()
    spoken = turn_heard(0, "Good morning.", final=True)
    supervisor.job("/rec/one.wav", *streaming(), spoken, *broken_attempt(again=90.0))
    supervisor.job("/rec/two.wav", queued(), *refused_attempt(90.0))
    async with open_desk(supervisor) as seat:
        one, two, *_ = seat.table_lines()
        assert re.search(r"↻ retrying .* 0:50 .* retry in (90|8\d) s: the conn", one)
        assert re.search(r"○ queued .* retry in (90|8\d) s: the server is full", two)
        facts = rendered_lines(seat.desk.screen.query_one("#facts"))
        assert any(re.search(r"retry in \d+ s, from 0:10: the connection broke", f) for f in facts)
        assert ["Good morning."] == shown(seat)

        later(seat, 60.0)
        assert re.search(r"retry in (30|2\d) s", seat.table_lines()[0])
        later(seat, 100.0)
        assert "retry soon: " in seat.table_lines()[0]


@pytest.mark.parametrize(
    ("size", "shown"), [((140, 34), 2), ((120, 34), 2), ((80, 24), 2), ((60, 15), 1)]
)
async def test_the_banner_says_when_the_next_start_is_due(
    open_desk: DeskFactory, size: tuple[int, int], shown: int
) -> None:
    """While a queued or retrying job waits for it and a session may start."""
    supervisor = FakeSupervisor(sessions=2)
    supervisor.job("/rec/one.wav", *streaming(), *broken_attempt())
    supervisor.job("/rec/two.wav", *streaming())
    supervisor.next_start_at = monotonic() + 90.0
    async with open_desk(supervisor, size=size) as seat:
        assert shown == len(seat.banner_text().splitlines())
        assert re.search(r"next (start in )?(90|8\d) s", seat.banner_text())
        assert re.search(r"↻ ?1 ", seat.banner_text())

        supervisor.job("/rec/three.wav", *streaming())
        await seat.process_reports()
        assert "next" not in seat.banner_text()


async def test_a_rule_separates_two_attempts(open_desk: DeskFactory) -> None:
    """Dropped words are gone; a later attempt from the same position moves the rule."""
    supervisor = FakeSupervisor()
    supervisor.job(
        "/rec/one.wav", *streaming(), *TURNS[:2], turn_heard(2, "what was cut"), *broken_attempt()
    )
    async with open_desk(supervisor) as seat:
        assert ["turn number 0", "turn number 1", "what was cut"] == shown(seat)

        await report(seat, *further(2, 1234))
        kept = ["turn number 0", "turn number 1"]
        assert [*kept, "── attempt 2 from 0:01.2 ──"] == shown(seat)

        await report(seat, *broken_attempt(), *further(2, 1234), TURNS[2])
        assert [*kept, "── attempt 3 from 0:01.2 ──", "turn number 2"] == shown(seat)

        await report(seat, turn_heard(1, "One, revised.", final=True))
        assert [
            "turn number 0",
            "One, revised.",
            "── attempt 3 from 0:01.2 ──",
            "turn number 2",
        ] == (shown(seat))
        assert style_of(view(seat), "attempt 3").color != style_of(view(seat), "revised").color

        await seat.pilot.resize_terminal(60, 30)
        await seat.process_reports()
        assert "── attempt 3 from 0:01.2 ──" in shown(seat)


async def test_the_view_stays_when_an_attempt_continues(open_desk: DeskFactory) -> None:
    """Both for a user who reads further up and for one who follows the end."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), *TURNS, OPEN)
    async with open_desk(supervisor) as seat:
        await seat.press("enter", "home", "pagedown", "j")
        top = shown(seat)[0]
        await report(seat, *broken_attempt())
        await report(seat, *further(120, 12_000), turn_heard(120, "and what was whole"))
        assert not view(seat).following
        assert "turn number 0" != top == shown(seat)[0]

        await seat.press("end")
        await report(seat, *broken_attempt())
        await report(seat, *further(120, 12_000))
        assert view(seat).following
        await report(
            seat, turn_heard(120, "and what was whole", final=True), turn_heard(121, "at last")
        )
        assert ["── attempt 3 from 0:12.0 ──", "and what was whole", "at last"] == shown(seat)[-3:]


@pytest.mark.parametrize("keys", [["k"], ["home"]])
async def test_a_transcript_that_restarts_is_followed(
    open_desk: DeskFactory, keys: Sequence[str]
) -> None:
    """The text that was being read is gone."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), *TURNS, ended_done())
    async with open_desk(supervisor) as seat:
        await seat.press("enter", *keys)
        assert not view(seat).following

        await report(seat, retrying(), *further(0, 0))
        await report(seat, *TURNS[:100])
        assert "turn number 99" == shown(seat)[-1]
        assert view(seat).following
