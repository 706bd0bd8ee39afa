"""Rows, gauges, banner and facts as lines of pieces."""

from collections import Counter

import pytest

from tests.support.report_builders import (
    began,
    broken_attempt,
    certificate,
    connecting,
    ended_done,
    ended_failed,
    job_state_of,
    progressed,
    queued,
    refused_attempt,
    retrying,
    streaming,
    turn_heard,
)
from tui.keys.key_table import Scope, bindings_in
from tui.model.column_spec import QUEUE_ORDER, RowContext, Sorting
from tui.render import gauges, latest_words
from tui.render.columns import column_named, visible_columns
from tui.render.footer import fitting_hints, hint_at, key_hints_line
from tui.render.job_summary import job_summary_lines
from tui.render.table import TableLayout, column_at, fit_columns, heading_line, session_row
from tui.render.table import table_status as standing_of
from tui.text import formats
from tui.text.width import cell_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import ASCII, UNICODE, Symbols
from workers.jobs import outcomes
from workers.jobs.events import Ended, Event, Outcome, Slipped, Warned
from workers.jobs.job_state import JobStatus
from workers.pacing.certificate import Verdict
from workers.protocol.connection import CloseFrame
from workers.protocol.messages import Error


def text(line: StyledLine) -> str:
    return "".join(part for part, _ in line)


def widths(layout: TableLayout) -> Counter[str]:
    """Cells by heading; 0 for headings that have given way."""
    return Counter({placed.heading: placed.cells for placed in layout.placed})


LIVES: dict[str, list[Event]] = {
    "new": [],
    "queued": [queued()],
    "streaming": [
        *streaming(3723, 10800, 1234.5),
        turn_heard(0, "word " * 50, settled=30),
        Slipped(1, 2),
    ],
    "partial only": [*streaming(), turn_heard(0, "会議の録音 " * 30)],
    "done": [*streaming(), turn_heard(0, "That was all.", final=True), ended_done()],
    "failed": [queued(), ended_failed("the server ended the session: " + "why " * 30)],
    "retrying": [
        *streaming(3723, 10800),
        turn_heard(0, "word " * 50),
        *broken_attempt("why " * 30, at=3700),
    ],
    "refused": [queued(), *refused_attempt(12.0)],
    "asked again": [
        *streaming(),
        ended_failed("it broke", seconds=9.0),
        retrying(0.0, 9.0),
        queued(),
    ],
    "third attempt": [
        *streaming(),
        *broken_attempt(),
        *broken_attempt(),
        connecting(9000, 1),
        turn_heard(1, "more"),
    ],
}


@pytest.mark.parametrize("events", LIVES.values(), ids=LIVES)
@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_a_row_has_its_words_under_their_heading_at_every_width(
    events: list[Event], symbols: Symbols
) -> None:
    """No row is wider than the table, no number is cut, the columns stand in line."""
    job_state = job_state_of(*events)
    for cells in range(30, 240):
        for hours in (False, True) if job_state.total_seconds < 3600 else (True,):
            room = fit_columns(
                cells, has_hours=hours, longest_name=33, show_attempts=job_state.attempt > 1
            )
            line = text(session_row(job_state, room, RowContext(), symbols))
            assert cell_width(line) <= cells
            names = text(heading_line(room, UNICODE))
            assert cells == cell_width(names)
            words = widths(room)["LATEST WORDS"]
            assert words >= 8
            assert names.index("LATEST W"[: words - 1]) == cells - words
            lag, is_over = job_state.lag, job_state.status.is_finished
            if "lag" in {placed.column.name for placed in room.placed} and lag and not is_over:
                assert gauges.format_lag_ms(lag.now) in line


