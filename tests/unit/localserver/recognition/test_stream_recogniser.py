"""From frames to turns: where speech begins, and when a turn is over. No clock, no model."""

import pytest

from tests.unit.localserver.recognition import synthetic_speech
from tests.unit.localserver.recognition.stream_driver import (
    CLOSED,
    END,
    PAUSE,
    RULES,
    Walk,
    pieces,
    quiet,
    said,
)
from workers.localserver.recogniser_protocol import Endpointing
from workers.localserver.recognition.engines import EngineWord, EngineWords
from workers.localserver.recognition.segment import LEAD, TAIL
from workers.localserver.recognition.sound import FRAME_MS, Samples
from workers.localserver.recognition.stream_recogniser import Reason

# --- where speech begins


@pytest.mark.parametrize("noise", ["", "a", "a.a.a", "4444444444"])
def test_clicks_and_faint_sounds_open_nothing(noise: str):
    """A click is one frame; speech begins with two in a row."""
    walk = Walk().hears(noise)

    assert not walk.hearing.speaking
    assert [] == walk.hears(END).flushes().readings
    assert [] == walk.readings_told


def test_a_click_after_a_piece_opens_nothing():
    """It is not the second frame of anything."""
    walk = Walk().hears("aaaaA", PAUSE, "a")

    assert not walk.hearing.speaking
    assert 1 == len(walk.hears(END).readings)


def test_two_frames_in_a_row_are_speech():
    """From the second on, partials may be read."""
    assert Walk().hears("...aa").hearing.speaking


@pytest.mark.parametrize("noise", ["aa", "aaa", "a.aa"])
def test_a_short_noise_is_dropped_unread(noise: str):
    """Read alone, it would become a word."""
    walk = Walk(interval=100).hears(noise, END)

    assert [] == walk.readings
    assert not walk.hearing.speaking


def test_a_frame_somewhat_below_the_threshold_keeps_speech_going():
    """Until a breath has passed; then it takes the threshold again."""
    assert ["aaA....44"] == pieces(Walk().hears("aaA....44", PAUSE))
    assert [] == pieces(Walk().hears("aaA.....44", END))


def test_a_piece_has_a_lead_in_and_a_tail():
    """Words begin and end softly; a tail that is still to come is silence."""
    ((_, text),) = Walk().hears("." * 30, "aaaaA", PAUSE).readings

    assert "." * LEAD + "aaaaA" + "." * TAIL == text


def test_a_lead_in_takes_nothing_from_the_piece_before():
    """Else its last word could be heard twice."""
    walk = Walk().hears("aaaaA", PAUSE, "...", "bbbbB", PAUSE)

    assert "...bbbbB" == walk.readings[-1][1].rstrip(".")


def test_speech_may_begin_with_the_stream():
    """Then there is no lead-in."""
    assert [(Reason.PAUSE, "aaaaA" + "." * TAIL)] == Walk().hears("aaaaA", PAUSE).readings


# --- pauses, and the end of a turn


@pytest.mark.parametrize("silence", [50, 100, 160, 161, 320, 800, 1600])
def test_a_finished_sentence_ends_its_turn_after_the_shortest_silence(silence: int):
    """In the very frame; the position says when that was known."""
    frames = quiet(silence)
    walk = Walk(Endpointing(silence, 5000, vad_threshold=0.5)).hears("...aaaaA", frames[1:])
    assert [] == walk.finals

    walk.hears(".")
    assert ["a."] == walk.transcripts
    assert (3 + 5 + len(frames)) * FRAME_MS == walk.told[-1].position
    assert walk.finals[0].end_of_turn_confidence > 0.5


def test_an_unfinished_sentence_ends_after_the_longest_silence():
    """In the very frame; the pause is told before."""
    walk = Walk().hears("aaaaa", END[1:])
    assert [] == walk.finals
    assert "a" == said(walk.readings_told[0])
    assert 0 < walk.readings_told[0].end_of_turn_confidence < 0.5

    assert ["a"] == walk.hears(".").transcripts
    assert (5 + len(END)) * FRAME_MS == walk.told[-1].position


@pytest.mark.parametrize(
    ("text", "threshold", "silence"),
    [("aaaa", 0.0, PAUSE), ("aaaA", 0.0, PAUSE), ("aaaa", 1.0, END), ("aaaA", 1.0, END)],
)
def test_the_extremes_of_the_threshold(text: str, threshold: float, silence: str):
    """0: any pause ends the turn; 1: only the longest silence does."""
    walk = Walk(Endpointing(320, 1280, threshold, 0.5)).hears(text, silence[1:])
    assert [] == walk.finals

    assert 1 == len(walk.hears(".").finals)


@pytest.mark.parametrize("longest", [50, 100, 320])
def test_the_longest_silence_counts_even_if_it_is_shorter_than_a_pause(longest: int):
    """It ends a turn in any case."""
    walk = Walk(Endpointing(640, longest, vad_threshold=0.5)).hears("aaaa", quiet(longest)[1:])
    assert [] == walk.finals

    assert ["a"] == walk.hears(".").transcripts


