"""What is told before a turn is over: partials, how far was listened, and readings gone wrong."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.localserver.recognition import synthetic_speech
from tests.unit.localserver.recognition.stream_driver import (
    CLOSED,
    END,
    FEWER,
    PAUSE,
    TALK,
    Walk,
    said,
    times,
)
from workers.localserver.recogniser_protocol import Endpointing
from workers.localserver.recognition.engines import EngineWord, EngineWords
from workers.localserver.recognition.sound import FRAME_MS, Samples
from workers.localserver.recognition.stream_recogniser import Reason

# --- partials


def partials(walk: Walk) -> list[int]:
    """The lengths of the pieces, in frames."""
    return [len(text) for reason, text in walk.readings if reason is Reason.PARTIAL]


def test_partials_come_after_a_first_wait_and_then_regularly():
    """300 ms are 10 frames, 500 ms are 16."""
    walk = Walk(interval=500).hears("a" * 60)

    assert [10, 26, 42, 58] == partials(walk)
    assert 4 == len(walk.readings_told)
    assert not any(reading.over or reading.settled for reading in walk.readings_told)


def test_the_first_partial_needs_more_than_a_noise():
    """Even if it may come at once."""
    eager = Endpointing(320, 1280, vad_threshold=0.5, first_partial=0)

    assert [4] == partials(Walk(eager, interval=500).hears("a" * 15))


def test_a_pause_that_was_read_has_no_partials():
    """Until somebody speaks again."""
    walk = Walk(interval=30).hears("a" * 10, PAUSE)
    before = len(walk.readings)

    assert before == len(walk.hears(*CLOSED[len(PAUSE) + 2 :]).readings)
    assert before + 1 == len(walk.hears("a").readings)
    assert Reason.PARTIAL is walk.readings[-1][0]


def test_no_partial_is_read_when_a_silence_may_have_begun():
    """The pause is read soon enough, and for good."""
    assert [] == partials(Walk(interval=500).hears("a" * 9, "."))


def test_a_pause_that_was_read_counts_as_a_partial():
    """When speech resumes in it, the next one is not due before its time."""
    walk = Walk(interval=1000).hears("a" * 9, PAUSE, "b" * (31 - len(PAUSE)))
    assert [] == partials(walk)

    assert [9 + 32] == partials(walk.hears("b"))


def test_partials_can_be_left_out():
    """When there is no time for them."""
    assert [] == partials(Walk(interval=None).hears("a" * 60))


def test_after_the_first_partial_only_pauses_may_bring_more():
    """Until the turn is over."""
    terse = Endpointing(320, 1280, vad_threshold=0.5, continuous_partials=False)
    walk = Walk(terse, interval=100).hears("a" * 30, PAUSE, "b" * 30, CLOSED, "c" * 30)
    assert [10] == partials(walk)
    assert ["a", "a", "a b", "a b"] == [said(reading) for reading in walk.readings_told]

    walk.hears(END, "d" * 12)
    assert [10, 10] == [min(each, 10) for each in partials(walk)]


def test_a_partial_in_which_nothing_is_read_is_not_the_first():
    """The next one is waited for in vain no longer than usual."""
    terse = Endpointing(320, 1280, vad_threshold=0.5, continuous_partials=False)
    walk = Walk(terse, interval=320).hears("7" * 10, "a" * 25)

    assert [10, 20] == partials(walk)


def test_a_partial_that_is_not_read_yet_holds_nothing_up():
    """Everything that came meanwhile is listened to, and it is read up to there."""
    hearing = Walk().hearing
    hearing.hear(synthetic_speech.audio("a" * 12), at=1.0)
    hearing.advance(500)
    assert hearing.wanted is not None
    hearing.hear(synthetic_speech.audio("a" * 40), at=2.0)
    hearing.advance(500)
    hearing.advance(500)

    assert hearing.waiting_since is None
    assert not hearing.stands
    assert (Reason.PARTIAL, 52, 1.0) == (
        hearing.wanted.reason,
        hearing.wanted.end,
        hearing.wanted.since,
    )


def test_a_partial_that_was_not_read_in_time_is_dropped_with_its_piece():
    """Its end is told instead."""
    hearing = Walk().hearing
    hearing.hear(synthetic_speech.audio("aaA" + "." * 6 + "A"), at=1.0)
    hearing.advance(500)
    assert hearing.wanted is not None
    hearing.hear(synthetic_speech.audio(END), at=2.0)
    hearing.advance(500)

    assert Reason.PAUSE is hearing.wanted.reason
    hearing.read(synthetic_speech.words(hearing.samples()))
    hearing.advance(500)
    assert not hearing.busy


# --- readings that go wrong


def test_a_reading_that_stutters_leaves_the_piece_as_it_was():
    """The decoder loops now and then, and recovers."""
    answers = [(EngineWord("hello"),), (EngineWord("tho"),) * 5]
    walk = Walk(interval=500, read=lambda _: answers.pop(0)).hears("a" * 12, END)

    assert ["hello"] == walk.transcripts


def test_four_equal_words_are_no_stutter():
    """People say so."""
    walk = Walk(read=lambda _: (EngineWord("no"),) * 4).hears("a" * 12, END)

    assert ["no no no no"] == walk.transcripts


def test_a_cut_piece_keeps_no_word_from_behind_the_cut():
    """When it stutters, what was read before may go further than the cut."""

    def read(samples: Samples) -> EngineWords:
        whole = len(synthetic_speech.text(samples)) >= 250
        stutters = whole and synthetic_speech.text(samples).endswith("a")
        return (EngineWord("tho"),) * 9 if stutters else synthetic_speech.timed_frames(samples)

    walk = Walk(interval=500, read=read).hears("a" * 250, "." * 2, "b" * 40, PAUSE).flushes()

    assert Reason.LENGTH in [reason for reason, _ in walk.readings]
    assert sorted(times(walk)) == times(walk)


# --- notices between the readings


@FEWER
@given(TALK, st.integers(800, 16_000))
def test_how_far_was_listened_is_told_twice_a_second(text: str, size: int):
    """With positions that never go back."""
    walk = Walk()
    data = synthetic_speech.audio(text)
    for start in range(0, len(data), 2 * size):
        walk.hears_bytes(data[start : start + 2 * size])
    positions = [0, *(notice.position for notice in walk.told), len(text) * FRAME_MS]

    assert sorted(positions) == positions
    assert all(after - before <= 512 for before, after in pairwise(positions))


def test_silence_is_counted_from_the_last_frame_of_speech():
    """0 while somebody speaks; the end of a turn changes nothing."""
    walk = Walk().hears("." * 16, "a" * 32, "." * 47).flushes().hears("." * 17)
    silences = {each.position // FRAME_MS: each.silence for each in walk.told if not each.flushed}
    first, later = silences[63], [silences[at] for at in (79, 94, 110)]

    assert 16 * FRAME_MS <= silences[16]
    assert 0 == silences[32] == silences[47]
    assert 15 * FRAME_MS <= first
    assert [16 * FRAME_MS, 31 * FRAME_MS, 47 * FRAME_MS] == [each - first for each in later]


def test_the_probability_is_the_highest_since_the_last_notice():
    """Also of what is too faint to be speech."""
    walk = Walk().hears("." * 5, "4", "." * 10, "." * 16, "." * 3, "2.3", "." * 10)

    assert [0.4, 0.0, 0.3] == [notice.speech_probability for notice in walk.told]


def test_a_notice_knows_when_its_audio_came():
    """Of the frame that was listened to last."""
    hearing = Walk().hearing
    hearing.hear(synthetic_speech.audio("." * 10), at=3.0)
    hearing.hear(synthetic_speech.audio("." * 10), at=4.0)
    assert 3.0 == hearing.waiting_since
    hearing.advance(None)

    assert [(512, 4.0)] == [(notice.position, notice.since) for notice in hearing.notices]
    assert hearing.waiting_since is None
