"""A session as a tile of the wall, line by line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.report_builders import (
    broken_attempt,
    connecting,
    ended_done,
    ended_failed,
    job_state_of,
    queued,
    refused_attempt,
    streaming,
    turn_heard,
)
from tests.unit.render.test_untrusted_text import (
    EVENT_SEQUENCES,
    TEXTS,
    assert_rows_are_text,
    count_calls,
)
from tests.unit.render.test_untrusted_text import history_of as told
from tui.model.column_spec import RowContext
from tui.render.wall_tile import TileEdges, tile_lines
from tui.text.width import cell_width
from tui.theme.roles import Role
from tui.theme.symbols import ASCII, UNICODE
from workers.jobs.events import Event
from workers.jobs.job_state import JobState

MIDDLE = TileEdges(at_left=False, at_top=False)


def lines(
    job_state: JobState, row_context: RowContext | None = None, cells: int = 60, rows: int = 10
) -> list[str]:
    found = tile_lines(job_state, row_context or RowContext(), MIDDLE, cells, rows, UNICODE)
    assert rows == len(found)
    return ["".join(text for text, _ in line).rstrip() for line in found]


def talkative(turns: int = 30) -> JobState:
    said = [turn_heard(order, f"turn number {order}", final=True) for order in range(turns)]
    return job_state_of(*streaming(lag=14.2), *said, turn_heard(turns, "and now this", settled=1))


def test_the_newest_words_stand_at_the_foot() -> None:
    """Each turn begins with a dot, the one that is being spoken with a sign."""
    assert [
        "│ · turn number 28",
        "│ · turn number 29",
        "│ ▸ and now this",
    ] == lines(talkative())[-3:]

    (last,) = tile_lines(talkative(), RowContext(), MIDDLE, 60, 10, UNICODE)[-1:]
    assert ("and", Role.SETTLED) in last
    assert (" now this", Role.PARTIAL) in last


def test_a_tile_that_is_not_full_keeps_its_end_in_place() -> None:
    """Words always come at the same row."""
    few = lines(job_state_of(*streaming(), turn_heard(0, "one", final=True)))

    assert "│ · one" == few[-1]
    assert ["│"] * 7 == few[2:-1]


def test_the_rule_says_whose_words_and_how_it_stands() -> None:
    """The name at its left, the state at its right end; cursor and mark before them."""
    job_state = job_state_of(*streaming(), *broken_attempt(), *streaming()[1:], file="/rec/one.wav")

    rule = "─" * 32
    assert f"┼─ ● one.wav {rule} streaming ↻2 ─" == lines(job_state)[0]
    chosen = lines(job_state, RowContext(current=True, marked=True, stopping=True))
    assert chosen[0].startswith("▌◆ ◔ one.wav ")
    assert all(line.startswith("▌") for line in chosen)


@pytest.mark.parametrize(
    ("corner", "joint"), [((True, True), "─"), ((False, True), "┬"), ((False, False), "┼")]
)
def test_rules_join(corner: tuple[bool, bool], joint: str) -> None:
    """There is no vertical rule at the left edge of the wall."""
    left, top = corner
    found = tile_lines(
        talkative(), RowContext(), TileEdges(at_left=left, at_top=top), 60, 10, UNICODE
    )

    assert joint == found[0][0][0]
    assert " " if left else "│" == found[1][0][0][0]


def test_gauges_stand_on_one_line_or_on_two() -> None:
    """What was sent gives way to what is left."""
    broad, narrow = talkative(), talkative()
    broad.levels_db = narrow.levels_db = (-60, -30, 0)
    assert "0:10/1:00  0:50 left   ━━━━╾────  14.2 ms▲        ▁▄█" in lines(broad, cells=80)[1]
    assert lines(broad, cells=60)[1].endswith("─  0:50 left   ━━━━╾────  14.2 ms▲        ▁▄█")
    assert lines(narrow, cells=40)[1].endswith("─  0:10/1:00  0:50 left")
    assert "│ ━━━━╾────  14.2 ms▲        ▁▄█" == lines(narrow, cells=40)[2]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], "○ Waiting for a free slot."),
        ([queued()], "○ Waiting for a free slot."),
        ([queued(), connecting()], "Connecting to the server."),
        (streaming(), "No words yet."),
        ([*streaming(), *broken_attempt()], "↻ retry in 7 s, from 0:10: the connection broke"),
        ([queued(), connecting(), *refused_attempt()], "○ retry in 7 s: the server is full"),
        ([*streaming(), ended_failed("it went wrong")], "✗ it went wrong"),
        ([*streaming(), turn_heard(0, "words", final=True), ended_done()], "· words"),
    ],
)
def test_a_silent_tile_says_why(events: list[Event], expected: str) -> None:
    """What is awaited, or what went wrong, stands where words would."""
    assert f"│ {expected}" == lines(job_state_of(*events), RowContext(retry_wait_s=7))[-1]


def test_a_takeover_stands_between_its_turns() -> None:
    """The divider is shown even before the next attempt has any words."""
    first = [*streaming(), turn_heard(0, "before", final=True), *broken_attempt()]
    begun = job_state_of(*first, connecting(900, 1))
    assert ["│ · before", "│   ── attempt 2 from 0:00.9 ──"] == lines(begun)[-2:]

    later = job_state_of(*first, connecting(900, 1), turn_heard(1, "behind", final=True))
    assert ["│ · before", "│   ── attempt 2 from 0:00.9 ──", "│ · behind"] == lines(later)[-3:]


@settings(max_examples=30)
@given(
    st.sampled_from(EVENT_SEQUENCES),
    st.lists(TEXTS, min_size=1, max_size=9),
    st.integers(39, 120),
    st.integers(3, 20),
    st.sampled_from([UNICODE, ASCII]),
)
def test_whatever_is_told_a_tile_keeps_to_its_place(
    life: list[Event], texts: list[str], cells: int, rows: int, symbols: object
) -> None:
    """Any text is drawn within the tile, with every set of symbols."""
    assert symbols in (UNICODE, ASCII)
    signs = UNICODE if symbols is UNICODE else ASCII
    for row_context in (
        RowContext(),
        RowContext(current=True, marked=True, stopping=True, retry_wait_s=3),
    ):
        found = tile_lines(told(life, texts), row_context, MIDDLE, cells, rows, signs)

        assert rows == len(found)
        assert_rows_are_text(found, cells, signs)
        assert all(sum(cell_width(text) for text, _ in line) <= cells for line in found)


def test_a_look_at_hours_of_words_wraps_only_what_is_seen() -> None:
    """Two thousand turns cost what twenty do."""
    few, many = talkative(20), talkative(2000)

    def look(job_state: JobState) -> int:
        return count_calls(lambda: tile_lines(job_state, RowContext(), MIDDLE, 60, 10, UNICODE))

    assert look(many) <= look(few) + 20