def test_speech_that_resumes_in_a_pause_is_read_with_what_was_before():
    """One piece reads better than two halves."""
    walk = Walk().hears("aaaa", PAUSE, "bbbB", PAUSE)

    assert ["aaaa", "aaaa" + PAUSE + "bbbB"] == pieces(walk)
    assert ["a b."] == walk.transcripts


def test_a_pause_in_which_nothing_new_was_said_is_read_once():
    """However long it is."""
    assert 1 == len(Walk().hears("aaaa", "." * 100).readings)


def test_a_long_pause_closes_the_piece_but_not_the_turn():
    """From then on its words stay; the next piece goes on with the same turn."""
    walk = Walk().hears("aaaa", CLOSED[1:])
    assert [0] == [reading.settled for reading in walk.readings_told]

    walk.hears(".", "bbbB", PAUSE)
    assert [(0, "a"), (1, "a"), (1, "a b."), (2, "a b.")] == [
        (reading.settled, said(reading)) for reading in walk.readings_told
    ]
    assert ["aaaa", "bbbB"] == pieces(walk)


@pytest.mark.parametrize("silence", [790, 800, 5000])
def test_a_pause_that_closes_its_piece_tells_its_words_once(silence: int):
    """Whether it is read because of the turn or because of the piece."""
    walk = Walk(Endpointing(silence, 10_000, vad_threshold=0.5)).hears("aaaabbbb", "." * 60)

    assert {"a b"} == {said(reading) for reading in walk.readings_told}


def test_a_noise_in_which_nothing_is_read_changes_nothing():
    """The turn ends when it would have, counted from the noise."""
    walk = Walk().hears("aaaa", CLOSED, "77777", END)

    assert ["a"] == walk.transcripts
    assert [] == Walk().hears("77777", END).flushes().readings_told


@pytest.mark.parametrize("then", ["END", "speech", "flush"])
def test_what_a_partial_made_of_a_noise_does_not_stay_open(then: str):
    """A client that was told of a turn is told of its end, though nothing is left of it."""

    def read(samples: Samples) -> EngineWords:
        noise = (EngineWord("You"),) if synthetic_speech.text(samples).endswith("7") else ()
        return synthetic_speech.words(samples) or noise

    walk = Walk(interval=500, read=read).hears("7777777777", PAUSE)
    assert ["You"] == [said(reading) for reading in walk.readings_told]

    match then:
        case "END":
            assert [""] == walk.hears(END).transcripts
        case "speech":
            assert ["", "a."] == walk.hears(END, "aaaaaaA", PAUSE).transcripts
        case "flush":
            assert [""] == walk.flushes().transcripts


# --- settings that change


def test_settings_change_with_the_next_sample():
    """Those of a pause that lasts already count at once."""
    walk = Walk().hears("aaaa", "." * 15)
    assert [] == walk.finals

    walk.configures(Endpointing(160, 480, vad_threshold=0.5))
    assert [] == walk.finals
    assert ["a"] == walk.hears(".").transcripts


def test_settings_wait_for_the_audio_that_came_before_them():
    """However late that is listened to."""
    walk = Walk()
    walk.hearing.hear(synthetic_speech.audio("aaaA" + PAUSE + "bbbb" + "." * 30), at=0.0)
    walk.hearing.configure(Endpointing(64, 64, vad_threshold=0.5), at=0.0)
    walk.hearing.hear(synthetic_speech.audio("."), at=0.0)
    walk.goes_on()

    assert ["a.", "b"] == walk.transcripts
    assert walk.told[-1].position == (4 + len(PAUSE) + 4 + 31) * FRAME_MS


def test_the_detector_s_threshold_may_change_on_the_way():
    """A noise that was nothing is speech then, and the other way round."""
    walk = Walk().hears("4" * 20).configures(Endpointing(320, 1280, vad_threshold=0.4))
    assert walk.hears("44").hearing.speaking
    walk.configures(RULES).hears("4" * 10, "3" * 10)
    assert not walk.hearing.speaking


@pytest.mark.parametrize("text", ["." * 40, "." * 3 + "a" * 9 + "." * 40])
def test_a_threshold_of_0_takes_everything_for_speech(text: str):
    """Even what the detector is sure about."""
    walk = Walk(Endpointing(50, 50, vad_threshold=0.0)).hears(text)

    assert walk.hearing.speaking
    assert [] == walk.readings


def test_a_low_threshold_still_hears_silence():
    """However far below the threshold speech may fall."""
    walk = Walk(Endpointing(320, 1280, vad_threshold=0.1)).hears("aaaa1A", PAUSE)

    assert ["a a."] == walk.transcripts


def test_a_threshold_of_1_takes_next_to_nothing_for_speech():
    """The detector is never that sure; ours of these tests is."""
    walk = Walk(Endpointing(320, 1280, vad_threshold=1.0)).hears("9" * 99, END).flushes()

    assert [] == walk.readings
