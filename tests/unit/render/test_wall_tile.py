"""A session as a tile of the wall, line by line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.report_builders import (
    broken,
    connecting,
    done,
    failed,
    heard,
    history_of,
    queued,
    refused,
    streaming,
)
from tests.unit.render.test_untrusted_text import LIVES, TEXTS, drawn, work
from tests.unit.render.test_untrusted_text import history_of as told
from tui.render.table_row import Stance
from tui.render.wall_tile import Corner, tile
from tui.text.width import width
from tui.theme.roles import Role
from tui.theme.symbols import ASCII, UNICODE
from workers.jobs.events import Event
from workers.jobs.job_state import JobHistory

MIDDLE = Corner(left=False, top=False)


def lines(
    history: JobHistory, stance: Stance | None = None, cells: int = 60, rows: int = 10
) -> list[str]:
    found = tile(history, stance or Stance(), MIDDLE, cells, rows, UNICODE)
    assert rows == len(found)
    return ["".join(text for text, _ in line).rstrip() for line in found]


def talkative(turns: int = 30) -> JobHistory:
    said = [heard(order, f"turn number {order}", final=True) for order in range(turns)]
    return history_of(*streaming(lag=14.2), *said, heard(turns, "and now this", settled=1))


def test_the_newest_words_stand_at_the_foot() -> None:
    """Each turn begins with a dot, the one that is being spoken with a sign."""
    assert [
        "│ · turn number 28",
        "│ · turn number 29",
        "│ ▸ and now this",
    ] == lines(talkative())[-3:]

    (last,) = tile(talkative(), Stance(), MIDDLE, 60, 10, UNICODE)[-1:]
    assert ("and", Role.SETTLED) in last
    assert (" now this", Role.PARTIAL) in last


def test_a_tile_that_is_not_full_keeps_its_end_in_place() -> None:
    """Words always come at the same row."""
    few = lines(history_of(*streaming(), heard(0, "one", final=True)))

    assert "│ · one" == few[-1]
    assert ["│"] * 7 == few[2:-1]


def test_the_rule_says_whose_words_and_how_it_stands() -> None:
    """The name at its left, the state at its right end; cursor and mark before them."""
    history = history_of(*streaming(), *broken(), *streaming()[1:], file="/rec/one.wav")

    rule = "─" * 32
    assert f"┼─ ● one.wav {rule} streaming ↻2 ─" == lines(history)[0]
    chosen = lines(history, Stance(current=True, marked=True, stopping=True))
    assert chosen[0].startswith("▌◆ ◔ one.wav ")
    assert all(line.startswith("▌") for line in chosen)


@pytest.mark.parametrize(
    ("corner", "joint"), [((True, True), "─"), ((False, True), "┬"), ((False, False), "┼")]
)
def test_rules_join(corner: tuple[bool, bool], joint: str) -> None:
    """No upright stands at the left end of the wall."""
    left, top = corner
    found = tile(talkative(), Stance(), Corner(left=left, top=top), 60, 10, UNICODE)

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
        ([], "○ Waits for a free place."),
        ([queued()], "○ Waits for a free place."),
        ([queued(), connecting()], "Calling the server."),
        (streaming(), "Nothing said yet."),
        ([*streaming(), *broken()], "↻ again in 7 s, from 0:10: the connection broke"),
        ([queued(), connecting(), *refused()], "○ again in 7 s: no place at the server"),
        ([*streaming(), failed("it went wrong")], "✗ it went wrong"),
        ([*streaming(), heard(0, "words", final=True), done()], "· words"),
    ],
)
def test_a_silent_tile_says_why(events: list[Event], expected: str) -> None:
    """What is awaited, or what went wrong, stands where words would."""
    assert f"│ {expected}" == lines(history_of(*events), Stance(wait=7))[-1]


def test_a_takeover_stands_between_its_turns() -> None:
    """Also before the first words of the further attempt."""
    first = [*streaming(), heard(0, "before", final=True), *broken()]
    begun = history_of(*first, connecting(900, 1))
    assert ["│ · before", "│   ── attempt 2 from 0:00.9 ──"] == lines(begun)[-2:]

    later = history_of(*first, connecting(900, 1), heard(1, "behind", final=True))
    assert ["│ · before", "│   ── attempt 2 from 0:00.9 ──", "│ · behind"] == lines(later)[-3:]


@settings(max_examples=30)
@given(
    st.sampled_from(LIVES),
    st.lists(TEXTS, min_size=1, max_size=9),
    st.integers(39, 120),
    st.integers(3, 20),
    st.sampled_from([UNICODE, ASCII]),
)
def test_whatever_is_told_a_tile_keeps_to_its_place(
    life: list[Event], texts: list[str], cells: int, rows: int, symbols: object
) -> None:
    """As text, in any terminal, with nothing over its edge."""
    assert symbols in (UNICODE, ASCII)
    signs = UNICODE if symbols is UNICODE else ASCII
    for stance in (Stance(), Stance(current=True, marked=True, stopping=True, wait=3)):
        found = tile(told(life, texts), stance, MIDDLE, cells, rows, signs)

        assert rows == len(found)
        drawn(found, cells, signs)
        assert all(sum(width(text) for text, _ in line) <= cells for line in found)


def test_a_look_at_hours_of_words_wraps_only_what_is_seen() -> None:
    """Two thousand turns cost what twenty do."""
    few, many = talkative(20), talkative(2000)

    def look(history: JobHistory) -> int:
        return work(lambda: tile(history, Stance(), MIDDLE, 60, 10, UNICODE))

    assert look(many) <= look(few) + 20
