import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import Malformed
from workers.protocol import messages
from workers.protocol.messages import (
    UNNUMBERED,
    Begin,
    ClientMessage,
    Error,
    ForceEndpoint,
    Heartbeat,
    KeepAlive,
    LLMGatewayResponse,
    PartlyMalformed,
    Revision,
    ServerMessage,
    Silence,
    SpeakerRevision,
    SpeechStarted,
    Terminate,
    Termination,
    Turn,
    Unknown,
    UpdateConfiguration,
    Warning,
    Word,
    decode,
    decode_from_client,
    encode,
)

WORD = Word("the", 640, 720, 0.99, True)
A, B = Word("a", 0, 1), Word("b", 2, 3)

SERVER: list[ServerMessage] = [
    Begin("0b6f", 1790010800, {"model": "u3-rt-pro", "domain": None}),
    SpeechStarted(2304, 0.94),
    Turn(0, False, "the", words=(WORD,)),
    Turn(3, True, "The.", True, 1.0, "The.", (WORD,), "en", 0.9, "A"),
    SpeakerRevision((Revision(3, "B", (WORD,)),)),
    LLMGatewayResponse(4, "hello", {"choices": []}),
    Heartbeat(65000, 65080, 0.999, 0.91),
    Silence(41000, 42000),
    Warning("something", 1201),
    Error("Input Duration Error", 3007),
    Termination(184, 186),
]
CLIENT: list[ClientMessage] = [
    Terminate(),
    ForceEndpoint(),
    KeepAlive(),
    UpdateConfiguration(max_turn_silence=2400, keyterms_prompt=("Halvorsen",), format_turns=False),
]


@pytest.mark.parametrize("message", SERVER, ids=lambda m: m.type)
def test_every_server_message_survives_the_wire(message: messages.ServerMessage) -> None:
    """What is encoded is decoded to the same value."""
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", CLIENT, ids=lambda m: m.type)
def test_every_client_message_survives_the_wire(message: messages.ClientMessage) -> None:
    """What is encoded is decoded to the same value."""
    assert decode_from_client(encode(message)) == message


def test_terminate_is_what_the_service_expects() -> None:
    """Otherwise the last words would be lost."""
    assert encode(Terminate()) == '{"type":"Terminate"}'


def test_an_unknown_type_survives() -> None:
    """A newer service may use fields that this program does not know."""
    text = '{"type":"Applause","loudness":11}'

    assert decode(text) == Unknown("Applause", {"loudness": 11})
    assert encode(decode(text)) == text


def test_unknown_fields_survive() -> None:
    """Unknown fields are kept in a message and in its words."""
    record = {
        "type": "Turn",
        "turn_order": 0,
        "end_of_turn": False,
        "transcript": "hi",
        "mood": "good",
        "words": [{"text": "hi", "start": 0, "end": 1, "speaker_confidence": 0.7}],
    }
    again = json.loads(encode(decode(json.dumps(record))))

    assert again["mood"] == "good"
    assert again["words"][0]["speaker_confidence"] == 0.7


def test_a_word_may_lack_what_newer_references_leave_out() -> None:
    """Without word_is_final and confidence it is a final word of unknown confidence."""
    turn = decode(
        '{"type":"Turn","turn_order":1,"end_of_turn":true,"transcript":"a",'
        '"words":[{"text":"a","start":1,"end":2}]}'
    )

    assert isinstance(turn, Turn)
    assert turn.words == (Word("a", 1, 2, None, True),)


def test_null_counts_as_absent() -> None:
    """A speaker label that is not known comes as null."""
    turn = decode(
        '{"type":"Turn","turn_order":1,"end_of_turn":true,"transcript":"a","speaker_label":null}'
    )

    assert isinstance(turn, Turn)
    assert turn.speaker_label is None


def test_durations_may_be_fractions() -> None:
    """The specification says integers, a sample output of the vendor says 7.52."""
    end = decode('{"type":"Termination","audio_duration_seconds":7.52}')

    assert isinstance(end, Termination)
    assert end.audio_duration_seconds == 7.52


