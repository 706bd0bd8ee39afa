"""Transcripts wrapped into rows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import turn_heard
from tui.render.sentences import wrap_sentence
from tui.render.transcript_layout import TranscriptLayout
from tui.render.turn_rows import TextRow, attempt_divider, wrap_turn
from tui.text.width import cell_width
from tui.theme.roles import Role
from tui.theme.symbols import ASCII, UNICODE
from workers.jobs.attempt_spans import AttemptSpan
from workers.jobs.resume_point import ResumePoint
from workers.protocol.messages import Turn, Word


def turns(*texts: str) -> list[Turn]:
    return [turn_heard(order, text, final=True).turn for order, text in enumerate(texts)]


def settled(paragraphs: TranscriptLayout) -> list[str | int]:
    """The words of each row; the attempt's number where one took over."""
    return [row.settled if isinstance(row, TextRow) else row.attempt for row in paragraphs]


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
    kept = paragraphs[0]

    second = [*first[:1], *turns("", "four five six")[1:]]
    assert 2 == paragraphs.update(second)
    assert kept is paragraphs[0]
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
    assert [] == list(paragraphs)


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


def words_at(layout: TranscriptLayout, *times_ms: int) -> list[str]:
    """The word that is heard at each of these times, joined if it is wrapped."""
    found = []
    for at_ms in times_ms:
        spans = layout.word_spans(at_ms)
        rows = [layout[span.row] for span in spans]
        texts = [row.settled + row.unsettled for row in rows if isinstance(row, TextRow)]
        found.append("".join(text[s.start : s.end] for text, s in zip(texts, spans, strict=True)))
    return found


def test_the_word_at_a_time_is_the_last_one_that_has_begun() -> None:
    """Across rows, turns and attempts; before the first word there is none."""
    layout = TranscriptLayout(12)
    first = turn_heard(0, "one two three four", final=True, at=1000).turn
    second = turn_heard(1, "five six", settled=1, at=5000).turn
    layout.update([first, second], [AttemptSpan(2, ResumePoint(5000, 1))])

    assert words_at(layout, 999, 1000, 1299, 1300, 1899, 4999) == (
        ["", "one", "one", "two", "three", "four"]
    )
    assert words_at(layout, 5000, 5300, 99_000) == ["five", "six", "six"]


def test_a_place_in_the_transcript_has_the_time_of_its_word() -> None:
    """Between two words, it is that of the next; a divider has that of the turn below it."""
    layout = TranscriptLayout(12)
    first = turn_heard(0, "one two three four", final=True, at=1000).turn
    second = turn_heard(1, "five six", final=True, at=5000).turn
    layout.update([first, second], [AttemptSpan(2, ResumePoint(5000, 1))])
    assert settled(layout) == ["one two", "three four", 2, "five six"]

    assert [layout.word_start_ms(row) for row in range(4)] == [1000, 1600, 5000, 5000]
    assert [layout.word_start_ms(0, char) for char in (2, 3, 6, 7)] == [1000, 1300, 1300, 1600]
    assert layout.word_start_ms(3, 8) is None
    assert layout.word_start_ms(0, layout.char_at(0, 5)) == 1300
    assert layout.char_at(2, 5) == 0


def test_wide_characters_take_two_cells() -> None:
    """A click on either half is a click on the character."""
    layout = TranscriptLayout(40)
    layout.update(turns("\u4f60\u597d ok"))

    assert [layout.char_at(0, column) for column in range(6)] == [0, 0, 1, 1, 2, 3]


def test_the_cursor_steps_from_word_to_word() -> None:
    """Also past words that begin at the same time; nowhere beyond the ends."""
    layout = TranscriptLayout(40)
    same = (Word("a", 0, 9), Word("b", 100, 109), Word("c", 100, 109), Word("d", 200, 209))
    layout.update([Turn(0, True, "a b c d", words=same)])

    assert [layout.neighbour_word_ms(at_ms, 1) for at_ms in (0, 100, 200)] == [100, 200, None]
    assert [layout.neighbour_word_ms(at_ms, -1) for at_ms in (0, 100, 200)] == [None, 0, 100]
    assert TranscriptLayout(40).neighbour_word_ms(0, -1) is None


def test_a_turn_that_was_formatted_spreads_its_words() -> None:
    """“twenty five” may be written as “25”; a turn without text has no word to show."""
    layout = TranscriptLayout(40)
    words = tuple(Word(text, at, at + 9) for at, text in enumerate(["twenty", "five", "to", "ten"]))
    layout.update([Turn(0, True, "25 to", words=words), Turn(1, False, "", words=words[:1])])

    assert words_at(layout, 0) == [""]
    layout.update([Turn(0, True, "25 to", words=words)])
    assert words_at(layout, 0, 1, 2, 3) == ["25", "25", "to", "to"]


def test_the_name_of_a_speaker_is_not_a_word_that_was_said() -> None:
    """A click on it is a click on the first word."""
    layout = TranscriptLayout(40, with_speakers=True)
    said = replace(turn_heard(0, "how are you", final=True).turn, speaker_label="the caller")
    layout.update([said])

    assert settled(layout) == ["the caller: how are you"]
    assert words_at(layout, 0, 300, 600) == ["how", "are", "you"]
    assert layout.word_start_ms(0, 2) == 0
