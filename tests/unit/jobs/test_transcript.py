import pytest

from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import MAX_EVICTABLE_TURN, Transcript, transcript_line
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
    """One may arrive after Terminate; it neither adds a turn nor removes words."""
    transcript = heard(turn(0, "hello"), turn(0, "", final=True), turn(1, "", final=True))

    assert [each.text for each in transcript.lines] == ["hello"]
    assert not transcript.lines[0].is_final


def test_a_straggling_partial_does_not_take_a_final_back() -> None:
    """Once a turn is final, only another final changes it."""
    transcript = heard(turn(0, "Hello.", final=True), turn(0, "hel"))

    assert transcript.lines[0].is_final
    assert transcript.text == "Hello."


def test_turns_are_in_order_of_their_numbers() -> None:
    """The order of arrival does not matter."""
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
    """The first message of a turn has an empty transcript; it is shown anyway."""
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
    """The words do not matter."""
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
    """The next attempt receives the rest again."""
    transcript = heard(turn(0, "one", final=True), turn(1, text, final=True, words=words))
    whole = transcript.turns[1]
    transcript.rewind_to(ResumePoint(900, 2, kept_words=len(words.split()) - 1))

    assert [each.text for each in transcript.lines] == ["one", kept]
    assert transcript.resume_points == [ResumePoint(900, 2, kept_words=len(words.split()) - 1)]
    assert transcript.turns[1].words == whole.words[:-1]


def test_a_seam_before_all_turns_takes_them_all() -> None:
    """Only a damaged trace can contain one; it is read like any other."""
    transcript = heard(turn(0, "one", final=True), turn(1, "two", final=True))
    transcript.evict(1)
    transcript.rewind_to(ResumePoint(-5, -3))

    assert transcript.turns == []
    assert transcript.is_complete


# --- what a reading changes, and turns that are elsewhere -----------------------------------------


def final(order: int, text: str = "said") -> Turn:
    return Turn(order, True, text, words=(Word(text, order * 1000, order * 1000 + 900),))


def orders(transcript: Transcript) -> list[int]:
    return [turn.turn_order for turn in transcript.turns]


def test_apply_tells_whether_a_reading_is_new() -> None:
    """An empty one does not, unless it takes words back; nor does a late partial."""
    readings = [
        (Turn(0, False, ""), False),
        (Turn(0, False, "so"), True),
        (Turn(0, False, " "), True),
        (Turn(0, True, ""), False),
        (final(0), True),
        (Turn(0, False, "late"), False),
        (final(0, "Said."), True),
    ]
    transcript = Transcript()

    assert [new for _, new in readings] == [transcript.apply(turn) for turn, _ in readings]
    assert transcript.text == "Said."


def test_old_finals_are_evicted_when_there_are_twice_as_many() -> None:
    """It happens again after as many further turns."""
    transcript = Transcript(map(final, range(5)))
    transcript.evict(3)
    assert transcript.is_complete

    transcript.apply(final(5))
    transcript.evict(3)
    assert orders(transcript) == [3, 4, 5]
    assert len(transcript) == 6
    assert not transcript.is_complete

    for number in (6, 7):
        transcript.apply(final(number))
        transcript.evict(3)
    assert orders(transcript) == [3, 4, 5, 6, 7]
    transcript.apply(final(8))
    transcript.evict(3)
    assert orders(transcript) == [6, 7, 8]
    assert len(transcript) == 9


def test_an_open_turn_and_one_of_an_impossible_number_stay() -> None:
    """An evicted turn takes one bit; an open turn is never evicted."""
    impossible = (-1, MAX_EVICTABLE_TURN, MAX_EVICTABLE_TURN + 1)
    numbers = (0, 1, MAX_EVICTABLE_TURN - 1)
    transcript = Transcript([*map(final, (*impossible, *numbers)), Turn(2, False, "open")])
    transcript.evict(0)

    assert orders(transcript) == [-1, 2, MAX_EVICTABLE_TURN, MAX_EVICTABLE_TURN + 1]
    assert len(transcript) == 7


