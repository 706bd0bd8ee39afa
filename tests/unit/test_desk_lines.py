"""Rows, gauges, banner and facts as lines of pieces."""

import pytest

from tests.unit.desk_reports import (
    began,
    broken,
    certificate,
    connecting,
    done,
    failed,
    heard,
    history_of,
    progressed,
    queued,
    refused,
    retrying,
    streaming,
)
from tui.keys import Scope, of
from tui.lines import banner, gauges
from tui.lines.cells import width
from tui.lines.columns import columns
from tui.lines.facts import facts
from tui.lines.footer import hints
from tui.lines.rows import Stance, head, row
from tui.palette import Line, Role
from tui.symbols import ASCII, UNICODE, Symbols
from workers import endings
from workers.audio.certificate import Verdict
from workers.events import Ended, Event, Outcome, Slipped, Warned
from workers.history import Status
from workers.speech.connection import Closed
from workers.speech.messages import Error


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


LIVES: dict[str, list[Event]] = {
    "new": [],
    "queued": [queued()],
    "streaming": [
        *streaming(3723, 10800, 1234.5),
        heard(0, "word " * 50, settled=30),
        Slipped(1, 2),
    ],
    "partial only": [*streaming(), heard(0, "会議の録音 " * 30)],
    "done": [*streaming(), heard(0, "That was all.", final=True), done()],
    "failed": [queued(), failed("the server ended the session: " + "why " * 30)],
    "retrying": [*streaming(3723, 10800), heard(0, "word " * 50), *broken("why " * 30, at=3700)],
    "refused": [queued(), *refused(12.0)],
    "asked again": [*streaming(), failed("it broke", seconds=9.0), retrying(0.0, 9.0), queued()],
    "third attempt": [*streaming(), *broken(), *broken(), connecting(9000, 1), heard(1, "more")],
}


@pytest.mark.parametrize("events", LIVES.values(), ids=LIVES)
@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_a_row_has_its_words_under_their_heading_at_every_width(
    events: list[Event], symbols: Symbols
) -> None:
    """No row is wider than the table, no number is cut, the columns stand in line."""
    history = history_of(*events)
    for cells in range(56, 240):
        for hours in (False, True) if history.total_seconds < 3600 else (True,):
            room = columns(cells, hours=hours, longest_name=33)
            line = text(row(history, room, Stance(), symbols))
            assert width(line) <= cells
            assert width(text(head(room, UNICODE))) <= cells
            start = text(head(room, UNICODE)).index("LATEST")
            assert start == cells - room.words
            if history.lag is not None and not history.status.over:
                assert gauges.ms(history.lag.now) in line


def test_columns_give_way_one_after_the_other() -> None:
    """The state's sign, the name, the lag and the words stay to the last."""
    wide, usual, small, least = (
        columns(cells, hours=False, longest_name=40) for cells in (200, 120, 80, 60)
    )

    assert wide.bar > usual.bar > 0 < usual.gauge
    assert 0 == small.bar == small.gauge < small.clock
    assert small.state > 0 == least.state == least.percent < least.clock
    assert 4 == columns(60, hours=True, longest_name=40).percent
    assert least.words >= 16


@pytest.mark.parametrize(
    ("lag", "drawn", "sign"),
    [
        (0.0, "────┼────", " "),
        (1.0, "━━──┼────", " "),
        (10.0, "━━━━╾────", " "),
        (10.1, "━━━━╾────", "▲"),
        (100.0, "━━━━━━╾──", "▲"),
        (100.1, "━━━━━━╾──", "‼"),
        (99999.0, "━━━━━━━━━", "‼"),
    ],
)
def test_a_gauge_shows_a_lag_against_the_tolerance(lag: float, drawn: str, sign: str) -> None:
    """Every two cells are a decade or so; beyond the middle is late, and marked."""
    assert drawn == text(gauges.lag_gauge(lag, UNICODE))
    assert text(gauges.lag_number(lag, UNICODE)).endswith(sign)
    assert gauges.LAG == width(text(gauges.lag_number(lag, UNICODE)))


