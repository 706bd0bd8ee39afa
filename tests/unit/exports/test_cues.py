"""Cues: where a transcript is cut, when each part is shown, and what always holds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.exports.cues import (
    MAX_CUE_LINES,
    MAX_CUE_MS,
    MIN_CUE_MS,
    PREFERRED_MIN_CUE_MS,
    Cue,
    cues,
)
from workers.exports.line_breaks import ALPHABETIC
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn, Word

ORDINARY = st.text("abcdefghij.,!? ", min_size=1, max_size=400)


def heard(*turns: Turn, seconds: float = 0.0) -> JobState:
    transcript = Transcript(turns)
    return JobState(JobId(1), "x.wav", transcript=transcript, total_seconds=seconds)


def turn(text: str, order: int = 0, start: int = 0, each: int = 300, gap: int = 100) -> Turn:
    """Every word lasts ``each`` ms and is followed by ``gap`` ms of silence."""
    places = range(start, start + len(text.split()) * (each + gap), each + gap)
    words = tuple(Word(w, at, at + each) for w, at in zip(text.split(), places, strict=True))
    return Turn(order, True, text, words=words)


def shown(job_state: JobState) -> list[str]:
    return [" / ".join(cue.lines) for cue in cues(job_state)]


def times(job_state: JobState) -> list[tuple[int, int]]:
    return [(cue.start_ms, cue.end_ms) for cue in cues(job_state)]


@st.composite
def transcripts(draw: st.DrawFn) -> JobState:
    """Turns with as many words as they have, with fewer, with none, and in no order of time."""
    turns = []
    for order, text in enumerate(draw(st.lists(ORDINARY, max_size=6))):
        count = draw(st.sampled_from([0, 1, len(text.split()), len(text.split())]))
        at = draw(st.integers(0, 20_000))
        words = []
        for place in range(count):
            at += draw(st.integers(0, 1500))
            end = at + draw(st.integers(0, 900))
            words.append(Word((text.split() or ["x"])[place % max(1, len(text.split()))], at, end))
            at = end
        turns.append(Turn(order, draw(st.booleans()), text, words=tuple(words)))
    return heard(*turns, seconds=draw(st.floats(0, 100)))


# --- where cues are cut -------------------------------------------------------------------------


def test_a_short_turn_is_one_cue_on_one_line():
    """It appears with its first word and lingers for the second that reading takes."""
    job_state = heard(turn("Hello there.", start=2000, each=200))

    assert [Cue(2000, 3000, ("Hello there.",))] == cues(job_state)


def test_a_longer_turn_breaks_into_two_lines_alike_in_length():
    """A line break after punctuation is worth a little unevenness."""
    job_state = heard(
        turn("We observe today not a victory of party, but a celebration of freedom.")
    )

    assert ["We observe today not a victory of party, / but a celebration of freedom."] == shown(
        job_state
    )


def test_a_cue_ends_with_a_sentence_before_it_runs_out():
    """A cue need not use all 84 characters, nor all 7 seconds."""
    job_state = heard(
        turn(
            "My fellow citizens of the world, ask not. "
            "What will America do for you? It is what together we can do for freedom.",
            each=150,
        )
    )

    assert [
        "My fellow citizens of the world, ask not. / What will America do for you?",
        "It is what together we can do for freedom.",
    ] == shown(job_state)


def test_a_cue_ends_at_a_pause():
    """A cue does not show words from after a silence before it."""
    before, after = turn("the winner is", each=400), turn("our neighbour", start=3000, each=600)
    both = Turn(0, True, "the winner is our neighbour", words=before.words + after.words)

    assert ["the winner is", "our neighbour"] == shown(heard(both))


def test_a_long_sentence_is_cut_at_a_comma():
    """Without a full stop in reach, a clause is the next best thing to end with."""
    job_state = heard(
        turn(
            "It had been sitting on the desk of the accountant since the early days, "
            "and nobody had ever opened it or asked for it.",
            each=150,
        )
    )

    assert [
        "It had been sitting on the desk of / the accountant since the early days,",
        "and nobody had ever / opened it or asked for it.",
    ] == shown(job_state)


def test_a_word_too_long_for_a_line_stands_alone():
    """It is not split, and no other words share its cue."""
    assert ["so", "x" * 60, "it was"] == shown(heard(turn(f"so {'x' * 60} it was", each=900)))


def test_an_unfinished_turn_is_shown_too():
    """A viewer reads all words, final or not."""
    words = (Word("How", 0, 90), Word("ar", 100, 150, word_is_final=False))

    assert ["How ar"] == shown(heard(Turn(0, False, "How", words=words)))


# --- when they are shown ------------------------------------------------------------------------


def test_a_cue_gives_way_to_the_next_one():
    """It stays no longer than until the next words."""
    job_state = heard(turn("Yes.", 0, 0), turn("No.", 1, 700), turn("Maybe.", 2, 9000))

    assert [(0, 700), (700, 1700), (9000, 10_000)] == times(job_state)


def test_cues_of_turns_at_the_same_moment_follow_each_other():
    """None is lost, and each stays long enough to be seen."""
    job_state = heard(turn("Yes.", 0, 1000), turn("No.", 1, 1000), turn("Maybe.", 2, 1000))

    assert [(1000, 1500), (1500, 2000), (2000, 3000)] == times(job_state)


def test_a_turn_without_times_stands_between_its_neighbours():
    """It begins where the one before it ends, at the pace of speech."""
    silent = Turn(1, True, "And this came without.")
    job_state = heard(turn("First.", 0, 0, each=600), silent, turn("Last.", 2, 20_000))

    assert [(0, 600), (600, 2120), (20_000, 21_000)] == times(job_state)


def test_turns_without_times_share_a_silence_that_is_too_short():
    """Each gets room after its length, and the turn that follows keeps its time."""
    long, short = Turn(1, True, "This one is twice as long."), Turn(2, True, "As this one.")
    job_state = heard(turn("First.", 0, 0, each=600), long, short, turn("Last.", 3, 2250))

    assert [(0, 600), (600, 1718), (1718, 2250), (2250, 3250)] == times(job_state)


def test_turns_without_any_times_are_spread_over_the_recording():
    """Only its duration is known."""
    job_state = heard(Turn(0, True, "One, two."), Turn(1, True, "Six, ten."), seconds=10)

    assert [(0, 1000), (5000, 6000)] == times(job_state)


@pytest.mark.parametrize("word", [Word("Hi.", -5, 9), Word("Hi.", 9, 5), Word("Hi.", 0, 10**12)])
def test_times_that_cannot_be_are_not_believed(word: Word):
    """A word before the start, ended before it began, or beyond a hundred hours, has no time."""
    assert [(0, 1000)] == times(heard(Turn(0, True, "Hi.", words=(word,)), seconds=1))


def test_words_that_formatting_joined_take_their_times_from_their_place():
    """The server timed three words, the transcript has two: the pause stays where it was."""
    words = (Word("twenty", 0, 500), Word("five", 500, 1000), Word("dollars", 4000, 5000))
    job_state = heard(Turn(0, True, "twentyfive dollars", words=words))

    assert [(0, 1000), (4000, 5000)] == times(job_state)


# --- what always holds --------------------------------------------------------------------------


@given(transcripts())
def test_no_word_is_lost(history: JobState):
    """The words of all cues, in order, are the words of the transcript."""
    said = [word for line in cues(history) for text in line.lines for word in text.split()]

    assert history.transcript.text.split() == said


@given(transcripts())
def test_cues_keep_to_the_limits(history: JobState):
    """Lines and times are limited; only a single long word may exceed them."""
    for cue in cues(history):
        assert len(cue.lines) <= MAX_CUE_LINES
        assert (
            all(len(line) <= ALPHABETIC.max_cells for line in cue.lines) or " " not in cue.lines[0]
        )
        assert MIN_CUE_MS <= cue.end_ms - cue.start_ms <= MAX_CUE_MS


@given(transcripts())
def test_cues_do_not_overlap(history: JobState):
    """A cue ends when the next one starts; only lack of room makes one short."""
    for cue, following in pairwise(cues(history)):
        assert cue.end_ms <= following.start_ms
        assert cue.end_ms == following.start_ms or cue.end_ms - cue.start_ms >= PREFERRED_MIN_CUE_MS


# --- limits to the character and the millisecond -----------------------------------------------


def spoken(*words: tuple[str, int, int]) -> JobState:
    """A turn of these words, each with its start and end in ms."""
    text = " ".join(word for word, _, _ in words)
    return heard(Turn(0, True, text, words=tuple(Word(*word) for word in words)))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a" * 20 + " " + "b" * 21, ["a" * 20 + " " + "b" * 21]),  # 42 characters
        ("a" * 20 + " " + "b" * 22, ["a" * 20 + " / " + "b" * 22]),  # 43 characters
    ],
)
def test_a_line_holds_42_characters_and_not_43(text: str, lines: list[str]):
    """One character more takes a second line."""
    assert lines == shown(heard(turn(text)))


@pytest.mark.parametrize(("top", "bottom"), [(42, 42), (42, 41), (41, 42)])
def test_both_lines_of_a_cue_hold_42_characters(top: int, bottom: int):
    """Each is made of two words, and no other break would fit."""
    text = " ".join(["a" * 20, "b" * (top - 21), "c" * 20, "d" * (bottom - 21)])

    (cue,) = cues(heard(turn(text, each=100, gap=10)))
    assert [top, bottom] == [len(line) for line in cue.lines]


@pytest.mark.parametrize(("top", "bottom"), [(43, 42), (42, 43)])
def test_a_line_of_43_characters_makes_another_cue(top: int, bottom: int):
    """Two lines of 42 are all that a cue holds."""
    text = " ".join(["a" * 20, "b" * (top - 21), "c" * 20, "d" * (bottom - 21)])

    assert 2 == len(cues(heard(turn(text, each=100, gap=10))))


def test_a_break_leaves_no_line_too_long():
    """A break after the comma would please more, but its second line would have 45 characters."""
    text = "Well, " + " ".join(["a" * 14, "b" * 14, "c" * 15])
    (cue,) = cues(heard(turn(text, each=100, gap=10)))

    assert ("Well, " + "a" * 14, "b" * 14 + " " + "c" * 15) == cue.lines


@pytest.mark.parametrize(("end_ms", "count"), [(MAX_CUE_MS, 1), (MAX_CUE_MS + 1, 2)])
def test_a_cue_lasts_seven_seconds_and_no_longer(end_ms: int, count: int):
    """A word that ends later is in the next cue."""
    assert count == len(cues(spoken(("so", 0, 3000), ("it", 3000, 6000), ("is", 6000, end_ms))))


def test_a_word_of_eight_seconds_is_shown_for_seven():
    """A single word cannot be cut."""
    assert [(0, MAX_CUE_MS)] == times(spoken(("so", 0, 8000)))


@pytest.mark.parametrize(
    ("silence_ms", "lines"), [(600, ["and so it is"]), (601, ["and so", "it is"])]
)
def test_a_silence_of_more_than_600_ms_is_a_place_to_cut(silence_ms: int, lines: list[str]):
    """Both parts are long enough to be read."""
    later = 2000 + silence_ms
    words = [("and", 0, 1000), ("so", 1000, 2000), ("it", later, later + 900)]

    assert lines == shown(spoken(*words, ("is", later + 900, later + 1800)))


def test_a_closing_quote_hides_no_end_of_sentence():
    """The cut comes after it, though halves of equal length would look better."""
    first = "“This is the first and by far the longer one of two sentences.”"
    second = "And this is the shorter of them."

    parts = [" ".join(cue.lines) for cue in cues(heard(turn(f"{first} {second}")))]
    assert [first, second] == parts


def test_a_cue_of_34_characters_lingers_for_two_seconds():
    """The reading speed is 17 characters per second."""
    text = "a" * 16 + " " + "b" * 17

    assert [(0, 2000)] == times(heard(turn(text, each=100, gap=0)))


def test_cues_of_a_turn_are_alike_in_length():
    """If two cuts cost the same, the one whose parts differ less is chosen."""
    text = " ".join(["a" * 9] * 12)

    assert [59, 59] == [len(" ".join(cue.lines)) for cue in cues(heard(turn(text)))]


def test_a_short_word_is_no_cue_of_its_own():
    """It would last less than a second, although it ends a sentence."""
    words = [("No.", 0, 300), ("That", 400, 900), ("is", 900, 1400), ("it.", 1400, 1900)]

    assert ["No. That is it."] == shown(spoken(*words))
