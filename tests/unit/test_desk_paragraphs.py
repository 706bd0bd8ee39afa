"""Transcripts wrapped into rows."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk_reports import heard
from tui.lines.cells import width
from tui.lines.paragraphs import Paragraphs, said, wrapped
from tui.palette import Role
from workers.speech.messages import Turn


def turns(*texts: str) -> list[Turn]:
    return [heard(order, text, final=True).turn for order, text in enumerate(texts)]


def test_settled_words_come_before_unsettled_ones_in_a_row() -> None:
    """And a row may hold some of both."""
    rows = wrapped(heard(0, "one two three four five", settled=3).turn, 10)

    assert [("one two", ""), ("three", " four"), ("", "five")] == [
        (row.settled, row.unsettled) for row in rows
    ]
    assert ["0:00", "", ""] == [row.stamp for row in rows]
    assert not any(row.final for row in rows)


@given(st.text(), st.integers(2, 40), st.integers(0, 5))
def test_no_row_is_too_wide_and_no_word_is_lost(text: str, cells: int, settled: int) -> None:
    """Whatever was said."""
    rows = wrapped(heard(0, text, settled=settled).turn, cells)

    assert all(width(row.settled + row.unsettled) <= cells for row in rows)


def test_a_turn_that_did_not_change_is_not_wrapped_again() -> None:
    """An update says from where on rows may differ."""
    paragraphs = Paragraphs(10)
    first = turns("one two three", "four")
    assert 0 == paragraphs.update(first)
    kept = paragraphs.rows[0]

    second = [*first[:1], *turns("", "four five six")[1:]]
    assert 2 == paragraphs.update(second)
    assert kept is paragraphs.rows[0]
    assert ["one two", "three", "four five", "six"] == [row.settled for row in paragraphs.rows]
    assert 4 == paragraphs.update(second)


def test_a_correction_further_up_is_taken_in() -> None:
    """A formatted twin may come after a later turn has begun."""
    paragraphs = Paragraphs(80)
    paragraphs.update(turns("hello", "world"))

    assert 0 == paragraphs.update(turns("Hello.", "world"))
    assert ["Hello.", "world"] == [row.settled for row in paragraphs.rows]


def test_a_transcript_that_became_empty_has_no_rows() -> None:
    """A further attempt starts again."""
    paragraphs = Paragraphs(80)
    paragraphs.update(turns("hello", "world"))

    assert 0 == paragraphs.update([])
    assert [] == paragraphs.rows


def test_a_sentence_hangs_behind_its_sign() -> None:
    """Further rows are indented."""
    assert [[("! one two", Role.BAD)], [("  three", Role.BAD)]] == said(
        "!", "one two three", Role.BAD, 9
    )
