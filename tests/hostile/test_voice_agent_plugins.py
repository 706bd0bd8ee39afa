"""Plugins of voice-agent frameworks against `paceline serve`: LiveKit's, Pipecat's and VideoSDK's.

Nothing but the address tells them that this is not the service. They need packages that do not fit
beside ours; `make plugins` installs them in an environment of their own, where the programs in
``tests/clients/plugins`` run them.
"""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import soundfile
import soxr

from tests.clients.plugins.scenario import OFFERED_REQUEST, TIMEOUT_S, Result, Scenario, Step
from tests.clients.sample_audio import FOLDER, normalise_text
from tests.engine.cli.test_program import ROOT
from tests.engine.cli.test_serve import ServeProcess
from tests.support.telephone import RATE_HZ, encode_samples, telephone_line

PYTHON = ROOT / ".venv" / "plugins" / "bin" / "python"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not (PYTHON.parents[1] / ".ready").exists(),
        reason="needs the packages that `make plugins` installs",
    ),
]

U3 = "u3-rt-pro"
STREAMING = "universal-streaming-english"
PLUGINS = ("livekit", "pipecat", "videosdk")
MODEL_OPTION = {"livekit": "model", "pipecat": "model", "videosdk": "speech_model"}

LANGUAGES = {"livekit": [["en"], ["en", "es"], "multi"], "videosdk": ["en", ["en-US", "de"]]}

VALUES: Mapping[str, list[Any]] = {
    "encoding": ["pcm_s16le"],
    "language_detection": [True, False],
    "end_of_turn_confidence_threshold": [0.4, 0.9],
    "min_turn_silence": [160, 400],
    "max_turn_silence": [1280, 3000],
    "format_turns": [True, False],
    "keyterms_prompt": [["coast", "Halvorsen"], []],
    "vad_threshold": [0.3, 0.5],
    "speaker_labels": [True, False],
    "max_speakers": [2],
    "domain": ["medical-v1"],
    "buffer_size_seconds": [0.05, 0.1],
    "min_end_of_turn_silence_when_confident": [300],
    "speaker_format": ["{speaker}: {text}"],
    "formatted_finals": [True, False],
    "word_finalization_max_wait_time": [500],
    "language": ["en"],
    "interim_results": [True, False],
    "enable_preemptive_generation": [True, False],
    "region": ["EU"],
    "target_sample_rate": [16_000, 24_000],
    "ttfs_p99_latency": [1.0],
}
"""Values of the options that every model takes."""

U3_VALUES: Mapping[str, list[Any]] = {
    "language_code": ["en", "fr"],
    "mode": ["min_latency", "balanced", "max_accuracy"],
    "prompt": ["A railway station."],
    "agent_context": ["Where do you want to go?"],
    "previous_context_n_turns": [5, 0],
    "continuous_partials": [True, False],
    "interruption_delay": [0, 500, 1000],
    "voice_focus": ["near-field", "far-field"],
    "voice_focus_threshold": [0.0, 0.7],
    "vad_force_turn_endpoint": [True, False],
    "should_interrupt": [True, False],
    "agent_context_carryover": [True, False],
}
"""Values of the options that the plugins offer for U3 models only."""

NOT_SENT = {
    "livekit": {"api_key", "base_url", "http_session", "sample_rate", "model"},
    # `connection_params` is an older name for the settings; `extra` and `kwargs` are the base's.
    "pipecat": {
        *("api_key", "api_endpoint_base_url", "sample_rate", "settings", "connection_params"),
        *("kwargs", "extra", "model", "language_codes"),
    },
    "videosdk": {"api_key", "base_url", "input_sample_rate", "speech_model"},
}
"""What every scenario sets, or what is nothing for a server."""

EXCLUSIVE = {"livekit": [("language_code", "language_codes"), ("mode", "min_turn_silence")]}
"""Options of which only one may be set, or makes the other one void."""


