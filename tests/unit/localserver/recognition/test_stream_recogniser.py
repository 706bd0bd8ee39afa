"""From frames to turns: where speech begins and when a turn ends. No clock, no model."""

import pytest

from tests.unit.localserver.recognition import synthetic_speech
from tests.unit.localserver.recognition.stream_driver import (
    ENDPOINTING,
    LINE_END_SILENCE,
    SHORT_SILENCE,
    TURN_END_SILENCE,
    StreamDriver,
    reading_text,
    segments_read,
    silence_of,
)
from workers.localserver.recogniser_protocol import Endpointing
from workers.localserver.recognition.engines import EngineWord, EngineWords
from workers.localserver.recognition.sound import FRAME_MS, Samples
from workers.localserver.recognition.speech_segmenter import LEAD_IN_FRAMES, TAIL_FRAMES
from workers.localserver.recognition.stream_recogniser import RequestReason

# --- where speech begins


@pytest.mark.parametrize("noise", ["", "a", "a.a.a", "4444444444"])
def test_clicks_and_faint_sounds_open_nothing(noise: str):
    """A click fills one frame; speech begins with two in a row."""
    driver = StreamDriver().feed_text(noise)

    assert not driver.recogniser.accepts_partials
    assert [] == driver.feed_text(TURN_END_SILENCE).flush().readings
    assert [] == driver.published_readings


def test_a_click_after_a_segment_opens_nothing():
    """It does not combine with the voiced frames before the pause."""
    driver = StreamDriver().feed_text("aaaaA", SHORT_SILENCE, "a")

    assert not driver.recogniser.accepts_partials
    assert 1 == len(driver.feed_text(TURN_END_SILENCE).readings)


def test_two_frames_in_a_row_are_speech():
    """From the second on, partials are possible."""
    assert StreamDriver().feed_text("...aa").recogniser.accepts_partials


@pytest.mark.parametrize("noise", ["aa", "aaa", "a.aa"])
def test_a_short_noise_is_dropped_unread(noise: str):
    """An engine would turn it into a word."""
    driver = StreamDriver(interval=100).feed_text(noise, TURN_END_SILENCE)

    assert [] == driver.readings
    assert not driver.recogniser.accepts_partials


@pytest.mark.parametrize("noise", ["66666666", "6.66.6666", "5566" * 200])
def test_what_is_never_certainly_speech_is_dropped_unread(noise: str):
    """However long it lasts, such as music; nor does a flush read it."""
    driver = StreamDriver(interval=100).feed_text(noise, TURN_END_SILENCE, noise).flush()

    assert [] == driver.readings
    assert [] == driver.published_readings


def test_one_certain_frame_is_enough():
    """The noise around it belongs to the segment."""
    assert ["666a666"] == segments_read(StreamDriver().feed_text("666a666", SHORT_SILENCE))


def test_a_frame_somewhat_below_the_threshold_keeps_speech_going():
    """After a short pause, speech needs the full threshold again."""
    assert ["aaA....44"] == segments_read(StreamDriver().feed_text("aaA....44", SHORT_SILENCE))
    assert [] == segments_read(StreamDriver().feed_text("aaA.....44", TURN_END_SILENCE))


def test_a_segment_has_a_lead_in_and_a_tail():
    """Words begin and end softly; a tail that has not arrived yet is silence."""
    ((_, text),) = StreamDriver().feed_text("." * 30, "aaaaA", SHORT_SILENCE).readings

    assert "." * LEAD_IN_FRAMES + "aaaaA" + "." * TAIL_FRAMES == text


def test_a_lead_in_takes_nothing_from_the_segment_before():
    """Otherwise its last word could be recognised twice."""
    driver = StreamDriver().feed_text("aaaaA", SHORT_SILENCE, "...", "bbbbB", SHORT_SILENCE)

    assert "...bbbbB" == driver.readings[-1][1].rstrip(".")


def test_speech_may_begin_with_the_stream():
    """Then there is no lead-in."""
    assert [(RequestReason.PAUSE, "aaaaA" + "." * TAIL_FRAMES)] == StreamDriver().feed_text(
        "aaaaA", SHORT_SILENCE
    ).readings