@pytest.mark.parametrize("cells", [60, 80, 120, 160])
def test_a_long_reason_takes_the_columns_that_are_empty(cells: int) -> None:
    """A recording that was never streamed has neither lag nor progress. A short reason stays
    under its heading, and words of a session that streams do too."""
    room = fit_columns(cells, has_hours=False, longest_name=20)
    reason = "The file is empty, so there is nothing to stream to the server at all."
    unread = job_state_of(queued(), ended_failed(reason, seconds=0.0))
    line = text(session_row(unread, room, RowContext(), UNICODE))
    words = widths(room)["LATEST WORDS"]

    assert cells == cell_width(line)
    assert "The file is empty, so there is" in line
    assert reason[: words + 8] in line
    short = text(session_row(job_state_of(ended_failed("It broke.")), room, RowContext(), UNICODE))
    assert short.index("It broke.") == cells - words
    live = job_state_of(*streaming(0, 0), turn_heard(0, "and so on " * 30))
    assert text(session_row(live, room, RowContext(), UNICODE))[cells - words] == "…"


@pytest.mark.parametrize("cells", [60, 80, 120, 160])
def test_the_last_column_never_touches_the_column_before_it(cells: int) -> None:
    """Words of a session that was stopped stay under their heading; a long reason keeps the gap."""
    room = fit_columns(cells, has_hours=False, longest_name=20)
    words = widths(room)["LATEST WORDS"]
    heard = [*streaming(5, 20), turn_heard(0, "and so on " * 30, final=True)]
    for outcome in (Outcome.CANCELLED, Outcome.INTERRUPTED):
        for verdict in (None, certificate()):  # with a figure in the column of the lag, or without
            ended = Ended(outcome, "the program was left", sent_seconds=5.0, certificate=verdict)
            line = text(session_row(job_state_of(*heard, ended), room, RowContext(), UNICODE))
            assert "…" == line[cells - words]
    for verdict in (None, certificate()):
        ended = Ended(Outcome.LOST, "why " * 60, sent_seconds=5.0, certificate=verdict)
        line = text(session_row(job_state_of(*heard, ended), room, RowContext(), UNICODE))
        before = line[: line.index("why ")]
        assert before.endswith("  ")


def test_columns_give_way_one_after_the_other() -> None:
    """The state's sign, the name, the lag and the words stay to the last."""
    wide, usual, small, least, tiny = (
        widths(fit_columns(cells, has_hours=False, longest_name=40))
        for cells in (200, 120, 80, 60, 40)
    )

    assert wide["PROGRESS"] > usual["PROGRESS"] > 0 < usual["LEVEL"] < usual["LAG"]
    assert wide["TIME"] > 0 == usual["TIME"] < usual["LEFT"]
    assert 0 == small["PROGRESS"] == small["LEVEL"] == small["LAG"] < small["SENT"]
    assert small["STATE"] > 0 == least["STATE"] < least["LEFT"] < least["LAG ms"]
    assert 0 == tiny["LEFT"] < tiny["LAG ms"]
    assert least["LATEST WORDS"] >= 16
    assert tiny["LATEST WORDS"] >= 8
    assert "LAG ms" not in widths(fit_columns(30, has_hours=False, longest_name=40))


def test_columns_that_are_not_wanted_leave_their_room_to_the_words() -> None:
    """The file stays, whatever is wanted."""
    wanted = visible_columns({"lag", "words"})
    room = fit_columns(120, has_hours=False, longest_name=20, show_attempts=True, columns=wanted)

    assert ["file", "lag", "lag", "words"] == [placed.column.name for placed in room.placed]
    assert 120 - 4 - 20 - 9 - 8 - 3 * 2 == widths(room)["LATEST WORDS"]
    files = fit_columns(120, has_hours=False, longest_name=20, columns=visible_columns(()))
    assert {"FILE": 20} == widths(files)


