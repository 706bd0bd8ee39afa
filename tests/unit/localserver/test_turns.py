"""Turn messages from hypotheses, without a socket, a process or a clock."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.localserver import parameters
from workers.localserver.recogniser_protocol import Hypothesis, Recognised, RecognisedWord, StreamId
from workers.localserver.refusal import Refusal
from workers.localserver.turns import Agreement, TurnBuilder, plain_word
from workers.protocol.messages import ServerMessage, SpeechStarted, Turn, UpdateConfiguration

U3 = ""
US = "speech_model=universal-streaming-english"


def spoken(text: str, start: int = 0, word_ms: int = 200) -> tuple[RecognisedWord, ...]:
    """Words of equal length, one after the other."""
    return tuple(
        RecognisedWord(word, start + index * word_ms, start + (index + 1) * word_ms)
        for index, word in enumerate(text.split())
    )


def partial(text: str, settled: int = 0) -> Hypothesis:
    return Hypothesis(spoken(text), settled)


def final(text: str, confidence: float = 0.9) -> Hypothesis:
    words = spoken(text)
    return Hypothesis(words, len(words), end_of_turn=True, end_of_turn_confidence=confidence)


def turns_of(query: str) -> TurnBuilder:
    return TurnBuilder(parameters.parse_query(query))


def messages_for(turns: TurnBuilder, *hypotheses: Hypothesis | None) -> list[ServerMessage]:
    reports = [Recognised(StreamId(1), 0, hypothesis) for hypothesis in hypotheses]
    return [message for report in reports for message in turns.build_messages(report)]


def turns_for(query: str, *hypotheses: Hypothesis | None) -> list[Turn]:
    """The turns that a client gets."""
    messages = messages_for(turns_of(query), *hypotheses)
    return [message for message in messages if isinstance(message, Turn)]


def transcripts(turns: list[Turn]) -> list[tuple[int, str, bool]]:
    return [(turn.turn_order, turn.transcript, turn.end_of_turn) for turn in turns]


# --- words that can be relied on


def agreed(*texts: str) -> list[str]:
    """What is committed after these readings."""
    agreement = Agreement()
    for text in texts:
        agreement.update(spoken(text))
    return [word.text for word in agreement.committed]


def test_two_equal_hypotheses_commit_all_but_their_last_word():
    """A word is committed when two hypotheses agree on it and on the next word."""
    agreement = Agreement()
    agreement.update(spoken("And so my"))
    agreement.update(spoken("And so, my fellow"))

    assert ["And", "so,"] == [word.text for word in agreement.committed]
    assert "my" == agreement.words[2].text


def test_one_hypothesis_commits_nothing():
    """Two that differ from the first word on commit nothing either."""
    assert [] == agreed("And so my fellow")
    assert [] == agreed("And so my fellow", "On so my fellow")


def test_committed_words_stay_when_a_later_hypothesis_contradicts_them():
    """A word that was sent as final does not change."""
    texts = ("the invoice number", "the invoice number is", "an envoy", "an envoy")

    assert ["the", "invoice"] == agreed(*texts)


def test_settled_words_are_committed_whatever_other_readings_say():
    """Their audio will not be transcribed again."""
    agreement = Agreement()
    agreement.update(spoken("one two three"), settled_count=2)

    assert ["one", "two"] == [word.text for word in agreement.committed]
    assert 2 == agreement.settled_count


def test_committed_words_keep_their_order_in_time():
    """Later hypotheses move the times, but committed words never overlap."""
    agreement = Agreement()
    agreement.update(spoken("one two three four", word_ms=300))
    agreement.update(spoken("one two three four", word_ms=300))
    agreement.update(spoken("one two three four five six", word_ms=100))
    agreement.update(spoken("one two three four five six", word_ms=100))
    times = [time for word in agreement.committed for time in (word.start_ms, word.end_ms)]

    assert 5 == len(agreement.committed)
    assert sorted(times) == times


def test_a_repeated_word_is_trusted_more():
    """Its confidence grows with every hypothesis that repeats it."""
    agreement = Agreement()
    agreement.update(spoken("hello"))
    first = agreement.confidence(0)
    agreement.update(spoken("hello there"))

    assert first < agreement.confidence(0) < 1
    assert first == agreement.confidence(1)


def test_an_engine_s_own_confidence_counts():
    """It is used as it is, however often the word is repeated."""
    agreement = Agreement()
    for _ in range(3):
        agreement.update([RecognisedWord("hello", 0, 100, 0.123456)])

    assert 0.1235 == agreement.confidence(0)


@pytest.mark.parametrize(
    ("formatted", "unformatted"),
    [("Times,", "times"), ("don't", "don't"), ("ill-disposed.", "ill-disposed"), ("—", "")],
)
def test_plain_words_lose_case_and_the_punctuation_around_them(formatted: str, unformatted: str):
    """Punctuation inside the word stays."""
    assert unformatted == plain_word(formatted)


# --- a contradiction changes one word, and its neighbours are sent once


@pytest.mark.parametrize(
    ("committed", "last", "transcript"),
    [
        ("the spin of hope", "The spring of hope.", "the spin of hope"),  # one changed
        ("the spin of hope", "Spring of hope.", "the spin of hope"),  # and one lost
        ("in the world", "In all the world.", "in the world"),  # one more
        ("in the big world", "In all the big world.", "in the big world"),
        ("so it is a", "So it really is a dog.", "so it is a dog"),
        ("a b c d", "A c d e.", "a b c d e"),  # one less
        ("a b c d", "B c d e.", "a b c d e"),
        ("a b c d", "Z a b c d e.", "a b c d e"),
        ("a b c d", "A b.", "a b c"),  # cut short
        ("a b c d", "X y z d e.", "a b c d e"),  # nothing like it
        ("no no", "No no no.", "no no no"),
        ("do do it", "Do do do it.", "do do do it"),
    ],
)
def test_a_final_that_contradicts_loses_and_doubles_no_neighbour(
    committed: str, last: str, transcript: str
):
    """A committed word replaces whatever was recognised in its place."""
    turn = turns_for(US, partial(committed), partial(committed), final(last))[-1]

    assert transcript == turn.transcript


FEWER = settings(max_examples=50)

WORDS = st.lists(st.sampled_from(["a", "b", "B,", "c", "c.", "—", "no"]), max_size=8)


@st.composite
def hypothesis_sequences(draw: st.DrawFn) -> list[Hypothesis]:
    """Hypotheses of one turn that may contradict each other; the last one ends the turn."""
    made = []
    for text in draw(st.lists(WORDS, min_size=1, max_size=8)):
        start, word_ms = draw(st.integers(0, 500)), draw(st.integers(0, 400))
        settled = draw(st.integers(0, len(text)))
        made.append(Hypothesis(spoken(" ".join(text), start, word_ms), settled))
    words = spoken(" ".join(draw(WORDS)))
    return [*made, Hypothesis(words, len(words), end_of_turn=True)]


@FEWER
@given(hypothesis_sequences())
def test_a_word_that_was_sent_as_final_stays_as_it_is(sequence: list[Hypothesis]):
    """Its text and times never change; only more words follow."""
    turns = turns_for(US, *sequence)
    finals = [
        [(word.text, word.start, word.end) for word in turn.words if word.word_is_final]
        for turn in turns
    ]

    assert all(later[: len(words)] == words for words, later in pairwise(finals))
    assert all(
        " ".join(text for text, *_ in words) == turn.transcript
        for words, turn in zip(finals, turns, strict=True)
    )


@FEWER
@given(hypothesis_sequences())
def test_one_word_at_most_grows_and_all_are_in_order(sequence: list[Hypothesis]):
    """Only the last word may be incomplete, and words never overlap in time."""
    for turn in turns_for(US, *sequence):
        growing = [word.word_is_final for word in turn.words]
        times = [time for word in turn.words for time in (word.start, word.end)]

        assert not turn.end_of_turn or all(growing)
        assert all(growing[:-1])
        assert sorted(times) == times


@FEWER
@given(hypothesis_sequences())
def test_every_word_is_uttered_once(sequence: list[Hypothesis]):
    """Each is in the utterance of one message of its turn, in order."""
    turns = turns_for(US, *sequence)
    uttered = " ".join(turn.utterance for turn in turns if turn.utterance)

    assert [turn.transcript for turn in turns][-1:] == ([uttered] if turns else [])


@FEWER
@given(hypothesis_sequences(), st.sampled_from([US, U3]))
def test_every_turn_that_was_started_gets_its_final(sequence: list[Hypothesis], query: str):
    """Each turn gets one final, and the next turn the next number."""
    turns = turns_for(query, *sequence, *sequence)
    orders = [turn.turn_order for turn in turns]
    ends = [turn.turn_order for turn in turns if turn.end_of_turn]

    assert sorted(orders) == orders
    assert sorted(set(orders)) == ends
    assert ends == list(range(len(ends)))


# --- turns of the U3 family


def test_speech_started_comes_once_before_the_first_turn():
    """All words of a partial may still change."""
    turns = turns_of(U3)
    first = messages_for(turns, Hypothesis(spoken("And so", 300)))
    second = messages_for(turns, Hypothesis(spoken("And so my fellow", 300)))

    assert [SpeechStarted, Turn] == [type(message) for message in first]
    assert isinstance(first[0], SpeechStarted)
    assert 300 == first[0].timestamp
    assert [Turn] == [type(message) for message in second]
    words = [word for turn in (*first, *second) if isinstance(turn, Turn) for word in turn.words]
    assert not any(word.word_is_final for word in words)


def test_each_turn_starts():
    """Even a turn without partials gets a SpeechStarted."""
    messages = messages_for(turns_of(U3), final("Hello."), final("Hello."))

    assert [SpeechStarted, Turn] * 2 == [type(message) for message in messages]


def test_a_partial_may_be_revised_as_a_whole():
    """A partial contains the whole turn so far, formatted."""
    turns = turns_for(U3, partial("I scream"), partial("Ice cream, please"))

    assert [(0, "I scream", False), (0, "Ice cream, please", False)] == transcripts(turns)
    assert {False} == {turn.turn_is_formatted for turn in turns}
    assert {""} == {turn.utterance for turn in turns}
    assert {0.0} == {turn.end_of_turn_confidence for turn in turns}


def test_a_turn_ends_with_one_formatted_final():
    """The final is not repeated."""
    turns = turns_for(U3, partial("Move the"), final("Move the crates."))

    assert [(0, "Move the", False), (0, "Move the crates.", True)] == transcripts(turns)
    assert turns[-1].turn_is_formatted
    assert "Move the crates." == turns[-1].utterance
    assert 1.0 == turns[-1].end_of_turn_confidence
    assert all(word.word_is_final for word in turns[-1].words)


def test_words_are_sent_with_their_times():
    """Times are in ms of the stream."""
    (turn,) = turns_for(
        U3, Hypothesis((RecognisedWord("Hi,", 40, 350, 0.5), RecognisedWord("you", 350, 600)))
    )

    assert [("Hi,", 40, 350, 0.5), ("you", 350, 600, 0.6)] == [
        (word.text, word.start, word.end, word.confidence) for word in turn.words
    ]


@pytest.mark.parametrize("query", [U3, US])
def test_the_same_hypothesis_is_not_sent_twice(query: str):
    """A partial without new words is not sent."""
    hypotheses = [partial("And so my"), partial("And so my"), partial("And so my")]

    assert len(turns_for(query, *hypotheses[:2])) == len(turns_for(query, *hypotheses))


@pytest.mark.parametrize("query", [U3, US, f"{US}&format_turns=true"])
def test_nothing_is_sent_while_nothing_is_recognised(query: str):
    """Silence causes no message, nor does a turn without words."""
    assert [] == messages_for(
        turns_of(query), None, Hypothesis(()), Hypothesis((), end_of_turn=True), None
    )


@pytest.mark.parametrize("query", [U3, US])
def test_a_turn_of_which_nothing_is_left_ends_all_the_same(query: str):
    """A client that got a partial must also get the final."""
    turns = turns_for(query, partial("You"), Hypothesis((), end_of_turn=True), final("Hello."))

    assert [(0, False), (0, True), (1, True)] == [
        (turn.turn_order, turn.end_of_turn) for turn in turns
    ]
    assert () == turns[1].words


# --- turns of Universal-Streaming


def test_partials_hold_final_words_and_one_that_grows():
    """The transcript has only the final words, in plain lower case."""
    first, second = turns_for(US, partial("The invoice"), partial("The invoice number"))

    assert [("the", False)] == [(word.text, word.word_is_final) for word in first.words]
    assert "" == first.transcript
    assert [("the", True), ("invoice", False)] == [
        (word.text, word.word_is_final) for word in second.words
    ]
    assert "the" == second.transcript
    assert not second.turn_is_formatted


def test_there_is_no_speech_started():
    """Only U3 models send it."""
    assert {Turn} == {
        type(message) for message in messages_for(turns_of(US), partial("a b"), final("A b."))
    }


def test_settled_words_are_an_utterance_and_not_repeated():
    """The utterance of the final has only the words after them."""
    turns = turns_for(
        US,
        partial("the age of wisdom,"),
        partial("the age of wisdom,", settled=4),
        final("the age of wisdom, the age of foolishness."),
    )

    assert ["", "the age of wisdom", "the age of foolishness"] == [turn.utterance for turn in turns]
    assert "the age of wisdom the age of foolishness" == turns[-1].transcript


def test_a_final_of_settled_words_has_no_utterance():
    """All of its words were uttered before."""
    turns = turns_for(US, partial("well, and", settled=2), final("well, and"))

    assert [("well and", "well and"), ("", "well and")] == [
        (turn.utterance, turn.transcript) for turn in turns
    ]


def test_two_equal_utterances_are_both_sent():
    """People say things twice."""
    turns = turns_for(US, *(partial("yes yes no no", settled) for settled in (0, 1, 2)))

    assert ["yes", "yes"] == [turn.utterance for turn in turns if turn.utterance]


@pytest.mark.parametrize("confidence", [0.2, 0.9])
def test_the_confidence_is_that_of_the_reading(confidence: float):
    """This holds for a pause as for the end of a turn."""
    pause = Hypothesis(spoken("well, and"), end_of_turn_confidence=confidence)

    assert [confidence, confidence] == [
        turn.end_of_turn_confidence for turn in turns_for(US, pause, final("well, and", confidence))
    ]


def test_formatted_turns_come_twice_under_one_order():
    """The plain final comes first, then the formatted one."""
    query = f"{US}&format_turns=true"
    turns = turns_for(
        query, partial("The invoice"), final("The invoice, please."), final("Thanks.")
    )

    assert [
        (0, "", False),
        (0, "the invoice please", True),
        (0, "The invoice, please.", True),
        (1, "thanks", True),
        (1, "Thanks.", True),
    ] == transcripts(turns)
    assert [False, False, True, False, True] == [turn.turn_is_formatted for turn in turns]
    assert ["", "the invoice please", "", "thanks", ""] == [turn.utterance for turn in turns]
    assert [(w.start, w.end) for w in turns[1].words] == [(w.start, w.end) for w in turns[2].words]


def test_the_formatted_twin_is_of_the_same_words():
    """Both contain the committed words, in their latest spelling."""
    texts = ("the spin of", "the spin of hope", "the spin of hope")
    query = f"{US}&format_turns=true"
    plain_turn, formatted = turns_for(query, *map(partial, texts), final("The spring of hope."))[
        -2:
    ]

    assert "the spin of hope" == plain_turn.transcript
    assert "The spin of hope." == formatted.transcript


def test_formatting_may_be_switched_on_during_a_session():
    """It applies from the next final on."""
    turns = turns_of(US)
    assert 1 == len(messages_for(turns, final("Hello.")))
    turns.parameters = turns.parameters.with_update(UpdateConfiguration(format_turns=True))

    assert 2 == len(messages_for(turns, final("Hello.")))


# --- words that are hidden


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (f"{US}&filter_profanity=true", ["b*******", "b*******"]),
        (f"{US}&filter_profanity=true&format_turns=true", ["b*******", "b*******", "B*******,"]),
        ("filter_profanity=true", ["B*******,", "B*******,"]),
        (US, ["bullshit", "bullshit"]),
    ],
)
def test_profanity_is_hidden_in_every_message(query: str, shown: list[str]):
    """It is masked in words, transcript and utterance of partials and finals."""
    turns = turns_for(query, partial("Bullshit, he"), final("Bullshit, he said."))

    assert shown == [turn.words[0].text for turn in turns]
    if "filter" in query:
        assert not any("llshit" in turn.transcript + turn.utterance for turn in turns)


# --- options of the client


def report_of(text: str, *, ended: bool = False, settled: int = 0) -> Recognised:
    words = tuple(RecognisedWord(word, at, at + 90) for at, word in enumerate(text.split()))
    return Recognised(StreamId(1), 1000, Hypothesis(words, len(words) if ended else settled, ended))


def sent(query: str, *reports: Recognised) -> list[tuple[type, str]]:
    """Types and texts of the messages for reports."""
    turns = TurnBuilder(parameters.parse_query(query))
    every = [message for report in reports for message in turns.build_messages(report)]
    return [
        (type(message), message.transcript if isinstance(message, Turn) else "")
        for message in every
    ]


MOVE_THE_CRATES = [
    report_of("Move the"),
    report_of("Move the crates."),
    report_of("Move the crates.", ended=True),
]


def test_partials_are_sent_by_default():
    """The final follows once."""
    assert [
        (SpeechStarted, ""),
        (Turn, "Move the"),
        (Turn, "Move the crates."),
        (Turn, "Move the crates."),
    ] == sent("", *MOVE_THE_CRATES)


def test_without_partials_a_start_comes_right_before_its_final():
    """The protocol requires a turn after each SpeechStarted."""
    start_and_final = [(SpeechStarted, ""), (Turn, "Move the crates.")]

    assert 2 * start_and_final == sent(
        "include_partial_turns=false", *MOVE_THE_CRATES, *MOVE_THE_CRATES
    )


def test_both_finals_of_a_formatted_turn_are_sent_without_partials():
    """Universal-Streaming sends no SpeechStarted."""
    query = "speech_model=universal-streaming-english&include_partial_turns=False&format_turns=1"
    with pytest.raises(Refusal):  # a boolean is true or false, in either case
        parameters.parse_query(query)

    assert [(Turn, "move the crates"), (Turn, "Move the crates.")] == sent(
        query.replace("=1", "=TRUE"), *MOVE_THE_CRATES
    )


def test_the_language_is_sent_with_what_is_complete():
    """Finals and complete utterances carry it, on request."""
    query = "speech_model=universal-streaming-english&language_detection=true"
    turns = TurnBuilder(parameters.parse_query(query))
    reports = [
        report_of("Move the"),
        report_of("Move the", settled=2),
        report_of("Move the crates.", ended=True),
    ]
    (partial,), (pause,), (final,) = (turns.build_messages(report) for report in reports)

    assert isinstance(partial, Turn)
    assert partial.language_code is None
    for message in (pause, final):
        assert isinstance(message, Turn)
        assert ("en", 1.0) == (message.language_code, message.language_confidence)
