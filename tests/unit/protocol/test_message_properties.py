"""Any frame is decoded to a message or an `Unknown`, or raises `Malformed`; nothing else."""

import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.protocol.test_messages import CLIENT, SERVER
from workers.errors import Malformed
from workers.protocol.messages import (
    MAX_MESSAGE_DEPTH,
    Turn,
    Unknown,
    decode,
    decode_from_client,
    encode,
)

SHAPES: list[dict[str, Any]] = [json.loads(encode(message)) for message in [*SERVER, *CLIENT]]
"""A real message of every kind."""

WRONG_VALUES: list[Any] = [7, True, "a text", [], {}]

TOKENS = (
    *("null", "true", "0", "-1", "1.5", "-0.0", "1e300", '""', '"a text"', "[]", "{}", "[null]"),
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "9" * 400, "9" * 5000),
    *(r'"\ud800"', r'"\ude00\ud83d"', r'"\u0000\u001b[2J\u202e"', '"\x9b\x7f"', '{"a":1,"a":2}'),
    *("[" * 60 + "]" * 60, '{"a":' * 900 + "0" + "}" * 900, "[" * 100_000, "nan", "'a'", "01", ""),
)
"""Replacements for a value: of every type, out of every range, or not JSON at all."""

HOLE = "\ue000hole"

FINITE: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def holes(shape: Any) -> Iterator[Any]:
    """Yields copies of the shape, each with a different value replaced by a hole."""
    yield HOLE
    if isinstance(shape, dict):
        for name, value in shape.items():
            for holed in holes(value):
                yield {**shape, name: holed}
    elif isinstance(shape, list):
        for index, value in enumerate(shape):
            for holed in holes(value):
                yield [*shape[:index], holed, *shape[index + 1 :]]


HOLED = [json.dumps(holed) for shape in SHAPES for holed in holes(shape)]


def judge(frame: str | bytes) -> None:
    """Fails unless client and server decode the frame to a valid message or a named error."""
    for read in (decode, decode_from_client):
        reason = ""
        try:
            message = read(frame)
        except Malformed as error:
            reason = error.reason
        if reason:
            assert reason.isprintable()
            assert len(reason) < 200
            continue
        text = encode(message)

        assert message == read(text)
        assert message == pickle.loads(pickle.dumps(message))
        json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:12])
def test_any_value_may_stand_anywhere(token: str) -> None:
    """Replaces each field of each message in turn, including those of words and settings."""
    for holed in HOLED:
        judge(holed.replace(json.dumps(HOLE), token))


@settings(max_examples=60)
@given(st.sampled_from(SHAPES), st.data())
def test_a_frame_that_was_damaged_on_the_way_is_still_distinguished_from_a_message(
    shape: dict[str, Any], data: st.DataObject
) -> None:
    """Parts are removed, cut off, doubled or overwritten."""
    frame = json.dumps(shape, ensure_ascii=False).encode()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(frame))] * 2)))
    judge(frame[:start] + data.draw(st.binary(max_size=8)) + frame[end:])
    judge(frame[:end] + frame[start:])


@settings(max_examples=60)
@given(
    st.one_of(st.text(), FINITE.map(json.dumps), st.binary().map(lambda some: b"\xef\xbb" + some))
)
@example(b"\xff\xfe{\x00}\x00")
@example("\ufeff{}")
def test_any_text_is_a_message_or_a_named_error(frame: str | bytes) -> None:
    """This includes text that is not UTF-8."""
    judge(frame)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["type"])
def test_a_value_of_the_wrong_type_is_named_by_its_field(shape: dict[str, Any]) -> None:
    """The error names the field, so that a log shows what to look for."""
    read = decode if shape in SHAPES[: len(SERVER)] else decode_from_client
    for name, value in shape.items():
        if name == "type":
            continue
        for wrong in WRONG_VALUES:
            like = {int, float} if type(value) is float else {type(value)}
            if type(wrong) in like or (type(value) is int and type(wrong) is float):
                continue
            with pytest.raises(Malformed) as error:
                read(json.dumps({**shape, name: wrong}))

            assert error.value.reason.startswith(f"{shape['type']}.{name} ")


@settings(max_examples=60)
@given(st.sampled_from(SHAPES), st.dictionaries(st.text(), FINITE, max_size=3))
def test_what_nobody_here_knows_is_handed_on_as_it_came(
    shape: dict[str, Any], news: dict[str, Any]
) -> None:
    """A newer service may add fields to anything; traces and events have them all."""
    read = decode if shape in SHAPES[: len(SERVER)] else decode_from_client
    known = set(json.loads(encode(read(json.dumps(shape))))) | {
        name for shape in SHAPES for name in shape
    }
    news = {name: value for name, value in news.items() if name not in known}
    again = json.loads(encode(read(json.dumps({**shape, **news}))))

    assert shape | news == shape | again
    assert news == {name: value for name, value in again.items() if name not in known}


@settings(max_examples=40)
@given(st.text(), st.dictionaries(st.text(), FINITE, max_size=3))
def test_a_message_of_a_kind_to_come_is_handed_on_as_it_came(
    kind: str, all: dict[str, Any]
) -> None:
    """Its name and fields do not matter."""
    record = {**all, "type": f"New{kind}"}
    message = decode(json.dumps(record))

    assert isinstance(message, Unknown)
    assert record == json.loads(encode(message))


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_message_is_as_deep_as_it_can_be_handed_on_and_no_deeper(opening: str) -> None:
    """What JSON could still read, pickle could not write: that would end the session."""
    closing = {"[": "]", '{"a":': "}"}[opening]

    def nested(levels: int) -> str:
        field = opening * levels + "0" + closing * levels
        return f'{{"type":"Turn","turn_order":0,"end_of_turn":true,"transcript":"a","b":{field}}}'

    judge(nested(MAX_MESSAGE_DEPTH - 1))
    assert isinstance(decode(nested(MAX_MESSAGE_DEPTH - 1)), Turn)
    for levels in (MAX_MESSAGE_DEPTH, 500, 900, 100_000):
        with pytest.raises(Malformed, match=r"the message is (nested too deeply|not JSON)"):
            decode(nested(levels))


def test_a_number_that_json_does_not_have_becomes_null_where_nobody_reads_it() -> None:
    """Strict readers could not read events that contain it."""
    turn = decode(
        '{"type":"Turn","turn_order":0,"end_of_turn":true,"transcript":"a","b":NaN,"c":[-1e999,1],'
        '"words":[{"text":"a","start":0,"end":1,"d":{"e":Infinity}}]}'
    )

    assert isinstance(turn, Turn)
    assert {"b": None, "c": [None, 1]} == turn.extra
    assert {"d": {"e": None}} == turn.words[0].extra