def test_attempts_have_a_column_where_there_is_room() -> None:
    """The number is told there and not before the words; a first attempt is not told at all."""
    further = job_state_of(
        *streaming(), *broken_attempt(), connecting(9000, 1), began(), turn_heard(1, "and")
    )
    wide = fit_columns(160, has_hours=False, longest_name=20, show_attempts=True)
    narrow = fit_columns(100, has_hours=False, longest_name=20, show_attempts=True)

    assert "TRY" in text(heading_line(wide, UNICODE))
    assert text(session_row(further, wide, RowContext(), UNICODE)).rstrip().endswith("    2  and")
    assert "TRY" not in widths(narrow)
    assert "↻2 and" in text(session_row(further, narrow, RowContext(), UNICODE))
    first = job_state_of(*streaming(), turn_heard(0, "and"))
    assert " 1  and" not in text(session_row(first, wide, RowContext(), UNICODE))


@pytest.mark.parametrize("cells", [44, 60, 80, 100, 120, 160])
def test_the_name_of_the_column_that_rows_are_sorted_by_has_an_arrow(cells: int) -> None:
    """The arrow appears once and shifts no other text; a click on it finds its column."""
    room = fit_columns(cells, has_hours=False, longest_name=20, show_attempts=True)
    plain = text(heading_line(room, UNICODE))
    for column in {placed.column for placed in room.placed}:
        up = text(heading_line(room, UNICODE, Sorting(column)))
        down = text(heading_line(room, UNICODE, Sorting(column, descending=True)))

        assert up.count("↑") == 1 == down.count("↓")
        assert cells == cell_width(up)
        assert column is column_at(up.index("↑"), room)
        assert plain.replace(" ", "") == up.replace("↑", "").replace(" ", "")
    assert QUEUE_ORDER is column_at(2, room)
    assert column_named("words") is column_at(cells - 1, room)


def test_the_head_says_what_is_not_so_by_itself() -> None:
    """Beside the last name where there is room, else in its place; never more than that."""
    room = fit_columns(80, has_hours=False, longest_name=20)
    by = Sorting(column_named("attempts"), descending=True)
    assert "" == standing_of(Sorting(), room, UNICODE)
    assert "" == standing_of(Sorting(descending=True), room, UNICODE)
    assert text(heading_line(room, UNICODE, Sorting(descending=True))).startswith("  ↓ STATE")
    assert "↑" not in text(heading_line(room, UNICODE, Sorting()))
    assert "3 marked · ‖ frozen, 2 new · by attempts ↓" == standing_of(
        by, room, UNICODE, marked_count=3, frozen=True, new_count=2
    )

    told = text(
        heading_line(fit_columns(160, has_hours=False, longest_name=20), UNICODE, by, "‖ frozen")
    )
    assert "LATEST WORDS  " in told
    assert told.endswith("  ‖ frozen")
    told = text(heading_line(room, UNICODE, by, "3 marked · ‖ frozen"))
    assert told.rstrip().endswith("ms    3 marked · ‖ frozen")
    assert 80 == cell_width(text(heading_line(room, UNICODE, by, "much " * 20)))


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([queued(75)], "1:15"),
        (streaming(10, 70), "1:00"),
        ([*streaming(10, 70), *broken_attempt(at=20)], "0:50"),
        ([*streaming(), ended_done()], "    "),
        ([*streaming(), ended_failed("no")], "    "),
        ([], "    "),
    ],
)
def test_a_row_says_how_long_it_will_take(events: list[Event], left: str) -> None:
    """The time left is the audio still to be sent; empty if nothing more will be sent."""
    room = fit_columns(120, has_hours=False, longest_name=20)
    end = text(heading_line(room, UNICODE)).index("LEFT") + 4

    assert (
        left == text(session_row(job_state_of(*events), room, RowContext(), UNICODE))[end - 4 : end]
    )


