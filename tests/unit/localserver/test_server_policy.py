"""Access, limits, heartbeats and silence, without a socket, a process or a clock."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers

from workers.localserver import parameters
from workers.localserver.admission import Admission, KeyStore, request_key
from workers.localserver.audio_meters import HeartbeatMeter, ReceivedAudio, SilenceTracker
from workers.localserver.profanity import mask_profanity
from workers.localserver.recogniser_protocol import Hypothesis, Recognised, RecognisedWord, StreamId
from workers.localserver.refusal import CloseCode, Refusal
from workers.localserver.server_policy import ServerPolicy
from workers.localserver.turns import TurnBuilder
from workers.protocol.messages import MAX_SESSION_S, Silence, SpeechStarted, Turn, Word

# --- how many are let in


def let_in(admission: Admission, stack: ExitStack, now: float = 0.0, backlog: float = 0.0) -> None:
    """A session that stays until the stack is left."""
    stack.enter_context(admission.admit(now, capacity=2, backlog_s=backlog))


def test_as_many_are_let_in_as_can_be_served():
    """A slot that was left is free again."""
    admission = Admission(ServerPolicy())
    with ExitStack() as others:
        let_in(admission, others)
        with ExitStack() as one:
            let_in(admission, one)
            with pytest.raises(Refusal, match="Too many concurrent sessions"):
                let_in(admission, others)
        let_in(admission, others)

        assert 2 == admission.active_sessions
    assert 0 == admission.active_sessions


def test_the_house_may_allow_more_or_fewer_than_can_be_served():
    """Its own number counts."""
    assert 2 == Admission(ServerPolicy()).session_limit(2)
    assert 5 == Admission(ServerPolicy(max_sessions=5)).session_limit(2)
    admission = Admission(ServerPolicy(max_sessions=1))
    with ExitStack() as sessions:
        let_in(admission, sessions)
        with pytest.raises(Refusal):
            let_in(admission, sessions)


@pytest.mark.parametrize("code", [CloseCode.UNAUTHORIZED, CloseCode.BUSY])
def test_too_many_are_refused_with_the_code_of_the_house(code: CloseCode):
    """The words are the same."""
    admission = Admission(ServerPolicy(max_sessions=1, busy_code=code))
    with ExitStack() as sessions:
        let_in(admission, sessions)
        with pytest.raises(Refusal) as refused:
            let_in(admission, sessions)

    assert code is refused.value.code
    assert "Unauthorized Connection: Too many concurrent sessions" == refused.value.message


def test_so_many_new_ones_are_let_in_a_minute():
    """Whether or not they stay; those that are refused do not count."""
    admission = Admission(ServerPolicy(max_starts_per_minute=2))
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
    admission = Admission(ServerPolicy())
    with ExitStack() as sessions:
        let_in(admission, sessions, backlog=60.0)
        with pytest.raises(Refusal):
            let_in(admission, sessions, backlog=2.1)
        let_in(admission, sessions, backlog=2.0)


# --- who is let in


def refused(keys: KeyStore, given: str | None, now: float = 0.0) -> str:
    with pytest.raises(Refusal) as refusal:
        keys.authorise(given, now)
    assert CloseCode.UNAUTHORIZED is refusal.value.code
    return refusal.value.message.removeprefix("Unauthorized Connection: ")


def test_the_key_opens_and_nothing_else_does():
    """Raw, without the word that many services want before it."""
    keys = KeyStore(ServerPolicy("sesame"))

    assert MAX_SESSION_S == keys.authorise("sesame", 0.0)
    assert "Invalid API key" == refused(keys, "Bearer sesame")
    assert "Invalid API key" == refused(keys, "s\xe9same\udcff")
    assert "Missing Authorization header" == refused(keys, None)


def test_an_open_house_lets_anybody_in_but_not_a_bearer():
    """That mistake would be refused by the service."""
    keys = KeyStore(ServerPolicy(None))

    assert keys.authorise(None, 0.0) == keys.authorise("any", 0.0) == MAX_SESSION_S
    assert "Invalid API key" == refused(keys, "Bearer any")


def test_a_token_opens_until_it_expires():
    """As often as one likes; then it is told from one that never was."""
    keys = KeyStore(ServerPolicy("sesame"))
    token = keys.issue_token(60, 120, now=1000.0)

    assert 120 == keys.authorise(token, 1000.0) == keys.authorise(token, 1059.9)
    assert "Signature has expired" == refused(keys, token, 1060.0)
    assert "Invalid API key" == refused(keys, token + "x", 1000.0)
    assert not keys.is_api_key(token)


def test_a_token_never_lengthens_what_the_house_allows():
    """The shorter of the two counts."""
    keys = KeyStore(ServerPolicy("sesame", max_session_s=90.0))

    assert 90 == keys.authorise(keys.issue_token(60, 10_800, now=0.0), 0.0)
    assert 60 == keys.authorise(keys.issue_token(60, 60, now=0.0), 0.0)


def test_tokens_are_forgotten_long_after_they_expired():
    """So that they do not heap up."""
    keys = KeyStore(ServerPolicy("sesame"))
    token = keys.issue_token(1, 60, now=0.0)
    keys.issue_token(1, 60, now=3601.0)

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
    assert expected == request_key(Headers(headers), query)


# --- audio


def test_a_chunk_that_ends_within_a_sample_is_refused():
    """Bytes of µ-law cannot."""
    ReceivedAudio(parameters.parse_query("encoding=pcm_mulaw"), 0.0).add_chunk(bytes(1601), 0.0)
    with pytest.raises(Refusal, match="Invalid Message: 3201 bytes end within a sample"):
        ReceivedAudio(parameters.parse_query(""), 0.0).add_chunk(bytes(3201), 0.0)


def test_an_empty_chunk_is_a_short_one():
    """Forgiven at the end."""
    audio = ReceivedAudio(parameters.parse_query(""), 0.0)
    audio.add_chunk(b"", 0.0)
    with pytest.raises(Refusal, match=r"Violation: 0\.0 ms"):
        audio.add_chunk(bytes(3200), 0.0)


# --- heartbeats and silences


def heard(position: int, silence: int = 0, probability: float = 0.0) -> Recognised:
    return Recognised(StreamId(1), position, silence_ms=silence, speech_probability=probability)


def test_a_heartbeat_tells_true_numbers():
    """What was received against the clock, and the loudest since the one before."""
    keepalive = HeartbeatMeter(started_at=100.0)
    for probability in (0.2, 0.9, 0.1):
        keepalive.update(heard(0, probability=probability))
    first = keepalive.take_heartbeat(received_s=10.0, now=105.0)
    second = keepalive.take_heartbeat(received_s=10.0, now=110.0)

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
    silences = SilenceTracker()

    assert [] == silences.take_silences(heard(900, 900))
    assert [Silence(0, 1000)] == silences.take_silences(heard(1400, 1400))
    assert [Silence(1000, 2000), Silence(2000, 3000)] == silences.take_silences(heard(3100, 3100))
    assert [] == silences.take_silences(heard(5000, 0))
    assert [] == silences.take_silences(heard(5900, 900))
    assert [Silence(5000, 6000)] == silences.take_silences(heard(6400, 1400))


def test_no_silence_is_told_where_words_were():
    """Though the detector heard none there."""
    silences = SilenceTracker()
    silences.mark_spoken([SpeechStarted(300), word(1500)])

    assert [] == silences.take_silences(heard(2000, 2000))
    assert [Silence(1500, 2500)] == silences.take_silences(heard(2500, 2500))


def test_silence_before_it_was_asked_for_is_not_told():
    """The client may switch it on during the session."""
    silences = SilenceTracker()
    silences.skip(heard(60_000, 60_000))

    assert [] == silences.take_silences(heard(60_500, 60_500))
    assert [Silence(60_000, 61_000)] == silences.take_silences(heard(61_000, 61_000))


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 9000), st.booleans(), st.booleans()),
        max_size=30,
    )
)
def test_silences_never_overlap_and_never_run_ahead(history: list[tuple[int, int, bool, bool]]):
    """This holds for any reports, words and switches."""
    silences, position, last = SilenceTracker(), 0, 0
    for step, silence, wanted, spoken in history:
        position += step
        if spoken and position >= 200:
            silences.mark_spoken([word(position)])
            last = max(last, position)
        report = heard(position, min(silence, position))
        if not wanted:
            silences.skip(report)
            last = max(last, position)
            continue
        for told in silences.take_silences(report):
            assert last <= told.start_ms < told.end_ms <= position
            last = told.end_ms


# --- what a client wants to be told


def turn(text: str, *, over: bool = False, settled: int = 0) -> Recognised:
    words = tuple(RecognisedWord(each, at, at + 90) for at, each in enumerate(text.split()))
    return Recognised(StreamId(1), 1000, Hypothesis(words, len(words) if over else settled, over))


def told(query: str, *reports: Recognised) -> list[tuple[type, str]]:
    """What is told of a stream: kinds and texts."""
    turns = TurnBuilder(parameters.parse_query(query))
    every = [message for report in reports for message in turns.build_messages(report)]
    return [(type(each), each.transcript if isinstance(each, Turn) else "") for each in every]


SPOKEN = [turn("Move the"), turn("Move the crates."), turn("Move the crates.", over=True)]


def test_partials_are_told_by_default():
    """The final follows once."""
    assert [
        (SpeechStarted, ""),
        (Turn, "Move the"),
        (Turn, "Move the crates."),
        (Turn, "Move the crates."),
    ] == told("", *SPOKEN)


def test_without_partials_a_start_comes_right_before_its_final():
    """The protocol requires a turn after each SpeechStarted."""
    start_and_final = [(SpeechStarted, ""), (Turn, "Move the crates.")]

    assert 2 * start_and_final == told("include_partial_turns=false", *SPOKEN, *SPOKEN)


def test_both_finals_of_a_formatted_turn_are_told_without_partials():
    """Universal-Streaming sends no SpeechStarted."""
    query = "speech_model=universal-streaming-english&include_partial_turns=False&format_turns=1"
    with pytest.raises(Refusal):  # a boolean is true or false, in either case
        parameters.parse_query(query)

    assert [(Turn, "move the crates"), (Turn, "Move the crates.")] == told(
        query.replace("=1", "=TRUE"), *SPOKEN
    )


def test_the_language_is_told_with_what_is_complete():
    """Finals and complete utterances carry it, on request."""
    query = "speech_model=universal-streaming-english&language_detection=true"
    turns = TurnBuilder(parameters.parse_query(query))
    reports = [turn("Move the"), turn("Move the", settled=2), turn("Move the crates.", over=True)]
    (partial,), (pause,), (final,) = (turns.build_messages(report) for report in reports)

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
    """Punctuation around the word stays too."""
    assert shown == mask_profanity(said)


@pytest.mark.parametrize(
    "word",
    ["Scunthorpe", "shiitake", "class", "Dick's", "assess", "swank", "hell", "don't", "", "—"],
)
def test_innocent_words_are_left_alone(word: str):
    """Names are not masked, nor words that contain a listed one."""
    assert word == mask_profanity(word)
