"""The vendor's Python SDK against the local server: sessions without errors.

Nothing but `api_host` tells it that this is not the service.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from itertools import chain, repeat, takewhile

import httpx
import pytest
from assemblyai.streaming.v3 import (
    AsyncRealTimeTranscriber,
    BeginEvent,
    RealTimeSessionParameters,
    RealTimeTranscriber,
    SilenceEvent,
    SpeechModel,
    SpeechStartedEvent,
    TerminationEvent,
    TurnEvent,
    WarningEvent,
)

from tests.clients.python_sdk import (
    IGNORED_SDK_WARNINGS,
    EventCollector,
    async_client,
    client_options,
    threaded_client,
)
from tests.clients.sample_audio import CHUNK_SECONDS, load_sample
from tests.support.tls_proxy import TlsProxy
from workers.localserver.child import LocalServer

pytestmark = [pytest.mark.engine, *IGNORED_SDK_WARNINGS]

STATION = load_sample("station.aiff")
"""Six seconds, two sentences: “Good morning.” is the first."""


# --- what is heard


def test_a_session(host: str, server: LocalServer, caplog: pytest.LogCaptureFixture):
    """All events arrive in order, and the SDK logs no problem."""
    with threaded_client(host, server.api_key) as (client, heard):
        client.stream(STATION.chunks)
        client.disconnect(terminate=True)

    assert_whole(heard)
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_session_of_tasks(host: str, server: LocalServer, caplog: pytest.LogCaptureFixture):
    """The same for the asyncio client."""
    async with async_client(host, server.api_key) as (client, heard):
        await client.stream(STATION.chunks)

    assert_whole(heard)
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


def assert_whole(heard: EventCollector) -> None:
    """Checks the events of a session with a U3 model on that recording."""
    begin, *_, end = heard.events
    assert isinstance(begin, BeginEvent)
    assert begin.id
    assert 0 < begin.expires_at.timestamp() - time.time() <= 3 * 3600
    assert begin.configuration is not None
    assert "u3-rt-pro" == begin.configuration.model
    assert isinstance(end, TerminationEvent)
    assert 6 == end.audio_duration_seconds
    assert end.session_duration_seconds is not None
    assert {BeginEvent, SpeechStartedEvent, TurnEvent, TerminationEvent} == {
        type(event) for event in heard.events
    }
    assert "next train to the coast" in heard.final_text
    assert list(range(len(heard.finals))) == [turn.turn_order for turn in heard.finals]
    for turn in heard.finals:
        times = [time for word in turn.words for time in (word.start, word.end)]
        first = next(each for each in heard.turns if each.turn_order == turn.turn_order)
        assert isinstance(heard.events[heard.events.index(first) - 1], SpeechStartedEvent)
        assert turn.turn_is_formatted
        assert turn.transcript == " ".join(word.text for word in turn.words)
        assert all(word.word_is_final and 0 < word.confidence <= 1 for word in turn.words)
        assert sorted(times) == times
        assert 0 <= times[0] <= times[-1] <= 6000


def test_a_session_at_the_speed_of_speech(host: str, server: LocalServer):
    """Words arrive while audio is still being sent."""
    silence = bytes(len(STATION.chunks[0]))
    with threaded_client(host, server.api_key) as (client, heard):
        chunks = paced(chain(STATION.chunks, repeat(silence)))
        client.stream(takewhile(lambda _: not heard.turns, chunks))
        client.disconnect(terminate=True)

    assert heard.final_text


def paced(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the chunks in real time."""
    start = time.monotonic()
    for number, chunk in enumerate(chunks, 1):
        yield chunk
        time.sleep(max(0, start + number * CHUNK_SECONDS - time.monotonic()))


def test_a_session_word_by_word(host: str, server: LocalServer):
    """Universal-Streaming: formatted finals follow plain ones, without SpeechStarted."""
    model = SpeechModel.universal_streaming_english
    with threaded_client(host, server.api_key, speech_model=model, format_turns=True) as (
        client,
        heard,
    ):
        client.stream(STATION.head(4).chunks)
        client.disconnect(terminate=True)
    plain = [turn for turn in heard.finals if not turn.turn_is_formatted]
    formatted = [turn for turn in heard.finals if turn.turn_is_formatted]

    assert "to the coast" in heard.final_text
    assert [turn.turn_order for turn in plain] == [turn.turn_order for turn in formatted]
    assert all(word.word_is_final for turn in heard.turns for word in turn.words[:-1])
    assert [] == heard.events_of(SpeechStartedEvent)


async def test_sessions_at_once(host: str, server: LocalServer):
    """Each gets the words of its own recording."""
    museum = load_sample("museum.flac")
    async with (
        async_client(host, server.api_key) as (here, morning),
        async_client(host, server.api_key, sample_rate=museum.rate) as (there, afternoon),
    ):
        await morning.wait_until_async(lambda: morning.events and afternoon.events)
        await here.stream(STATION.head(2).chunks)
        await there.stream(museum.head(2).chunks)

    assert "good morning" in morning.final_text
    assert "good afternoon" in afternoon.final_text


# --- what a client asks for