@pytest.mark.parametrize(
    ("levels", "drawn"),
    [
        ((), "        "),
        ((-99, -60, -50), "     ▁▁▂"),
        ((-60, -55, -50, -40, -30, -20, -10, -5, 0), "▁▂▃▄▆▇██"),
    ],
)
def test_a_level_meter_shows_the_latest_chunks(levels: tuple[int, ...], drawn: str) -> None:
    """The meter starts at -60 dBFS; silence has a floor, to differ from no audio."""
    assert drawn == gauges.level_meter(levels, UNICODE)
    assert (
        8
        == cell_width(gauges.level_meter(levels, UNICODE))
        == cell_width(gauges.level_meter(levels, ASCII))
    )
    assert gauges.level_meter(levels, ASCII).isascii()


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
    assert gauges.LAG_NUMBER_WIDTH == cell_width(text(gauges.lag_number(lag, UNICODE)))


@pytest.mark.parametrize(
    ("seconds", "clock"),
    [
        (0, "0:00"),
        (59.99, "0:59"),
        (3599, "59:59"),
        (3600, "1:00:00"),
        (sum([0.1] * 10), "0:01"),  # in floats a hair less
    ],
)
def test_clocks_count_whole_seconds(seconds: float, clock: str) -> None:
    """A second counts when it is over."""
    assert clock == formats.format_duration(seconds)


def test_only_all_of_it_fills_the_bar() -> None:
    """99.9 % is not done."""
    assert ("━━━━╾", "") == gauges.bar(0.999, 5, UNICODE)
    assert ("━━━━━", "") == gauges.bar(1.0, 5, UNICODE)
    assert ("", "─────") == gauges.bar(0.05, 5, UNICODE)


def test_partial_words_have_a_role_of_their_own() -> None:
    """Settled ones before them; a final has none."""
    room = fit_columns(120, has_hours=False, longest_name=20)
    line = session_row(
        job_state_of(*streaming(), turn_heard(0, "good morning all", settled=2)),
        room,
        RowContext(),
        UNICODE,
    )
    assert ("good morning ", Role.SETTLED) in line
    assert ("all", Role.PARTIAL) in line

    line = session_row(
        job_state_of(*streaming(), turn_heard(0, "Good morning.", final=True)),
        room,
        RowContext(),
        UNICODE,
    )
    assert Role.PARTIAL not in [role for part, role in line if part]


NOW = fit_columns(160, has_hours=False, longest_name=20)


def words_of(*events: Event, wait: int = 0, symbols: Symbols = UNICODE) -> str:
    """The last column of a row."""
    line = session_row(job_state_of(*events), NOW, RowContext(retry_wait_s=wait), symbols)
    return text(line)[160 - widths(NOW)["LATEST WORDS"] :].strip()


def test_a_job_that_goes_on_says_when_and_from_where_and_why() -> None:
    """The cause comes last, because the end is cut; progress excludes audio to be resent."""
    events = [*streaming(22.0), *broken_attempt(at=20.0)]

    assert "retry in 3 s: the connection broke" == words_of(*events, wait=3)
    assert "retry soon: the connection broke" == words_of(*events)
    assert "retry in 3 s: nobody there" == words_of(
        queued(), *broken_attempt("nobody there", at=0), wait=3
    )
    line = text(session_row(job_state_of(*events), NOW, RowContext(retry_wait_s=3), UNICODE))
    assert "↻ retrying" in line
    assert "0:20/1:00" in line


def test_a_job_that_was_refused_waits_in_the_queue_and_says_so() -> None:
    """A refused job does not count as a further attempt."""
    events = [queued(), connecting(), *refused_attempt()]

    assert "retry in 12 s: the server is full" == words_of(*events, wait=12)
    assert "waits: the server is full" == words_of(*events)
    assert "○ queued" in text(session_row(job_state_of(*events), NOW, RowContext(), UNICODE))


def test_a_job_that_somebody_asked_for_again_says_from_where() -> None:
    """The row shows whether it resumes or starts over; earlier progress stays visible."""
    over = [
        *streaming(22.0),
        turn_heard(0, "Good morning.", final=True),
        ended_failed("it broke", seconds=22),
    ]

    assert "↻2 waits for its turn, from 0:20" == words_of(*over, retrying(0, 20.0), queued())
    assert "↻2 waits for its turn, from the start" == words_of(*over, retrying(), queued())
    assert "0:20/1:00" in text(
        session_row(job_state_of(*over, retrying(0, 20.0), queued()), NOW, RowContext(), UNICODE)
    )
    assert "0:22" not in text(
        session_row(job_state_of(*over, retrying(), queued()), NOW, RowContext(), UNICODE)
    )


