"""Searching a transcript that is still growing."""

from tests.support.report_builders import heard
from tests.unit.render.test_transcript_layout import turns
from tui.model.tabs import Stamps
from tui.model.transcript_search import Mark, Search
from tui.render.transcript_layout import Paragraphs, Piece
from tui.theme.roles import Role
from tui.theme.symbols import UNICODE
from tui.widgets.transcript import text_line
from workers.jobs.attempt_spans import Takeover
from workers.jobs.resume_point import Seam


def test_words_are_found_over_the_ends_of_rows() -> None:
    """In any case of letters, whatever the width; a takeover is no text."""
    paragraphs = Paragraphs(10)
    takeover = Takeover(2, Seam(0, 1))
    paragraphs.update(turns("one two three four", "Two. THREE"), [takeover])

    assert [(Piece(0, 4, 7), Piece(1, 0, 5))] == paragraphs.found("two  three ")
    assert [0, 3] == [place[0].row for place in paragraphs.found("TWO")]
    assert [] == paragraphs.found(" ")
    assert [] == paragraphs.found("t.o")


def test_the_place_that_is_looked_at_stays_while_words_come() -> None:
    """Later words are counted, and can be gone to; it goes round and round."""
    paragraphs, search = Paragraphs(80), Search()
    said = turns("the boat", "a boat", "no", "boats and boats")
    paragraphs.update(said[:3])
    search.begin("boat", paragraphs, 1)
    assert ("2/2", 1) == (search.count, search.row)

    paragraphs.update(said)
    search.look_again(paragraphs)
    assert ("2/4", 1) == (search.count, search.row)
    assert [Mark(2, 6, True)] == search.marks(1)
    assert [Mark(0, 4, False), Mark(10, 14, False)] == search.marks(3)

    search.step(1)
    assert ("3/4", 3) == (search.count, search.row)
    search.step(2)
    assert ("1/4", 0) == (search.count, search.row)
    search.step(-1)
    assert "4/4" == search.count


def test_a_place_that_was_revised_away_is_left() -> None:
    """An open turn may be read otherwise."""
    paragraphs, search = Paragraphs(80), Search()
    paragraphs.update([heard(0, "a boat a boat").turn])
    search.begin("boat", paragraphs, 0)
    search.step(1)
    paragraphs.update([heard(0, "a boat a bow").turn])
    search.look_again(paragraphs)
    assert "1/1" == search.count

    paragraphs.update([heard(0, "about a bow").turn])
    search.look_again(paragraphs)
    assert ("not found", None) == (search.count, search.row)
    search.step(1)
    search.begin("", paragraphs, 0)
    assert "" == search.count


def test_places_are_marked_across_settled_and_unsettled_words() -> None:
    """The one that is looked at otherwise than the others."""
    paragraphs = Paragraphs(80)
    paragraphs.update([heard(0, "one two three", settled=2).turn])
    (row,) = paragraphs.rows
    marks = [Mark(0, 3, False), Mark(4, 10, True)]

    assert [
        ("one", Role.FOUND),
        (" ", Role.SETTLED),
        ("two th", Role.HERE),
        ("ree", Role.PARTIAL),
    ] == (text_line(row, Stamps.NONE, 80, UNICODE, marks)[1:])


def test_time_stamps_tell_the_end_and_how_sure_the_words_are() -> None:
    """As much as was asked for."""
    paragraphs = Paragraphs(80)
    paragraphs.update([heard(0, "one two", final=True, at=61_000).turn])
    (row,) = paragraphs.rows

    def shown(stamps: Stamps) -> str:
        return "".join(text for text, _ in text_line(row, stamps, 80, UNICODE))

    assert "  one two" == shown(Stamps.NONE)
    assert "  1:01   one two" == shown(Stamps.BEGINNINGS)
    assert "  1:01-1:01     90 %   one two" == shown(Stamps.WHOLE)


def test_of_a_long_transcript_only_what_is_new_is_looked_through() -> None:
    """Places before it stay; those behind are counted anew, and no row is marked for another."""
    paragraphs, search = Paragraphs(80), Search()
    said = turns("the boat", "a boat", "boats and boats")
    paragraphs.update(said)
    search.begin("boat", paragraphs, 0)
    search.step(3)

    first = paragraphs.update([*said[:2], *turns("", "", "no", "one more boat")[2:]])
    search.look_again(paragraphs, first)

    assert (2, [0, 1]) == (first, [place[0].row for place in paragraphs.found("boat", 0)][:2])
    assert [3] == [place[0].row for place in paragraphs.found("boat", first)]
    assert ("3/3", 3) == (search.count, search.row)
    assert [] == search.marks(2)
    assert [Mark(9, 13, True)] == search.marks(3)
