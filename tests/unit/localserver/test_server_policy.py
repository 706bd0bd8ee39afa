"""The embedded endpoint's rules about clients, without a socket, a process or a clock."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers

from workers.localserver import parameters
from workers.localserver.admission import Admission
from workers.localserver.chunks import Received
from workers.localserver.heartbeat import Pulse, Silences
from workers.localserver.keys import Keys, given_key
from workers.localserver.profanity import masked
from workers.localserver.recogniser_protocol import Heard, HeardWord, Reading, StreamId
from workers.localserver.refusal import CloseCode, Refusal
from workers.localserver.server_policy import LONGEST_SESSION, House
from workers.localserver.turns import Turns
from workers.protocol.messages import Silence, SpeechStarted, Turn, Word

# --- how many are let in


def let_in(admission: Admission, stack: ExitStack, now: float = 0.0, backlog: float = 0.0) -> None:
    """A session that stays until the stack is left."""
    stack.enter_context(admission.place(now, capacity=2, backlog=backlog))


def test_as_many_are_let_in_as_can_be_served():
    """And a place that is left is free again."""
    admission = Admission(House())
    with ExitStack() as others:
        let_in(admission, others)
        with ExitStack() as one:
            let_in(admission, one)
            with pytest.raises(Refusal, match="Too many concurrent sessions"):
                let_in(admission, others)
        let_in(admission, others)

        assert 2 == admission.sessions
    assert 0 == admission.sessions


def test_the_house_may_allow_more_or_fewer_than_can_be_served():
    """Its own number counts."""
    assert 2 == Admission(House()).limit(2)
    assert 5 == Admission(House(sessions=5)).limit(2)
    admission = Admission(House(sessions=1))
    with ExitStack() as sessions:
        let_in(admission, sessions)
        with pytest.raises(Refusal):
            let_in(admission, sessions)


@pytest.mark.parametrize("code", [CloseCode.UNAUTHORIZED, CloseCode.BUSY])
def test_too_many_are_refused_with_the_code_of_the_house(code: CloseCode):
    """The words are the same."""
    admission = Admission(House(sessions=1, busy_code=code))
    with ExitStack() as sessions:
        let_in(admission, sessions)
        with pytest.raises(Refusal) as refused:
            let_in(admission, sessions)

    assert code is refused.value.code
    assert "Unauthorized Connection: Too many concurrent sessions" == refused.value.words


def test_so_many_new_ones_are_let_in_a_minute():
    """Whether or not they stay; those that are refused do not count."""
    admission = Admission(House(start_rate=2))
    for now in (0.0, 30.0):
        with ExitStack() as gone:
            let_in(admission, gone, now)
    for now in (31.0, 59.9):
        with ExitStack() as session, pytest.raises(Refusal):
            let_in(admission, session, now)
    with ExitStack() as session:
        let_in(admission, session, now=60.0)
        with pytest.raises(Refusal):
            let_in(admission, session, now=61.0)


def test_nobody_is_let_in_to_make_others_wait_longer():
    """With nobody there the backlog is of the past."""
    admission = Admission(House())
    with ExitStack() as sessions:
        let_in(admission, sessions, backlog=60.0)
        with pytest.raises(Refusal):
            let_in(admission, sessions, backlog=2.1)
        let_in(admission, sessions, backlog=2.0)


# --- who is let in


def refused(keys: Keys, given: str | None, now: float = 0.0) -> str:
    with pytest.raises(Refusal) as refusal:
        keys.longest_session(given, now)
    assert CloseCode.UNAUTHORIZED is refusal.value.code
    return refusal.value.words.removeprefix("Unauthorized Connection: ")


def test_the_key_opens_and_nothing_else_does():
    """Raw, without the word that many services want before it."""
    keys = Keys(House("sesame"))

    assert LONGEST_SESSION == keys.longest_session("sesame", 0.0)
    assert "Invalid API key" == refused(keys, "Bearer sesame")
    assert "Invalid API key" == refused(keys, "s\xe9same\udcff")
    assert "Missing Authorization header" == refused(keys, None)


def test_an_open_house_lets_anybody_in_but_not_a_bearer():
    """That mistake would be refused by the service."""
    keys = Keys(House(None))

    assert keys.longest_session(None, 0.0) == keys.longest_session("any", 0.0) == LONGEST_SESSION
    assert "Invalid API key" == refused(keys, "Bearer any")


def test_a_token_opens_until_it_expires():
    """As often as one likes; then it is told from one that never was."""
    keys = Keys(House("sesame"))
    token = keys.issue(60, 120, now=1000.0)

    assert 120 == keys.longest_session(token, 1000.0) == keys.longest_session(token, 1059.9)
    assert "Signature has expired" == refused(keys, token, 1060.0)
    assert "Invalid API key" == refused(keys, token + "x", 1000.0)
    assert not keys.opens(token)


def test_a_token_never_lengthens_what_the_house_allows():
    """The shorter of the two counts."""
    keys = Keys(House("sesame", longest_session=90.0))

    assert 90 == keys.longest_session(keys.issue(60, 10_800, now=0.0), 0.0)
    assert 60 == keys.longest_session(keys.issue(60, 60, now=0.0), 0.0)


def test_tokens_are_forgotten_long_after_they_expired():
    """So that they do not heap up."""
    keys = Keys(House("sesame"))
    token = keys.issue(1, 60, now=0.0)
    keys.issue(1, 60, now=3601.0)

    assert "Invalid API key" == refused(keys, token, 3601.0)


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, "", None),
        ({}, "token=a", "a"),
        ({"Authorization": "b"}, "token=a", "b"),
        ({"Authorization": ""}, "token=a", "a"),
        ({"Authorization": ""}, "token=", None),
    ],
)
def test_the_header_comes_before_the_query(
    headers: dict[str, str], query: str, expected: str | None
):
    """An empty one is none."""
    assert expected == given_key(Headers(headers), query)


# --- audio


def test_a_chunk_that_ends_within_a_sample_is_refused():
    """Bytes of µ-law cannot."""
    Received(parameters.read("encoding=pcm_mulaw"), 0.0).take(bytes(1601), 0.0)
    with pytest.raises(Refusal, match="Invalid Message: 3201 bytes end within a sample"):
        Received(parameters.read(""), 0.0).take(bytes(3201), 0.0)


def test_an_empty_chunk_is_a_short_one():
    """Forgiven at the end."""
    audio = Received(parameters.read(""), 0.0)
    audio.take(b"", 0.0)
    with pytest.raises(Refusal, match=r"Violation: 0\.0 ms"):
        audio.take(bytes(3200), 0.0)


# --- heartbeats and silences


def heard(position: int, silence: int = 0, probability: float = 0.0) -> Heard:
    return Heard(StreamId(1), position, silence=silence, speech_probability=probability)


def test_a_heartbeat_tells_true_numbers():
    """What was received against the clock, and the loudest since the one before."""
    pulse = Pulse(began=100.0)
    for probability in (0.2, 0.9, 0.1):
        pulse.heard(heard(0, probability=probability))
    first = pulse.beat(received=10.0, now=105.0)
    second = pulse.beat(received=10.0, now=110.0)

    assert (10_000, 5_000, 2.0, 0.9) == (
        first.total_audio_received_ms,
        first.total_duration_ms,
        first.realtime_factor,
        first.max_speech_probability,
    )
    assert (1.0, 0.0) == (second.realtime_factor, second.max_speech_probability)


def word(end: int) -> Turn:
    return Turn(0, True, "word", words=(Word("word", end - 200, end),))


def test_silence_is_told_second_by_second():
    """One range ends where the next begins; what is shorter than a second waits."""
    silences = Silences()

    assert [] == silences.heard(heard(900, 900))
    assert [Silence(0, 1000)] == silences.heard(heard(1400, 1400))
    assert [Silence(1000, 2000), Silence(2000, 3000)] == silences.heard(heard(3100, 3100))
    assert [] == silences.heard(heard(5000, 0))
    assert [] == silences.heard(heard(5900, 900))
    assert [Silence(5000, 6000)] == silences.heard(heard(6400, 1400))


def test_no_silence_is_told_where_words_were():
    """Though the detector heard none there."""
    silences = Silences()
    silences.spoken([SpeechStarted(300), word(1500)])

    assert [] == silences.heard(heard(2000, 2000))
    assert [Silence(1500, 2500)] == silences.heard(heard(2500, 2500))


def test_silence_before_it_was_asked_for_is_not_told():
    """The switch may be turned on the way."""
    silences = Silences()
    silences.skip(heard(60_000, 60_000))

    assert [] == silences.heard(heard(60_500, 60_500))
    assert [Silence(60_000, 61_000)] == silences.heard(heard(61_000, 61_000))


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 9000), st.booleans(), st.booleans()),
        max_size=30,
    )
)
def test_silences_never_overlap_and_never_run_ahead(history: list[tuple[int, int, bool, bool]]):
    """Whatever is reported, said and switched."""
    silences, position, last = Silences(), 0, 0
    for step, silence, wanted, spoken in history:
        position += step
        if spoken and position >= 200:
            silences.spoken([word(position)])
            last = max(last, position)
        report = heard(position, min(silence, position))
        if not wanted:
            silences.skip(report)
            last = max(last, position)
            continue
        for told in silences.heard(report):
            assert last <= told.start_ms < told.end_ms <= position
            last = told.end_ms


# --- what a client wants to be told


def turn(text: str, *, over: bool = False, settled: int = 0) -> Heard:
    words = tuple(HeardWord(each, at, at + 90) for at, each in enumerate(text.split()))
    return Heard(StreamId(1), 1000, Reading(words, len(words) if over else settled, over))


def told(query: str, *reports: Heard) -> list[tuple[type, str]]:
    """What is told of a stream: kinds and texts."""
    turns = Turns(parameters.read(query))
    every = [message for report in reports for message in turns.heard(report)]
    return [(type(each), each.transcript if isinstance(each, Turn) else "") for each in every]


SPOKEN = [turn("Move the"), turn("Move the crates."), turn("Move the crates.", over=True)]


def test_partials_are_told_by_default():
    """Then the final, once."""
    assert [
        (SpeechStarted, ""),
        (Turn, "Move the"),
        (Turn, "Move the crates."),
        (Turn, "Move the crates."),
    ] == told("", *SPOKEN)


def test_without_partials_a_start_comes_right_before_its_final():
    """As the protocol wants a turn after each of them."""
    start_and_final = [(SpeechStarted, ""), (Turn, "Move the crates.")]

    assert 2 * start_and_final == told("include_partial_turns=false", *SPOKEN, *SPOKEN)


def test_both_finals_of_a_formatted_turn_are_told_without_partials():
    """Universal-Streaming has no start."""
    query = "speech_model=universal-streaming-english&include_partial_turns=False&format_turns=1"
    with pytest.raises(Refusal):  # a boolean is true or false, in either case
        parameters.read(query)

    assert [(Turn, "move the crates"), (Turn, "Move the crates.")] == told(
        query.replace("=1", "=TRUE"), *SPOKEN
    )


def test_the_language_is_told_with_what_is_complete():
    """Finals and whole utterances, and only on request."""
    query = "speech_model=universal-streaming-english&language_detection=true"
    turns = Turns(parameters.read(query))
    reports = [turn("Move the"), turn("Move the", settled=2), turn("Move the crates.", over=True)]
    (partial,), (pause,), (final,) = (turns.heard(report) for report in reports)

    assert isinstance(partial, Turn)
    assert partial.language_code is None
    for message in (pause, final):
        assert isinstance(message, Turn)
        assert ("en", 1.0) == (message.language_code, message.language_confidence)


# --- words that are not for everybody


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("fuck", "f***"),
        ("Shit!", "S***!"),
        ("“Fucking", "“F******"),
        ("bull-shit,", "bull-s***,"),
        ("motherfuckers.", "m************."),
        ("shitty", "s*****"),
    ],
)
def test_profanity_keeps_its_first_letter(said: str, shown: str):
    """And the punctuation around it."""
    assert shown == masked(said)


@pytest.mark.parametrize(
    "word",
    ["Scunthorpe", "shiitake", "class", "Dick's", "assess", "swank", "hell", "don't", "", "—"],
)
def test_innocent_words_are_left_alone(word: str):
    """Names, and words that hold another one."""
    assert word == masked(word)
