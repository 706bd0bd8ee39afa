"""Searching a transcript that is still growing."""

from tests.support.report_builders import turn_heard
from tests.unit.render.test_transcript_layout import turns
from tui.model.tabs import TimeStamps
from tui.model.transcript_search import Highlight, MatchSpans, RowSpan, TranscriptSearch
from tui.render.transcript_layout import TranscriptLayout
from tui.theme.roles import Role
from tui.theme.symbols import UNICODE
from tui.widgets.transcript import turn_row_line
from workers.jobs.attempt_spans import AttemptSpan
from workers.jobs.resume_point import ResumePoint


def found(paragraphs: TranscriptLayout, text: str) -> list[MatchSpans]:
    """Where a text is drawn."""
    return [paragraphs.row_spans(match) for match in paragraphs.find(text)]


def test_words_are_found_across_the_ends_of_rows() -> None:
    """Case and width do not matter; the divider of a further attempt is not searched."""
    paragraphs = TranscriptLayout(10)
    takeover = AttemptSpan(2, ResumePoint(0, 1))
    paragraphs.update(turns("one two three four", "Two. THREE"), [takeover])

    assert [(RowSpan(0, 4, 7), RowSpan(1, 0, 5))] == found(paragraphs, "two  three ")
    assert [0, 3] == [place[0].row for place in found(paragraphs, "TWO")]
    assert [] == found(paragraphs, " ")
    assert [] == found(paragraphs, "t.o")


def test_the_current_match_stays_while_words_arrive() -> None:
    """Later matches are counted and can be reached; stepping wraps around."""
    paragraphs, search = TranscriptLayout(80), TranscriptSearch()
    spoken = turns("the boat", "a boat", "no", "boats and boats")
    paragraphs.update(spoken[:3])
    search.start("boat", paragraphs, 1)
    assert ("2/2", 1) == (search.count_text, search.current_row)

    paragraphs.update(spoken)
    search.refresh(paragraphs)
    assert ("2/4", 1) == (search.count_text, search.current_row)
    assert [Highlight(2, 6, True)] == search.highlights(1)
    assert [Highlight(0, 4, False), Highlight(10, 14, False)] == search.highlights(3)

    search.step(1)
    assert ("3/4", 3) == (search.count_text, search.current_row)
    search.step(2)
    assert ("1/4", 0) == (search.count_text, search.current_row)
    search.step(-1)
    assert "4/4" == search.count_text


def test_a_match_that_was_revised_away_is_left() -> None:
    """A turn that has not ended may change."""
    paragraphs, search = TranscriptLayout(80), TranscriptSearch()
    paragraphs.update([turn_heard(0, "a boat a boat").turn])
    search.start("boat", paragraphs, 0)
    search.step(1)
    paragraphs.update([turn_heard(0, "a boat a bow").turn])
    search.refresh(paragraphs)
    assert "1/1" == search.count_text

    paragraphs.update([turn_heard(0, "about a bow").turn])
    search.refresh(paragraphs)
    assert ("not found", None) == (search.count_text, search.current_row)
    search.step(1)
    search.start("", paragraphs, 0)
    assert "" == search.count_text


def test_matches_are_highlighted_across_final_and_partial_words() -> None:
    """The current one differently from the others."""
    paragraphs = TranscriptLayout(80)
    paragraphs.update([turn_heard(0, "one two three", settled=2).turn])
    (row,) = paragraphs
    marks = [Highlight(0, 3, False), Highlight(4, 10, True)]

    assert [
        ("one", Role.MATCH),
        (" ", Role.SETTLED),
        ("two th", Role.CURRENT_MATCH),
        ("ree", Role.PARTIAL),
    ] == (turn_row_line(row, TimeStamps.NONE, 80, UNICODE, marks)[1:])


def test_time_stamps_show_the_end_and_the_confidence() -> None:
    """According to the kind of time stamps."""
    paragraphs = TranscriptLayout(80)
    paragraphs.update([turn_heard(0, "one two", final=True, at=61_000).turn])
    (row,) = paragraphs

    def shown(stamps: TimeStamps) -> str:
        return "".join(text for text, _ in turn_row_line(row, stamps, 80, UNICODE))

    assert "  one two" == shown(TimeStamps.NONE)
    assert "  1:01   one two" == shown(TimeStamps.START)
    assert "  1:01-1:01     90 %   one two" == shown(TimeStamps.DETAILED)


def test_only_new_rows_of_a_long_transcript_are_searched() -> None:
    """Earlier matches stay, later ones are counted again, and no wrong row is highlighted."""
    paragraphs, search = TranscriptLayout(80), TranscriptSearch()
    spoken = turns("the boat", "a boat", "boats and boats")
    paragraphs.update(spoken)
    search.start("boat", paragraphs, 0)
    search.step(3)

    first = paragraphs.update([*spoken[:2], *turns("", "", "no", "one more boat")[2:]])
    search.refresh(paragraphs, first)

    assert (2, [0, 1]) == (first, [place[0].row for place in found(paragraphs, "boat")][:2])
    assert [3] == [match.item for match in paragraphs.find("boat", first)]
    assert ("3/3", 3) == (search.count_text, search.current_row)
    assert [] == search.highlights(2)
    assert [Highlight(9, 13, True)] == search.highlights(3)
