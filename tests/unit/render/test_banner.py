"""The top of the desk: it fits, and what gives way is what matters least."""

from dataclasses import replace
from typing import Any

import pytest

from tui.model.totals import Totals, TurnAwayReason
from tui.render import banner
from tui.render.banner import Destination, RunStatus, format_rough_duration
from tui.render.responsive_line import ResponsivePart, fit_parts
from tui.text.width import cell_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import ASCII, UNICODE
from workers.prices.budget import Budget
from workers.protocol.endpoint import EMBEDDED_NAME, EndpointKind
from workers.scheduling.spending import SpendingStatus

SERVICE = Destination("AssemblyAI (EU)", EndpointKind.SERVICE)


def text(line: StyledLine) -> str:
    return "".join(part for part, _ in line)


def standing(totals: Totals | None = None, **more: Any) -> RunStatus:
    """A busy desk, its starts held."""
    counted = dict(queued=120, live=30, retrying=2, done=40, failed=5, cancelled=3, max_sessions=30)
    usual = {**counted, "starts_held": True, "next_start_in_s": None}
    late = Totals(
        3723.0, 36000.0, 4000.0, 2880.0, worst_lag_ms=123.4, streaming_count=30, late_count=20
    )
    totals = totals or late
    return RunStatus(**{**usual, "pace": totals.pace, **more}, totals=totals)


def told(state: RunStatus, where: Destination = SERVICE, cells: int = 300) -> str:
    """Both lines of a wide banner, as one text."""
    return " / ".join(map(text, banner.two_line_banner(where, state, cells, UNICODE)))


@pytest.mark.parametrize("cells", range(47, 240, 7))
@pytest.mark.parametrize("name", ["AssemblyAI (EU)", "speech.example.org:8443/" + "x" * 90])
@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_it_fits_and_always_says_where_and_how_many(cells: int, name: str, symbols: Any) -> None:
    """Words give way to signs; neither the target nor the counts do, nor that it costs money."""
    where = Destination(name, EndpointKind.SERVICE)
    away = Totals(
        remaining_s=60.0, turn_away_reason=TurnAwayReason.UNREACHABLE, turned_away_count=12
    )
    for state in (standing(), standing(starts_held=False, next_start_in_s=41.2), standing(away)):
        one = [banner.one_line_banner(where, state, cells, symbols)]
        for lines in (one, banner.two_line_banner(where, state, cells, symbols)):
            whole = "\n".join(map(text, lines))
            assert all(cell_width(text(line)) <= cells for line in lines)
            for part in (name[:7], "120", "30", "40", "5", "3"):
                assert part in whole
            assert "billed" in whole or "$" in whole


def test_forty_cells_are_enough_on_a_calm_day() -> None:
    """Forty cells show the destination, its cost and the counts."""
    calm = standing(
        Totals(worst_lag_ms=0.4, streaming_count=8), retrying=0, cancelled=0, starts_held=False
    )
    line = text(banner.one_line_banner(SERVICE, calm, 40, UNICODE))

    assert "Assembly… $   ○120 ●30 ✓40 ✗5   0.4 ms" == line.strip()


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (SERVICE, "AssemblyAI (EU) · billed"),
        (
            Destination(EMBEDDED_NAME, EndpointKind.EMBEDDED),
            "embedded engine on this machine · free",
        ),
        (Destination("example.org", EndpointKind.CUSTOM), "example.org · your endpoint"),
        (Destination("a run of yesterday"), "a run of yesterday   "),
    ],
)
def test_it_is_unmistakable_whether_it_costs_money(where: Destination, words: str) -> None:
    """The cost is in words, and for the service in an alarming colour."""
    (top, _) = banner.two_line_banner(where, standing(), 200, UNICODE)

    assert f"→ {words}" in text(top)
    assert (" · billed", Role.ALARM) in top or where is not SERVICE


def test_it_says_how_far_all_of_it_is() -> None:
    """Audio streamed, when it will be done, and how long sockets were open."""
    whole = told(standing())

    assert "1:02:03 of 10:00:00 streamed" in whole
    assert "all done in about 48 min" in whole
    assert "sockets open 1:06:40 billed" in whole
    assert "sockets open 1:06:40" in told(standing(), Destination("x", EndpointKind.EMBEDDED))
    assert "billed" not in told(standing(), Destination("x", EndpointKind.EMBEDDED))
    some = Totals(1.0, 2.0, remaining_s=700.0, is_lower_bound=True)
    assert "all done in at least 12 min" in told(standing(some))
    assert ">12 min left" in told(standing(some), cells=50)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "5 s"), (41, "45 s"), (90, "2 min"), (5340, "89 min"), (5400, "1 h 30 min")],
)
def test_time_that_is_left_is_told_about(seconds: float, words: str) -> None:
    """Nobody can tell it to the second."""
    assert words == format_rough_duration(seconds)


@pytest.mark.parametrize(
    ("streaming", "late", "words"),
    [
        (30, 0, "✓ this machine keeps up"),
        (30, 1, "▲ 1 of 30 late"),
        (30, 7, "▲ 7 of 30 late"),
        (30, 8, "‼ this machine falls behind: 8 of 30 late"),
        (3, 1, "▲ 1 of 3 late"),
        (1, 1, "‼ this machine falls behind: 1 of 1 late"),
    ],
)
def test_it_says_whether_this_machine_keeps_up(streaming: int, late: int, words: str) -> None:
    """One that is late is one that is late; many at once are too many for the machine."""
    assert told(
        standing(Totals(worst_lag_ms=3.0, streaming_count=streaming, late_count=late))
    ).endswith(words)