@pytest.mark.parametrize(
    ("seconds", "clock"), [(0, "0:00"), (59.99, "0:59"), (3599, "59:59"), (3600, "1:00:00")]
)
def test_clocks_count_whole_seconds(seconds: float, clock: str) -> None:
    """A second counts when it is over."""
    assert clock == gauges.clock(seconds)


def test_only_all_of_it_fills_the_bar() -> None:
    """99.9 % is not done."""
    assert ("━━━━╾", "") == gauges.bar(0.999, 5, UNICODE)
    assert ("━━━━━", "") == gauges.bar(1.0, 5, UNICODE)
    assert ("", "─────") == gauges.bar(0.05, 5, UNICODE)


def test_partial_words_have_a_role_of_their_own() -> None:
    """Settled ones before them; a final has none."""
    room = columns(120, hours=False, longest_name=20)
    line = row(
        history_of(*streaming(), heard(0, "good morning all", settled=2)), room, Stance(), UNICODE
    )
    assert ("good morning ", Role.SETTLED) in line
    assert ("all", Role.PARTIAL) in line

    line = row(
        history_of(*streaming(), heard(0, "Good morning.", final=True)), room, Stance(), UNICODE
    )
    assert Role.PARTIAL not in [role for part, role in line if part]


def standing(**more: object) -> banner.Standing:
    values = dict(queued=120, live=30, done=40, failed=5, cancelled=3, places=30)
    values |= dict(worst_lag_ms=123.4, held=True, next_start_in=None)
    return banner.Standing(**{**values, **more})


@pytest.mark.parametrize("cells", range(60, 240, 7))
def test_the_banner_fits_and_always_says_where(cells: int) -> None:
    """Words give way to signs; neither numbers nor the target do."""
    for lines in (
        [banner.one_line("AssemblyAI (us)", standing(), cells, UNICODE)],
        banner.two_lines("AssemblyAI (us)", standing(), cells, UNICODE),
    ):
        whole = "\n".join(map(text, lines))
        assert all(width(text(line)) <= cells for line in lines)
        for part in ("AssemblyA", "120", "30", "40", "5", "123.4 ms"):
            assert part in whole


@pytest.mark.parametrize("cells", range(60, 240, 7))
@pytest.mark.parametrize("where", ["AssemblyAI (us)", "ws://127.0.0.1:8765/v3/ws/" + "x" * 90])
def test_the_next_start_is_told_as_long_as_there_is_room(cells: int, where: str) -> None:
    """In fewer words where there is little; neither the target nor the counts give way to it."""
    waiting = standing(held=False, next_start_in=41.2)
    one = banner.one_line(where, waiting, cells, UNICODE)
    two = banner.two_lines(where, waiting, cells, UNICODE)

    assert all(width(text(line)) <= cells for line in (one, *two))
    assert text(two[0]).endswith(("  next start in 42 s", "  next 42 s"))
    assert ("next start in 42 s" in text(two[0])) == (len(where) <= cells - 31)
    for part in ("120", "30", "40", "5", "123.4 ms"):
        assert part in text(one)
    assert "next" in text(one) or cells < 80
    assert where[:15] in text(one)
    assert where[:9] in text(two[0])


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"next_start_in": 1.1}, "next start in 2 s"),
        ({"next_start_in": 1.0}, ""),
        ({"next_start_in": -4.0}, ""),
        ({"next_start_in": 9.0, "held": True}, ""),
        ({"next_start_in": 9.0, "queued": 0}, ""),
        ({"places": 0}, "starting up"),
        ({"places": 0, "queued": 0}, ""),
    ],
)
def test_nothing_is_told_of_a_start_that_only_waits_for_a_place(
    state: dict[str, object], told: str
) -> None:
    """Nor when nothing is to start, nor when starts are held."""
    line = banner.two_lines("here", standing(**{"held": False, **state}), 100, UNICODE)[0]

    assert told == text(line).partition("here")[2].strip()


NOW = columns(160, hours=False, longest_name=20)


