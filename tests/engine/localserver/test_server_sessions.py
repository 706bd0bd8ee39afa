"""Sessions with the local server: which messages it sends, when, and how sessions end.

A fake backend reports what a test tells it to; the last tests use the real recogniser.
"""

import asyncio
import json
import re
import signal
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import soundfile
from websockets.exceptions import ConnectionClosed

from tests.engine.support.localserver_harness import (
    ACCESS_KEY,
    CHUNK,
    KEEP_ALIVE,
    STREAM_ID,
    TERMINATE,
    ServerHarness,
)
from tests.engine.support.stub_recogniser import install_stub_recogniser
from workers.localserver.admission import ServerPolicy
from workers.localserver.recogniser_protocol import Lost, Recognised, StreamReport
from workers.localserver.recognisers import RecogniserPool

pytestmark = pytest.mark.engine

SAMPLES = Path(__file__).parents[3] / "samples" / "recordings"


@pytest.fixture
async def endpoint() -> AsyncIterator[ServerHarness]:
    async with ServerHarness(ServerPolicy(ACCESS_KEY)) as started:
        yield started


@pytest.fixture
async def warning_endpoint() -> AsyncIterator[ServerHarness]:
    async with ServerHarness(ServerPolicy(ACCESS_KEY, send_warnings=True)) as started:
        yield started


# --- a session


async def test_begin_tells_what_is_applied(endpoint: ServerHarness):
    """It always has the same eight keys; those that are not applied have their usual values."""
    client = await endpoint.client(
        "mode=max_accuracy&speaker_labels=true&redact_pii=true&filter_profanity=true"
        "&domain=medical-v1&voice_focus=near-field",
        AssemblyAI_Version="2026-01-31",
    )
    begin = await client.receive_until("Begin")

    assert {
        "model": "u3-rt-pro",
        "mode": "max_accuracy",
        "api_version": "2026-01-31",
        "speaker_labels": False,
        "redact_pii": False,
        "filter_profanity": True,
        "domain": None,
        "voice_focus": None,
    } == begin["configuration"]
    assert abs(begin["expires_at"] - time.time() - 3 * 3600) < 60
    assert isinstance(begin["expires_at"], int)


async def test_begin_of_universal_streaming_has_no_mode(endpoint: ServerHarness):
    """A version that is not a date is ignored."""
    client = await endpoint.client("speech_model=whisper-rt", AssemblyAI_Version="latest")
    begin = await client.receive_until("Begin")

    assert begin["configuration"]["mode"] is None
    assert "2025-05-12" == begin["configuration"]["api_version"]


async def test_without_warnings_begin_and_the_record_name_what_is_not_applied(
    endpoint: ServerHarness,
):
    """Some clients treat a Warning as an error, so a server sends none unless its owner wants it.

    A change of settings is recorded too.
    """
    client, _ = await endpoint.session(
        'prompt=Dates&keyterms_prompt=["Halvorsen"]&turn_left_pad_ms=9'
    )
    await client.socket.send('{"type":"UpdateConfiguration","agent_context":"Where to?"}')
    await client.socket.send(TERMINATE)
    begin, *rest = await client.receive_rest()
    record = await endpoint.next_session_record()

    assert ["Termination"] == [message["type"] for message in rest]
    assert {"prompt": None, "keyterms_prompt": [], "turn_left_pad_ms": 0} == {
        name: value for name, value in begin["configuration"].items() if name in record.unapplied
    }
    assert {"prompt", "keyterms_prompt", "turn_left_pad_ms", "agent_context"} == {*record.unapplied}


async def test_warnings_follow_begin(warning_endpoint: ServerHarness):
    """One for each parameter that is not applied, before anything else."""
    client, _ = await warning_endpoint.session(
        'prompt=Dates&keyterms_prompt=["Halvorsen"]&redact_pii=false'
    )
    await client.socket.send(TERMINATE)
    kinds = [message["type"] for message in await client.receive_rest()]

    assert ["Begin", "Warning", "Warning", "Termination"] == kinds
    assert {1} == {
        message["warning_code"] for message in client.received if message["type"] == "Warning"
    }


async def test_terminate_flushes_the_open_turn(endpoint: ServerHarness):
    """Then comes Termination with whole seconds, then the close."""
    client, stream = await endpoint.session()
    for _ in range(16):
        await client.socket.send(CHUNK)
    stream.queue_reading("Move the crates")
    await client.receive_until("Turn")
    await client.socket.send(TERMINATE)
    await client.receive_rest()

    assert ["Begin", "SpeechStarted", "Turn", "Turn", "Termination"] == [
        message["type"] for message in client.received
    ]
    assert client.received[-2]["end_of_turn"]
    assert 2 == client.received[-1]["audio_duration_seconds"]
    assert isinstance(client.received[-1]["session_duration_seconds"], int)
    assert (1000, "Session Ended") == client.closed
    assert 16 * CHUNK == stream.received


