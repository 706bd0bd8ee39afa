import pytest

from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.jobs.word_times import TIME_TOLERANCE_MS
from workers.protocol.messages import Turn, Word
from workers.session.turn_validation import (
    MAX_REMEMBERED_TURNS,
    MAX_SKIPPED_NUMBERS,
    TurnFault,
    TurnValidator,
)


class Checked:
    """A validator, and the faults that it has reported."""

    def __init__(self, start: ResumePoint = RECORDING_START) -> None:
        self.faults: list[TurnFault] = []
        self._validator = TurnValidator(start, lambda fault, said: self.faults.append(fault))

    def numbers(self, *turns: Turn, sent_s: float = 600.0) -> list[int | None]:
        """The numbers of turns; None for those that say nothing new."""
        checked = (self._validator.validate(turn, sent_s) for turn in turns)
        return [None if turn is None else turn.turn_order for turn in checked]

    def checked(self, turn: Turn, sent_s: float = 600.0) -> Turn:
        found = self._validator.validate(turn, sent_s)
        assert found is not None
        return found


def turn(order: int, text: str, start: int | None = None, *, final: bool = True) -> Turn:
    """Each word takes a second; without ``start`` there are no times."""
    words = [
        Word(word, start + 1000 * index, start + 1000 * index + 900)
        for index, word in enumerate(text.split())
        if start is not None
    ]
    return Turn(order, final, text, words=tuple(words))


def test_numbers_and_times_continue_those_of_earlier_attempts() -> None:
    """A new session counts from zero."""
    found = Checked(ResumePoint(9000, 4)).checked(turn(1, "word", 20))

    assert (5, 9020) == (found.turn_order, found.words[0].start)


def test_an_honest_server_is_believed() -> None:
    """Partials, formatted finals, late partials, empty finals and numbers that are left out."""
    server = Checked()

    assert [0, 0, 0, None] == server.numbers(
        turn(0, "helo", 0, final=False),
        turn(0, "hello there", 0),
        turn(0, "Hello there.", 0),
        turn(0, "helo", 0, final=False),
    )
    assert [1] == server.numbers(Turn(1, True, ""))
    assert [2, 4, 3] == server.numbers(
        turn(2, "two", 5000), turn(4, "four", 9000, final=False), turn(3, "three", 7000)
    )
    assert [4, 104] == server.numbers(turn(4, "four", 9000), turn(104, "later", 20_000))
    assert [] == server.faults


@pytest.mark.parametrize("padding_ms", [0, 1300, 2300])
def test_padded_turns_that_overlap_are_two_turns(padding_ms: int) -> None:
    """The service starts turns up to 1 s early and ends them up to 1.3 s late."""
    server = Checked()
    yes = Turn(0, True, "Yes.", words=(Word("Yes.", 5000, 5300 + padding_ms),))
    early = Turn(1, False, "Yes", words=(Word("Yes", 5600, 5900),))
    again = Turn(1, True, "Yes.", words=(Word("Yes.", 5600, 5900 + padding_ms),))

    assert [0, 1, 1] == server.numbers(yes, early, again)
    assert [] == server.faults


@pytest.mark.parametrize(
    "orders",
    [(2**62, 2**62 + 1, 2**62 + 2), (-1, -2, -3), (0, 0, 0), (5, 2, 5), (0, 10**30, 1)],
    ids=str,
)
@pytest.mark.parametrize("timed", [True, False])
def test_turns_with_numbers_that_cannot_be_are_kept_in_order_of_arrival(
    orders: tuple[int, ...], timed: bool
) -> None:
    """Each with its partial."""
    server, texts = Checked(), ("one two", "three four", "five six")
    numbers = []
    for index, (order, text) in enumerate(zip(orders, texts, strict=True)):
        start = 3000 * index if timed else None
        server.numbers(turn(order, text.split()[0], start, final=False))
        numbers += server.numbers(turn(order, text, start))

    assert numbers == sorted({number for number in numbers if number is not None})
    assert [TurnFault.NUMBER] * len(server.faults) == server.faults != []


def test_a_number_far_ahead_cannot_be() -> None:
    """A server may leave numbers out, but not hundreds."""
    server = Checked()

    assert [MAX_SKIPPED_NUMBERS] == server.numbers(turn(MAX_SKIPPED_NUMBERS, "a", 0))
    far = turn(2 * MAX_SKIPPED_NUMBERS + 2, "b", 2000)
    assert [MAX_SKIPPED_NUMBERS + 1] == server.numbers(far)
    assert [TurnFault.NUMBER] == server.faults


