"""Messages, audio, frames and parameters that no client should send.

Each ends its own session as the protocol requires, by an Error and a close with the same code.
A neighbouring session streams a recording meanwhile and is recognised as usual.
"""

import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pytest
from websocket import ABNF, WebSocketException

from tests.conformance.logging_client import LoggingClient
from tests.engine.support.bystander import (
    CONNECTION_DROPPED,
    RunningEngine,
    assert_undisturbed,
    running_engine,
    session_outcome,
)
from workers.protocol.messages import Terminate

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    with running_engine(tmp_path_factory.mktemp("engine")) as started:
        yield started


# --- what is no message

NOT_MESSAGES: Mapping[str, str] = {
    "nothing": "",
    "half an object": '{"type":',
    "a word": "Terminate",
    "null": "null",
    "a number": "7",
    "a text": '"Terminate"',
    "a list": '[{"type":"Terminate"}]',
    "an object without a type": "{}",
    "a type that is null": '{"type":null}',
    "a type that is a number": '{"type":5}',
    "a type that is a list": '{"type":["Terminate"]}',
    "a type of another version": '{"type":"terminate_session"}',
    "a type of the server's": '{"type":"Begin","id":"me"}',
    "a type in the wrong case": '{"type":"terminate"}',
    "a type with half a character": '{"type":"\\ud800"}',
    "a type with a NUL": '{"type":"Terminate\\u0000"}',
    "a type of a megabyte": json.dumps({"type": "x" * 2**20}),
    "lists in lists": "[" * 100_000,
    "objects in objects": '{"type":' * 50_000,
    "a deep field": '{"type":"KeepAlive","x":' + "[" * 50_000 + "]" * 50_000 + "}",
    "a number of ten thousand digits": '{"type":"KeepAlive","x":' + "9" * 10_000 + "}",
    "two messages": '{"type":"KeepAlive"}{"type":"KeepAlive"}',
}
BAD_VALUES: Mapping[str, list[str]] = {
    "max_turn_silence": ['"long"', "true", "[]", "{}", "-5", "1e6", "NaN", "Infinity", "1e999"],
    "min_turn_silence": ["9" * 400, "-1e999", '"100"'],
    "vad_threshold": ["1.5", "-0.1", '"high"', "NaN"],
    "end_of_turn_confidence_threshold": ["2", '"0.5"', "-1"],
    "format_turns": ['"yes"', "1", "[]"],
    "keyterms_prompt": ['"word"', "[1]", "{}"],
}


def test_text_that_is_no_message_ends_its_session_alone(engine: RunningEngine):
    """The close code is 3006."""
    found = {}
    with assert_undisturbed(engine) as neighbour:
        for name, text in NOT_MESSAGES.items():
            client = engine.connect()
            client.socket.send(text)
            found[name] = session_outcome(client)
            neighbour.send_chunks()

    assert dict.fromkeys(NOT_MESSAGES, 3006) == found


def test_a_setting_with_a_value_that_cannot_be_ends_its_session_alone(engine: RunningEngine):
    """The close code is 3006 for a wrong type, a value out of range, or no number at all."""
    found = {}
    with assert_undisturbed(engine) as neighbour:
        for name, values in BAD_VALUES.items():
            for value in values:
                client = engine.connect(speech_model="universal-streaming-english")
                client.socket.send(f'{{"type":"UpdateConfiguration","{name}":{value}}}')
                client.send_control(Terminate())
                found[name, value[:20]] = session_outcome(client)
            neighbour.send_chunks()

    assert dict.fromkeys(found, 3006) == found


# --- what is no audio


def test_chunks_that_break_the_limits_end_their_session_alone(engine: RunningEngine):
    """The close code is 3007; limits follow the declared rate."""
    attacks: Mapping[str, list[bytes]] = {
        "too long": [bytes(32_032)],
        "a whole file": [bytes(4_000_000)],
        "too short for too long": [*[bytes(800)] * 41, bytes(3200)],
        "empty for too long": [b""] * 1002,
        "one sample for too long": [b"\0\0"] * 1002,
        "minutes at once": [bytes(32_000)] * 400,
    }
    found = {}
    with assert_undisturbed(engine) as neighbour:
        for name, chunks in attacks.items():
            client = engine.connect()
            with suppress(OSError, WebSocketException):  # the server may refuse it before its end
                for chunk in chunks:
                    client.socket.send_binary(chunk)
            found[name] = session_outcome(client)
            neighbour.send_chunks()

    assert dict.fromkeys(attacks, 3007) == found