async def test_what_follows_a_terminate_is_dropped(endpoint: ServerHarness):
    """More audio than any buffer holds, a second Terminate and garbage change nothing."""
    client, stream = await endpoint.session()
    frames: list[str | bytes] = [TERMINATE, TERMINATE, "{", *[bytes(100_000)] * 300]
    for frame in frames:
        try:
            await client.socket.send(frame)
        except ConnectionClosed:  # the end came while there was still more to send
            break
    await client.receive_rest()

    assert "Termination" == client.received[-1]["type"]
    assert (1000, "Session Ended") == client.closed
    assert b"" == stream.received


async def test_settings_change_on_the_way(warning_endpoint: ServerHarness):
    """The recogniser gets the new settings, the client a Warning about unsupported ones."""
    client, stream = await warning_endpoint.session("min_turn_silence=200")
    for change in (
        {"max_turn_silence": 2400, "prompt": "Dates", "sample_rate": 8000},
        {"filter_profanity": True},
        {"mode": "min_latency"},
    ):
        await client.socket.send(json.dumps({"type": "UpdateConfiguration", **change}))
    await client.socket.send(TERMINATE)
    await client.receive_rest()

    assert ["Begin", "Warning", "Termination"] == [message["type"] for message in client.received]
    assert [(200, 2400, 500), (200, 2400, 300)] == [
        (rules.min_turn_silence, rules.max_turn_silence, rules.first_partial_ms)
        for rules in stream.configured
    ]


async def test_silence_is_acknowledged_while_the_option_is_on(warning_endpoint: ServerHarness):
    """The client switches it on and off during the session."""
    client, stream = await warning_endpoint.session()
    stream.queue_report(Recognised(STREAM_ID, 5000, silence_ms=5000))
    stream.queue_reading("so")  # a message to wait for
    await client.receive_until("Turn")
    await client.socket.send('{"type":"UpdateConfiguration","acknowledge_silence":true}')
    await client.socket.send('{"type":"UpdateConfiguration","prompt":"to be warned of"}')
    await client.receive_until("Warning")
    stream.queue_report(Recognised(STREAM_ID, 7200, silence_ms=7200))
    first, second = await client.next(), await client.next()
    await client.socket.send('{"type":"UpdateConfiguration","acknowledge_silence":false}')
    await client.socket.send('{"type":"UpdateConfiguration","prompt":"to be warned of"}')
    await client.receive_until("Warning")
    stream.queue_report(Recognised(STREAM_ID, 9900, silence_ms=9900))
    await client.socket.send(TERMINATE)
    rest = (await client.receive_rest())[-3:]

    assert {"type": "Silence", "start_ms": 5000, "end_ms": 6000} == first
    assert {"type": "Silence", "start_ms": 6000, "end_ms": 7000} == second
    assert ["Warning", "Turn", "Termination"] == [message["type"] for message in rest]


async def test_finals_only(endpoint: ServerHarness):
    """SpeechStarted comes just before each final."""
    client, stream = await endpoint.session("include_partial_turns=false")
    for text, ended in (("Move", False), ("Move the", False), ("Move the crates.", True)):
        stream.queue_reading(text, ended=ended)
    await client.socket.send(TERMINATE)

    assert ["Begin", "SpeechStarted", "Turn", "Termination"] == [
        message["type"] for message in await client.receive_rest()
    ]
    assert client.received[2]["end_of_turn"]


async def test_a_forced_endpoint_ends_the_turn_and_not_the_session(endpoint: ServerHarness):
    """The server does not answer if there are no words."""
    client, stream = await endpoint.session()
    await client.socket.send('{"type":"ForceEndpoint"}')
    stream.queue_reading("Move the")
    await client.receive_until("Turn")
    await client.socket.send('{"type":"ForceEndpoint"}')
    final = await client.receive_until("Turn")
    stream.queue_reading("crates")
    following = await client.receive_until("Turn")

    assert (0, True) == (final["turn_order"], final["end_of_turn"])
    assert (1, False) == (following["turn_order"], following["end_of_turn"])


# --- time


