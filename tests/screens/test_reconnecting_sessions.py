"""What the user sees of a job whose session broke."""

import re
from collections.abc import Sequence
from time import monotonic

import pytest

from tests.screens.conftest import Seat, Seating, drawn, style_of
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    began,
    broken,
    connecting,
    done,
    heard,
    progressed,
    queued,
    refused,
    retrying,
    streaming,
)
from tui.widgets.transcript import TranscriptView
from workers.jobs.events import Event
from workers.jobs.job import JobId

ONE = JobId(1)

TURNS = [heard(order, f"turn number {order}", final=True, at=100 * order) for order in range(120)]
"""More than any screen here is high."""

OPEN = heard(120, "and what was cut", at=12_000)


def further(turn: int, at_ms: int) -> list[Event]:
    """An attempt goes on from there."""
    return [connecting(at_ms, turn), began(), progressed(at_ms / 1000)]


def view(seat: Seat) -> TranscriptView:
    return seat.desk.screen.query_one(TranscriptView)


def shown(seat: Seat) -> list[str]:
    """The transcript as drawn, without its times."""
    return [line[9:].rstrip() for line in drawn(view(seat)) if line.strip()]


async def told(seat: Seat, *events: Event) -> None:
    seat.supervisor.report(ONE, *events)
    await seat.settled()


def later(seat: Seat, seconds: float) -> None:
    """What is drawn when so much time has passed, until the desk's next tick."""
    seat.desk.state.tick(monotonic() + seconds)
    seat.desk.draw()


async def test_a_job_that_goes_on_counts_down_in_row_and_detail(seated: Seating) -> None:
    """When, from where and why; the words heard so far stay in the transcript."""
    supervisor = FakeSupervisor()
    spoken = heard(0, "Good morning.", final=True)
    supervisor.job("/rec/one.wav", *streaming(), spoken, *broken(again=90.0))
    supervisor.job("/rec/two.wav", queued(), *refused(90.0))
    async with seated(supervisor) as seat:
        one, two, *_ = seat.rows()
        assert re.search(r"↻ retrying .* 0:50 .* again in (90|8\d) s: the conn", one)
        assert re.search(r"○ queued .* again in (90|8\d) s: no place at the server", two)
        facts = drawn(seat.desk.screen.query_one("#facts"))
        assert any(re.search(r"again in \d+ s, from 0:10: the connection broke", f) for f in facts)
        assert ["Good morning."] == shown(seat)

        later(seat, 60.0)
        assert re.search(r"again in (30|2\d) s", seat.rows()[0])
        later(seat, 100.0)
        assert "goes on soon: " in seat.rows()[0]


@pytest.mark.parametrize(
    ("size", "shown"), [((140, 34), 2), ((120, 34), 2), ((80, 24), 2), ((60, 15), 1)]
)
async def test_the_banner_says_when_the_next_start_is_due(
    seated: Seating, size: tuple[int, int], shown: int
) -> None:
    """While a job waits for it, a broken one too, and there is a place for it."""
    supervisor = FakeSupervisor(sessions=2)
    supervisor.job("/rec/one.wav", *streaming(), *broken())
    supervisor.job("/rec/two.wav", *streaming())
    supervisor.next_start = monotonic() + 90.0
    async with seated(supervisor, size=size) as seat:
        assert shown == len(seat.banner().splitlines())
        assert re.search(r"next (start in )?(90|8\d) s", seat.banner())
        assert re.search(r"↻ ?1 ", seat.banner())

        supervisor.job("/rec/three.wav", *streaming())
        await seat.settled()
        assert "next" not in seat.banner()


async def test_a_rule_stands_between_two_attempts(seated: Seating) -> None:
    """What was cut is gone; a later attempt from the same place takes the rule over."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), *TURNS[:2], heard(2, "what was cut"), *broken())
    async with seated(supervisor) as seat:
        assert ["turn number 0", "turn number 1", "what was cut"] == shown(seat)

        await told(seat, *further(2, 1234))
        kept = ["turn number 0", "turn number 1"]
        assert [*kept, "── attempt 2 from 0:01.2 ──"] == shown(seat)

        await told(seat, *broken(), *further(2, 1234), TURNS[2])
        assert [*kept, "── attempt 3 from 0:01.2 ──", "turn number 2"] == shown(seat)

        await told(seat, heard(1, "One, revised.", final=True))
        assert [
            "turn number 0",
            "One, revised.",
            "── attempt 3 from 0:01.2 ──",
            "turn number 2",
        ] == (shown(seat))
        assert style_of(view(seat), "attempt 3").color != style_of(view(seat), "revised").color

        await seat.pilot.resize_terminal(60, 30)
        await seat.settled()
        assert "── attempt 3 from 0:01.2 ──" in shown(seat)


async def test_the_view_stays_where_it_is_when_an_attempt_goes_on(seated: Seating) -> None:
    """Whether somebody reads further up or follows the end."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), *TURNS, OPEN)
    async with seated(supervisor) as seat:
        await seat.press("enter", "home", "pagedown", "j")
        top = shown(seat)[0]
        await told(seat, *broken())
        await told(seat, *further(120, 12_000), heard(120, "and what was whole"))
        assert not view(seat).following
        assert "turn number 0" != top == shown(seat)[0]

        await seat.press("end")
        await told(seat, *broken())
        await told(seat, *further(120, 12_000))
        assert view(seat).following
        await told(seat, heard(120, "and what was whole", final=True), heard(121, "at last"))
        assert ["── attempt 3 from 0:12.0 ──", "and what was whole", "at last"] == shown(seat)[-3:]


@pytest.mark.parametrize("keys", [["k"], ["home"]])
async def test_a_transcript_that_starts_anew_is_followed(
    seated: Seating, keys: Sequence[str]
) -> None:
    """Nothing is left of what was being read."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), *TURNS, done())
    async with seated(supervisor) as seat:
        await seat.press("enter", *keys)
        assert not view(seat).following

        await told(seat, retrying(), *further(0, 0))
        await told(seat, *TURNS[:100])
        assert "turn number 99" == shown(seat)[-1]
        assert view(seat).following