class PluginProcess:
    """A plugin in its own environment; it runs one scenario after another. One that has died in a
    scenario is started again for the next."""

    def __init__(self, name: str, log: Path) -> None:
        self.name, self._log = name, log
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        with self._log.open("ab") as errors:
            return subprocess.Popen(
                [PYTHON, "-m", f"tests.clients.plugins.{self.name}_client"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def offered(self) -> dict[str, list[str]]:
        """The names of its options, at the start of a session and during it."""
        return self._ask(OFFERED_REQUEST)

    def run(self, scenario: Scenario) -> Result:
        return Result(**self._ask(json.dumps(asdict(scenario))))

    def _ask(self, line: str) -> Any:
        if self._process.poll() is not None:
            self._process.communicate()
            self._process = self._start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(TIMEOUT_S + 30, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        finally:
            watchdog.cancel()
            watchdog.join()


class PluginServer:
    """`paceline serve` for all tests, and how each of its sessions ended."""

    def __init__(self, process: ServeProcess) -> None:
        self.address, self.key = process.address, process.key
        self._endings: queue.SimpleQueue[str] = queue.SimpleQueue()
        lines = iter(process.line, "")
        threading.Thread(target=lambda: [*map(self._endings.put, lines)], daemon=True).start()

    def ending(self) -> str:
        """The line about the next session that ends."""
        return self._endings.get(timeout=TIMEOUT_S)

    def forget_endings(self) -> None:
        """Drops the lines of earlier tests that failed."""
        while not self._endings.empty():
            self._endings.get()


@pytest.fixture(scope="module")
def serve_process() -> Iterator[PluginServer]:
    with ServeProcess() as started:
        yield PluginServer(started)


@pytest.fixture
def server(serve_process: PluginServer) -> PluginServer:
    serve_process.forget_endings()
    return serve_process


@pytest.fixture(scope="module", params=PLUGINS)
def plugin(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PluginProcess]:
    log = tmp_path_factory.mktemp("plugin") / f"{request.param}.log"
    with PluginProcess(request.param, log) as started:
        yield started


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """“Good morning. The next train to the coast will leave …” as samples without a header."""
    samples, _ = soundfile.read(FOLDER / "station.aiff", dtype="int16")
    path = tmp_path_factory.mktemp("audio") / "station.raw"
    path.write_bytes(samples.tobytes())
    return path


END: list[Step] = [("force", None), ("word", "station")]
WHOLE: list[Step] = [("send", (0, 5.8)), *END]


def scenario(
    server: PluginServer, plugin: PluginProcess, audio: Path, *steps: Step, **options: Any
) -> Scenario:
    """A session of a U3 model, unless the options say otherwise."""
    return Scenario(
        server.address.removesuffix("/v3/ws"),
        server.key,
        str(audio),
        16_000,
        [*steps],
        {MODEL_OPTION[plugin.name]: U3, **options},
    )


def assert_heard(server: PluginServer, result: Result) -> None:
    """Checks that the plugin got all words and no error, and ended its session politely."""
    text = normalise_text(result.finals)

    assert [] == result.errors
    assert "good morning" in text
    assert "to the coast will leave" in text
    assert server.ending().endswith("Session Ended (1000)")


# --- options


def test_every_option_has_a_value_here(plugin: PluginProcess) -> None:
    """If a release offers another one, it must be tried."""
    known = {*VALUES, *U3_VALUES, *NOT_SENT[plugin.name]}
    known |= {"language_codes"} if plugin.name in LANGUAGES else set()

    assert [] == [name for name in plugin.offered()["start"] if name not in known]


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("model", [U3, STREAMING])
def test_every_option_is_taken(
    server: PluginServer, plugin: PluginProcess, station: Path, model: str, turn: int
) -> None:
    """All options of the model at once, each with another value in each turn."""
    values = {**VALUES, **(U3_VALUES if model == U3 else {})}
    if plugin.name in LANGUAGES and model == U3:
        values["language_codes"] = LANGUAGES[plugin.name]
    offered = plugin.offered()["start"]
    options = {
        name: choices[turn % len(choices)] for name, choices in values.items() if name in offered
    }
    for group in EXCLUSIVE.get(plugin.name, []):
        for name in group[: turn % 2] or group[1:]:
            options.pop(name, None)
    options[MODEL_OPTION[plugin.name]] = model
    result = plugin.run(scenario(server, plugin, station, *WHOLE, **options))

    assert_heard(server, result)


# --- during a session

UPDATES: Mapping[str, Mapping[str, Any]] = {
    "livekit": {
        "buffer_size_seconds": 0.1,
        "end_of_turn_confidence_threshold": 0.5,
        "min_turn_silence": 200,
        "max_turn_silence": 2000,
        "min_end_of_turn_silence_when_confident": 200,
        "prompt": "A railway station.",
        "agent_context": "Where do you want to go?",
        "keyterms_prompt": ["coast"],
        "language_codes": ["en", "es"],
        "vad_threshold": 0.4,
        "continuous_partials": False,
        "interruption_delay": 100,
    },
    "pipecat": {"agent_context": "Where do you want to go?"},
    "videosdk": {
        "end_of_turn_confidence_threshold": 0.5,
        "min_turn_silence": 200,
        "max_turn_silence": 2000,
        "keyterms_prompt": ["coast"],
        "language_codes": [],
        "prompt": "A railway station.",
        "agent_context": "Where do you want to go?",
        "continuous_partials": False,
        "interruption_delay": 100,
        "vad_threshold": 0.4,
    },
}


def test_options_change_during_a_session(
    server: PluginServer, plugin: PluginProcess, station: Path
) -> None:
    """Each plugin has a call for it, and LiveKit and Pipecat also tell what the agent has said."""
    update = ("update", dict(UPDATES[plugin.name]))
    if plugin.name != "pipecat":  # its other settings make a new session; see below
        assert {*plugin.offered()["update"]} == {*UPDATES[plugin.name]}
    said: list[Step] = [("say", "Here you are.")] if plugin.name == "pipecat" else []
    steps = [("send", (0, 1)), update, *said, ("send", (1, 5.8)), *END]
    result = plugin.run(scenario(server, plugin, station, *steps))

    assert_heard(server, result)


@pytest.mark.parametrize("plugin", ["pipecat"], indirect=True)
def test_a_setting_that_needs_a_new_session(
    server: PluginServer, plugin: PluginProcess, station: Path
) -> None:
    """Pipecat ends its session and begins another with the new setting."""
    steps: list[Step] = [
        ("send", (0, 1.45)),
        ("force", None),
        ("finals", 1),
        ("update", {"keyterms_prompt": ["coast"]}),
        ("connected", None),
        ("send", (1.45, 5.8)),
        *END,
    ]
    result = plugin.run(scenario(server, plugin, station, *steps))

    assert "Session Ended (1000)" in server.ending()
    assert_heard(server, result)


def test_a_turn_is_ended_by_force(
    server: PluginServer, plugin: PluginProcess, station: Path
) -> None:
    """With long silences allowed, the turn ends because the plugin asks for it."""
    steps: list[Step] = [
        ("send", (0, 1.45)),
        ("force", None),
        ("finals", 1),
        ("send", (1.45, 5.8)),
        *END,
    ]
    silences = {"min_turn_silence": 10_000, "max_turn_silence": 10_000}
    result = plugin.run(scenario(server, plugin, station, *steps, **silences))

    assert 2 == len(result.finals)
    assert "good morning" == normalise_text(result.finals[:1])
    assert_heard(server, result)


# --- audio


@pytest.mark.parametrize("plugin", ["livekit"], indirect=True)
def test_flushing_cuts_a_chunk_short(
    server: PluginServer, plugin: PluginProcess, station: Path
) -> None:
    """LiveKit sends what it has, however short, and goes on."""
    steps: list[Step] = []
    for start in (0, 1.01, 2.03, 3.02, 4.01, 5.03):
        steps += [("send", (start, start + 0.97)), ("flush", None)]
    result = plugin.run(scenario(server, plugin, station, *steps, *WHOLE))

    assert [] == result.errors
    assert server.ending().endswith("Session Ended (1000)")


@pytest.mark.parametrize("plugin", ["livekit"], indirect=True)
def test_chunks_of_twenty_milliseconds(
    server: PluginServer, plugin: PluginProcess, station: Path
) -> None:
    """A second of them is accepted; then LiveKit is refused, as by the service."""
    second: Step = ("send", (0, 1))
    options = {"buffer_size_seconds": 0.02}
    short = plugin.run(scenario(server, plugin, station, second, **options))
    first_end = server.ending()
    steps = [second, second, ("lost", None)]
    plugin.run(scenario(server, plugin, station, *steps, **options))

    assert [] == short.errors
    assert first_end.endswith("Session Ended (1000)")
    assert "Input Duration Violation: 20.0 ms" in server.ending()


@pytest.mark.parametrize("plugin", ["livekit", "pipecat"], indirect=True)
def test_mulaw(server: PluginServer, plugin: PluginProcess, tmp_path: Path) -> None:
    """The plugins pass on the bytes that they get: half as many for each second."""
    samples, rate = soundfile.read(FOLDER / "station.aiff")
    audio = tmp_path / "station.ulaw"
    audio.write_bytes(encode_samples(telephone_line(samples, rate), "ULAW"))
    steps: list[Step] = [("send", (0, 2.9)), *END]
    mulaw = scenario(server, plugin, audio, *steps, encoding="pcm_mulaw")
    mulaw.rate = RATE_HZ
    result = plugin.run(mulaw)

    assert_heard(server, result)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_rates(
    server: PluginServer, plugin: PluginProcess, tmp_path: Path, rate: int
) -> None:
    """Also those at which a chunk of 50 ms lacks half a sample."""
    samples, sample_rate = soundfile.read(FOLDER / "station.aiff")
    audio = tmp_path / "station.raw"
    soundfile.write(audio, soxr.resample(samples, sample_rate, rate), rate, "PCM_16", format="RAW")
    session = scenario(server, plugin, audio, *WHOLE)
    session.rate = rate
    result = plugin.run(session)

    assert_heard(server, result)


# --- connections

CUT_ONCE = """
[[session]]
[[session.fault]]
what = "cut"
after = 1

[[session]]
partial_after = 0.05
final_after = 0.1
[[session.turn]]
words = [["Good", 100, 300], ["morning.", 300, 700]]
"""


def test_a_lost_connection_is_replaced(
    plugin: PluginProcess, station: Path, tmp_path: Path
) -> None:
    """The plugin opens another session, and the server serves it."""
    script = tmp_path / "cut.toml"
    script.write_text(CUT_ONCE)
    with ServeProcess("--script", script) as process:
        server = PluginServer(process)
        steps: list[Step] = [("send", (0, 2)), ("lost", None), ("send", (2, 5)), ("finals", 1)]
        result = plugin.run(scenario(server, plugin, station, *steps))

        assert "good morning" in normalise_text(result.finals)
        assert server.ending().endswith("(1006)")
        assert server.ending().endswith("Session Ended (1000)")
