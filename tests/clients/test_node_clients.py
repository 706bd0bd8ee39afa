"""JavaScript clients against the local server: the script of the vendor's guide, and the SDK.

They need Node.js and the modules of `package.json`, which `make node` installs where npm is.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.clients.python_sdk import LONG_ENOUGH
from tests.clients.sample_audio import load_sample, normalise_text
from tests.support import audio_files
from tests.support.tls_proxy import TlsProxy
from workers.localserver.child import LocalServer

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".venv" / "node" / "node_modules"
NODE = shutil.which("node")
STATION = load_sample("station.aiff")
GOOD_MORNING = STATION.head(2)
"""“Good morning.” and a bit more."""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(NODE is None, reason="needs Node.js"),
    pytest.mark.skipif(not MODULES.exists(), reason="needs the modules that `make node` installs"),
]


def run(script: str, *arguments: str, say: str = "", **environment: str) -> list[dict[str, Any]]:
    """Runs a script that must succeed; returns what it prints, one object a line."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, HERE / script, *arguments],
        env={**os.environ, "NODE_PATH": str(MODULES), "NODE_NO_WARNINGS": "1", **environment},
        input=say,
        capture_output=True,
        text=True,
        timeout=LONG_ENOUGH,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def sdk(
    server: LocalServer,
    tls_proxy: TlsProxy,
    chunks: Sequence[bytes] = (),
    *,
    key: str | None = None,
    token: bool = False,
    halfway: Sequence[tuple[str, Any]] = (),
    **parameters: Any,
) -> list[dict[str, Any]]:
    """What the SDK reports of a session; ``parameters`` are the transcriber's."""
    wish = {
        "address": tls_proxy.address,
        "key": server.api_key if key is None else key,
        "token": token,
        "parameters": {"sampleRate": 16_000, **parameters},
        "chunks": [base64.b64encode(chunk).decode() for chunk in chunks],
        "halfway": halfway,
    }
    return run("node_sdk.cjs", say=json.dumps(wish), NODE_EXTRA_CA_CERTS=str(tls_proxy.ca_path))


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


def finals(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [turn for turn in of(events, "turn") if turn["end_of_turn"]]


# --- the script


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The recording as WAV."""
    return audio_files.write_recording(
        tmp_path_factory.mktemp("wav") / "morning.wav", GOOD_MORNING.samples
    )


def test_the_script_of_the_guide(server: LocalServer, file: str):
    """A WAV file in real time: Begin, turns, Termination, and the close."""
    url = server.wait_for_address(LONG_ENOUGH)
    begin, *turns, termination, close = run(
        "quickstart.cjs", url, file, ASSEMBLYAI_API_KEY=server.api_key
    )
    said = [turn["transcript"] for turn in turns if turn.get("end_of_turn")]

    assert "Begin" == begin["type"]
    assert {"SpeechStarted", "Turn"} == {message["type"] for message in turns}
    assert "good morning" in normalise_text(said)
    assert ("Termination", 2) == (termination["type"], termination["audio_duration_seconds"])
    assert {"code": 1000, "reason": "Session Ended"} == close


def test_the_script_of_the_guide_with_a_wrong_key(server: LocalServer, file: str):
    """The client gets an Error and a close with its code."""
    url = server.wait_for_address(LONG_ENOUGH)
    error, close = run("quickstart.cjs", url, file, ASSEMBLYAI_API_KEY="wrong")

    assert "Unauthorized Connection: Invalid API key" == error["error"]
    assert 1008 == error["error_code"] == close["code"]


# --- the SDK


def test_a_session(server: LocalServer, tls_proxy: TlsProxy):
    """All events arrive in order, and the SDK logs no problem."""
    events = sdk(server, tls_proxy, GOOD_MORNING.chunks)
    said = finals(events)

    assert ["open", "speechStarted", "turn"] == [event["event"] for event in events[:3]]
    assert {"event": "over"} == events[-1]
    assert not of(events, "error")
    assert "good morning" in normalise_text(turn["transcript"] for turn in said)
    assert list(range(len(said))) == [turn["turn_order"] for turn in said]
    assert len(said) == len(of(events, "speechStarted"))
    for turn in said:
        times = [word[edge] for word in turn["words"] for edge in ("start", "end")]
        assert sorted(times) == times
        assert all(word["word_is_final"] for word in turn["words"])


def test_every_message_of_a_client(server: LocalServer, tls_proxy: TlsProxy):
    """With long silences allowed, a turn ends only when the client asks for it."""
    events = sdk(
        server,
        tls_proxy,
        STATION.head(4).chunks,
        speechModel="u3-rt-pro",
        minTurnSilence=10_000,
        maxTurnSilence=5_000,
        languageCodes=["en"],
        includePartialTurns=True,
        inactivityTimeout=60,
        halfway=[
            ("updateConfiguration", {"max_turn_silence": 10_000}),
            ("keepAlive", None),
            ("forceEndpoint", None),
        ],
    )

    assert [0, 1] == [turn["turn_order"] for turn in finals(events)]
    assert not of(events, "error")


@pytest.mark.parametrize(
    ("code", "words", "given"),
    [
        (1008, "Unauthorized Connection: Invalid API key", {"key": "wrong"}),
        (3006, "User Input Validation Error: Invalid 'sample_rate': ", {"sampleRate": 7000}),
        (3007, "Input Duration Error: Input Duration Violation: 1", {"chunks": [bytes(48_000)]}),
    ],
)
def test_a_fault_is_told(
    server: LocalServer, tls_proxy: TlsProxy, code: int, words: str, given: dict[str, Any]
):
    """With the code and text of the Error, before and after Begin."""
    (error,) = of(sdk(server, tls_proxy, **given), "error")

    assert code == error["code"]
    assert error["message"].startswith(words)


def test_a_temporary_token(server: LocalServer, tls_proxy: TlsProxy):
    """Created with the key over `https`, it opens a session over `wss`."""
    events = sdk(server, tls_proxy, token=True)

    assert ["open", "over"] == [event["event"] for event in events]