def test_a_warning_stands_before_the_words() -> None:
    """The sign comes after the number of the attempt, and not before the cause of a failure."""
    warned = [*streaming(), Warned("prompt is not honoured"), turn_heard(0, "Good morning.")]

    assert "▲ Good morning." == words_of(*warned)
    assert "! Good morning." == words_of(*warned, symbols=ASCII)
    assert "▲ Good morning." == words_of(*warned, ended_done())
    assert "it broke" == words_of(*warned, ended_failed("it broke"))
    again = [*streaming(), *broken_attempt(), connecting(), began(), *warned[-2:]]
    assert "↻2 ▲ Good morning." == words_of(*again)
    narrow = [
        text(latest_words.words_column(job_state_of(*warned), RowContext(), cells, UNICODE))
        for cells in (9, 2)
    ]
    assert ["▲ …rning.", "…."] == narrow


def test_a_stream_of_which_no_word_comes_back_says_so() -> None:
    """Its level and its lag look well; a beginning without words is nothing yet."""
    assert "no words in 0:15" == words_of(*streaming(15.0))
    assert "" == words_of(*streaming(14.9))
    assert "no words" == words_of(*streaming(60.0), ended_done())
    assert "Good" == words_of(*streaming(15.0), turn_heard(0, "Good"))


def test_further_attempts_are_numbered_in_front_of_their_words() -> None:
    """The first is not: most jobs need no other."""
    further = [
        *streaming(),
        *broken_attempt(),
        connecting(9000, 1),
        began(),
        turn_heard(1, "and then"),
    ]

    assert "↻2 and then" == words_of(*further)
    assert "@2 and then" == words_of(*further, symbols=ASCII)
    assert "and then" == words_of(*streaming(), turn_heard(0, "and then"))


@pytest.mark.parametrize(
    ("ending", "cause"),
    [
        (outcomes.ended_by_error(Error("Session expired", 3008)), "Session expired (3008)"),
        (outcomes.ended_by_close(CloseFrame(1011, "Oh\nno")), "Oh no (1011)"),
        (ended_failed("the connection broke"), "the connection broke"),
    ],
)
def test_a_failed_row_says_the_cause_first(ending: Ended, cause: str) -> None:
    """That the server ended the session is in the detail; a row has little room."""
    assert cause == words_of(*streaming(), ending)
    assert words_of(*streaming(), ending, retrying(3, 9, ending.reason), wait=3).endswith(cause)


@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_no_two_states_have_the_same_sign(symbols: Symbols) -> None:
    """Each in one cell; colour is never the only difference."""
    signs = [symbols.status[status] for status in JobStatus] + [symbols.stopping]

    assert len(set(signs)) == len(signs)
    assert {1} == {cell_width(sign) for sign in signs}


def attempts(count: int) -> list[Event]:
    """Attempts that broke, each ten seconds further on, and one that is running."""
    events = streaming()
    for number in range(count):
        start = (number + 1) * 10
        events += broken_attempt(f"cause {number + 1}", at=start)
        events += [connecting(start * 1000, number + 1), began(), progressed(start + 1)]
    return events