def test_without_a_stream_there_is_no_lag() -> None:
    """The banner shows no lag and no pace if nothing is streaming."""
    assert told(standing(Totals())).endswith("worst lag –")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"next_start_in_s": 1.1}, "next start in 2 s"),
        ({"next_start_in_s": 1.0}, ""),
        ({"next_start_in_s": -4.0}, ""),
        ({"next_start_in_s": 9.0, "starts_held": True}, ""),
        ({"next_start_in_s": 9.0, "queued": 0, "retrying": 0}, ""),
        ({"next_start_in_s": 9.0, "queued": 0}, "next start in 9 s"),
        ({"max_sessions": 0}, "starting up"),
        ({"max_sessions": 0, "queued": 0, "retrying": 0}, ""),
    ],
)
def test_nothing_is_told_of_a_start_that_only_waits_for_a_place(
    state: dict[str, object], words: str
) -> None:
    """Nor when nothing is to start, nor when starts are held."""
    there = Destination("here")
    line = banner.two_line_banner(
        there, standing(Totals(), **{"starts_held": False, **state}), 100, UNICODE
    )[0]

    assert words == text(line).partition("here")[2].strip()


@pytest.mark.parametrize("away", TurnAwayReason)
def test_a_server_that_lets_nobody_in_is_told_of_in_words(away: TurnAwayReason) -> None:
    """The banner shows how many jobs wait and when they retry, even while starts are held."""
    state = standing(
        Totals(turn_away_reason=away, turned_away_count=12), starts_held=False, next_start_in_s=41.2
    )

    assert f"▲ {away.value}: 12 wait, retry in 42 s" in told(state)
    brief = {
        TurnAwayReason.UNREACHABLE: "no answer",
        TurnAwayReason.SERVER_FULL: "server full",
        TurnAwayReason.MACHINE_FULL: "machine full",
    }
    assert brief[away] in told(state, cells=60)
    assert away.value in told(standing(Totals(turn_away_reason=away, turned_away_count=12)))


def test_retrying_is_not_queued_and_is_told_when_there_is_some() -> None:
    """Rare states are shown only if they occur; usual ones always are."""
    calm = standing(retrying=0, cancelled=0, failed=0)

    assert "120 queued   ● 30/30 streaming   ↻ 2 retrying" in told(standing())
    assert "retrying" not in told(calm)
    assert "cancelled" not in told(calm)
    assert "interrupted" not in told(calm)
    assert "◫ 2 interrupted" in told(standing(interrupted=2), cells=200)
    assert "0 failed" in told(calm)


def test_nothing_is_said_to_stream_while_every_session_calls_the_server() -> None:
    """A server that is silent looks like one otherwise."""
    assert "◌ 30/30 connecting" in told(standing(connecting=30))
    assert "● 30/30 streaming" in told(standing(connecting=29))
    assert "● 0/30 streaming" in told(standing(live=0))


def parts(*forms: tuple[int, str, str]) -> list[ResponsivePart]:
    return [
        ResponsivePart([[(long, Role.TEXT)], [(short, Role.TEXT)]], (when,))
        for when, long, short in forms
    ]


def test_what_has_the_smallest_number_gives_way_first() -> None:
    """No more is shortened than necessary, even after a large part was."""
    line = parts((3, "aaaa", "a"), (1, "bb", "b"), (2, "cccccccc", "c"))

    assert ["aaaa", "bb", "cccccccc"] == list(map(text, fit_parts(line, 14)))
    assert ["aaaa", "b", "cccccccc"] == list(map(text, fit_parts(line, 13)))
    assert ["aaaa", "bb", "c"] == list(map(text, fit_parts(line, 12)))
    assert ["a", "b", "c"] == list(map(text, fit_parts(line, 2)))


def test_the_cost_so_far_stands_beside_what_it_will_be() -> None:
    """Billed are open sockets, also those to come."""
    spending = SpendingStatus(cost=0.15, currency="USD", per_hour=0.45)
    so_far = Totals(open_s=1200.0, remaining_open_s=7200.0)

    assert "sockets open 20:00 billed, $0.15 of about $1.05" in told(
        standing(so_far, spending=spending)
    )
    growing = replace(so_far, is_lower_bound=True)
    assert "$0.15 of at least $1.05" in told(standing(growing, spending=spending))
    before = told(standing(Totals(remaining_open_s=7200.0), spending=replace(spending, cost=0.0)))
    assert "$0.00 of about $0.90" in before


def test_where_nothing_is_to_be_paid_no_money_is_named() -> None:
    """Nor where nobody knows the price."""
    for spending in (SpendingStatus(), SpendingStatus(cost=None, per_hour=None)):
        line = told(standing(spending=spending), Destination("x", EndpointKind.CUSTOM))
        assert "sockets open 1:06:40" in line
        assert "$" not in line


def test_a_budget_has_a_gauge_and_says_when_it_holds() -> None:
    """In money or hours; the gauge is full when nothing is left."""
    money = SpendingStatus(
        cost=1.25, currency="USD", per_hour=0.45, budget=Budget(5.0, "USD"), spent=1.25
    )
    hours = SpendingStatus(budget=Budget(2.0), spent=1.9, committed=2.0, is_reached=True)
    free = told(standing(spending=money, starts_held=False))
    held = told(standing(spending=hours, starts_held=False))

    quarter = UNICODE.filled * 2 + UNICODE.half_filled + UNICODE.track * 7
    assert f"budget {quarter} $1.25 of $5.00" in free
    assert "held by the budget" not in free
    assert "1.90 h of 2.00 h" in held
    assert "held by the budget" in held
    assert "starts held" in told(standing(spending=hours))
