"""The embedded endpoint's rules, without a socket, a process or a clock."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.localserver import parameters
from workers.localserver.hearing import mulaw
from workers.localserver.leveller import Leveller
from workers.localserver.lines import Encoding, Heard, HeardWord, Line, StreamId
from workers.localserver.parameters import Endpointing, Family
from workers.localserver.reading import Reading, plain
from workers.localserver.refusal import CloseCode, Refusal
from workers.localserver.session import Received
from workers.localserver.turns import LONGEST_TURN, Turns
from workers.localserver.voicing import Loudness, spread
from workers.speech.messages import ServerMessage, SpeechStarted, Turn, UpdateConfiguration


def said(text: str, start: int = 0, each: int = 200) -> tuple[HeardWord, ...]:
    """Words of equal length, one after the other."""
    return tuple(
        HeardWord(word, start + index * each, start + (index + 1) * each)
        for index, word in enumerate(text.split())
    )


def line(text: str, start: int = 0, number: int = 0, complete: bool = True) -> Line:
    return Line(number, said(text, start), complete)


def heard(turns: Turns, position: int, *lines: Line) -> list[ServerMessage]:
    return turns.heard(Heard(StreamId(1), position, lines))


def turns_of(query: str) -> Turns:
    return Turns(parameters.read(query))


def transcripts(messages: list[ServerMessage]) -> list[tuple[int, str, bool]]:
    return [(m.turn_order, m.transcript, m.end_of_turn) for m in messages if isinstance(m, Turn)]


# --- words that can be relied on


def test_two_equal_hypotheses_commit_all_but_their_last_word():
    """A word counts when two readings agree on it and on one word more."""
    reading = Reading()
    reading.heard(said("And so my"))
    reading.heard(said("And so, my fellow"))

    assert ["And", "so,"] == [word.text for word in reading.committed]
    assert reading.next_word is not None
    assert "my" == reading.next_word.text


def test_committed_words_stay_when_a_later_hypothesis_contradicts_them():
    """What was given out as final does not change."""
    reading = Reading()
    for text in ("the invoice number", "the invoice number is", "an envoy", "an envoy"):
        reading.heard(said(text))

    assert ["the", "invoice"] == [word.text for word in reading.committed]


def test_committed_words_keep_their_order_in_time():
    """Later hypotheses move the times; words given out still never overlap."""
    reading = Reading()
    reading.heard(said("one two three four", each=300))
    reading.heard(said("one two three four", each=300))
    reading.heard(said("one two three four five six", each=100))
    reading.heard(said("one two three four five six", each=100))
    times = [time for word in reading.committed for time in (word.start, word.end)]

    assert 5 == len(reading.committed)
    assert sorted(times) == times


def test_a_repeated_word_is_trusted_more():
    """Confidence grows with every hypothesis that repeats the word."""
    reading = Reading()
    reading.heard(said("hello"))
    first = reading.confidence(0)
    reading.heard(said("hello there"))

    assert first < reading.confidence(0) < 1
    assert first == reading.confidence(1)


@pytest.mark.parametrize(
    ("formatted", "unformatted"),
    [("Times,", "times"), ("don't", "don't"), ("ill-disposed.", "ill-disposed"), ("—", "")],
)
def test_plain_words_lose_case_and_the_punctuation_around_them(formatted: str, unformatted: str):
    """What belongs to the word itself stays."""
    assert unformatted == plain(formatted)


# --- when words were said


def test_words_are_spread_over_what_is_voiced():
    """A pause inside the line belongs to no word."""
    voiced = [*range(1000, 1200, 10), *range(1700, 1900, 10)]
    words = spread(["four", "five"], voiced, 900, 2000)

    assert [HeardWord("four", 1000, 1200), HeardWord("five", 1700, 1900)] == words


@given(
    st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=30),
    st.lists(st.integers(0, 500).map(lambda n: n * 10), unique=True, max_size=60).map(sorted),
)
def test_spread_words_are_in_order_and_have_a_length(words: list[str], voiced: list[int]):
    """However few voiced moments there are."""
    heard_words = spread(words, voiced, 0, 5000)

    assert words == [word.text for word in heard_words]
    assert all(word.start < word.end for word in heard_words)
    starts = [word.start for word in heard_words]
    assert sorted(starts) == starts


def test_loudness_finds_the_voiced_part_of_a_line():
    """Whatever the pieces in which the audio came."""
    speech = np.zeros(16_000, np.float32)
    speech[4_000:8_000] = 0.3
    loudness = Loudness(16_000)
    for piece in np.split(speech, [777, 5_555, 9_001]):
        loudness.add(piece)
    voiced = loudness.voiced(0, 1000)

    assert (250, 490) == (voiced[0], voiced[-1])


# --- levels and samples


def test_speech_at_a_usual_level_passes_unchanged():
    """The gain is for quiet recordings only."""
    speech = (0.05 * np.sin(np.arange(1600))).astype(np.float32)

    assert np.array_equal(speech, Leveller(16_000).levelled(speech))


def test_quiet_speech_is_raised_and_never_beyond_full_scale():
    """Also when something loud follows at once."""
    leveller = Leveller(16_000)
    silence = np.zeros(1600, np.float32)
    quiet = (0.0005 * np.sin(np.arange(1600))).astype(np.float32)
    raised = [leveller.levelled(block) for block in (silence, *[quiet] * 5)]
    loud = leveller.levelled(np.ones(1600, np.float32))

    assert [0, 0, 0, 0, 0, 9600] == [len(block) for block in raised]
    assert np.abs(raised[-1]).max() > 5 * np.abs(quiet).max()
    assert np.array_equal(np.ones(1600, np.float32), loud)


def test_the_first_word_after_a_silence_is_not_changed():
    """A soft beginning before a loud vowel stays soft, whatever the noise before it."""
    leveller = Leveller(16_000)
    noise = np.full(1600, 1e-4, np.float32)
    soft, vowel = noise * 20, noise * 2000
    blocks = [noise] * 20 + [soft, vowel, soft]
    out = [leveller.levelled(block) for block in blocks]

    assert np.array_equal(np.concatenate(blocks), np.concatenate(out))


def test_silence_is_held_for_a_second_and_never_lost():
    """Then it goes on as it is; the end of the audio lets go of the rest."""
    leveller = Leveller(16_000)
    blocks = [np.zeros(1600, np.float32)] * 30
    out = [leveller.levelled(block) for block in blocks]

    assert 20 * 1600 == sum(map(len, out))
    assert 10 * 1600 == len(leveller.rest())


def test_mulaw_has_the_extremes_of_the_standard():
    """G.711: 0xFF and 0x7F are zero, 0x80 and 0x00 the largest values."""
    assert [0, 0, 32124, -32124] == [round(v * 32768) for v in mulaw(b"\xff\x7f\x80\x00")]


# --- connection parameters


def test_everything_may_be_left_out():
    """Then it is the default model at 16 kHz."""
    read = parameters.read("")

    assert ("u3-rt-pro", Family.U3, 16_000, Encoding.PCM_S16LE) == (
        read.model,
        read.family,
        read.sample_rate,
        read.encoding,
    )


def test_parameters_are_read_as_clients_write_them():
    """Booleans in either case, unknown names ignored, the older name of a silence understood."""
    read = parameters.read(
        "speech_model=universal-streaming-english&sample_rate=8000&encoding=pcm_mulaw"
        "&format_turns=True&min_end_of_turn_silence_when_confident=160&max_turn_silence=2400"
        "&end_of_turn_confidence_threshold=0.7&keyterm=typo"
    )

    assert Family.UNIVERSAL_STREAMING is read.family
    assert read.format_turns
    assert (8_000, Encoding.PCM_MULAW) == (read.sample_rate, read.encoding)
    assert Endpointing(160, 2400, 0.7) == read.endpointing


@pytest.mark.parametrize("model", ["u3-rt-pro", "universal-3-5-pro", "universal-3-6-pro"])
def test_the_newer_models_are_one_family(model: str):
    """Their turns are revised as a whole."""
    assert Family.U3 is parameters.read(f"speech_model={model}").family


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("sample_rate=7999", "sample_rate"),
        ("sample_rate=96001", "sample_rate"),
        ("sample_rate=fast", "sample_rate"),
        ("sample_rate=", "sample_rate"),
        ("encoding=flac", "encoding"),
        ("speech_model=best", "speech_model"),
        ("format_turns=maybe", "format_turns"),
        ("max_turn_silence=-1", "max_turn_silence"),
        ("end_of_turn_confidence_threshold=nan", "end_of_turn_confidence_threshold"),
        ("inactivity_timeout=4", "inactivity_timeout"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(query: str, name: str):
    """With the words that the service uses."""
    with pytest.raises(Refusal) as refused:
        parameters.read(query)

    assert CloseCode.INVALID is refused.value.code
    assert refused.value.words.startswith(f"User Input Validation Error: Invalid '{name}': ")


def test_settings_may_change_on_the_way():
    """Absent ones stay; one out of range is refused."""
    read = parameters.read("speech_model=universal-streaming-english")
    changed = read.updated(UpdateConfiguration(max_turn_silence=3000, format_turns=True))

    assert Endpointing(400, 3000, 0.4) == changed.endpointing
    assert changed.format_turns
    with pytest.raises(Refusal, match="min_turn_silence"):
        read.updated(UpdateConfiguration(min_turn_silence=5))


# --- limits of the audio


def received(query: str = "sample_rate=16000") -> Received:
    return Received(parameters.read(query), now=0.0)


@pytest.mark.parametrize("milliseconds", [50, 100, 1000])
def test_chunks_within_the_limits_are_taken(milliseconds: int):
    """Both ends included."""
    audio = received()
    audio.take(bytes(milliseconds * 32), now=0.0)
    audio.take(bytes(milliseconds * 32), now=0.0)

    assert 2 * milliseconds / 1000 == audio.seconds


def test_a_long_chunk_is_refused_with_its_length():
    """At once, in the words of the service."""
    with pytest.raises(Refusal) as refused:
        received("encoding=pcm_mulaw").take(bytes(16 * 1200), now=0.0)

    assert CloseCode.AUDIO is refused.value.code
    assert (
        "Input Duration Error: Input Duration Violation: 1200.0 ms. "
        "Expected between 50 and 1000 ms" == refused.value.words
    )


def test_one_short_chunk_is_forgiven_at_the_end_only():
    """It is refused as soon as more follows."""
    audio = received()
    audio.take(bytes(25 * 32), now=0.0)
    with pytest.raises(Refusal, match=r"Violation: 25\.0 ms"):
        audio.take(bytes(100 * 32), now=0.1)


def test_audio_may_come_ahead_of_time_but_not_by_minutes():
    """300 s and a quarter of the elapsed time."""
    audio = received()
    for _ in range(425):
        audio.take(bytes(32_000), now=100.0)
    with pytest.raises(Refusal, match=r"Received 426\.00 sec\. audio in 100\.00 sec"):
        audio.take(bytes(32_000), now=100.0)


# --- turns of the U3 family


def test_speech_started_comes_once_before_the_first_turn():
    """And every word of a partial may still change."""
    turns = turns_of("")
    first = heard(turns, 1000, line("And so", 300, complete=False))
    second = heard(turns, 1500, line("And so my fellow", 300, complete=False))

    assert isinstance(first[0], SpeechStarted)
    assert 300 == first[0].timestamp
    assert [(0, "And so", False)] == transcripts(first)
    assert [(0, "And so my fellow", False)] == transcripts(second)
    assert 1 == len(second)
    assert not any(w.word_is_final for m in second if isinstance(m, Turn) for w in m.words)


def test_a_finished_sentence_ends_its_turn_with_one_formatted_final():
    """After min_turn_silence."""
    turns = turns_of("")
    heard(turns, 500, line("Move the", complete=False))
    (final,) = heard(turns, 1000, line("Move the crates."))

    assert isinstance(final, Turn)
    assert final.end_of_turn
    assert final.turn_is_formatted
    assert "Move the crates." == final.transcript == final.utterance
    assert 1.0 == final.end_of_turn_confidence
    assert all(word.word_is_final for word in final.words)


def test_a_turn_heard_only_when_it_is_over_still_starts():
    """SpeechStarted precedes its final."""
    messages = heard(turns_of(""), 5000, line("Hello."))

    assert [SpeechStarted, Turn] == [type(message) for message in messages]


def test_an_unfinished_sentence_goes_on_after_a_short_pause():
    """The lines of one turn are joined, in order."""
    turns = turns_of("")
    waiting = heard(turns, 1000, line("the age of wisdom,"))
    done = heard(turns, 3000, line("the age of foolishness.", 1500, number=1))

    assert [(0, "the age of wisdom,", False)] == transcripts(waiting)
    assert [(0, "the age of wisdom, the age of foolishness.", True)] == transcripts(done)


def test_an_unfinished_sentence_ends_after_the_longest_silence():
    """Silence is counted in audio, also when nothing new is heard."""
    turns = turns_of("max_turn_silence=1000")
    heard(turns, 1000, line("well, and"))

    assert [] == transcripts(heard(turns, 1399))
    assert [(0, "well, and", True)] == transcripts(heard(turns, 1400))
    assert [] == heard(turns, 9000)


def test_a_line_after_a_long_silence_begins_the_next_turn():
    """Also when both are reported together."""
    turns = turns_of("")
    messages = heard(turns, 9000, line("well, and"), line("Good morning", 5000, 1, complete=False))

    assert [(0, "well, and", True), (1, "Good morning", False)] == transcripts(messages)


def test_the_same_reading_is_not_said_twice():
    """Nothing new, nothing sent."""
    turns = turns_of("")
    heard(turns, 1000, line("And so", complete=False))

    assert [] == heard(turns, 1500, line("And so", complete=False))


def test_dense_speech_is_cut_at_the_end_of_a_line():
    """So that a turn does not grow without bound, even if no sentence ever ends."""
    turns = turns_of("")
    ten_seconds = " ".join(["on"] * 50)
    ends = []
    for number in range(5):
        start = number * 10_000
        ends += transcripts(heard(turns, start + 10_000, line(ten_seconds, start, number)))

    assert [False, False, True, False, False] == [end for _, _, end in ends]
    assert LONGEST_TURN == 3 * 10_000


def test_an_endpoint_that_is_forced_ends_what_was_said():
    """And nothing at all when nothing was."""
    turns = turns_of("")
    heard(turns, 1000, line("Move the", complete=False))

    assert [(0, "Move the", True)] == transcripts(turns.end())
    assert [] == turns.end()


# --- turns of Universal-Streaming

US = "speech_model=universal-streaming-english"


def test_partials_hold_final_words_and_one_that_grows():
    """The transcript is of the final words alone, in plain lower case."""
    turns = turns_of(US)
    (first,) = heard(turns, 1000, line("The invoice", complete=False))
    (second,) = heard(turns, 1500, line("The invoice number", complete=False))

    assert isinstance(first, Turn)
    assert isinstance(second, Turn)
    assert [("the", False)] == [(w.text, w.word_is_final) for w in first.words]
    assert "" == first.transcript
    assert [("the", True), ("invoice", False)] == [(w.text, w.word_is_final) for w in second.words]
    assert "the" == second.transcript
    assert not second.turn_is_formatted


def test_a_pause_within_a_turn_gives_the_utterance():
    """And the final does not repeat it."""
    turns = turns_of(US)
    (pause,) = heard(turns, 1000, line("the age of wisdom,"))
    (final,) = heard(turns, 2500)

    assert isinstance(pause, Turn)
    assert isinstance(final, Turn)
    assert (False, "the age of wisdom", "the age of wisdom") == (
        pause.end_of_turn,
        pause.transcript,
        pause.utterance,
    )
    assert (True, "the age of wisdom", "") == (
        final.end_of_turn,
        final.transcript,
        final.utterance,
    )


def test_formatted_turns_come_twice_under_one_order():
    """First plain, then as it is written."""
    messages = heard(turns_of(f"{US}&format_turns=true"), 2000, line("The invoice, please."))

    assert [(0, "the invoice please", True), (0, "The invoice, please.", True)] == transcripts(
        messages
    )
    assert [False, True] == [m.turn_is_formatted for m in messages if isinstance(m, Turn)]


def test_the_final_is_what_was_heard_last():
    """Truth before constancy: a contradicted word is corrected when the line is complete."""
    turns = turns_of(US)
    for text in ("the spin of", "the spin of hope", "the spin of hope"):
        heard(turns, 1000, line(text, complete=False))

    assert [(0, "the spring of hope", True)] == transcripts(
        heard(turns, 2000, line("The spring of hope."))
    )


@pytest.mark.parametrize(("threshold", "ends"), [("0", True), ("0.4", False), ("1", False)])
def test_the_threshold_decides_whether_a_short_silence_ends_the_turn(threshold: str, ends: bool):
    """0: any short silence does; 1: only the longest silence does."""
    turns = turns_of(f"{US}&end_of_turn_confidence_threshold={threshold}")
    messages = heard(turns, 1100, line("well, and"))

    assert [ends] == [end for _, _, end in transcripts(messages)]