def told_of(*events: Event, brief: bool = False, cells: int = 100) -> list[str]:
    """The facts of attempts."""
    lines = [
        text(each)
        for each in job_summary_lines(
            job_state_of(*events), RowContext(), cells, UNICODE, brief=brief
        )
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
    told = told_of(*attempts(9), ended_failed("it was enough", seconds=100.0))

    assert [
        "attempt 8 from 1:10 · open 1:20 · cause 8",
        "attempt 9 from 1:20 · open 1:30 · cause 9",
        "10 attempts · sockets open 9:10",
    ] == told
    assert told[-1:] == told_of(
        *attempts(9), ended_failed("it was enough", seconds=100.0), brief=True
    )


def test_facts_of_a_job_that_goes_on_say_so_in_full() -> None:
    """The row may have cut it; the attempt that has just broken is not told twice."""
    events = [*streaming(), *broken_attempt("the server ended the session (3005): Oh no", at=10.0)]
    lines = [
        text(line)
        for line in job_summary_lines(
            job_state_of(*events), RowContext(retry_wait_s=3), 100, UNICODE
        )
    ]

    assert "  ↻ retry in 3 s, from 0:10: the server ended the session (3005): Oh no" == lines[-1]
    assert [] == told_of(*events)


@pytest.mark.parametrize("cells", [56, 120])
def test_a_long_cause_does_not_widen_the_facts(cells: int) -> None:
    """A long cause is cut; the numbers before it are not."""
    job_state = job_state_of(*streaming(), *broken_attempt("why " * 90), connecting(9000, 1))
    lines = [text(line) for line in job_summary_lines(job_state, RowContext(), cells, UNICODE)]

    assert all(cell_width(line) <= cells for line in lines)
    assert any("attempt 1 from 0:00" in line for line in lines)


@pytest.mark.parametrize("cells", [56, 78, 120])
def test_facts_of_a_live_session(cells: int) -> None:
    """Whole parts or none of them."""
    job_state = job_state_of(*streaming(lag=12.3), Slipped(3, 6200), Warned("[slow] down"))
    lines = [text(line) for line in job_summary_lines(job_state, RowContext(), cells, UNICODE)]

    assert all(cell_width(line) <= cells for line in lines)
    assert "interview with a long" in lines[0]
    assert "16 kHz mono" in lines[1]
    assert "lag 12.3 ms ▲ now · p50 0.2 · p99" in lines[2]
    assert lines[-1].endswith("▲ [slow] down")
    brief = job_summary_lines(job_state, RowContext(), cells, UNICODE, brief=True)
    assert len(lines) - 1 == len(brief)


def test_facts_of_a_session_that_is_over_are_its_certificate() -> None:
    """The verdict in words, and the whole session's percentiles."""
    late = Ended(Outcome.DONE, "done", certificate=certificate(30.0, Verdict.LATE))
    lines = [
        text(line)
        for line in job_summary_lines(job_state_of(*streaming(), late), RowContext(), 120, UNICODE)
    ]

    assert "chunks left late" in lines[2]
    assert "p99 30.0" in lines[2]
    assert "drift +0.01 ms" in lines[2]


def test_a_long_reason_leaves_room_for_the_transcript() -> None:
    """Three rows at most, the hint behind it."""
    job_state = job_state_of(queued(), ended_failed("because " * 200, "Try again."))
    lines = [text(line) for line in job_summary_lines(job_state, RowContext(), 60, UNICODE)]

    assert 3 == sum("because" in line for line in lines)
    assert lines[-1].endswith("→ Try again.")


@pytest.mark.parametrize("cells", [30, 60, 80, 120, 200])
def test_the_foot_keeps_help_and_quit(cells: int) -> None:
    """Whatever else gives way."""
    bindings = bindings_in(Scope.SESSIONS, Scope.JOBS, Scope.DESK)
    hints = fitting_hints(bindings, cells, UNICODE, marked_count=3)
    line = text(key_hints_line(hints))
    for hint in hints:
        at = line.index(f" {hint.display} {hint.label}")
        assert hint is hint_at(hints, at)
        assert hint is hint_at(hints, at + hint.cells - 1)
    assert hint_at(hints, cells) is None

    assert cell_width(line) <= cells
    assert ("x cancel 3 marked" in line) is (cells >= 120)
    assert "add 3" not in line
    assert "? help  q quit" in line