def test_the_last_words_stay_when_every_turn_is_evicted() -> None:
    """A row of the table shows them, until the next turn, or until they will be heard again."""
    transcript = Transcript(map(final, (0, 1)))
    transcript.apply(final(2, "The last."))
    evicted = transcript.evict(0)

    assert [turn.turn_order for turn in evicted] == [0, 1, 2]
    for known in (transcript, transcript.copy()):
        assert known.latest_line is not None
        assert ("The last.", ()) == (known.latest_line.text, known.latest_line.words)
        assert (known.turns, len(known)) == ([], 3)
    again = transcript.copy()
    again.apply(final(3, "Later."))
    assert again.latest_line is not None
    assert again.latest_line.text == "Later."
    transcript.rewind_to(ResumePoint(2000, 2))
    assert transcript.latest_line is None


def test_evicted_turns_come_back() -> None:
    """Only those: a turn in memory may be newer, and unknown turns stay unknown."""
    transcript = Transcript(map(final, range(6)))
    transcript.evict(2)
    transcript.apply(final(5, "Later."))
    transcript.restore(final(order, "from disk") for order in range(8))

    assert [turn.transcript for turn in transcript.turns] == [*["from disk"] * 4, "said", "Later."]
    assert transcript.is_complete
    assert len(transcript) == 6


def test_a_later_reading_of_an_evicted_turn_is_kept() -> None:
    """A late partial does not."""
    transcript = Transcript(map(final, range(6)))
    transcript.evict(2)

    assert not transcript.apply(Turn(1, False, "late"))
    assert transcript.apply(final(1, "Formatted."))
    assert orders(transcript) == [1, 4, 5]
    assert len(transcript) == 6


def test_evicted_turns_behind_a_resume_point_will_be_heard_again() -> None:
    """The dropped turns do not count as evicted; earlier ones do."""
    transcript = Transcript(map(final, range(8)))
    transcript.evict(2)
    transcript.rewind_to(ResumePoint(2000, 2))

    assert len(transcript) == 2
    assert not transcript.is_complete
    transcript.rewind_to(ResumePoint(0, 0))
    assert transcript.is_complete


def test_a_copy_has_all_and_goes_its_own_way() -> None:
    """Another thread can read the copy while the transcript changes."""
    transcript = Transcript(map(final, range(4)), [ResumePoint(2000, 2)])
    transcript.evict(1)
    copied = transcript.copy()
    transcript.apply(final(9))
    transcript.rewind_to(ResumePoint(1000, 1))

    assert (orders(copied), len(copied), copied.is_complete) == ([3], 4, False)
    assert copied.resume_points == [ResumePoint(2000, 2)]


def test_the_last_turns_are_by_number() -> None:
    """The order of arrival does not matter; there may be fewer."""
    transcript = Transcript(map(final, (2, 0, 1)))

    assert [turn.turn_order for turn in transcript.last_turns(2)] == [1, 2]
    assert [turn.turn_order for turn in transcript.last_turns(9)] == [0, 1, 2]
    assert transcript.last_turns(0) == []


def test_a_divided_turn_keeps_its_first_words() -> None:
    """The utterance, which covers all words, is dropped; reformatted text is rebuilt from words."""
    words = tuple(Word(text, 0, 1) for text in ("so", "it", "is"))
    cases = {"  so it is ": "  so", "So, it is": "So,", "so it's": "so"}
    for text, kept in cases.items():
        transcript = Transcript([Turn(0, True, text, utterance="whole", words=words)])
        transcript.rewind_to(ResumePoint(500, 1, 1))
        (turn,) = transcript.turns
        assert (turn.transcript, turn.utterance, turn.words) == (kept, "", words[:1])

    whole = Turn(0, True, "so it is", utterance="whole", words=words)
    transcript = Transcript([whole])
    transcript.rewind_to(ResumePoint(500, 1, 3))
    assert transcript.turns == [whole]


def test_settled_and_unsettled_words_are_joined_by_spaces() -> None:
    """The turns are from both model families."""
    words = tuple(Word(text, 0, 1, word_is_final=text in ("a", "b")) for text in "abcd")
    u3 = transcript_line(Turn(0, False, "a b c d", words=words))
    universal = transcript_line(Turn(0, False, "a b", words=words))

    assert (u3.stable_text, u3.unstable_text) == ("a b", "c d")
    assert (universal.stable_text, universal.unstable_text) == ("a b", "c d")


def test_a_turn_that_has_lost_its_words_is_split_by_its_text() -> None:
    """A later final of the same turn may have words that cannot be true, so they were dropped."""
    transcript = Transcript([Turn(0, True, "one two three")])
    transcript.rewind_to(ResumePoint(1920, 1, kept_words=2))

    assert transcript.text == "one two"
