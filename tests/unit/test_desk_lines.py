"""Rows, gauges, banner and facts as lines of pieces."""

import pytest

from tests.unit.desk_reports import certificate, done, failed, heard, queued, report, streaming
from tui.keys import Scope, of
from tui.lines import banner, gauges
from tui.lines.cells import width
from tui.lines.columns import columns
from tui.lines.facts import facts
from tui.lines.footer import hints
from tui.lines.rows import Stance, head, row
from tui.palette import Line, Role
from tui.symbols import ASCII, UNICODE, Symbols
from workers.audio.certificate import Verdict
from workers.events import Ended, Event, Outcome, Slipped, Warned
from workers.history import JobHistory
from workers.jobs import JobId


def history_of(*events: Event) -> JobHistory:
    history = JobHistory(JobId(1), "/rec/interview with a long name.wav")
    for event in events:
        history.apply(report(1, event))
    return history


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
    return banner.Standing(**{**values, "worst_lag_ms": 123.4, "held": True, **more})


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
