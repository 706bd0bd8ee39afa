"""What of a stream is read as one piece, and that nothing of it is lost or told twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.localserver.recognition import synthetic_speech
from tests.unit.localserver.recognition.stream_driver import (
    END,
    FEWER,
    PAUSE,
    TALK,
    Walk,
    pieces,
    quiet,
    said,
    times,
)
from workers.localserver.recogniser_protocol import Endpointing, HeardWord
from workers.localserver.recognition.engines import EngineWord
from workers.localserver.recognition.segment import GAP, LEAD, LONG, LONGER, LONGEST, SHORTEST
from workers.localserver.recognition.sound import FRAME, FRAME_MS
from workers.localserver.recognition.speech_segmenter import Ear
from workers.localserver.recognition.stream_recogniser import Reason

# --- pieces that become long


def test_a_long_piece_is_closed_by_a_pause():
    """Its words stay from then on, and speech that resumes is a piece of its own."""
    walk = Walk().hears("." * LEAD, "a" * (LONG - LEAD), PAUSE)
    assert [(1, "a", False)] == [(r.settled, said(r), r.over) for r in walk.readings_told]

    walk.hears("bbbB", PAUSE)
    assert ["a" * (LONG - LEAD), "bbbB"] == pieces(walk)
    assert ["a b."] == walk.transcripts


def test_a_longer_piece_is_cut_between_two_words():
    """In the first gap, however short; the rest of the gap belongs to what follows."""
    walk = Walk().hears("a" * LONGER, "." * GAP)
    assert [(Reason.LENGTH, "a" * LONGER + "." * (GAP // 2))] == walk.readings

    walk.hears("bbbB", PAUSE)
    assert ["bbbB"] == pieces(walk)
    assert ["a b."] == walk.transcripts


@pytest.mark.parametrize("silence", [160, 320])
def test_a_piece_that_is_cut_at_its_end_ends_its_turn_in_time(silence: int):
    """There is nothing left to be read, so nothing to wait for."""
    rules = Endpointing(silence, 1280, vad_threshold=0.5)
    walk = Walk(rules).hears("a" * LONGER + "A", quiet(silence)[1:])
    assert [] == walk.finals

    assert ["a."] == walk.hears(".").transcripts


def test_a_piece_that_is_not_long_stays_open_in_a_pause():
    """What is read in one piece is read better."""
    walk = Walk().hears("a" * (LONG - 1), PAUSE, "b")

    assert {0} == {reading.settled for reading in walk.readings_told}
    assert walk.hearing.speaking


@pytest.mark.parametrize("dip", ["555", "888"])
def test_a_very_long_piece_is_cut_where_it_was_quietest(dip: str):
    """Within the last two seconds; the edges of those are not quiet for being edges."""
    walk = Walk().hears("a" * (LONGEST - 32), dip, "b" * 29)

    assert [(Reason.LENGTH, "a" * (LONGEST - 32) + dip[0])] == walk.readings
    assert walk.hearing.speaking
    assert [] == walk.finals


def test_a_turn_ends_with_the_piece_in_which_it_becomes_too_long():
    """30 s of dense speech: messages stay small, even if no sentence ever ends."""
    walk = Walk(read=synthetic_speech.timed_frames).hears("a" * 1500)
    (final,) = walk.finals

    assert final.words[-1].end - final.words[0].start >= 30_000
    assert final.words[-1].end - final.words[0].start < 30_000 + LONGEST * FRAME_MS
    assert 2 == len(walk.flushes().finals)
    assert 1500 == sum(len(final.words) for final in walk.finals)


def test_what_is_left_of_a_cut_piece_is_as_much_speech_as_it_was():
    """Also where only its beginning reached the threshold."""
    text = "a" * (LONGEST - 32) + "4" * 60
    walk = Walk().hears(text, PAUSE)

    assert [Reason.LENGTH, Reason.PAUSE] == [reason for reason, _ in walk.readings]
    assert text == "".join(piece for _, piece in walk.readings).rstrip(".")


def test_a_piece_that_was_cut_ends_its_turn_as_any_other():
    """Silence is counted from the last voiced frame, not from the cut."""
    walk = Walk().hears("a" * (LONGEST - 3), END[1:])
    assert [] == walk.finals

    assert ["a"] == walk.hears(".").transcripts
    assert [Reason.LENGTH] == [reason for reason, _ in walk.readings]


@FEWER
@given(TALK)
def test_every_frame_of_speech_is_heard_once(text: str):
    """Whatever cuts and pauses: in order, none twice, and none lost but what is too short."""
    walk = Walk(read=synthetic_speech.timed_frames).hears(text).flushes()
    frames = [word.start // FRAME_MS for final in walk.finals for word in final.words]
    lost = {at for at, each in enumerate(text) if each.isalpha()} - set(frames)

    assert sorted(set(frames)) == frames
    assert all(
        len(lost & set(range(first, first + SHORTEST))) < SHORTEST for first in range(len(text))
    )


@FEWER
@given(TALK, st.sampled_from([50, 160, 320, 900]), st.sampled_from([50, 800, 1280]))
def test_words_never_overlap_in_time(text: str, shortest: int, longest: int):
    """Within a turn, and from one turn to the next."""
    rules = Endpointing(shortest, longest, vad_threshold=0.5)
    walk = Walk(rules).hears(text).flushes()

    assert sorted(times(walk)) == times(walk)
    assert all(0 <= time <= len(text) * FRAME_MS for time in times(walk))


# --- what is heard does not depend on how it is listened to


@st.composite
def pieces_of(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """Speech with flushes between, and sizes of chunks in samples."""
    texts = draw(st.lists(TALK, min_size=1, max_size=3))
    return texts, draw(st.lists(st.integers(800, 16_000), min_size=1, max_size=5))


@FEWER
@given(pieces_of(), st.sampled_from([None, 500]), st.booleans())
def test_finals_depend_on_the_audio_alone(
    case: tuple[list[str], list[int]], interval: int | None, at_once: bool
):
    """Neither on the sizes of chunks, nor on partials, nor on how late it is listened to."""
    texts, sizes = case
    plain, other = (
        Walk(read=synthetic_speech.timed_frames),
        Walk(interval=interval, read=synthetic_speech.timed_frames),
    )
    for text in texts:
        plain.hears(text).flushes()
        data = synthetic_speech.audio(text)
        turn = 0
        while data:
            size = 2 * sizes[turn % len(sizes)]
            other.hearing.hear(data[:size], at=0.0)
            if not at_once:
                other.goes_on()
            data, turn = data[size:], turn + 1
        other.hearing.flush(at=0.0)
    other.goes_on()

    assert plain.finals == other.finals
    assert [each.position for each in plain.told if each.flushed] == [
        each.position for each in other.told if each.flushed
    ]


@FEWER
@given(TALK)
def test_a_reading_that_decides_holds_the_stream_up(text: str):
    """Listening on does nothing until it is there."""
    hearing = Walk().hearing
    hearing.hear(synthetic_speech.audio(text), at=0.0)
    hearing.flush(at=0.0)
    while hearing.busy:
        hearing.advance(None)
        if hearing.wanted is not None:
            assert hearing.stands
            before = hearing.wanted, hearing.waiting_since, len(hearing.notices)
            hearing.advance(100)
            assert before == (hearing.wanted, hearing.waiting_since, len(hearing.notices))
            hearing.read(synthetic_speech.words(hearing.samples()))


# --- what is kept


def test_nothing_is_kept_of_what_nobody_will_read():
    """Hours of silence, or of speech, take no memory."""
    ear = Ear(synthetic_speech.Voice())
    frame = np.zeros(FRAME, np.float32)
    for _ in range(5000):
        ear.listen(frame, 0.5)

    assert 5000 == ear.now
    with pytest.raises(ValueError, match="Indices"):
        ear.tape.between(4980, 5000)
    assert 17 * FRAME == len(ear.tape.between(4983, 5000))


def test_an_engine_s_own_times_are_kept():
    """They count from the first sample of the piece, lead-in included."""
    walk = Walk(read=lambda _: (EngineWord("a.", 0.5, 0.625, 0.9),)).hears("." * 20, "aaaa", PAUSE)

    assert (HeardWord("a.", 5 * 32 + 500, 5 * 32 + 625, 0.9),) == walk.finals[0].words
