"""Transcripts wrapped into rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import turn_heard
from tui.render.sentences import wrap_sentence
from tui.render.transcript_layout import (
    TextRow,
    TranscriptLayout,
    attempt_divider,
    wrap_turn,
)
from tui.text.width import cell_width
from tui.theme.roles import Role
from tui.theme.symbols import ASCII, UNICODE
from workers.jobs.attempt_spans import AttemptSpan
from workers.jobs.resume_point import ResumePoint
from workers.protocol.messages import Turn


def turns(*texts: str) -> list[Turn]:
    return [turn_heard(order, text, final=True).turn for order, text in enumerate(texts)]


def settled(paragraphs: TranscriptLayout) -> list[str | int]:
    """The words of each row; the attempt's number where one took over."""
    return [row.settled if isinstance(row, TextRow) else row.attempt for row in paragraphs.rows]


def test_settled_words_come_before_unsettled_ones_in_a_row() -> None:
    """A row may contain both settled and unsettled words."""
    rows = wrap_turn(turn_heard(0, "one two three four five", settled=3).turn, 10)

    assert [("one two", ""), ("three", " four"), ("", "five")] == [
        (row.settled, row.unsettled) for row in rows
    ]
    assert ["0:00", "", ""] == [row.start_label for row in rows]
    assert not any(row.final for row in rows)


@given(st.text(), st.integers(2, 40), st.integers(0, 5))
def test_no_row_is_too_wide_and_no_word_is_lost(text: str, cells: int, settled: int) -> None:
    """Whatever was said."""
    rows = wrap_turn(turn_heard(0, text, settled=settled).turn, cells)

    assert all(cell_width(row.settled + row.unsettled) <= cells for row in rows)


def test_a_turn_that_did_not_change_is_not_wrapped_again() -> None:
    """An update says from where on rows may differ."""
    paragraphs = TranscriptLayout(10)
    first = turns("one two three", "four")
    assert 0 == paragraphs.update(first)
    kept = paragraphs.rows[0]

    second = [*first[:1], *turns("", "four five six")[1:]]
    assert 2 == paragraphs.update(second)
    assert kept is paragraphs.rows[0]
    assert ["one two", "three", "four five", "six"] == settled(paragraphs)
    assert 4 == paragraphs.update(second)


def test_a_correction_further_up_is_taken_in() -> None:
    """A formatted twin may come after a later turn has begun."""
    paragraphs = TranscriptLayout(80)
    paragraphs.update(turns("hello", "world"))

    assert 0 == paragraphs.update(turns("Hello.", "world"))
    assert ["Hello.", "world"] == settled(paragraphs)


def test_a_transcript_that_became_empty_has_no_rows() -> None:
    """A further attempt starts again."""
    paragraphs = TranscriptLayout(80)
    paragraphs.update(turns("hello", "world"))

    assert 0 == paragraphs.update([])
    assert [] == paragraphs.rows


SECOND, THIRD = AttemptSpan(2, ResumePoint(2000, 1)), AttemptSpan(3, ResumePoint(5000, 2))


def test_a_takeover_stands_between_the_turns_of_two_attempts() -> None:
    """Behind all of them until its attempt has said something."""
    paragraphs = TranscriptLayout(10)
    paragraphs.update(turns("one two three"), [SECOND])
    assert ["one two", "three", 2] == settled(paragraphs)

    paragraphs.update(turns("one two three", "four", "five"), [SECOND, THIRD])
    assert ["one two", "three", 2, "four", 3, "five"] == settled(paragraphs)


def test_a_takeover_is_drawn_again_only_when_another_replaces_it() -> None:
    """A later attempt may go on from the same place; what stands above is not touched."""
    paragraphs = TranscriptLayout(10)
    heard_so_far = turns("one two three", "four")
    paragraphs.update(heard_so_far, [SECOND])
    assert 4 == paragraphs.update(heard_so_far, [AttemptSpan(2, ResumePoint(2000, 1))])

    assert 2 == paragraphs.update(heard_so_far[:1], [AttemptSpan(3, ResumePoint(2000, 1))])
    assert ["one two", "three", 3] == settled(paragraphs)
    assert 3 == paragraphs.update(heard_so_far, [AttemptSpan(3, ResumePoint(2000, 1))])


def test_a_revised_turn_leaves_the_takeover_behind_it() -> None:
    """A formatted twin may come when a further attempt has begun."""
    paragraphs = TranscriptLayout(80)
    paragraphs.update(turns("hello", "world"), [SECOND])

    assert 0 == paragraphs.update(turns("Hello.", "world"), [SECOND])
    assert ["Hello.", 2, "world"] == settled(paragraphs)


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (80, "── attempt 12 from 1:02:03.9 ──"),
        (31, "── attempt 12 from 1:02:03.9 ──"),
        (30, "── attempt 12 ──"),
        (15, "attempt 12"),
        (6, "attem…"),
    ],
)
def test_a_seam_gives_way_to_a_narrow_column(cells: int, shown: str) -> None:
    """The rule first, the number at last; never more than one row."""
    takeover = AttemptSpan(12, ResumePoint(3_723_987, 4))

    assert shown == attempt_divider(takeover, cells, UNICODE)
    assert attempt_divider(takeover, cells, ASCII).isascii()
    assert cell_width(attempt_divider(takeover, cells, ASCII)) <= cells


def test_a_sentence_hangs_behind_its_sign() -> None:
    """Further rows are indented."""
    assert [[("! one two", Role.ERROR)], [("  three", Role.ERROR)]] == wrap_sentence(
        "!", "one two three", Role.ERROR, 9
    )
