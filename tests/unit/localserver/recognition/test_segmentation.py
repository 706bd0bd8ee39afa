"""How a stream is cut into segments, without losing or repeating audio."""

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
    reading_text,
    segments_read,
    silence_of,
    word_times,
)
from workers.localserver.recogniser_protocol import Endpointing, RecognisedWord
from workers.localserver.recognition.engines import EngineWord
from workers.localserver.recognition.sound import FRAME_MS, FRAME_SAMPLES
from workers.localserver.recognition.speech_segmenter import (
    CLOSE_AT_PAUSE_FRAMES,
    CUT_AT_GAP_FRAMES,
    LEAD_IN_FRAMES,
    MAX_SEGMENT_FRAMES,
    MIN_VOICED_FRAMES,
    WORD_GAP_FRAMES,
    SpeechSegmenter,
)
from workers.localserver.recognition.stream_recogniser import RequestReason

# --- pieces that become long


def test_a_long_segment_is_closed_by_a_pause():
    """Its words are settled, and resumed speech is a segment of its own."""
    driver = StreamDriver().feed_text(
        "." * LEAD_IN_FRAMES, "a" * (CLOSE_AT_PAUSE_FRAMES - LEAD_IN_FRAMES), SHORT_SILENCE
    )
    assert [(1, "a", False)] == [
        (r.settled_count, reading_text(r), r.end_of_turn) for r in driver.published_readings
    ]

    driver.feed_text("bbbB", SHORT_SILENCE)
    assert ["a" * (CLOSE_AT_PAUSE_FRAMES - LEAD_IN_FRAMES), "bbbB"] == segments_read(driver)
    assert ["a b."] == driver.transcripts