async def test_heartbeats_and_idleness(endpoint: ServerHarness):
    """A heartbeat comes every five seconds. A client that sends nothing for five seconds is
    disconnected; one that sends KeepAlive is not."""
    idle, _ = await endpoint.session("inactivity_timeout=5")
    alive, stream = await endpoint.session("inactivity_timeout=5&session_heartbeat=true")
    for _ in range(20):
        await alive.socket.send(CHUNK)
    stream.queue_reading("so")
    beat = asyncio.create_task(alive.receive_until("Heartbeat"))
    refusal = asyncio.create_task(idle.expect_refusal())
    while not (beat.done() and refusal.done()):
        await alive.socket.send(KEEP_ALIVE)
        await asyncio.sleep(0.2)
    await alive.socket.send(TERMINATE)
    await alive.receive_rest()

    assert 3006 == refusal.result()[0]
    assert refusal.result()[1].endswith(
        "Session terminated due to inactivity: No messages received for 5 seconds"
    )
    assert 2000 == beat.result()["total_audio_received_ms"]
    assert beat.result()["total_duration_ms"] >= 5000
    assert 0 < beat.result()["realtime_factor"] <= 0.4
    assert 0.8 == beat.result()["max_speech_probability"]
    assert "Termination" == alive.received[-1]["type"]


async def test_a_session_has_a_longest_duration():
    """Begin contains it, and it is enforced."""
    async with ServerHarness(ServerPolicy(ACCESS_KEY, max_session_s=0.2)) as endpoint:
        client, _ = await endpoint.session()
        before = time.time()

        assert (3008, "Session Expired: Maximum session duration exceeded") == (
            await client.expect_refusal()
        )
        assert client.received[0]["expires_at"] <= before + 1


async def test_a_client_that_does_not_read_is_cut_off_in_the_end():
    """Its slot is freed, and unread messages are lost."""
    async with ServerHarness(
        ServerPolicy(ACCESS_KEY, max_sessions=1, max_session_s=0.2)
    ) as endpoint:
        client, stream = await endpoint.session()
        client.socket.transport.pause_reading()
        for number in range(20):
            stream.queue_reading(f"{number}" * 1_000_000)  # more than any buffer holds
        record = await endpoint.next_session_record()
        client.socket.transport.abort()

        assert 3008 == record.close_code
        await endpoint.session()


# --- what goes wrong


@pytest.mark.parametrize(
    ("frames", "code", "words"),
    [
        (["{"], 3006, "Invalid JSON: "),
        (["[" * 90_000], 3006, "Invalid JSON: "),
        (["7"], 3006, "Invalid Message: "),
        ([" " * 200_000], 3006, "Invalid Message: "),
        (["{}"], 3006, "Invalid Message Type: "),
        (['{"type":"\\ud800"}'], 3006, "Invalid Message Type: \ufffd"),
        ([f'{{"type":"UpdateConfiguration","mode":{"9" * 400}}}'], 3006, "Invalid Message: "),
        (
            [f'{{"type":"UpdateConfiguration","max_turn_silence":{"9" * 400}}}'],
            3006,
            "Invalid Message: ",
        ),
        ([bytes(640)] * 60, 3007, "Input Duration Error: Input Duration Violation: 20.0 ms"),
        ([bytes(38_400)], 3007, "Input Duration Error: Input Duration Violation: 1200.0 ms"),
        (
            [bytes(32_000)] * 400,
            3007,
            "Input Duration Error: Audio Transmission Rate Exceeded: Received 301.00 sec",
        ),
    ],
)
async def test_a_bad_frame_ends_its_session_and_no_other(
    endpoint: ServerHarness, frames: list[str | bytes], code: int, words: str
):
    """It gets an Error, even while the client continues to send."""
    neighbour, _ = await endpoint.session()
    client, _ = await endpoint.session()
    for frame in [*frames, *[CHUNK] * 100]:
        try:
            await client.socket.send(frame)
        except ConnectionClosed:  # the end came while there was still more to send
            break
    found = await client.expect_refusal()
    await neighbour.socket.send(TERMINATE)

    assert code == found[0]
    assert found[1].removeprefix("User Input Validation Error: ").startswith(words)
    assert "Termination" == (await neighbour.receive_rest())[-1]["type"]


@pytest.mark.parametrize("failure", [Lost(STREAM_ID), RuntimeError("a fault of ours")])
async def test_a_failure_ends_its_session_and_no_other(
    endpoint: ServerHarness, failure: StreamReport | Exception
):
    """It gets the service's error for internal failures."""
    neighbour, _ = await endpoint.session()
    client, stream = await endpoint.session()
    stream.queue_report(failure)
    found = await client.expect_refusal()
    await neighbour.socket.send(TERMINATE)

    assert (3005, "Session Cancelled: An error occurred") == found
    assert "Termination" == (await neighbour.receive_rest())[-1]["type"]
    assert 3005 == (await endpoint.next_session_record()).close_code