def test_bytes_that_are_no_speech_are_audio_all_the_same(engine: RunningEngine):
    """Random bytes, extreme samples and a file header do not disturb the session."""
    chunks = {
        "garbage": os.urandom(3200),
        "the loudest": b"\xff\x7f\x00\x80" * 800,
        "a file with its header": b"RIFF" + struct.pack("<I", 3192) + b"WAVEfmt " + bytes(3184),
        "a message": b'{"type":"Terminate"}'.ljust(3200),
        "half a sample too much": os.urandom(3201),
    }
    found = {}
    with assert_undisturbed(engine) as neighbour:
        for name, chunk in chunks.items():
            client = engine.connect()
            for _ in range(20):
                client.send_audio(chunk, 100)
            client.send_control(Terminate())
            found[name] = session_outcome(client)
            neighbour.send_chunks()

    assert dict.fromkeys(chunks, "Termination") == found


# --- what is no frame

FRAGMENT = ABNF(0, 0, 0, 0, ABNF.OPCODE_CONT, 1, bytes(2**20)).format()
FRAMES: Mapping[str, tuple[bytes, set[int | str]]] = {
    "text that is not UTF-8": (ABNF.create_frame(b"\xff\xfe{}", 1).format(), {1007, 3006}),
    "half a character": (ABNF.create_frame('{"type":"é'.encode()[:-1], 1).format(), {1007, 3006}),
    "an opcode that does not exist": (b"\x83\x80abcd", {1002}),
    "a reserved bit": (b"\xc1\x80abcd", {1002}),
    "an unmasked frame": (b"\x81\x02{}", {1002}),
    "a continuation of nothing": (b"\x80\x80abcd", {1002}),
    "a ping that is too long": (b"\x89\xfe\x00\x7eabcd" + bytes(126), {1002}),
    "a length of four exabytes": (
        b"\x82\xff" + struct.pack(">Q", 2**62) + b"abcd",
        {1002, 1009, 3007},
    ),
    "a gigabyte of text": (b"\x81\xff" + struct.pack(">Q", 2**30) + b"abcd", {1009, 3006}),
    "a message without end": (b"\x02\x80abcd" + FRAGMENT * 12, {1009, 3007}),
    "a close with half a code": (b"\x88\x81abcd\0", {1002}),
    "a close with a code that does not exist": (ABNF.create_frame(b"\x03\xe7", 8).format(), {1002}),
    "a close with a reason that is not UTF-8": (
        ABNF.create_frame(b"\x03\xe8\xff", 8).format(),
        {1002, 1007},
    ),
    "noise": (b"\xff" * 4096, {1002}),
}
"""The close codes of RFC 6455, or of the protocol where the server can still send an Error."""


def test_bytes_that_are_no_frame_end_their_session_alone(engine: RunningEngine):
    """The close code is that of RFC 6455."""
    found = {}
    with assert_undisturbed(engine) as neighbour:
        for name, (data, _) in FRAMES.items():
            client = engine.connect()
            with suppress(OSError, WebSocketException):  # the server may refuse it before its end
                client.socket.sock.sendall(data)
            with suppress(OSError, WebSocketException):
                client.receive_rest()
            found[name] = client.closed.code if client.closed else CONNECTION_DROPPED
            neighbour.send_chunks()

    assert {} == {name: code for name, code in found.items() if code not in FRAMES[name][1]}


# --- what is no session

QUERIES: Mapping[str, str] = {
    "a rate that is too low": "sample_rate=7000",
    "a rate of no digits": "sample_rate=fast",
    "a rate without end": "sample_rate=" + "9" * 5000,
    "a rate that is none": "sample_rate=NaN",
    "a rate that is empty": "sample_rate=",
    "an unknown model": "speech_model=%00%ff",
    "an encoding that is none": "encoding=../../etc/passwd",
    "a threshold that is none": (
        "speech_model=universal-streaming-english&end_of_turn_confidence_threshold=nan"
    ),
    "a truth that is none": "format_turns=perhaps",
    "a list that is none": "keyterms_prompt=Halvorsen",
    "a prompt for a model without": "speech_model=universal-streaming-english&prompt=Dates",
    "a time that is none": "inactivity_timeout=-1",
}


def test_parameters_that_cannot_be_are_refused_after_the_upgrade(engine: RunningEngine):
    """The close code is 3006, and there is no Begin."""
    found = {}
    with assert_undisturbed(engine) as neighbour:
        for name, query in QUERIES.items():
            client = LoggingClient(f"{engine.url}?{query}", engine.server.api_key, {})
            found[name] = session_outcome(client)
            neighbour.send_chunks()

    assert dict.fromkeys(QUERIES, 3006) == found


KEYS = {"Bearer": "Bearer {}", "not ASCII": "kë", "spaces": "   ", "long": "k" * 4000}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_that_cannot_be_is_refused_after_the_upgrade(engine: RunningEngine, key: str):
    """The close code is 1008, and there is no Begin."""
    client = LoggingClient(engine.url, key.format(engine.server.api_key), {})

    assert 1008 == session_outcome(client)
