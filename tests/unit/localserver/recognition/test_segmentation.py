"""What of a stream is read as one piece, and that nothing of it is lost or told twice."""

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


def test_a_long_piece_is_closed_by_a_pause():
    """Its words stay from then on, and speech that resumes is a piece of its own."""
    walk = StreamDriver().feed_text(
        "." * LEAD_IN_FRAMES, "a" * (CLOSE_AT_PAUSE_FRAMES - LEAD_IN_FRAMES), SHORT_SILENCE
    )
    assert [(1, "a", False)] == [
        (r.settled_count, reading_text(r), r.end_of_turn) for r in walk.published_readings
    ]

    walk.feed_text("bbbB", SHORT_SILENCE)
    assert ["a" * (CLOSE_AT_PAUSE_FRAMES - LEAD_IN_FRAMES), "bbbB"] == segments_read(walk)
    assert ["a b."] == walk.transcripts


def test_a_longer_piece_is_cut_between_two_words():
    """In the first gap, however short; the rest of the gap belongs to what follows."""
    walk = StreamDriver().feed_text("a" * CUT_AT_GAP_FRAMES, "." * WORD_GAP_FRAMES)
    assert [
        (RequestReason.LENGTH, "a" * CUT_AT_GAP_FRAMES + "." * (WORD_GAP_FRAMES // 2))
    ] == walk.readings

    walk.feed_text("bbbB", SHORT_SILENCE)
    assert ["bbbB"] == segments_read(walk)
    assert ["a b."] == walk.transcripts


@pytest.mark.parametrize("silence", [160, 320])
def test_a_piece_that_is_cut_at_its_end_ends_its_turn_in_time(silence: int):
    """There is nothing left to be read, so nothing to wait for."""
    rules = Endpointing(silence, 1280, vad_threshold=0.5)
    walk = StreamDriver(rules).feed_text("a" * CUT_AT_GAP_FRAMES + "A", silence_of(silence)[1:])
    assert [] == walk.finals

    assert ["a."] == walk.feed_text(".").transcripts


def test_a_piece_that_is_not_long_stays_open_in_a_pause():
    """What is read in one piece is read better."""
    walk = StreamDriver().feed_text("a" * (CLOSE_AT_PAUSE_FRAMES - 1), SHORT_SILENCE, "b")

    assert {0} == {reading.settled_count for reading in walk.published_readings}
    assert walk.hearing.accepts_partials


@pytest.mark.parametrize("dip", ["555", "888"])
def test_a_very_long_piece_is_cut_where_it_was_quietest(dip: str):
    """Within the last two seconds; the edges of those are not quiet for being edges."""
    walk = StreamDriver().feed_text("a" * (MAX_SEGMENT_FRAMES - 32), dip, "b" * 29)

    assert [(RequestReason.LENGTH, "a" * (MAX_SEGMENT_FRAMES - 32) + dip[0])] == walk.readings
    assert walk.hearing.accepts_partials
    assert [] == walk.finals


def test_a_turn_ends_with_the_piece_in_which_it_becomes_too_long():
    """30 s of dense speech: messages stay small, even if no sentence ever ends."""
    walk = StreamDriver(read=synthetic_speech.recognise_timed_frames).feed_text("a" * 1500)
    (final,) = walk.finals

    assert final.words[-1].end_ms - final.words[0].start_ms >= 30_000
    assert final.words[-1].end_ms - final.words[0].start_ms < 30_000 + MAX_SEGMENT_FRAMES * FRAME_MS
    assert 2 == len(walk.flush().finals)
    assert 1500 == sum(len(final.words) for final in walk.finals)


def test_what_is_left_of_a_cut_piece_is_as_much_speech_as_it_was():
    """Also where only its beginning reached the threshold."""
    text = "a" * (MAX_SEGMENT_FRAMES - 32) + "4" * 60
    walk = StreamDriver().feed_text(text, SHORT_SILENCE)

    assert [RequestReason.LENGTH, RequestReason.PAUSE] == [reason for reason, _ in walk.readings]
    assert text == "".join(piece for _, piece in walk.readings).rstrip(".")


def test_a_piece_that_was_cut_ends_its_turn_as_any_other():
    """Silence is counted from the last voiced frame, not from the cut."""
    walk = StreamDriver().feed_text("a" * (MAX_SEGMENT_FRAMES - 3), TURN_END_SILENCE[1:])
    assert [] == walk.finals

    assert ["a"] == walk.feed_text(".").transcripts
    assert [RequestReason.LENGTH] == [reason for reason, _ in walk.readings]


@FEWER_EXAMPLES
@given(TALK)
def test_every_frame_of_speech_is_heard_once(text: str):
    """Whatever cuts and pauses: in order, none twice, and none lost but what is too short."""
    walk = StreamDriver(read=synthetic_speech.recognise_timed_frames).feed_text(text).flush()
    frames = [word.start_ms // FRAME_MS for final in walk.finals for word in final.words]
    lost = {at for at, each in enumerate(text) if each.isalpha()} - set(frames)

    assert sorted(set(frames)) == frames
    assert all(
        len(lost & set(range(first, first + MIN_VOICED_FRAMES))) < MIN_VOICED_FRAMES
        for first in range(len(text))
    )


@FEWER_EXAMPLES
@given(TALK, st.sampled_from([50, 160, 320, 900]), st.sampled_from([50, 800, 1280]))
def test_words_never_overlap_in_time(text: str, shortest: int, longest: int):
    """Within a turn, and from one turn to the next."""
    rules = Endpointing(shortest, longest, vad_threshold=0.5)
    walk = StreamDriver(rules).feed_text(text).flush()

    assert sorted(word_times(walk)) == word_times(walk)
    assert all(0 <= time <= len(text) * FRAME_MS for time in word_times(walk))


# --- what is heard does not depend on how it is listened to


@st.composite
def pieces_of(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """Speech with flushes between, and sizes of chunks in samples."""
    texts = draw(st.lists(TALK, min_size=1, max_size=3))
    return texts, draw(st.lists(st.integers(800, 16_000), min_size=1, max_size=5))


@FEWER_EXAMPLES
@given(pieces_of(), st.sampled_from([None, 500]), st.booleans())
def test_finals_depend_on_the_audio_alone(
    case: tuple[list[str], list[int]], interval: int | None, at_once: bool
):
    """Neither on the sizes of chunks, nor on partials, nor on how late it is listened to."""
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
            other.hearing.feed(data[:size], arrived_at=0.0)
            if not at_once:
                other.advance()
            data, turn = data[size:], turn + 1
        other.hearing.flush(arrived_at=0.0)
    other.advance()

    assert plain.finals == other.finals
    assert plain.flush_positions == other.flush_positions


@FEWER_EXAMPLES
@given(TALK)
def test_a_reading_that_decides_holds_the_stream_up(text: str):
    """Listening on does nothing until it is there."""
    hearing = StreamDriver().hearing
    hearing.feed(synthetic_speech.encode_speech(text), arrived_at=0.0)
    hearing.flush(arrived_at=0.0)
    while hearing.is_busy:
        hearing.advance(None)
        if hearing.request is not None:
            assert hearing.request.is_blocking
            before = hearing.request, hearing.waiting_since, len(hearing.pending_reports)
            hearing.advance(100)
            assert before == (hearing.request, hearing.waiting_since, len(hearing.pending_reports))
            hearing.apply_words(synthetic_speech.recognise_words(hearing.request_samples()))


# --- what is kept


def test_nothing_is_kept_of_what_nobody_will_read():
    """Hours of silence, or of speech, take no memory."""
    ear = SpeechSegmenter(synthetic_speech.FakeVoiceDetector())
    frame = np.zeros(FRAME_SAMPLES, np.float32)
    for _ in range(5000):
        ear.process_frame(frame, 0.5)

    assert 5000 == ear.frame_count
    with pytest.raises(ValueError, match="Indices"):
        ear.buffer.between(4980, 5000)
    assert 17 * FRAME_SAMPLES == len(ear.buffer.between(4983, 5000))


def test_an_engine_s_own_times_are_kept():
    """They count from the first sample of the piece, lead-in included."""
    walk = StreamDriver(read=lambda _: (EngineWord("a.", 0.5, 0.625, 0.9),)).feed_text(
        "." * 20, "aaaa", SHORT_SILENCE
    )

    assert (RecognisedWord("a.", 5 * 32 + 500, 5 * 32 + 625, 0.9),) == walk.finals[0].words