def test_a_turn_that_is_too_old_to_be_known_is_a_new_one() -> None:
    """Hours of turns are not remembered."""
    server = Checked()
    texts = [f"text {number}" for number in range(MAX_REMEMBERED_TURNS + 1)]
    server.numbers(*(turn(number, text, 3000 * number) for number, text in enumerate(texts)))

    assert [MAX_REMEMBERED_TURNS + 1] == server.numbers(turn(0, "new words", 500_000))
    assert [5, 6] == server.numbers(turn(5, "text 5", 15_000), turn(6, "text 6", 18_000))


def test_a_final_is_not_replaced_by_a_part_of_itself() -> None:
    """Nor does a partial make it open again."""
    server = Checked()

    assert [0, None, None, 0] == server.numbers(
        turn(0, "one two three", 0),
        turn(0, "one three", 0),
        turn(0, "one", 0, final=False),
        turn(0, "One, two, three.", 0),
    )
    assert [TurnFault.SHRUNK] == server.faults


def test_the_same_words_at_the_same_time_are_one_turn() -> None:
    """Whatever its number is; without times, a speaker may have repeated himself."""
    assert [0, 0, 1] == Checked().numbers(
        turn(0, "thank you", 0), turn(1, "thank you", 0), turn(1, "thank you", 5000)
    )
    assert [0, 1] == Checked().numbers(turn(0, "thank you"), turn(1, "thank you"))


def test_of_two_finals_about_the_same_audio_the_later_one_counts() -> None:
    """About other audio it is another turn, although the number is the same."""
    assert [0, 0] == Checked().numbers(turn(0, "wrong ones", 0), turn(0, "right words", 0))
    assert [0, 1] == Checked().numbers(turn(0, "some words", 0), turn(0, "right words", 4000))


def test_a_formatted_final_without_times_replaces_the_unformatted_one() -> None:
    """Even if formatting leaves no word as it was."""
    formatted = Turn(0, True, "42.", turn_is_formatted=True)

    assert [0, 0] == Checked().numbers(turn(0, "forty two"), formatted)


@pytest.mark.parametrize(
    ("words", "sent_s"),
    [
        ([(0, 900), (1000, 3001 + TIME_TOLERANCE_MS)], 3.0),
        ([(-1 - TIME_TOLERANCE_MS, 900), (1000, 1900)], 3.0),
        ([(1000, 1900), (0, 900)], 3.0),
        ([(900, 0), (1000, 1900)], 3.0),
        ([(500, 900)] * 2, 3.0),
        ([(2**62, 2**62 + 1), (2**62 + 50, 2**62 + 51)], 3.0),
    ],
)
def test_times_that_cannot_be_are_dropped(words: list[tuple[int, int]], sent_s: float) -> None:
    """The text is kept."""
    server = Checked()
    lied = Turn(0, True, "some words", words=tuple(Word("some", *each) for each in words))
    lied = Turn(0, True, "some some", words=lied.words)
    found = server.checked(lied, sent_s)

    assert ("some some", ()) == (found.transcript, found.words)
    assert [TurnFault.TIMES] == server.faults


def test_times_before_the_previous_turn_are_dropped() -> None:
    """The clock of the server has started over; a little overlap is padding."""
    server = Checked()
    server.checked(turn(0, "first", 10_000))
    padded = server.checked(turn(1, "second", 10_900 - TIME_TOLERANCE_MS))
    back = server.checked(turn(2, "third", 100))

    assert padded.words
    assert not back.words
    assert [TurnFault.TIMES] == server.faults


@pytest.mark.parametrize(
    ("transcript", "words", "text", "is_timed", "faults"),
    [
        ("It costs 42.", "it costs forty two", "It costs 42.", True, []),
        ("你好世界。", "你 好 世 界", "你好世界。", True, []),
        ("one two", "one two three", "one two three", True, [TurnFault.SHORT_TRANSCRIPT]),
        ("", "one two", "one two", True, [TurnFault.SHORT_TRANSCRIPT]),
        ("one two three", "one two", "one two three", False, [TurnFault.WORDS]),
        ("one two", "zzz qqq", "one two", False, [TurnFault.WORDS]),
        ("My name is ####", "my name is john", "My name is ####", True, []),
    ],
)
def test_a_final_whose_words_disagree_with_its_transcript(
    transcript: str, words: str, text: str, is_timed: bool, faults: list[TurnFault]
) -> None:
    """No word is lost, none that was hidden is shown, and formatting is no disagreement."""
    server = Checked()
    timed = turn(0, words, 0).words
    found = server.checked(Turn(0, True, transcript, words=timed))

    assert (text, is_timed) == (found.transcript, bool(found.words))
    assert faults == server.faults


def test_the_words_of_a_partial_may_go_on() -> None:
    """Universal-Streaming has only final words in its transcript."""
    server = Checked()
    partial = Turn(0, False, "the", words=(Word("the", 0, 80), Word("inv", 90, 150)))

    assert "the" == server.checked(partial).transcript
    assert [] == server.faults
