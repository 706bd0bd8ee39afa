"""A turn that ends because the client wants it to, at whatever moment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.localserver.recognition import synthetic_speech
from tests.unit.localserver.recognition.stream_driver import END, FEWER, PAUSE, TALK, Walk
from workers.localserver.recognition.segment import TAIL
from workers.localserver.recognition.sound import FRAME, FRAME_MS
from workers.localserver.recognition.stream_recogniser import Reason


@pytest.mark.parametrize(
    ("before", "final"),
    [
        ("", []),
        ("." * 20, []),
        ("...a", []),
        ("...aa", ["a"]),
        ("aaaaaaabb", ["a b"]),
        ("aaaaa....", ["a"]),
        ("aaaaa" + "." * 15, ["a"]),
        ("aaaaa" + "." * 30, ["a"]),
        ("aaaaA" + PAUSE, ["a."]),
        ("aaaaa" + END, ["a"]),
        ("aaaaa" + "." * 15 + "bb", ["a b"]),
        ("a" * 160 + "." * 6, ["a"]),
    ],
)
@pytest.mark.parametrize("interval", [None, 500])
def test_a_flush_ends_the_turn_at_every_moment(before: str, final: list[str], interval: int | None):
    """Once; its notice comes last, and another flush has nothing more to end."""
    walk = Walk(interval=interval).hears(before).flushes()

    assert final == walk.transcripts
    assert [False] * (len(walk.told) - 1) + [True] == [each.flushed for each in walk.told]
    assert len(before) * FRAME_MS == walk.told[-1].position
    assert final == walk.flushes().transcripts
    assert 2 == walk.flushed


def test_speech_goes_on_after_a_flush_as_the_next_turn():
    """Nothing of it is lost, nothing read twice."""
    walk = Walk().hears("aaaa").flushes().hears("bbbB", PAUSE)

    assert ["a", "b."] == walk.transcripts
    assert [(Reason.FLUSH, "aaaa"), (Reason.PAUSE, "bbbB" + "." * TAIL)] == walk.readings


def test_a_click_before_a_flush_is_no_part_of_what_follows():
    """Neither is the silence before it."""
    walk = Walk().hears("....a").flushes().hears("aaaA", PAUSE)

    assert [(Reason.PAUSE, "aaaA" + "." * TAIL)] == walk.readings
    assert [] == Walk().hears("....a").flushes().hears("aaA", PAUSE).readings


def test_a_flush_is_read_with_the_samples_that_do_not_fill_a_frame():
    """And with none of those that came after it, however late it is read."""
    rest = np.full(100, 8000, "<i2").tobytes()
    later = np.full(FRAME, 16000, "<i2").tobytes()
    for late in (False, True):
        hearing = Walk().hearing
        hearing.hear(synthetic_speech.audio("aaaa") + rest, at=0.0)
        hearing.flush(at=0.0)
        if late:
            hearing.hear(later, at=0.0)
        hearing.advance(None)
        samples = hearing.samples()

        assert 4 * FRAME + 100 == len(samples)
        assert {8000 / 32768} == set(samples[-100:].tolist())


def test_several_flushes_that_wait_are_each_answered():
    """In their order, each behind the audio before it."""
    walk = Walk()
    for text in ("aaaa", "bbbb", ""):
        walk.hearing.hear(synthetic_speech.audio(text), at=0.0)
        walk.hearing.flush(at=0.0)
    walk.goes_on()

    assert ["a", "b"] == walk.transcripts
    assert [False, True, False, True, False, True] == [each.flushed for each in walk.told]


@FEWER
@given(st.lists(TALK, min_size=1, max_size=4), st.sampled_from([None, 500]))
def test_each_flush_is_answered_once_after_its_final(texts: list[str], interval: int | None):
    """And nothing stays open."""
    walk = Walk(interval=interval)
    for number, text in enumerate(texts, 1):
        walk.hears(text).flushes()

        assert number == walk.flushed
        assert walk.told[-1].flushed
        ends = [reading.over for reading in walk.readings_told]
        assert ends[-1:] in ([], [True])