def test_a_longer_segment_is_cut_between_two_words():
    """At the first gap, however short; the rest of the gap belongs to the next segment."""
    driver = StreamDriver().feed_text("a" * CUT_AT_GAP_FRAMES, "." * WORD_GAP_FRAMES)
    assert [
        (RequestReason.LENGTH, "a" * CUT_AT_GAP_FRAMES + "." * (WORD_GAP_FRAMES // 2))
    ] == driver.readings

    driver.feed_text("bbbB", SHORT_SILENCE)
    assert ["bbbB"] == segments_read(driver)
    assert ["a b."] == driver.transcripts


@pytest.mark.parametrize("silence", [160, 320])
def test_a_segment_that_is_cut_at_its_end_ends_its_turn_in_time(silence: int):
    """Nothing is left to transcribe, so nothing delays the end."""
    rules = Endpointing(silence, 1280, vad_threshold=0.5)
    driver = StreamDriver(rules).feed_text("a" * CUT_AT_GAP_FRAMES + "A", silence_of(silence)[1:])
    assert [] == driver.finals

    assert ["a."] == driver.feed_text(".").transcripts


def test_a_segment_that_is_not_long_stays_open_in_a_pause():
    """A whole segment is recognised better."""
    driver = StreamDriver().feed_text("a" * (CLOSE_AT_PAUSE_FRAMES - 1), SHORT_SILENCE, "b")

    assert {0} == {reading.settled_count for reading in driver.published_readings}
    assert driver.recogniser.accepts_partials


@pytest.mark.parametrize("dip", ["555", "888"])
def test_a_very_long_segment_is_cut_where_it_was_quietest(dip: str):
    """Within the last two seconds; the edges of that window do not count as quiet."""
    driver = StreamDriver().feed_text("a" * (MAX_SEGMENT_FRAMES - 32), dip, "b" * 29)

    assert [(RequestReason.LENGTH, "a" * (MAX_SEGMENT_FRAMES - 32) + dip[0])] == driver.readings
    assert driver.recogniser.accepts_partials
    assert [] == driver.finals


def test_a_turn_ends_with_the_segment_in_which_it_becomes_too_long():
    """After 30 s of dense speech, so that messages stay small."""
    driver = StreamDriver(read=synthetic_speech.recognise_timed_frames).feed_text("a" * 1500)
    (final,) = driver.finals

    assert final.words[-1].end_ms - final.words[0].start_ms >= 30_000
    assert final.words[-1].end_ms - final.words[0].start_ms < 30_000 + MAX_SEGMENT_FRAMES * FRAME_MS
    assert 2 == len(driver.flush().finals)
    assert 1500 == sum(len(final.words) for final in driver.finals)


def test_what_is_left_of_a_cut_segment_is_as_much_speech_as_it_was():
    """This holds even if only its beginning reached the threshold."""
    text = "a" * (MAX_SEGMENT_FRAMES - 32) + "4" * 60
    driver = StreamDriver().feed_text(text, SHORT_SILENCE)

    assert [RequestReason.LENGTH, RequestReason.PAUSE] == [reason for reason, _ in driver.readings]
    assert text == "".join(piece for _, piece in driver.readings).rstrip(".")


def test_a_segment_that_was_cut_ends_its_turn_as_any_other():
    """Silence counts from the last voiced frame, not from the cut."""
    driver = StreamDriver().feed_text("a" * (MAX_SEGMENT_FRAMES - 3), TURN_END_SILENCE[1:])
    assert [] == driver.finals

    assert ["a"] == driver.feed_text(".").transcripts
    assert [RequestReason.LENGTH] == [reason for reason, _ in driver.readings]


@FEWER_EXAMPLES
@given(TALK)
def test_every_frame_of_speech_is_recognised_once(text: str):
    """Frames stay in order, whatever the cuts and pauses; only noise is left out."""
    driver = StreamDriver(read=synthetic_speech.recognise_timed_frames).feed_text(text).flush()
    frames = [word.start_ms // FRAME_MS for final in driver.finals for word in final.words]
    lost = {at for at, letter in enumerate(text) if letter.isalpha()} - set(frames)

    assert sorted(set(frames)) == frames
    assert all(
        len(lost & set(range(first, first + MIN_VOICED_FRAMES))) < MIN_VOICED_FRAMES
        for first in range(len(text))
    )


@FEWER_EXAMPLES
@given(TALK, st.sampled_from([50, 160, 320, 900]), st.sampled_from([50, 800, 1280]))
def test_words_never_overlap_in_time(text: str, shortest: int, longest: int):
    """This holds within a turn and between turns."""
    rules = Endpointing(shortest, longest, vad_threshold=0.5)
    driver = StreamDriver(rules).feed_text(text).flush()

    assert sorted(word_times(driver)) == word_times(driver)
    assert all(0 <= time <= len(text) * FRAME_MS for time in word_times(driver))


# --- results depend on the audio alone


@st.composite
def chunked_speech(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """Speech with flushes between, and sizes of chunks in samples."""
    texts = draw(st.lists(TALK, min_size=1, max_size=3))
    return texts, draw(st.lists(st.integers(800, 16_000), min_size=1, max_size=5))


@FEWER_EXAMPLES
@given(chunked_speech(), st.sampled_from([None, 500]), st.booleans())
def test_finals_depend_on_the_audio_alone(
    case: tuple[list[str], list[int]], interval: int | None, at_once: bool
):
    """Chunk sizes, partials and processing delays make no difference."""
    texts, sizes = case
    plain, other = (
        StreamDriver(read=synthetic_speech.recognise_timed_frames),
        StreamDriver(interval=interval, read=synthetic_speech.recognise_timed_frames),
    )
    for text in texts:
        plain.feed_text(text).flush()
        data = synthetic_speech.encode_speech(text)
        turn = 0
        while data:
            size = 2 * sizes[turn % len(sizes)]
            other.recogniser.feed(data[:size], arrived_at=0.0)
            if not at_once:
                other.advance()
            data, turn = data[size:], turn + 1
        other.recogniser.flush(arrived_at=0.0)
    other.advance()

    assert plain.finals == other.finals
    assert plain.flush_positions == other.flush_positions


@FEWER_EXAMPLES
@given(TALK)
def test_a_reading_that_decides_holds_the_stream_up(text: str):
    """`advance` does nothing until its words are there."""
    recogniser = StreamDriver().recogniser
    recogniser.feed(synthetic_speech.encode_speech(text), arrived_at=0.0)
    recogniser.flush(arrived_at=0.0)
    while recogniser.is_busy:
        recogniser.advance(None)
        if recogniser.request is not None:
            assert recogniser.request.is_blocking
            before = recogniser.request, recogniser.waiting_since, len(recogniser.pending_reports)
            recogniser.advance(100)
            assert before == (
                recogniser.request,
                recogniser.waiting_since,
                len(recogniser.pending_reports),
            )
            recogniser.apply_words(synthetic_speech.recognise_words(recogniser.request_samples()))


# --- what is kept


def test_nothing_is_kept_of_what_nobody_will_read():
    """Hours of silence or speech take no memory."""
    segmenter = SpeechSegmenter(synthetic_speech.FakeVoiceDetector())
    frame = np.zeros(FRAME_SAMPLES, np.float32)
    for _ in range(5000):
        segmenter.process_frame(frame, 0.5)

    assert 5000 == segmenter.frame_count
    with pytest.raises(ValueError, match="Indices"):
        segmenter.buffer.between(4980, 5000)
    assert 17 * FRAME_SAMPLES == len(segmenter.buffer.between(4983, 5000))


def test_an_engine_s_own_times_are_kept():
    """They count from the first sample of the segment, lead-in included."""
    driver = StreamDriver(read=lambda _: (EngineWord("a.", 0.5, 0.625, 0.9),)).feed_text(
        "." * 20, "aaaa", SHORT_SILENCE
    )

    assert (RecognisedWord("a.", 5 * 32 + 500, 5 * 32 + 625, 0.9),) == driver.finals[0].words
