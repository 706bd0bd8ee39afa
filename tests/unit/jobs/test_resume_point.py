from workers.jobs.events import Connecting, Outcome
from workers.jobs.resume_point import (
    RECORDING_START,
    TORN_WORD_MARGIN_MS,
    ResumePoint,
    ResumeTracker,
)
from workers.jobs.word_times import TIME_TOLERANCE_MS
from workers.protocol.messages import Turn, Word

END = Word("end", 900, 900)


def turn(order: int, start: int, end: int, *, final: bool = True) -> Turn:
    return Turn(order, final, "word", words=(Word("word", start, end),))


def words(order: int, *times: tuple[int, int]) -> Turn:
    text = " ".join("some" for _ in times)
    return Turn(order, True, text, words=tuple(Word("some", *each) for each in times))


def bearings(
    *turns: Turn, sent: float = 60.0, started_from: ResumePoint = RECORDING_START
) -> ResumePoint:
    found = ResumeTracker(started_from)
    found.apply_progress(sent)
    for each in turns:
        found.apply_turn(each, cut=False)
    return found.resume_point


def test_nothing_final_leaves_it_where_it_began() -> None:
    """A partial proves nothing."""
    assert bearings(turn(0, 0, 900, final=False)) == RECORDING_START
    assert bearings(
        turn(4, 7000, 7900, final=False), started_from=ResumePoint(7000, 4)
    ) == ResumePoint(7000, 4)


def test_the_end_of_the_last_final_turn_is_the_place() -> None:
    """Repeated or late messages do not change that."""
    assert bearings(turn(0, 0, 900), turn(1, 1000, 1900)) == ResumePoint(1900, 2)
    assert bearings(turn(0, 0, 900), turn(0, 0, 950)) == ResumePoint(950, 1)
    assert bearings(turn(1, 1000, 1900), turn(0, 0, 900)) == ResumePoint(1900, 2)


def test_an_end_that_is_padded_into_the_next_turn_is_taken_back() -> None:
    """Its first word would be missing."""
    assert bearings(turn(0, 0, 2300), turn(1, 1800, 2600, final=False)) == ResumePoint(1800, 1)


def test_of_several_open_turns_behind_a_final_the_first_counts() -> None:
    """It does not matter which came last; the latest version of a moved turn counts."""
    final = turn(0, 0, 5000)
    first, second = turn(1, 1500, 2000, final=False), turn(2, 3000, 3500, final=False)

    assert bearings(final, first, second) == ResumePoint(1500, 1)
    assert bearings(final, second, first) == ResumePoint(1500, 1)
    assert bearings(final, first, turn(1, 1800, 2000, final=False)) == ResumePoint(1800, 1)


def test_a_final_without_times_is_heard_again() -> None:
    """Its end is unknown."""
    assert bearings(turn(0, 0, 900), Turn(1, True, "words without times")) == ResumePoint(900, 1)


def test_a_turn_that_was_cut_is_heard_again() -> None:
    """The end of the session was not the end of the sentence."""
    found = ResumeTracker()
    found.apply_progress(60.0)
    found.apply_turn(turn(0, 0, 900), cut=False)
    found.apply_turn(turn(1, 1000, 1900), cut=True)

    assert found.resume_point == ResumePoint(900, 1)


def test_a_final_whose_times_cannot_be_is_heard_again() -> None:
    """Zeros, for example: to keep the turn and go back would repeat it."""
    assert bearings(turn(0, 0, 900), turn(1, 0, 0)) == ResumePoint(900, 1)
    assert bearings(turn(0, 0, 0), turn(1, 1000, 1900)) == ResumePoint(1900, 2)
    assert bearings(turn(0, 0, 900), words(1, (1000, 1900), (0, 0))) == ResumePoint(900, 1)


def test_a_partial_whose_times_cannot_be_takes_nothing_back() -> None:
    """No end is padded by more than a word."""
    assert bearings(words(0, (0, 400), (500, 900)), turn(1, 0, 0, final=False)) == ResumePoint(
        900, 1
    )
    assert bearings(turn(0, 0, 900), turn(1, 0, 0, final=False)) == ResumePoint(900, 1)
    early = words(0, (-600, 400), (-500, 900))
    assert bearings(early, turn(1, 10, 1900, final=False)) == ResumePoint(900, 1)


