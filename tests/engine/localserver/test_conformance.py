"""The local server follows the protocol with any legal client.

Hypothesis generates the sessions, and `tests.conformance` checks them. Server and recogniser are
real; audio is sent faster than real time, with pauses in which turns arrive.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tests.conformance import format_violations, judge
from tests.conformance.logging_client import LONG_ENOUGH, LoggingClient
from tests.engine.support.scripted_client import (
    ClientAction,
    ClientScript,
    ReceiveFor,
    RecordingClip,
    ScriptedClient,
    SyntheticSound,
)
from workers.localserver.child import LocalServer
from workers.protocol.messages import (
    ForceEndpoint,
    KeepAlive,
    Termination,
    Turn,
    UpdateConfiguration,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("engine") / "engine.log") as started:
        started.wait_for_address(LONG_ENOUGH)
        yield started


# --- what a client may do


def seconds(least: float, most: float) -> st.SearchStrategy[float]:
    return st.integers(round(least * 10), round(most * 10)).map(lambda tenths: tenths / 10)


SPEECH = st.builds(
    RecordingClip,
    st.sampled_from(["station.aiff", "museum.flac", "alice.mp3", "harbour.wav"]),
    seconds(0, 5),
    seconds(0.5, 4),
)
SOUND = st.builds(SyntheticSound, st.sampled_from(["silence", "noise", "tone"]), seconds(0.1, 2.5))
SILENCES = st.integers(50, 3000)
THRESHOLDS = st.sampled_from([0.0, 0.2, 0.4, 0.7, 1.0])
VOICES = st.sampled_from([0.2, 0.4, 0.7, 1.0])  # at 0, silence is speech too
UPDATE = st.builds(
    UpdateConfiguration,
    min_turn_silence=st.none() | SILENCES,
    max_turn_silence=st.none() | SILENCES,
    vad_threshold=st.none() | VOICES,
    end_of_turn_confidence_threshold=st.none() | THRESHOLDS,
    format_turns=st.none() | st.booleans(),
    keyterms_prompt=st.none() | st.just(("Halvorsen",)),
    session_heartbeat=st.none() | st.booleans(),
    acknowledge_silence=st.none() | st.booleans(),
)
ORDER: st.SearchStrategy[Any] = st.sampled_from([ForceEndpoint(), KeepAlive()]) | UPDATE


@st.composite
def acts(draw: st.DrawFn) -> list[ClientAction]:
    """Audio, with pauses and messages in between."""
    made: list[ClientAction] = []
    for sound in draw(st.lists(SPEECH | SPEECH | SOUND, min_size=1, max_size=5)):
        made.append(sound)
        made += draw(st.lists(ORDER | st.builds(ReceiveFor, seconds(0, 0.6)), max_size=2))
    return made


BOOLEANS = st.sampled_from(["true", "false", "True", "False"])
PARAMETERS = st.fixed_dictionaries(
    {
        "speech_model": st.sampled_from(
            ["u3-rt-pro", "universal-3-5-pro", "universal-streaming-english"]
        ),
        "sample_rate": st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]).map(str),
        "encoding": st.sampled_from(["pcm_s16le", "pcm_mulaw"]),
    },
    optional={
        "format_turns": BOOLEANS,
        "include_partial_turns": BOOLEANS,
        "min_turn_silence": SILENCES.map(str),
        "max_turn_silence": SILENCES.map(str),
        "end_of_turn_confidence_threshold": THRESHOLDS.map(str),
        "vad_threshold": VOICES.map(str),
        "session_heartbeat": BOOLEANS,
        "acknowledge_silence": BOOLEANS,
        "mode": st.sampled_from(["min_latency", "balanced", "max_accuracy"]),
        "interruption_delay": st.integers(0, 1000).map(str),
        "continuous_partials": BOOLEANS,
        "language_detection": BOOLEANS,
        "inactivity_timeout": st.just("60"),
        "keyterm": st.just("nobody knows this one"),
    },
)


SCRIPTS = st.builds(
    ClientScript,
    PARAMETERS,
    chunk_ms=st.integers(50, 1000),
    speedup=st.sampled_from([8, 16, 1000]),
    actions=acts(),
    send_short_last_chunk=st.booleans(),
)


# --- and what must come of it


def check(client: LoggingClient) -> None:
    """Checks the whole session, from Begin to the close."""
    assert "" == format_violations(judge(client.parameters, client.log))
    assert isinstance(client.received_messages[-1], Termination)
    assert client.closed is not None


@settings(
    max_examples=12,
    # Shrinking would take hundreds of sessions, so the script is shown as it is.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(script=SCRIPTS)
def test_whatever_a_client_does_legally_the_session_is_legal(
    server: LocalServer, script: ClientScript
):
    """It follows every rule of the protocol."""
    client = ScriptedClient(server, script).run()
    for at, entry in enumerate(client.log):
        note(f"{at}: {entry}")

    check(client)


def test_finals_alone_tell_every_utterance(server: LocalServer):
    """One of them was complete at a pause, in a partial turn that was not sent."""
    parameters = {
        "speech_model": "universal-streaming-english",
        "sample_rate": "16000",
        "encoding": "pcm_s16le",
        "include_partial_turns": "false",
        "max_turn_silence": "10000",
        "end_of_turn_confidence_threshold": "1",
    }
    acts: list[ClientAction] = [RecordingClip("station.aiff", 0, 3), SyntheticSound("silence", 2.5)]
    client = ScriptedClient(
        server, ClientScript(parameters, 100, 16, acts, send_short_last_chunk=False)
    ).run()

    check(client)
    assert any(
        isinstance(message, Turn) and message.utterance for message in client.received_messages
    )