# --- pauses, and the end of a turn


@pytest.mark.parametrize("silence", [50, 100, 160, 161, 320, 800, 1600])
def test_a_finished_sentence_ends_its_turn_after_the_shortest_silence(silence: int):
    """At the exact frame, and with that position."""
    frames = silence_of(silence)
    driver = StreamDriver(Endpointing(silence, 5000, vad_threshold=0.5)).feed_text(
        "...aaaaA", frames[1:]
    )
    assert [] == driver.finals

    driver.feed_text(".")
    assert ["a."] == driver.transcripts
    assert (3 + 5 + len(frames)) * FRAME_MS == driver.recognised[-1].position_ms
    assert driver.finals[0].end_of_turn_confidence > 0.5


def test_an_unfinished_sentence_ends_after_the_longest_silence():
    """At the exact frame, after a partial at the pause."""
    driver = StreamDriver().feed_text("aaaaa", TURN_END_SILENCE[1:])
    assert [] == driver.finals
    assert "a" == reading_text(driver.published_readings[0])
    assert 0 < driver.published_readings[0].end_of_turn_confidence < 0.5

    assert ["a"] == driver.feed_text(".").transcripts
    assert (5 + len(TURN_END_SILENCE)) * FRAME_MS == driver.recognised[-1].position_ms


@pytest.mark.parametrize(
    ("text", "threshold", "silence"),
    [
        ("aaaa", 0.0, SHORT_SILENCE),
        ("aaaA", 0.0, SHORT_SILENCE),
        ("aaaa", 1.0, TURN_END_SILENCE),
        ("aaaA", 1.0, TURN_END_SILENCE),
    ],
)
def test_the_extremes_of_the_threshold(text: str, threshold: float, silence: str):
    """0: any pause ends the turn; 1: only max_turn_silence does."""
    driver = StreamDriver(Endpointing(320, 1280, threshold, 0.5)).feed_text(text, silence[1:])
    assert [] == driver.finals

    assert 1 == len(driver.feed_text(".").finals)


@pytest.mark.parametrize("longest", [50, 100, 320])
def test_the_longest_silence_counts_even_if_it_is_shorter_than_a_pause(longest: int):
    """max_turn_silence ends a turn in any case."""
    driver = StreamDriver(Endpointing(640, longest, vad_threshold=0.5)).feed_text(
        "aaaa", silence_of(longest)[1:]
    )
    assert [] == driver.finals

    assert ["a"] == driver.feed_text(".").transcripts


def test_speech_that_resumes_in_a_pause_is_read_with_what_was_before():
    """One segment is recognised better than two halves."""
    driver = StreamDriver().feed_text("aaaa", SHORT_SILENCE, "bbbB", SHORT_SILENCE)

    assert ["aaaa", "aaaa" + SHORT_SILENCE + "bbbB"] == segments_read(driver)
    assert ["a b."] == driver.transcripts


def test_a_pause_without_new_speech_is_transcribed_once():
    """However long it is."""
    assert 1 == len(StreamDriver().feed_text("aaaa", "." * 100).readings)


def test_a_long_pause_closes_the_segment_but_not_the_turn():
    """Its words are settled, and the next segment continues the turn."""
    driver = StreamDriver().feed_text("aaaa", LINE_END_SILENCE[1:])
    assert [0] == [reading.settled_count for reading in driver.published_readings]

    driver.feed_text(".", "bbbB", SHORT_SILENCE)
    assert [(0, "a"), (1, "a"), (1, "a b."), (2, "a b.")] == [
        (reading.settled_count, reading_text(reading)) for reading in driver.published_readings
    ]
    assert ["aaaa", "bbbB"] == segments_read(driver)


@pytest.mark.parametrize("silence", [790, 800, 5000])
def test_a_pause_that_closes_its_segment_tells_its_words_once(silence: int):
    """Whether the turn or the segment needed the transcription."""
    driver = StreamDriver(Endpointing(silence, 10_000, vad_threshold=0.5)).feed_text(
        "aaaabbbb", "." * 60
    )

    assert {"a b"} == {reading_text(reading) for reading in driver.published_readings}