def test_a_partial_that_comes_behind_its_final_is_nothing() -> None:
    """It does not split a turn elsewhere either."""
    cut, late = words(1, (1000, 50_000), (50_000, 59_990)), turn(1, 1000, 3000, final=False)

    assert handed_over((cut, True), (late, True)).resume_point == ResumePoint(
        50_000, 2, kept_words=1
    )
    assert bearings(turn(0, 0, 900), turn(0, 100, 500, final=False)) == ResumePoint(900, 1)


def test_a_turn_whose_end_was_never_told_is_not_divided() -> None:
    """It is unknown which of its words would have stayed."""
    assert not handed_over((turn(1, 1000, 50_000, final=False), True)).has_advanced


def test_no_time_that_a_server_tells_skips_audio() -> None:
    """Ends are padded a little beyond the audio sent; no turn takes a job back before its start."""
    assert bearings(turn(0, 0, 3000 + TIME_TOLERANCE_MS), sent=3.0).at_ms == 3000
    assert bearings(turn(0, 0, 3001 + TIME_TOLERANCE_MS), sent=3.0) == RECORDING_START
    assert bearings(turn(0, 0, 2**62), sent=3.0) == RECORDING_START
    assert bearings(turn(4, 0, 10), started_from=ResumePoint(7000, 4)) == ResumePoint(7000, 4)


def test_what_was_sent_later_was_not_heard_before() -> None:
    """The audio sent when a turn first arrived limits its padded end."""
    found = ResumeTracker()
    found.apply_progress(2.0)
    found.apply_turn(turn(0, 0, 2900), cut=False)
    found.apply_progress(9.0)
    found.apply_turn(turn(0, 0, 2900), cut=False)

    assert found.resume_point == ResumePoint(2000, 1)


def handed_over(*turns: tuple[Turn, bool], sent: float = 60.0) -> ResumeTracker:
    found = ResumeTracker(ResumePoint(1000, 1))
    found.apply_progress(sent)
    for each, cut in turns:
        found.apply_turn(each, cut=cut)
    found.end_attempt(Outcome.HANDED_OVER)
    return found


def test_who_hands_over_in_silence_has_heard_all_that_was_sent() -> None:
    """Otherwise the same silence would be sent for ever. But a word may just have started."""
    assert handed_over().resume_point == ResumePoint(59_000, 1)
    assert handed_over(sent=1.8).resume_point == ResumePoint(1800, 1)
    assert handed_over((Turn(1, True, "words without times"), False)).resume_point == ResumePoint(
        60_000, 2
    )


def test_who_hands_over_behind_a_turn_goes_on_there() -> None:
    """The server may not have processed the rest of the audio, as after any other end."""
    assert handed_over((turn(1, 1000, 1900), False)).resume_point == ResumePoint(1900, 2)


def test_who_hands_over_in_a_turn_goes_on_before_it() -> None:
    """It does not matter whether the server sent the rest of it."""
    first, second = turn(1, 1000, 1900), turn(2, 2000, 2900, final=False)
    whole = turn(2, 2000, 3900)

    assert handed_over((first, False), (second, False)).resume_point == ResumePoint(1900, 2)
    assert handed_over((first, False), (second, False), (whole, True)).resume_point == ResumePoint(
        1900, 2
    )


def test_a_turn_that_is_longer_than_a_session_is_divided() -> None:
    """Otherwise no session would ever get further."""
    part, cut = turn(1, 1000, 50_000, final=False), words(1, (1000, 50_000), (51_000, 58_900))

    assert handed_over((part, False), (cut, True)).resume_point == ResumePoint(58_900, 2)