# --- the record


async def test_a_session_is_recorded(endpoint: ServerHarness):
    """The record has the model, the durations, and how the session ended."""
    client, stream = await endpoint.session("speech_model=universal-3-6-pro")
    await client.socket.send(CHUNK)
    for text in ("One.", "Two."):
        stream.queue_reading(text, ended=True)
    await client.socket.send(TERMINATE)
    begin = (await client.receive_rest())[0]
    record = await endpoint.next_session_record()

    assert begin["id"] == record.session_id
    assert ("universal-3-6-pro", 0.1, 2) == (record.model, record.audio_seconds, record.turn_count)
    assert record.session_seconds > 0
    assert (1000, "Session Ended") == (record.close_code, record.outcome)


async def test_a_session_that_was_refused_is_recorded(endpoint: ServerHarness):
    """The record has no model, and never the key that was sent."""
    await (await endpoint.client(key="my own secret")).expect_refusal()
    record = await endpoint.next_session_record()

    assert (1008, "Unauthorized Connection: Invalid API key", "") == (
        record.close_code,
        record.outcome,
        record.model,
    )
    assert re.fullmatch(r"[0-9a-f-]{36}", record.session_id)


async def test_a_client_that_leaves_is_recorded(endpoint: ServerHarness):
    """The record contains the client's close code, or 1006 if there was no close frame."""
    client, _ = await endpoint.session()
    await client.socket.close(1000, "enough")
    polite = await endpoint.next_session_record()
    client, _ = await endpoint.session()
    client.socket.transport.abort()
    gone = await endpoint.next_session_record()

    assert (1000, "enough") == (polite.close_code, polite.outcome)
    assert (1006, "the client was gone") == (gone.close_code, gone.outcome)


async def test_stopping_is_recorded_too(endpoint: ServerHarness):
    """Clients get a close that says the server is going away."""
    client, _ = await endpoint.session()
    await asyncio.gather(endpoint.stop(), client.receive_rest())
    record = await endpoint.next_session_record()

    assert 1001 == client.closed[0]
    assert (1001, "the server was stopped") == (record.close_code, record.outcome)


# --- with the real recogniser


async def test_all_options_at_once():
    """The client gets only final turns, with their language, and the silence around them."""
    pcm, rate = soundfile.read(SAMPLES / "station.aiff", dtype="int16")
    second = bytes(2 * rate)
    audio = 3 * second + pcm.tobytes() + 3 * second
    query = (
        f"sample_rate={rate}&include_partial_turns=false&acknowledge_silence=true"
        "&language_detection=true&speech_model=universal-streaming-english"
    )
    async with ServerHarness(ServerPolicy(ACCESS_KEY), RecogniserPool()) as endpoint:
        client = await endpoint.client(query)
        for at in range(0, len(audio), rate // 5 * 2):
            await client.socket.send(audio[at : at + rate // 5 * 2].ljust(rate // 10, b"\0"))
        await client.socket.send(TERMINATE)
        got = await client.receive_rest()

    turns = [message for message in got if message["type"] == "Turn"]
    silences = [message for message in got if message["type"] == "Silence"]
    words = [word for turn in turns for word in turn["words"]]
    assert ["Begin", "Silence", "Silence"] == [message["type"] for message in got[:3]]
    assert "train to the coast" in " ".join(turn["transcript"] for turn in turns)
    assert all(turn["end_of_turn"] and turn["language_code"] == "en" for turn in turns)
    assert silences[0]["start_ms"] == 0
    assert silences[1]["end_ms"] <= words[0]["start"]
    assert silences[-1]["start_ms"] >= words[-1]["end"]
    for one, next_one in pairwise(silences):
        assert one["end_ms"] <= next_one["start_ms"]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs a signal that halts a process")
async def test_messages_are_answered_while_the_recognisers_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """More audio is queued than a pipe holds; the health check works too."""
    install_stub_recogniser(tmp_path, monkeypatch)
    before = set(psutil.Process().children(recursive=True))
    async with ServerHarness(ServerPolicy(ACCESS_KEY), RecogniserPool()) as endpoint:
        client = await endpoint.client()
        await client.receive_until("Begin")
        halted = set(psutil.Process().children(recursive=True)) - before
        for process in halted:
            process.suspend()
        try:
            for _ in range(200):
                await client.socket.send(bytes(32_000))
            await client.socket.send("{")
            code, _ = await client.expect_refusal()
            status, _ = await endpoint.http_get("/v3/ws/health")
        finally:
            for process in halted:
                process.resume()

    assert (3006, 200) == (code, status)
