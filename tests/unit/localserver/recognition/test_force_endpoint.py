"""A turn that ends because the client asks for it, at any moment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.localserver.recognition import synthetic_speech
from tests.unit.localserver.recognition.stream_driver import (
    FEWER_EXAMPLES,
    SHORT_SILENCE,
    TALK,
    TURN_END_SILENCE,
    StreamDriver,
)
from workers.localserver.recogniser_protocol import Flushed, Recognised
from workers.localserver.recognition.sound import FRAME_MS, FRAME_SAMPLES
from workers.localserver.recognition.speech_segmenter import TAIL_FRAMES
from workers.localserver.recognition.stream_recogniser import RequestReason


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
        ("aaaaA" + SHORT_SILENCE, ["a."]),
        ("aaaaa" + TURN_END_SILENCE, ["a"]),
        ("aaaaa" + "." * 15 + "bb", ["a b"]),
        ("a" * 160 + "." * 6, ["a"]),
    ],
)
@pytest.mark.parametrize("interval", [None, 500])
def test_a_flush_ends_the_turn_at_every_moment(before: str, final: list[str], interval: int | None):
    """Its answer comes last, and a second flush has nothing more to end."""
    driver = StreamDriver(interval=interval).feed_text(before).flush()

    assert final == driver.transcripts
    assert [Recognised] * (len(driver.reports) - 1) + [Flushed] == list(map(type, driver.reports))
    assert len(before) * FRAME_MS == driver.flush_positions[-1]
    assert final == driver.flush().transcripts
    assert 2 == len(driver.flush_positions)


def test_speech_continues_after_a_flush_as_the_next_turn():
    """No audio is lost or transcribed twice."""
    driver = StreamDriver().feed_text("aaaa").flush().feed_text("bbbB", SHORT_SILENCE)

    assert ["a", "b."] == driver.transcripts
    assert [
        (RequestReason.FLUSH, "aaaa"),
        (RequestReason.PAUSE, "bbbB" + "." * TAIL_FRAMES),
    ] == driver.readings


def test_a_click_before_a_flush_is_no_part_of_what_follows():
    """Nor is the silence before it."""
    driver = StreamDriver().feed_text("....a").flush().feed_text("aaaA", SHORT_SILENCE)

    assert [(RequestReason.PAUSE, "aaaA" + "." * TAIL_FRAMES)] == driver.readings
    assert [] == StreamDriver().feed_text("....a").flush().feed_text("aaA", SHORT_SILENCE).readings


def test_a_flush_is_read_with_the_samples_that_do_not_fill_a_frame():
    """Later samples are not included, however late it is transcribed."""
    rest = np.full(100, 8000, "<i2").tobytes()
    later = np.full(FRAME_SAMPLES, 16000, "<i2").tobytes()
    for late in (False, True):
        recogniser = StreamDriver().recogniser
        recogniser.feed(synthetic_speech.encode_speech("aaaa") + rest, arrived_at=0.0)
        recogniser.flush(arrived_at=0.0)
        if late:
            recogniser.feed(later, arrived_at=0.0)
        recogniser.advance(None)
        samples = recogniser.request_samples()

        assert 4 * FRAME_SAMPLES + 100 == len(samples)
        assert {8000 / 32768} == set(samples[-100:].tolist())


def test_several_flushes_that_wait_are_each_answered():
    """The answers come in order, each after the audio before it."""
    driver = StreamDriver()
    for text in ("aaaa", "bbbb", ""):
        driver.recogniser.feed(synthetic_speech.encode_speech(text), arrived_at=0.0)
        driver.recogniser.flush(arrived_at=0.0)
    driver.advance()

    assert ["a", "b"] == driver.transcripts
    assert [Recognised, Flushed] * 3 == list(map(type, driver.reports))


@FEWER_EXAMPLES
@given(st.lists(TALK, min_size=1, max_size=4), st.sampled_from([None, 500]))
@pytest.mark.slow
def test_each_flush_is_answered_once_after_its_final(texts: list[str], interval: int | None):
    """No turn stays open."""
    driver = StreamDriver(interval=interval)
    for number, text in enumerate(texts, 1):
        driver.feed_text(text).flush()

        assert number == len(driver.flush_positions)
        assert isinstance(driver.reports[-1], Flushed)
        ends = [reading.end_of_turn for reading in driver.published_readings]
        assert ends[-1:] in ([], [True])