def test_it_is_divided_before_a_word_that_may_not_have_ended() -> None:
    """It is received again and does not belong to the previous turn."""
    cut = words(1, (1000, 50_000), (58_000, 59_200))
    padded = words(1, (1000, 58_000), (58_000, 60_900))
    timeless = words(1, (1000, 58_000), (0, 0))
    alone = turn(1, 58_000, 60_000)

    assert handed_over((cut, True)).resume_point == ResumePoint(50_000, 2, kept_words=1)
    assert handed_over((padded, True)).resume_point == ResumePoint(58_000, 2, kept_words=1)
    assert handed_over((timeless, True)).resume_point == ResumePoint(58_000, 2, kept_words=1)
    assert handed_over((alone, True)).resume_point == ResumePoint(58_000, 1)


def test_a_word_as_long_as_a_session_is_divided() -> None:
    """Otherwise no session would get further; impossible times do not take the job back."""
    assert handed_over((turn(1, 1000, 60_000), True)).resume_point == ResumePoint(60_000, 2)
    assert handed_over((words(1, (10, 900), (950, 60_000)), True)).resume_point == ResumePoint(
        60_000, 2
    )
    assert handed_over(
        (words(1, (70_000, 80_000), (80_000, 90_000)), True)
    ).resume_point == ResumePoint(60_000, 2)


def test_of_several_turns_that_ended_with_the_session_the_last_is_divided() -> None:
    """It does not matter which of them is repeated."""
    one, two = words(1, (1000, 30_000)), words(2, (31_000, 50_000), (50_000, 59_990))

    for turns_sent in (one, two), (one, two, two), (one, two, one):
        found = handed_over(*((each, True) for each in turns_sent))
        assert found.resume_point == ResumePoint(50_000, 3, kept_words=1)


def test_who_gets_no_further_is_told_from_who_does() -> None:
    """A session too short for anything."""
    assert not handed_over(sent=1.0).has_advanced
    assert handed_over(sent=1.1).has_advanced


def test_who_did_not_hand_over_has_not_heard_all_that_was_sent() -> None:
    """The server may have died long before the client noticed."""
    found = ResumeTracker()
    found.apply_progress(60.0)
    found.end_attempt(Outcome.LOST)

    assert found.resume_point == RECORDING_START


def test_a_place_is_read_back_from_the_attempt_that_began_there() -> None:
    """The words of a divided turn are restored too."""
    event = Connecting("ws://x", "ab", 1900, 2, 3)

    assert ResumePoint.from_connecting(event) == ResumePoint(1900, 2, 3)


def test_the_margin_of_a_torn_word_is_exactly_a_second() -> None:
    """A word that ends so long before the end of the audio is complete."""
    whole = words(1, (1000, 50_000), (51_000, 60_000 - TORN_WORD_MARGIN_MS))
    torn = words(1, (1000, 50_000), (51_000, 60_001 - TORN_WORD_MARGIN_MS))

    assert handed_over((whole, True)).resume_point == ResumePoint(59_000, 2)
    assert handed_over((torn, True)).resume_point == ResumePoint(50_000, 2, kept_words=1)


def test_words_that_end_with_what_was_sent_are_no_place_to_divide() -> None:
    """Nor is a word that starts there: the next session would miss it."""
    both = words(1, (1000, 60_000), (60_000, 61_000))

    assert handed_over((both, True)).resume_point == ResumePoint(60_000, 2)
    assert handed_over((turn(1, 60_000, 61_000), True)).resume_point == ResumePoint(60_000, 2)


def test_of_three_words_all_but_the_last_are_kept() -> None:
    """The last one may be torn."""
    three = words(1, (1000, 20_000), (20_000, 50_000), (50_000, 59_990))

    assert handed_over((three, True)).resume_point == ResumePoint(50_000, 2, kept_words=2)


def test_a_final_without_times_cuts_no_session_short() -> None:
    """Only the audio sent limits where it ended."""
    timeless = Turn(1, True, "words without times")

    assert handed_over((timeless, True)).resume_point == ResumePoint(60_000, 2)