def words_of(*events: Event, wait: int = 0, symbols: Symbols = UNICODE) -> str:
    """The last column of a row."""
    line = row(history_of(*events), NOW, Stance(wait=wait), symbols)
    return text(line)[160 - NOW.words :].strip()


def test_a_job_that_goes_on_says_when_and_from_where_and_why() -> None:
    """In this order, since the end gives way; the progress is what need not be sent again."""
    events = [*streaming(22.0), *broken(at=20.0)]

    assert "again in 3 s: the connection broke" == words_of(*events, wait=3)
    assert "goes on soon: the connection broke" == words_of(*events)
    assert "again in 3 s: nobody there" == words_of(queued(), *broken("nobody there", at=0), wait=3)
    line = text(row(history_of(*events), NOW, Stance(wait=3), UNICODE))
    assert "↻ retrying" in line
    assert "0:20/1:00" in line


def test_a_job_that_was_refused_waits_in_the_queue_and_says_so() -> None:
    """It has not become a further attempt."""
    events = [queued(), connecting(), *refused()]

    assert "again in 12 s: no place at the server" == words_of(*events, wait=12)
    assert "waits: no place at the server" == words_of(*events)
    assert "○ queued" in text(row(history_of(*events), NOW, Stance(), UNICODE))


def test_a_job_that_somebody_asked_for_again_says_from_where() -> None:
    """From where it broke, or anew; what it had reached stays to be seen."""
    over = [*streaming(22.0), heard(0, "Good morning.", final=True), failed("it broke", seconds=22)]

    assert "↻2 waits for its turn, from 0:20" == words_of(*over, retrying(0, 20.0), queued())
    assert "↻2 waits for its turn, anew" == words_of(*over, retrying(), queued())
    assert "0:20/1:00" in text(
        row(history_of(*over, retrying(0, 20.0), queued()), NOW, Stance(), UNICODE)
    )
    assert "0:22" not in text(row(history_of(*over, retrying(), queued()), NOW, Stance(), UNICODE))


def test_further_attempts_are_numbered_in_front_of_their_words() -> None:
    """The first is not: most jobs need no other."""
    further = [*streaming(), *broken(), connecting(9000, 1), began(), heard(1, "and then")]

    assert "↻2 and then" == words_of(*further)
    assert "@2 and then" == words_of(*further, symbols=ASCII)
    assert "and then" == words_of(*streaming(), heard(0, "and then"))


@pytest.mark.parametrize(
    ("ending", "cause"),
    [
        (endings.of_error(Error("Session expired", 3008)), "Session expired (3008)"),
        (endings.of_close(Closed(1011, "Oh\nno")), "Oh no (1011)"),
        (failed("the connection broke"), "the connection broke"),
    ],
)
def test_a_failed_row_says_the_cause_first(ending: Ended, cause: str) -> None:
    """That the server ended the session is in the detail; a row has little room."""
    assert cause == words_of(*streaming(), ending)
    assert words_of(*streaming(), ending, retrying(3, 9, ending.reason), wait=3).endswith(cause)


@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_no_two_states_have_the_same_sign(symbols: Symbols) -> None:
    """Each in one cell; colour is never the only difference."""
    signs = [symbols.status[status] for status in Status] + [symbols.stopping]

    assert len(set(signs)) == len(signs)
    assert {1} == {width(sign) for sign in signs}


def attempts(count: int) -> list[Event]:
    """So many that broke, each after ten seconds more, and one that is at work."""
    events = streaming()
    for number in range(count):
        start = (number + 1) * 10
        events += broken(f"cause {number + 1}", at=start)
        events += [connecting(start * 1000, number + 1), began(), progressed(start + 1)]
    return events


def told_of(*events: Event, brief: bool = False, cells: int = 100) -> list[str]:
    """The facts of attempts."""
    lines = [
        text(each) for each in facts(history_of(*events), Stance(), cells, UNICODE, brief=brief)
    ]
    return [line.strip() for line in lines[1:] if "attempt" in line]


