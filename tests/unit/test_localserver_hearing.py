"""From frames to turns: what is read of a stream, when, and what follows. No clock, no model."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import spoken
from workers.localserver.ear import Ear
from workers.localserver.engines import EngineWord, EngineWords
from workers.localserver.hearing import Hearing, Notice, Reason
from workers.localserver.hypotheses import Encoding, Endpointing, HeardWord, Reading
from workers.localserver.segment import SHORTEST
from workers.localserver.sound import FRAME, FRAME_MS, RATE, Intake, Samples

RULES = Endpointing(320, 1280, vad_threshold=0.5)
"""A pause is read after 10 frames, a turn ends after 40 at the latest."""

PAUSE = "." * 10
END = "." * 40


class Walk:
    """One stream as a recogniser walks it: reads whatever is wanted, and keeps what is told."""

    def __init__(
        self,
        rules: Endpointing = RULES,
        interval: int | None = None,
        read: Callable[[Samples], EngineWords] = spoken.words,
    ) -> None:
        self.hearing = Hearing(Intake(RATE, Encoding.PCM_S16LE), spoken.Voice(), rules)
        self.interval = interval
        self.readings: list[tuple[Reason, str]] = []
        self.told: list[Notice] = []
        self._read = read

    def hears(self, *texts: str) -> "Walk":
        for text in texts:
            self.hears_bytes(spoken.audio(text))
        return self

    def hears_bytes(self, data: bytes) -> "Walk":
        self.hearing.hear(data, at=0.0)
        return self.goes_on()

    def configures(self, rules: Endpointing) -> "Walk":
        self.hearing.configure(rules, at=0.0)
        return self.goes_on()

    def flushes(self) -> "Walk":
        self.hearing.flush(at=0.0)
        return self.goes_on()

    def goes_on(self) -> "Walk":
        while self.hearing.busy:
            self.hearing.advance(self.interval)
            if self.hearing.wanted is not None:
                samples = self.hearing.samples()
                self.readings.append((self.hearing.wanted.reason, spoken.text(samples)))
                self.hearing.read(self._read(samples))
            self.told += self.hearing.notices
            self.hearing.notices.clear()
        return self

    @property
    def readings_told(self) -> list[Reading]:
        return [notice.reading for notice in self.told if notice.reading is not None]

    @property
    def finals(self) -> list[Reading]:
        return [reading for reading in self.readings_told if reading.over]

    @property
    def transcripts(self) -> list[str]:
        """Of the turns that are over."""
        return [said(reading) for reading in self.finals]

    @property
    def flushed(self) -> int:
        return sum(notice.flushed for notice in self.told)


def said(reading: Reading) -> str:
    return " ".join(word.text for word in reading.words)


def times(walk: Walk) -> list[int]:
    """Starts and ends of all words, turn after turn."""
    words = [word for final in walk.finals for word in final.words]
    return [time for word in words for time in (word.start, word.end)]


def at(walk: Walk, reason: Reason) -> list[str]:
    """The pieces that were read for a reason."""
    return [text for each, text in walk.readings if each is reason]


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
    assert [(Reason.PAUSE, "aaA....44" + PAUSE)] == Walk().hears("aaA....44", PAUSE).readings
    assert [] == Walk().hears("aaA.....44", END).readings


def test_a_piece_has_a_lead_in_and_a_tail():
    """Words begin and end softly: 15 frames before the first voiced one, 10 after the last."""
    patient = Endpointing(640, 1280, vad_threshold=0.5)
    walk = Walk(patient).hears("." * 30, "aaaaa", "." * 20)

    assert [(Reason.PAUSE, "." * 15 + "aaaaa" + "." * 10)] == walk.readings


def test_a_lead_in_takes_nothing_from_the_piece_before():
    """Else its last word could be heard twice."""
    walk = Walk().hears("aaaaA", "." * 12, "bbbbB", PAUSE)

    assert [("aaaaA" + PAUSE), (".." + "bbbbB" + PAUSE)] == at(walk, Reason.PAUSE)


def test_speech_may_begin_with_the_stream():
    """Then there is no lead-in."""
    assert [(Reason.PAUSE, "aaaaA" + PAUSE)] == Walk().hears("aaaaA", PAUSE).readings


# --- pauses, and the end of a turn


@pytest.mark.parametrize(
    ("silence", "frames"), [(50, 2), (64, 2), (65, 3), (320, 10), (800, 25), (5000, 25)]
)
def test_a_pause_is_read_as_soon_as_it_is_long_enough(silence: int, frames: int):
    """In the frame with which `min_turn_silence` is reached; a very long one is not waited for."""
    walk = Walk(Endpointing(silence, 10_000, vad_threshold=0.5)).hears("aaaaa", "." * (frames - 1))

    assert [] == walk.readings
    assert [Reason.PAUSE] == [reason for reason, _ in walk.hears(".").readings]


def test_a_finished_sentence_ends_its_turn_with_the_pause():
    """The position says when that was known."""
    walk = Walk().hears("...aaaaA", PAUSE)

    assert ["a."] == walk.transcripts
    assert [(3 + 5 + 10) * FRAME_MS] == [each.position for each in walk.told if each.reading]
    assert walk.finals[0].end_of_turn_confidence > 0.5


def test_an_unfinished_sentence_ends_with_the_longest_silence():
    """In the very frame; the pause is told before."""
    walk = Walk().hears("aaaaa", "." * 39)

    assert [] == walk.finals
    assert "a" == said(walk.readings_told[0])
    assert 0 < walk.readings_told[0].end_of_turn_confidence < 0.5
    assert ["a"] == walk.hears(".").transcripts
    assert walk.told[-1].position == (5 + 40) * FRAME_MS


@pytest.mark.parametrize(
    ("text", "threshold", "frames"),
    [("aaaa", 0.0, 10), ("aaaA", 0.0, 10), ("aaaa", 1.0, 40), ("aaaA", 1.0, 40)],
)
def test_the_extremes_of_the_threshold(text: str, threshold: float, frames: int):
    """0: any pause ends the turn; 1: only the longest silence does."""
    walk = Walk(Endpointing(320, 1280, threshold, 0.5)).hears(text, "." * (frames - 1))

    assert [] == walk.finals
    assert 1 == len(walk.hears(".").finals)


def test_the_longest_silence_counts_even_if_it_is_shorter_than_a_pause():
    """It ends a turn in any case."""
    walk = Walk(Endpointing(640, 320, vad_threshold=0.5)).hears("aaaa", PAUSE)

    assert ["a"] == walk.transcripts


def test_speech_that_resumes_in_a_pause_is_read_with_what_was_before():
    """One piece reads better than two halves."""
    walk = Walk().hears("aaaa", "." * 12, "bbbB", PAUSE)

    assert ["aaaa" + PAUSE, "aaaa" + "." * 12 + "bbbB" + PAUSE] == at(walk, Reason.PAUSE)
    assert ["a b."] == walk.transcripts


def test_a_pause_in_which_nothing_new_was_said_is_read_once():
    """However long it is."""
    assert 1 == len(Walk().hears("aaaa", "." * 100).readings)


def test_a_long_pause_closes_the_piece_but_not_the_turn():
    """From then on its words stay; the next piece goes on with the same turn."""
    walk = Walk().hears("aaaa", "." * 24)
    assert [0] == [reading.settled for reading in walk.readings_told]

    walk.hears(".", "." * 5, "bbbB", PAUSE)

    assert [(0, "a"), (1, "a"), (2, "a b.")] == [
        (reading.settled, said(reading)) for reading in walk.readings_told
    ]
    assert "." * 15 + "bbbB" + PAUSE == walk.readings[-1][1]


@pytest.mark.parametrize("silence", [790, 800, 5000])
def test_a_pause_that_closes_its_piece_tells_its_words_once(silence: int):
    """Whether it is read because of the turn or because of the piece."""
    walk = Walk(Endpointing(silence, 10_000, vad_threshold=0.5)).hears("aaaabbbb", "." * 60)

    assert {"a b"} == {said(reading) for reading in walk.readings_told}


def test_a_noise_in_which_nothing_is_read_changes_nothing():
    """The turn ends when it would have, counted from the noise."""
    walk = Walk().hears("aaaa", "." * 30, "77777", END)

    assert ["a"] == walk.transcripts
    assert [] == Walk().hears("77777", END).flushes().readings_told


@pytest.mark.parametrize("then", ["END", "speech", "flush"])
def test_what_a_partial_made_of_a_noise_does_not_stay_open(then: str):
    """A client that was told of a turn is told of its end, though nothing is left of it."""

    def read(samples: Samples) -> EngineWords:
        noise = (EngineWord("You"),) if spoken.text(samples).endswith("7") else ()
        return spoken.words(samples) or noise

    walk = Walk(interval=500, read=read).hears("7777777777", PAUSE)
    assert ["You"] == [said(reading) for reading in walk.readings_told]

    match then:
        case "END":
            assert [""] == walk.hears(END).transcripts
        case "speech":
            assert ["", "a."] == walk.hears(END, "aaaaaaA", PAUSE).transcripts
        case "flush":
            assert [""] == walk.flushes().transcripts


# --- pieces that become long


def test_a_long_piece_is_closed_by_a_pause():
    """After 5 s its words stay, and speech that resumes is a piece of its own."""
    walk = Walk().hears("." * 15, "a" * 142, PAUSE)
    assert [(1, "a", False)] == [(r.settled, said(r), r.over) for r in walk.readings_told]

    walk.hears("bbbB", PAUSE)
    assert ["." * 15 + "a" * 142, "bbbB"] == [text.rstrip(".") for text in at(walk, Reason.PAUSE)]
    assert ["a b."] == walk.transcripts


def test_a_piece_that_is_not_long_stays_open_in_a_pause():
    """What is read in one piece is read better."""
    walk = Walk().hears("a" * 156, PAUSE, "b")

    assert {0} == {reading.settled for reading in walk.readings_told}
    assert walk.hearing.speaking


@pytest.mark.parametrize("dip", ["...", "555", "888"])
def test_a_very_long_piece_is_cut_where_it_was_quietest(dip: str):
    """After 9 s, within the last two; the edges of those are not quiet for being edges."""
    walk = Walk().hears("a" * 250, dip, "b" * 29)

    assert [(Reason.LENGTH, "a" * 250 + dip[0])] == walk.readings
    assert walk.hearing.speaking
    assert [] == walk.finals


def test_a_turn_ends_with_the_piece_in_which_it_becomes_too_long():
    """30 s of dense speech: messages stay small, even if no sentence ever ends."""
    walk = Walk(read=spoken.timed_frames).hears("a" * 1500)
    (final,) = walk.finals

    assert final.words[-1].end - final.words[0].start >= 30_000
    assert final.words[0].end + 30_000 + 9_000 > final.words[-1].end
    assert [2] == [len(walk.flushes().finals)]
    assert 1500 == sum(len(final.words) for final in walk.finals)


def test_what_is_left_of_a_cut_piece_is_as_much_speech_as_it_was():
    """Also where only its beginning reached the threshold."""
    walk = Walk().hears("a" * 250, "4" * 60, PAUSE)

    assert [Reason.LENGTH, Reason.PAUSE] == [reason for reason, _ in walk.readings]
    assert "a" * 250 + "4" * 60 + PAUSE == "".join(text for _, text in walk.readings)


def test_a_piece_that_was_cut_ends_its_turn_as_any_other():
    """Silence is counted from the last voiced frame, not from the cut."""
    walk = Walk().hears("a" * 279, "...", "." * 36)
    assert [Reason.LENGTH] == [reason for reason, _ in walk.readings]
    assert [] == walk.finals
    assert ["a"] == walk.hears(".").transcripts


FEWER = settings(max_examples=20)
"""An example is half a minute of audio."""

SPEECH = st.tuples(st.sampled_from("abAB"), st.integers(SHORTEST, 200)).map(lambda a: a[0] * a[1])
SILENCE = st.tuples(st.sampled_from("..34"), st.integers(1, 60)).map(lambda a: a[0] * a[1])
TALK = st.lists(st.one_of(SPEECH, SPEECH, SILENCE), min_size=1, max_size=9).map("".join)


@FEWER
@given(TALK)
def test_every_frame_of_speech_is_heard_once(text: str):
    """Whatever cuts and pauses: in order, none twice, and none lost but what is too short."""
    walk = Walk(read=spoken.timed_frames).hears(text).flushes()
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


# --- partials


def partials(walk: Walk) -> list[int]:
    """The lengths of the pieces, in frames."""
    return [len(text) for text in at(walk, Reason.PARTIAL)]


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


def test_nothing_is_read_anew_while_nothing_new_is_said():
    """Silence has no partials; neither has a pause that was read."""
    walk = Walk(interval=30).hears("a" * 10, "." * 9)
    assert [10] == partials(walk)

    walk.hears("." * 5, "a")
    assert [10, 25] == partials(walk)


def test_partials_can_be_left_out():
    """When there is no time for them."""
    assert [] == partials(Walk(interval=None).hears("a" * 60))


def test_after_the_first_partial_only_pauses_may_bring_more():
    """Until the turn is over."""
    terse = Endpointing(320, 1280, vad_threshold=0.5, continuous_partials=False)
    walk = Walk(terse, interval=100).hears("a" * 30, "." * 15, "b" * 30, "." * 30, "c" * 30)
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
    hearing.hear(spoken.audio("a" * 12), at=1.0)
    hearing.advance(500)
    assert hearing.wanted is not None
    hearing.hear(spoken.audio("a" * 40), at=2.0)
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
    hearing.hear(spoken.audio("aaA" + "." * 6 + "A"), at=1.0)
    hearing.advance(500)
    assert hearing.wanted is not None
    hearing.hear(spoken.audio(END), at=2.0)
    hearing.advance(500)

    assert Reason.PAUSE is hearing.wanted.reason
    hearing.read(spoken.words(hearing.samples()))
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
        whole = len(spoken.text(samples)) >= 250
        stutters = whole and spoken.text(samples).endswith("a")
        return (EngineWord("tho"),) * 9 if stutters else spoken.timed_frames(samples)

    walk = Walk(interval=500, read=read).hears("a" * 250, "." * 2, "b" * 40, PAUSE).flushes()

    assert Reason.LENGTH in [reason for reason, _ in walk.readings]
    assert sorted(times(walk)) == times(walk)


# --- flushes


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
    assert "bbbB" + PAUSE == walk.readings[-1][1]


def test_a_click_before_a_flush_is_no_part_of_what_follows():
    """Neither is the silence before it."""
    walk = Walk().hears("....a").flushes().hears("aaaA", PAUSE)

    assert [(Reason.PAUSE, "aaaA" + PAUSE)] == walk.readings
    assert [] == Walk().hears("....a").flushes().hears("aaA", PAUSE).readings


def test_a_flush_is_read_with_the_samples_that_do_not_fill_a_frame():
    """And with none of those that came after it, however late it is read."""
    rest = np.full(100, 8000, "<i2").tobytes()
    later = np.full(FRAME, 16000, "<i2").tobytes()
    for late in (False, True):
        hearing = Walk().hearing
        hearing.hear(spoken.audio("aaaa") + rest, at=0.0)
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
        walk.hearing.hear(spoken.audio(text), at=0.0)
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


# --- what is heard does not depend on how it is listened to


@st.composite
def pieces_of(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """Speech with flushes between, and sizes of chunks in samples."""
    texts = draw(st.lists(TALK, min_size=1, max_size=3))
    return texts, draw(st.lists(st.integers(800, 16_000), min_size=1, max_size=5))


@FEWER
@given(pieces_of(), st.sampled_from([None, 500]), st.booleans())
def test_finals_depend_on_the_audio_alone(
    given: tuple[list[str], list[int]], interval: int | None, at_once: bool
):
    """Neither on the sizes of chunks, nor on partials, nor on how late it is listened to."""
    texts, sizes = given
    plain, other = Walk(read=spoken.timed_frames), Walk(interval=interval, read=spoken.timed_frames)
    for text in texts:
        plain.hears(text).flushes()
        data = spoken.audio(text)
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
    hearing.hear(spoken.audio(text), at=0.0)
    hearing.flush(at=0.0)
    while hearing.busy:
        hearing.advance(None)
        if hearing.wanted is not None:
            assert hearing.stands
            before = hearing.wanted, hearing.waiting_since, len(hearing.notices)
            hearing.advance(100)
            assert before == (hearing.wanted, hearing.waiting_since, len(hearing.notices))
            hearing.read(spoken.words(hearing.samples()))


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
    walk.hearing.hear(spoken.audio("aaaA" + PAUSE + "bbbb" + "." * 30), at=0.0)
    walk.hearing.configure(Endpointing(64, 64, vad_threshold=0.5), at=0.0)
    walk.hearing.hear(spoken.audio("."), at=0.0)
    walk.goes_on()

    assert ["a.", "b"] == walk.transcripts
    assert walk.told[-1].position == (4 + 10 + 4 + 31) * FRAME_MS


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


def test_a_threshold_of_1_takes_next_to_nothing_for_speech():
    """The detector is never that sure; ours of these tests is."""
    walk = Walk(Endpointing(320, 1280, vad_threshold=1.0)).hears("9" * 99, END).flushes()

    assert [] == walk.readings


# --- notices between the readings


@FEWER
@given(TALK, st.integers(800, 16_000))
def test_how_far_was_listened_is_told_twice_a_second(text: str, size: int):
    """With positions that never go back."""
    walk = Walk()
    data = spoken.audio(text)
    for start in range(0, len(data), 2 * size):
        walk.hears_bytes(data[start : start + 2 * size])
    positions = [0, *(notice.position for notice in walk.told), len(text) * FRAME_MS]

    assert sorted(positions) == positions
    assert all(after - before <= 512 for before, after in pairwise(positions))


def test_silence_is_counted_from_the_last_frame_of_speech():
    """0 while somebody speaks; the end of a turn changes nothing."""
    walk = Walk().hears("." * 16, "a" * 32, "." * 47).flushes().hears("." * 17)
    silences = {each.position // FRAME_MS: each.silence // FRAME_MS for each in walk.told}

    assert {16: 16, 32: 0, 47: 0, 63: 15, 79: 31, 94: 46, 110: 62}.items() <= silences.items()


def test_the_probability_is_the_highest_since_the_last_notice():
    """Also of what is too faint to be speech."""
    walk = Walk().hears("." * 5, "4", "." * 10, "." * 16, "." * 3, "2.3", "." * 10)

    assert [0.4, 0.0, 0.3] == [notice.speech_probability for notice in walk.told]


def test_a_notice_knows_when_its_audio_came():
    """Of the frame that was listened to last."""
    hearing = Walk().hearing
    hearing.hear(spoken.audio("." * 10), at=3.0)
    hearing.hear(spoken.audio("." * 10), at=4.0)
    assert 3.0 == hearing.waiting_since
    hearing.advance(None)

    assert [(512, 4.0)] == [(notice.position, notice.since) for notice in hearing.notices]
    assert hearing.waiting_since is None


# --- what is kept


def test_nothing_is_kept_of_what_nobody_will_read():
    """Hours of silence, or of speech, take no memory."""
    ear = Ear(spoken.Voice())
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