def test_a_later_reading_of_an_open_turn_moves_its_begin() -> None:
    """If several turns are open, only the first counts."""
    late, early = turn(1, 1800, 2600, final=False), turn(1, 1700, 2600, final=False)
    other = turn(2, 1600, 2600, final=False)

    assert bearings(turn(0, 0, 2300), late, early) == ResumePoint(1700, 1)
    assert bearings(turn(0, 0, 2300), early, late) == ResumePoint(1800, 1)
    assert bearings(turn(0, 0, 2300), late, other) == ResumePoint(1800, 1)


def test_a_last_word_without_length_is_heard_again() -> None:
    """Nobody knows where it ends: the position is the start of that word, and its index."""
    assert bearings(words(0, (100, 100), (500, 500), (900, 900))) == ResumePoint(900, 1, 2)
    assert bearings(turn(0, 900, 900)) == ResumePoint(900, 0)
    assert bearings(turn(0, 0, 400), turn(1, 900, 900)) == ResumePoint(900, 1)
    cut = words(1, (2000, 2000), (50_000, 50_000))
    assert handed_over((cut, True)).resume_point == ResumePoint(50_000, 2, kept_words=1)


def test_a_word_without_length_is_not_split_off_a_text_of_other_words() -> None:
    """The turn is heard again as a whole."""
    other = Turn(0, True, "twenty five", words=(Word("25", 100, 100), Word("so", 500, 500), END))

    assert bearings(other) == ResumePoint(100, 0)


def test_a_word_that_starts_after_the_audio_sent_is_no_evidence() -> None:
    """Only ends are padded."""
    assert bearings(words(0, (0, 400), (3000, 3100)), sent=3.0).at_ms == 3000
    assert bearings(words(0, (0, 400), (3001, 3100)), sent=3.0) == RECORDING_START


def test_a_word_that_outlasts_the_last_one_is_no_evidence() -> None:
    """The words contradict each other about where the turn ends."""
    assert bearings(words(0, (0, 2000), (500, 900))) == RECORDING_START


def test_more_words_than_anyone_can_say_are_no_evidence() -> None:
    """A server may count in seconds instead of milliseconds, over many turns."""
    at_once = words(0, *[(500, 900)] * 5)
    seconds = [words(order, (order, order), (order, order + 1)) for order in range(9)]

    assert bearings(at_once) == RECORDING_START
    assert bearings(*seconds) == RECORDING_START


def test_a_turn_that_goes_back_is_no_evidence() -> None:
    """Nor is anything that the server says by a clock that has started over."""
    found = ResumeTracker()
    for order, (sent_s, start) in enumerate(
        [(10.0, 9000), (20.0, 19_000), (30.0, 9000), (40.0, 19_500), (50.0, 29_500)]
    ):
        found.apply_progress(sent_s)
        found.apply_turn(turn(order, start, start + 900), cut=False)

    assert found.resume_point == ResumePoint(19_900, 2)


def test_a_clock_that_went_wrong_for_one_turn_is_believed_again() -> None:
    """The next turn arrives with the delay of those before."""
    found = ResumeTracker()
    for order, start in enumerate([9000, 400, 29_000]):
        found.apply_progress(10.0 * (order + 1))
        found.apply_turn(turn(order, start, start + 900), cut=False)

    assert found.resume_point == ResumePoint(29_900, 3)


def test_a_final_that_goes_on_ends_later() -> None:
    """The audio sent before it came first no longer limits it; its padding still does."""
    found = ResumeTracker()
    found.apply_progress(1.0)
    found.apply_turn(words(0, (0, 900)), cut=False)
    found.apply_progress(4.0)
    found.apply_turn(words(0, (0, 900), (1000, 1900)), cut=False)

    assert found.resume_point == ResumePoint(1900, 1)


def test_an_end_is_taken_back_no_further_than_its_last_word() -> None:
    """If the last two words overlap, the second-to-last word is the limit."""
    turns = words(0, (0, 2000), (100, 300), (400, 2300))

    assert bearings(turns, turn(1, 500, 2600, final=False)) == ResumePoint(500, 1)
    assert bearings(turns, turn(1, 400, 2600, final=False)) == ResumePoint(2300, 1)