def test_facts_tell_the_attempts_before() -> None:
    """Number, from where, how long the socket was open, why it ended."""
    assert [] == told_of(*streaming())
    assert ["attempt 1 from 0:00 · open 0:10 · cause 1"] == told_of(*attempts(1))
    assert [
        "attempt 1 from 0:00 · open 0:10 · cause 1",
        "attempt 2 from 0:10 · open 0:20 · cause 2",
        "2 attempts so far · sockets open 0:30",
    ] == told_of(*attempts(2))


def test_of_many_attempts_the_latest_are_told() -> None:
    """How many there were, and all that a service bills for, are said of the whole."""
    told = told_of(*attempts(9), failed("it was enough", seconds=100.0))

    assert [
        "attempt 8 from 1:10 · open 1:20 · cause 8",
        "attempt 9 from 1:20 · open 1:30 · cause 9",
        "10 attempts · sockets open 9:10",
    ] == told
    assert told[-1:] == told_of(*attempts(9), failed("it was enough", seconds=100.0), brief=True)


def test_facts_of_a_job_that_goes_on_say_so_in_full() -> None:
    """The row may have cut it; the attempt that has just broken is not told twice."""
    events = [*streaming(), *broken("the server ended the session (3005): Oh no", at=10.0)]
    lines = [text(line) for line in facts(history_of(*events), Stance(wait=3), 100, UNICODE)]

    assert "  ↻ again in 3 s, from 0:10: the server ended the session (3005): Oh no" == lines[-1]
    assert [] == told_of(*events)


@pytest.mark.parametrize("cells", [56, 120])
def test_a_long_cause_does_not_widen_the_facts(cells: int) -> None:
    """It is cut; the numbers before it are not."""
    history = history_of(*streaming(), *broken("why " * 90), connecting(9000, 1))
    lines = [text(line) for line in facts(history, Stance(), cells, UNICODE)]

    assert all(width(line) <= cells for line in lines)
    assert any("attempt 1 from 0:00" in line for line in lines)


@pytest.mark.parametrize("cells", [56, 78, 120])
def test_facts_of_a_live_session(cells: int) -> None:
    """Whole parts or none of them."""
    history = history_of(*streaming(lag=12.3), Slipped(3, 6200), Warned("[slow] down"))
    lines = [text(line) for line in facts(history, Stance(), cells, UNICODE)]

    assert all(width(line) <= cells for line in lines)
    assert "interview with a long" in lines[0]
    assert "16 kHz mono" in lines[1]
    assert "lag 12.3 ms ▲ now · p50 0.2 · p99" in lines[2]
    assert lines[-1].endswith("▲ [slow] down")
    brief = facts(history, Stance(), cells, UNICODE, brief=True)
    assert len(lines) - 1 == len(brief)


def test_facts_of_a_session_that_is_over_are_its_certificate() -> None:
    """The verdict in words, and the whole session's percentiles."""
    late = Ended(Outcome.DONE, "done", certificate=certificate(30.0, Verdict.LATE))
    lines = [text(line) for line in facts(history_of(*streaming(), late), Stance(), 120, UNICODE)]

    assert "chunks left late" in lines[2]
    assert "p99 30.0" in lines[2]
    assert "drift +0.01 ms" in lines[2]


def test_a_long_reason_leaves_room_for_the_transcript() -> None:
    """Three rows at most, the hint behind it."""
    history = history_of(queued(), failed("because " * 200, "Try again."))
    lines = [text(line) for line in facts(history, Stance(), 60, UNICODE)]

    assert 3 == sum("because" in line for line in lines)
    assert lines[-1].endswith("→ Try again.")


@pytest.mark.parametrize("cells", [30, 60, 80, 120, 200])
def test_the_foot_keeps_help_and_quit(cells: int) -> None:
    """Whatever else gives way."""
    line = text(hints(of(Scope.SESSIONS, Scope.JOBS, Scope.DESK), cells, UNICODE, "3 marked"))

    assert width(line) <= cells
    assert "? help  q quit" in line