def test_an_error_may_come_without_a_type() -> None:
    """Seen in the field, and accepted by the vendor's own SDK."""
    assert decode('{"error":"no"}') == Error("no")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"type":"Turn","end_of_turn":true,"transcript":"a"}', "lacks the field “turn_order”"),
        ('{"type":"Turn","turn_order":"1","end_of_turn":true,"transcript":"a"}', "turn_order"),
        ('{"type":"Turn","turn_order":1,"end_of_turn":"yes","transcript":"a"}', "end_of_turn"),
        ('{"type":"Turn","turn_order":-1,"end_of_turn":true,"transcript":"a"}', "negative"),
        ('{"type":"Begin","id":7}', "Begin.id must be a string"),
        ('{"type":"Termination","audio_duration_seconds":NaN}', "must be a number"),
        (
            '{"type":"Turn","turn_order":1,"end_of_turn":true,"transcript":"a",'
            '"words":[{"text":"a","start":1}]}',
            "words[0] lacks the field “end”",
        ),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_message_is_a_named_error(text: str, words: str) -> None:
    """The error says which field is wrong."""
    with pytest.raises(Malformed) as error:
        decode(text)

    assert words in error.value.reason


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"turn_order": -1}, Turn(-1, True, "a b", words=(A, B))),
        ({"turn_order": "first"}, Turn(UNNUMBERED, True, "a b", words=(A, B))),
        ({"turn_order": None}, Turn(UNNUMBERED, True, "a b", words=(A, B))),
        ({"turn_order": 2**63}, Turn(UNNUMBERED, True, "a b", words=(A, B))),
        ({"end_of_turn": "True"}, Turn(0, True, "a b", words=(A, B))),
        ({"end_of_turn": 1}, Turn(0, True, "a b", words=(A, B))),
        ({"end_of_turn": "no"}, Turn(0, False, "a b", words=(A, B))),
        ({"end_of_turn": [1]}, Turn(0, False, "a b", words=(A, B))),
        ({"transcript": 7}, Turn(0, True, "a b", words=(A, B))),
        ({"transcript": None}, Turn(0, True, "a b", words=(A, B))),
        ({"words": "none"}, Turn(0, True, "a b")),
        ({"words": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}, Turn(0, True, "a b c")),
        (
            {"words": [{"text": "a b", "start": 0, "end": 1, "confidence": math.nan}]},
            Turn(0, True, "a b", words=(Word("a b", 0, 1),)),
        ),
        ({"words": [{"text": "a", "start": 0, "end": True}]}, Turn(0, True, "a b")),
        ({"speaker_label": 7}, Turn(0, True, "a b", words=(A, B))),
    ],
)
def test_what_can_be_read_of_a_turn_is_kept(record: dict[str, Any], kept: Turn) -> None:
    """Its text is in two places; its number and its flag have values that do no harm."""
    words = [{"text": "a", "start": 0, "end": 1}, {"text": "b", "start": 2, "end": 3}]
    whole = {"type": "Turn", "turn_order": 0, "end_of_turn": True, "transcript": "a b"}
    with pytest.raises(PartlyMalformed) as error:
        decode(json.dumps({**whole, "words": words, **record}))

    assert kept == error.value.message


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"type": "Begin", "id": 7, "configuration": []}, Begin("")),
        ({"type": "Error", "error": {"text": "no"}, "error_code": 3005}, Error("", 3005)),
        ({"type": "Termination", "audio_duration_seconds": "long"}, Termination()),
    ],
)
def test_a_message_that_decides_counts_whatever_its_fields_are(
    record: dict[str, Any], kept: ServerMessage
) -> None:
    """Otherwise a session would wait for it in vain."""
    with pytest.raises(PartlyMalformed) as error:
        decode(json.dumps(record))

    assert kept == error.value.message


def test_a_turn_without_any_text_is_not_one() -> None:
    """There is nothing to keep."""
    with pytest.raises(Malformed) as error:
        decode('{"type":"Turn","turn_order":1,"end_of_turn":true,"words":[{"start":1,"end":2}]}')

    assert not isinstance(error.value, PartlyMalformed)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["type", "turn_order", "end_of_turn", "transcript", "words", "id", "error", "text", "start"]
)
TYPES = st.sampled_from([json.loads(encode(message))["type"] for message in SERVER])


@given(st.dictionaries(NAMES, JSON), TYPES)
def test_whatever_comes_is_a_message_or_a_named_error(record: dict[str, Any], kind: str) -> None:
    """Nothing else happens, so a server cannot crash a session."""
    with suppress(Malformed):
        message = decode(json.dumps({**record, "type": kind}))

        assert decode(encode(message)) == message


@given(st.binary())
def test_whatever_bytes_come_are_a_message_or_a_named_error(frame: bytes) -> None:
    """Frames need not even be text."""
    with suppress(Malformed):
        assert decode(frame)


@pytest.mark.parametrize("digits", [19, 400])
def test_a_number_beyond_every_range_is_malformed(digits: int) -> None:
    """JSON's integers have no bound; ours must not overflow where they are used."""
    with pytest.raises(Malformed, match="must be a number below"):
        decode(f'{{"type":"SpeechStarted","timestamp":{"9" * digits}}}')
