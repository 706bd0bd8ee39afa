import pytest

from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import Transcript, transcript_line
from workers.protocol.messages import Turn, Word


def turn(order: int, text: str, *, final: bool = False, words: str | None = None) -> Turn:
    """A turn; in ``words``, a trailing ``*`` marks a word that is not final."""
    given = (text if words is None else words).split()
    return Turn(
        order,
        final,
        text,
        words=tuple(
            Word(word.rstrip("*"), 100 * i, 100 * i + 90, 1.0, not word.endswith("*"))
            for i, word in enumerate(given)
        ),
    )


def heard(*turns: Turn) -> Transcript:
    return Transcript(turns)


def test_a_later_reading_replaces_the_turn() -> None:
    """The same order again replaces the text; it does not add a line."""
    transcript = heard(turn(0, "helo"), turn(0, "hello", final=True))

    assert transcript.text == "hello"


def test_a_formatted_twin_replaces_the_final() -> None:
    """With format_turns a turn ends twice; the second is the same turn, formatted."""
    transcript = heard(turn(0, "hello there", final=True), turn(0, "Hello there.", final=True))

    assert transcript.text == "Hello there."


def test_an_empty_final_is_ignored() -> None:
    """On Terminate one may arrive; it neither adds a turn nor takes words away."""
    transcript = heard(turn(0, "hello"), turn(0, "", final=True), turn(1, "", final=True))

    assert [each.text for each in transcript.lines] == ["hello"]
    assert not transcript.lines[0].is_final


def test_a_straggling_partial_does_not_take_a_final_back() -> None:
    """Once a turn is final, only another final changes it."""
    transcript = heard(turn(0, "Hello.", final=True), turn(0, "hel"))

    assert transcript.lines[0].is_final
    assert transcript.text == "Hello."


def test_turns_are_in_order_of_their_numbers() -> None:
    """Whatever the order in which they arrive."""
    transcript = heard(turn(1, "two", final=True), turn(0, "one", final=True))

    assert transcript.text == "one\ntwo"
    assert transcript.latest_line is not None
    assert transcript.latest_line.text == "two"


def test_universal_streaming_shows_its_open_word() -> None:
    """``transcript`` holds final words only; the open one stands in ``words`` alone."""
    shown = transcript_line(turn(0, "the invoice", words="the invoice num*"))

    assert shown.stable_text == "the invoice"
    assert shown.unstable_text == "num"


def test_universal_streaming_begins_with_nothing_but_an_open_word() -> None:
    """The first message of a turn has an empty transcript; it is shown all the same."""
    transcript = heard(turn(0, "", words="the*"))

    assert transcript.lines[0].unstable_text == "the"
    assert transcript.lines[0].stable_text == ""


def test_universal_streaming_repeats_a_word() -> None:
    """“no no no”: the open third is not mistaken for the second."""
    shown = transcript_line(turn(0, "no no", words="no no no*"))

    assert shown.text == "no no no"


def test_u3_may_revise_everything_until_the_end() -> None:
    """All text is in the transcript, and no word of a partial is final."""
    shown = transcript_line(turn(0, "Move the crates to—", words="Move* the* crates* to—*"))

    assert shown.stable_text == ""
    assert shown.unstable_text == "Move the crates to—"


def test_a_final_is_settled_as_a_whole() -> None:
    """Whatever its words say."""
    shown = transcript_line(turn(0, "Dock nine.", final=True, words="Dock nine.*"))

    assert shown.stable_text == "Dock nine."
    assert shown.is_final


def test_a_turn_without_words_has_no_times() -> None:
    """Words may be empty; the text still counts."""
    shown = transcript_line(turn(0, "hello", final=True, words=""))

    assert shown.text == "hello"
    assert shown.start_ms is None


@pytest.mark.parametrize(
    ("text", "words", "kept"),
    [
        ("The invoice num", "The invoice num", "The invoice"),
        ("No, no, no", "No, no, no", "No, no,"),
        ("The invoice, num.", "the invoice num", "the invoice"),
        ("請求書番号", "請求書 番号", "請求書"),
    ],
)
def test_a_turn_that_was_divided_keeps_its_first_words(text: str, words: str, kept: str) -> None:
    """The rest is heard anew, by the attempt that takes over."""
    transcript = heard(turn(0, "one", final=True), turn(1, text, final=True, words=words))
    whole = transcript.turns[1]
    transcript.rewind_to(ResumePoint(900, 2, kept_words=len(words.split()) - 1))

    assert [each.text for each in transcript.lines] == ["one", kept]
    assert transcript.resume_points == [ResumePoint(900, 2, kept_words=len(words.split()) - 1)]
    assert transcript.turns[1].words == whole.words[:-1]


def test_a_seam_before_all_turns_takes_them_all() -> None:
    """Only a damaged trace tells of one; it is read like any other."""
    transcript = heard(turn(0, "one", final=True), turn(1, "two", final=True))
    transcript.evict(1)
    transcript.rewind_to(ResumePoint(-5, -3))

    assert transcript.turns == []
    assert transcript.is_complete