def test_every_parameter_is_understood(host: str, server: LocalServer):
    """Numbers, Python booleans, JSON lists, and names that the SDK calls outdated."""
    with threaded_client(
        host,
        server.api_key,
        encoding="pcm_s16le",
        speech_model="u3-rt-pro",
        mode="max_accuracy",
        min_end_of_turn_silence_when_confident=200,
        max_turn_silence=2000,
        end_of_turn_confidence_threshold=0.5,
        vad_threshold=0.3,
        format_turns=True,
        keyterms_prompt=["Paceline", "the coast"],
        prompt="A railway station.",
        agent_context="Where to?",
        language_detection=True,
        language_codes=["en", "es"],
        speaker_labels=True,
        speaker_labels_revision_interval_ms=120_000,
        max_speakers=2,
        inactivity_timeout=60,
        interruption_delay=300,
        continuous_partials=False,
        include_partial_turns=True,
        turn_left_pad_ms=100,
        session_heartbeat=True,
        acknowledge_silence=True,
        filter_profanity=True,
        redact_pii=True,
        redact_pii_policies=["person_name", "location"],
        redact_pii_sub="hash",
        domain="medical-v1",
        voice_focus="near-field",
        voice_focus_threshold=0.5,
        llm_gateway={"model": "any", "messages": [], "max_tokens": 1},
        customer_support_audio_capture=True,
    ) as (client, heard):
        client.disconnect(terminate=True)

    assert [] == heard.errors
    assert isinstance(heard.events[0], BeginEvent)
    assert isinstance(heard.events[-1], TerminationEvent)
    assert {BeginEvent, WarningEvent, TerminationEvent} >= {type(event) for event in heard.events}


def test_settings_change_during_a_session(host: str, server: LocalServer):
    """With long silences allowed, two sentences are one turn."""
    with threaded_client(host, server.api_key) as (client, heard):
        client.set_params(LONG_SILENCES)
        client.stream(STATION.head(4).chunks)
        client.disconnect(terminate=True)

    assert [0] == [turn.turn_order for turn in heard.finals]
    assert "to the coast" in heard.final_text


async def test_an_endpoint_is_forced(host: str, server: LocalServer):
    """The turn ends because the client asks for it; later audio belongs to the next one."""
    chunks = STATION.head(4).chunks
    async with async_client(host, server.api_key) as (client, heard):
        await client.set_params(LONG_SILENCES)
        await client.stream(chunks[:14])  # “Good morning.”
        await client.force_endpoint()
        await client.keep_alive()
        await heard.wait_until_async(lambda: heard.finals)
        await client.stream(chunks[14:])

    assert [0, 1] == [turn.turn_order for turn in heard.finals]
    assert "to the coast" in heard.final_text


LONG_SILENCES = RealTimeSessionParameters(min_turn_silence=10_000, max_turn_silence=10_000)


def test_silence_is_acknowledged(host: str, server: LocalServer):
    """On request, as ranges of the audio."""
    with threaded_client(host, server.api_key, acknowledge_silence=True) as (client, heard):
        client.stream([bytes(3200)] * 30)
        heard.wait_until(lambda: heard.events_of(SilenceEvent))
        client.disconnect(terminate=True)

    assert all(0 <= each.start_ms < each.end_ms <= 3000 for each in heard.events_of(SilenceEvent))


# --- who comes and goes


def test_leaving_without_a_word(host: str, server: LocalServer):
    """A client that just disconnects gets no error, and the next one is served."""
    with threaded_client(host, server.api_key) as (client, left):
        left.wait_until(lambda: left.events)
    with threaded_client(host, server.api_key) as (client, heard):
        client.disconnect(terminate=True)

    assert [BeginEvent] == [type(event) for event in left.events]
    assert [BeginEvent, TerminationEvent] == [type(event) for event in heard.events]


def test_a_temporary_token(tls_proxy: TlsProxy, server: LocalServer, trust_tls_proxy: None):
    """Created with the key over `https`, it opens a session over `wss`."""
    client = RealTimeTranscriber(client_options(tls_proxy.address, server.api_key))
    token = client.create_temporary_token(60, max_session_duration_seconds=600)
    with threaded_client(tls_proxy.address, token=token) as (client, heard):
        client.disconnect(terminate=True)
    begin, end = heard.events

    assert 0 < begin.expires_at.timestamp() - time.time() <= 600
    assert isinstance(end, TerminationEvent)


async def test_a_temporary_token_of_tasks(
    tls_proxy: TlsProxy, server: LocalServer, trust_tls_proxy: None
):
    """The same for the asyncio client."""
    async with AsyncRealTimeTranscriber(
        client_options(tls_proxy.address, server.api_key)
    ) as client:
        token = await client.create_temporary_token(60)
    async with async_client(tls_proxy.address, token=token) as (_, heard):
        pass

    assert [BeginEvent, TerminationEvent] == [type(event) for event in heard.events]


@pytest.mark.parametrize(("key", "seconds", "status"), [("wrong", 60, 401), (None, 601, 422)])
def test_a_token_that_is_not_made(
    tls_proxy: TlsProxy,
    server: LocalServer,
    trust_tls_proxy: None,
    key: str | None,
    seconds: int,
    status: int,
):
    """With a wrong key or too long a lifetime, the SDK raises the HTTP status."""
    client = RealTimeTranscriber(client_options(tls_proxy.address, key or server.api_key))
    with pytest.raises(httpx.HTTPStatusError) as caught:
        client.create_temporary_token(seconds)

    assert status == caught.value.response.status_code