def test_a_noise_in_which_nothing_is_read_changes_nothing():
    """The turn ends after the usual silence, counted from the noise."""
    driver = StreamDriver().feed_text("aaaa", LINE_END_SILENCE, "77777", TURN_END_SILENCE)

    assert ["a"] == driver.transcripts
    assert [] == StreamDriver().feed_text("77777", TURN_END_SILENCE).flush().published_readings


@pytest.mark.parametrize("then", ["END", "speech", "flush"])
def test_what_a_partial_made_of_a_noise_does_not_stay_open(then: str):
    """A turn that had a partial gets a final, even if no words are left."""

    def read(samples: Samples) -> EngineWords:
        noise = (
            (EngineWord("You"),) if synthetic_speech.decode_speech(samples).endswith("7") else ()
        )
        return synthetic_speech.recognise_words(samples) or noise

    driver = StreamDriver(interval=500, read=read).feed_text("7777777777", SHORT_SILENCE)
    assert ["You"] == [reading_text(reading) for reading in driver.published_readings]

    match then:
        case "END":
            assert [""] == driver.feed_text(TURN_END_SILENCE).transcripts
        case "speech":
            assert ["", "a."] == driver.feed_text(
                TURN_END_SILENCE, "aaaaaaA", SHORT_SILENCE
            ).transcripts
        case "flush":
            assert [""] == driver.flush().transcripts


# --- settings that change


def test_settings_change_with_the_next_sample():
    """They apply at once to a pause under way."""
    driver = StreamDriver().feed_text("aaaa", "." * 15)
    assert [] == driver.finals

    driver.configure(Endpointing(160, 480, vad_threshold=0.5))
    assert [] == driver.finals
    assert ["a"] == driver.feed_text(".").transcripts


def test_settings_wait_for_the_audio_that_came_before_them():
    """However late that audio is processed."""
    driver = StreamDriver()
    driver.recogniser.feed(
        synthetic_speech.encode_speech("aaaA" + SHORT_SILENCE + "bbbb" + "." * 30), arrived_at=0.0
    )
    driver.recogniser.configure(Endpointing(64, 64, vad_threshold=0.5), arrived_at=0.0)
    driver.recogniser.feed(synthetic_speech.encode_speech("."), arrived_at=0.0)
    driver.advance()

    assert ["a.", "b"] == driver.transcripts
    assert driver.recognised[-1].position_ms == (4 + len(SHORT_SILENCE) + 4 + 31) * FRAME_MS


def test_the_detector_s_threshold_may_change_on_the_way():
    """What was noise becomes speech, and the other way round."""
    driver = StreamDriver().feed_text("4" * 20).configure(Endpointing(320, 1280, vad_threshold=0.4))
    assert driver.feed_text("44").recogniser.accepts_partials
    driver.configure(ENDPOINTING).feed_text("4" * 10, "3" * 10)
    assert not driver.recogniser.accepts_partials


@pytest.mark.parametrize("text", ["." * 40, "." * 3 + "a" * 9 + "." * 40])
def test_a_threshold_of_0_takes_everything_for_speech(text: str):
    """This includes frames that are certainly silent."""
    driver = StreamDriver(Endpointing(50, 50, vad_threshold=0.0)).feed_text(text)

    assert driver.recogniser.accepts_partials
    assert [] == driver.readings


def test_a_low_threshold_still_hears_silence():
    """The hysteresis never reaches a probability of 0."""
    driver = StreamDriver(Endpointing(320, 1280, vad_threshold=0.1)).feed_text(
        "aaaa1A", SHORT_SILENCE
    )

    assert ["a a."] == driver.transcripts


def test_a_threshold_of_1_takes_next_to_nothing_for_speech():
    """The real detector never reaches 1; the one of these tests does."""
    driver = (
        StreamDriver(Endpointing(320, 1280, vad_threshold=1.0))
        .feed_text("9" * 99, TURN_END_SILENCE)
        .flush()
    )

    assert [] == driver.readings
