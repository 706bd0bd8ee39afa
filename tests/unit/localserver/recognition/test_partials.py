"""Reports before the end of a turn: partials, positions, and failed transcriptions."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.localserver.recognition import synthetic_speech
from tests.unit.localserver.recognition.stream_driver import (
    FEWER_EXAMPLES,
    LINE_END_SILENCE,
    NOW,
    SHORT_SILENCE,
    TALK,
    TURN_END_SILENCE,
    StreamDriver,
    reading_text,
    word_times,
)
from workers.localserver.recogniser_protocol import Endpointing, Recognised
from workers.localserver.recognition.engines import EngineWord, EngineWords
from workers.localserver.recognition.sound import FRAME_MS, Samples
from workers.localserver.recognition.stream_recogniser import RequestReason

# --- partials


def partials(driver: StreamDriver) -> list[int]:
    """The lengths of the transcribed segments, in frames."""
    return [len(text) for reason, text in driver.readings if reason is RequestReason.PARTIAL]


def test_partials_come_after_a_first_wait_and_then_regularly():
    """300 ms are 10 frames, 500 ms are 16."""
    driver = StreamDriver(interval=500).feed_text("a" * 60)

    assert [10, 26, 42, 58] == partials(driver)
    assert 4 == len(driver.published_readings)
    assert not any(
        reading.end_of_turn or reading.settled_count for reading in driver.published_readings
    )


def test_the_first_partial_needs_more_than_a_noise():
    """This holds even if no delay is set."""
    eager = Endpointing(320, 1280, vad_threshold=0.5, first_partial_ms=0)

    assert [4] == partials(StreamDriver(eager, interval=500).feed_text("a" * 15))


def test_a_pause_that_was_read_has_no_partials():
    """They resume with speech."""
    driver = StreamDriver(interval=30).feed_text("a" * 10, SHORT_SILENCE)
    before = len(driver.readings)

    assert before == len(driver.feed_text(*LINE_END_SILENCE[len(SHORT_SILENCE) + 2 :]).readings)
    assert before + 1 == len(driver.feed_text("a").readings)
    assert RequestReason.PARTIAL is driver.readings[-1][0]


def test_no_partial_is_read_when_a_silence_may_have_started():
    """The pause will be transcribed soon, and blocks."""
    assert [] == partials(StreamDriver(interval=500).feed_text("a" * 9, "."))


def test_a_pause_that_was_read_counts_as_a_partial():
    """When speech resumes, the next partial waits a full interval."""
    driver = StreamDriver(interval=1000).feed_text(
        "a" * 9, SHORT_SILENCE, "b" * (31 - len(SHORT_SILENCE))
    )
    assert [] == partials(driver)

    assert [9 + 32] == partials(driver.feed_text("b"))


def test_partials_can_be_left_out():
    """An interval of None suppresses them."""
    assert [] == partials(StreamDriver(interval=None).feed_text("a" * 60))


def test_after_the_first_partial_only_pauses_may_bring_more():
    """This holds until the end of the turn."""
    terse = Endpointing(320, 1280, vad_threshold=0.5, continuous_partials=False)
    driver = StreamDriver(terse, interval=100).feed_text(
        "a" * 30, SHORT_SILENCE, "b" * 30, LINE_END_SILENCE, "c" * 30
    )
    assert [10] == partials(driver)
    assert ["a", "a", "a b", "a b"] == [
        reading_text(reading) for reading in driver.published_readings
    ]

    driver.feed_text(TURN_END_SILENCE, "d" * 12)
    assert [10, 10] == [min(count, 10) for count in partials(driver)]


def test_a_partial_in_which_nothing_is_read_is_not_the_first():
    """The next one comes after the usual interval."""
    terse = Endpointing(320, 1280, vad_threshold=0.5, continuous_partials=False)
    driver = StreamDriver(terse, interval=320).feed_text("7" * 10, "a" * 25)

    assert [10, 20] == partials(driver)


def test_a_partial_that_is_not_read_yet_holds_nothing_up():
    """Later audio is processed, and the request extends to it."""
    recogniser = StreamDriver().recogniser
    recogniser.feed(synthetic_speech.encode_speech("a" * 12), arrived_at=1.0)
    recogniser.advance(500)
    assert recogniser.request is not None
    recogniser.feed(synthetic_speech.encode_speech("a" * 40), arrived_at=2.0)
    recogniser.advance(500)
    recogniser.advance(500)

    assert recogniser.waiting_since is None
    assert recogniser.request is not None
    assert not recogniser.request.is_blocking
    assert (RequestReason.PARTIAL, 52, 1.0) == (
        recogniser.request.reason,
        recogniser.request.end_frame,
        recogniser.request.arrived_at,
    )


def test_a_partial_that_was_not_read_in_time_is_dropped_with_its_segment():
    """Its final is reported instead."""
    recogniser = StreamDriver().recogniser
    recogniser.feed(synthetic_speech.encode_speech("aaA" + "." * 6 + "A"), arrived_at=1.0)
    recogniser.advance(500)
    assert recogniser.request is not None
    recogniser.feed(synthetic_speech.encode_speech(TURN_END_SILENCE), arrived_at=2.0)
    recogniser.advance(500)

    assert RequestReason.PAUSE is recogniser.request.reason
    recogniser.apply_words(synthetic_speech.recognise_words(recogniser.request_samples()))
    recogniser.advance(500)
    assert not recogniser.is_busy


# --- readings that go wrong


def test_a_reading_that_stutters_leaves_the_segment_as_it_was():
    """The decoder sometimes loops, and recovers."""
    answers = [(EngineWord("hello"),), (EngineWord("tho"),) * 5]
    driver = StreamDriver(interval=500, read=lambda _: answers.pop(0)).feed_text(
        "a" * 12, TURN_END_SILENCE
    )

    assert ["hello"] == driver.transcripts


def test_four_equal_words_are_no_stutter():
    """People say so."""
    driver = StreamDriver(read=lambda _: (EngineWord("no"),) * 4).feed_text(
        "a" * 12, TURN_END_SILENCE
    )

    assert ["no no no no"] == driver.transcripts


def test_a_cut_segment_keeps_no_word_from_behind_the_cut():
    """After a loop, the earlier words may pass the cut."""

    def read(samples: Samples) -> EngineWords:
        whole = len(synthetic_speech.decode_speech(samples)) >= 250
        stutters = whole and synthetic_speech.decode_speech(samples).endswith("a")
        return (
            (EngineWord("tho"),) * 9
            if stutters
            else synthetic_speech.recognise_timed_frames(samples)
        )

    driver = (
        StreamDriver(interval=500, read=read)
        .feed_text("a" * 250, "." * 2, "b" * 40, SHORT_SILENCE)
        .flush()
    )

    assert RequestReason.LENGTH in [reason for reason, _ in driver.readings]
    assert sorted(word_times(driver)) == word_times(driver)


# --- notices between the readings


@FEWER_EXAMPLES
@given(TALK, st.integers(800, 16_000))
def test_the_position_is_reported_twice_a_second(text: str, size: int):
    """Positions never go back."""
    driver = StreamDriver()
    data = synthetic_speech.encode_speech(text)
    for start in range(0, len(data), 2 * size):
        driver.feed_bytes(data[start : start + 2 * size])
    positions = [0, *(notice.position_ms for notice in driver.recognised), len(text) * FRAME_MS]

    assert sorted(positions) == positions
    assert all(after - before <= 512 for before, after in pairwise(positions))


def test_silence_is_counted_from_the_last_frame_of_speech():
    """It is 0 during speech, and the end of a turn does not reset it."""
    driver = StreamDriver().feed_text("." * 16, "a" * 32, "." * 47).flush().feed_text("." * 17)
    silences = {report.position_ms // FRAME_MS: report.silence_ms for report in driver.recognised}
    first, later = silences[63], [silences[at] for at in (79, 94, 110)]

    assert 16 * FRAME_MS <= silences[16]
    assert 0 == silences[32] == silences[47]
    assert 15 * FRAME_MS <= first
    assert [16 * FRAME_MS, 31 * FRAME_MS, 47 * FRAME_MS] == [position - first for position in later]


def test_the_probability_is_the_highest_since_the_last_notice():
    """Sounds too faint to be speech count too."""
    driver = StreamDriver().feed_text("." * 5, "4", "." * 10, "." * 16, "." * 3, "2.3", "." * 10)

    assert [0.4, 0.0, 0.3] == [notice.speech_probability for notice in driver.recognised]


def test_a_report_says_how_long_its_audio_has_waited():
    """Since the arrival of the last processed frame."""
    recogniser = StreamDriver().recogniser
    recogniser.feed(synthetic_speech.encode_speech("." * 10), arrived_at=3.0)
    recogniser.feed(synthetic_speech.encode_speech("." * 10), arrived_at=4.0)
    assert 3.0 == recogniser.waiting_since
    recogniser.advance(None)

    assert [(512, NOW - 4.0)] == [
        (report.position_ms, report.lag_s)
        for report in recogniser.pending_reports
        if isinstance(report, Recognised)
    ]
    assert recogniser.waiting_since is None
