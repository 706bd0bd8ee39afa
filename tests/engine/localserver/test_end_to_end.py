"""The local server end to end: the real server, a real socket and real recognition.

Audio is sent as fast as the server accepts it, so no test runs in real time.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile
import websocket

from tests.engine.support.stub_recogniser import install_stub_recogniser
from workers.errors import EngineUnavailable
from workers.localserver.child import PACKAGE_ROOT, SERVER_EXIT_TIMEOUT_S, LocalServer
from workers.protocol import messages
from workers.protocol.messages import (
    Begin,
    Error,
    ForceEndpoint,
    KeepAlive,
    ServerMessage,
    SpeechStarted,
    Terminate,
    Termination,
    Turn,
)

pytestmark = pytest.mark.engine

SAMPLES = Path(__file__).parents[3] / "samples" / "recordings"
LONG_ENOUGH = 60.0
"""Timeout in seconds for what must happen; no test waits for it to pass."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("engine") / "engine.log") as started:
        started.wait_for_address(LONG_ENOUGH)  # from here its capacity is known too
        yield started


def samples(name: str) -> tuple[bytes, int]:
    """A recording as 16-bit PCM, and its rate."""
    pcm, rate = soundfile.read(SAMPLES / name, dtype="int16")
    return pcm.tobytes(), rate


class Client:
    """A simple client: it sends what a test tells it to and keeps what it receives."""

    def __init__(self, server: LocalServer, query: str = "", key: str | None = None) -> None:
        header = [f"Authorization: {server.api_key if key is None else key}"]
        self.socket = websocket.create_connection(
            f"{server.wait_for_address(LONG_ENOUGH)}?{query}",
            header=header if key != "" else [],
            timeout=LONG_ENOUGH,
        )
        self.got: list[ServerMessage] = []
        self.closed: tuple[int, str] | None = None

    def send(self, message: messages.ClientMessage) -> None:
        self.socket.send(messages.encode(message))

    def hear(self, audio: bytes, rate: int, width: int = 2, milliseconds: int = 100) -> None:
        """Sends audio in chunks; the last one is padded."""
        size = rate * milliseconds // 1000 * width
        for at in range(0, len(audio), size):
            self.socket.send_binary(audio[at : at + size].ljust(size, b"\0"))

    def until(self, there: Callable[[ServerMessage], bool]) -> None:
        """Receives messages until one meets a condition."""
        while self._receive():
            if there(self.got[-1]):
                return
        raise AssertionError(f"closed with {self.closed} after {self.got}")

    def rest(self) -> list[ServerMessage]:
        """Receives everything until the server closes."""
        while self._receive():
            pass
        return self.got

    def _receive(self) -> bool:
        code, data = self.socket.recv_data()
        if code == websocket.ABNF.OPCODE_CLOSE:
            self.closed = int.from_bytes(data[:2], "big"), data[2:].decode()
            self.socket.shutdown()
            return False
        self.got.append(messages.decode(data.decode()))
        return True

    @property
    def turns(self) -> list[Turn]:
        return [message for message in self.got if isinstance(message, Turn)]

    @property
    def words(self) -> str:
        """The last final of each turn, in plain lower case."""
        finals = {turn.turn_order: turn.transcript for turn in self.turns if turn.end_of_turn}
        text = " ".join(finals.values()).lower()
        return "".join(letter for letter in text if letter.isalnum() or letter in " '")


def let_in(server: LocalServer, query: str = "") -> Client:
    """Returns an admitted client, once the engine has caught up with the other sessions."""
    deadline = time.monotonic() + LONG_ENOUGH
    while time.monotonic() < deadline:
        client = Client(server, query)
        client.until(lambda message: isinstance(message, Begin | Error))
        if isinstance(client.got[-1], Begin):
            return client
        client.rest()
        time.sleep(0.05)
    raise AssertionError("no place became free")


def session(server: LocalServer, query: str, audio: bytes, rate: int, width: int = 2) -> Client:
    """Runs a whole session to its Termination."""
    client = Client(server, f"sample_rate={rate}&{query}")
    client.hear(audio, rate, width)
    client.send(Terminate())
    client.rest()
    return client


def refused(client: Client) -> tuple[int | None, str]:
    """Code and text of the Error that ended a session; the close must match."""
    error = client.rest()[-1]
    assert isinstance(error, Error)
    assert (error.error_code, "See Error message for details") == client.closed
    return error.error_code, error.error


# --- sessions


def test_a_session_of_the_default_model(server: LocalServer):
    """Begin, whole turns with one final each, Termination and the close."""
    audio, rate = samples("station.aiff")
    client = session(server, "", audio, rate)
    begin, end = client.got[0], client.got[-1]
    finals = [turn for turn in client.turns if turn.end_of_turn]
    partials = [turn for turn in client.turns if not turn.end_of_turn]

    assert isinstance(begin, Begin)
    assert "u3-rt-pro" == begin.model
    assert begin.expires_at > time.time()
    assert isinstance(end, Termination)
    assert 6 == end.audio_duration_seconds
    assert isinstance(end.session_duration_seconds, int)
    assert (1000, "Session Ended") == client.closed
    assert "next train to the coast" in client.words
    assert list(range(len(finals))) == [turn.turn_order for turn in finals]
    assert all(turn.turn_is_formatted and turn.utterance == turn.transcript for turn in finals)
    assert not any(word.word_is_final for turn in partials for word in turn.words)
    for order in range(len(finals)):
        first = next(turn for turn in client.turns if turn.turn_order == order)
        assert isinstance(client.got[client.got.index(first) - 1], SpeechStarted)


def test_words_have_times_within_the_recording(server: LocalServer):
    """Whole ms from the start of the stream, in order, in partials too."""
    audio, rate = samples("museum.flac")
    client = session(server, "", audio, rate)

    assert "close" in client.words
    for turn in client.turns:
        times = [time for word in turn.words for time in (word.start, word.end)]
        assert sorted(times) == times
        assert 0 <= times[0] <= times[-1] <= len(audio) / rate / 2 * 1000 + 100
        assert all(0 < (word.confidence or 0) < 1 for word in turn.words)


def test_a_session_word_by_word(server: LocalServer):
    """Universal-Streaming: plain final words and one that grows; formatted finals follow."""
    audio, rate = samples("station.aiff")
    query = "speech_model=universal-streaming-english&format_turns=True"
    client = session(server, query, audio, rate)
    plain = [turn for turn in client.turns if not turn.turn_is_formatted]
    formatted = [turn for turn in client.turns if turn.turn_is_formatted]

    assert not any(isinstance(message, SpeechStarted) for message in client.got)
    assert all(turn.transcript == turn.transcript.lower() for turn in plain)
    assert all(word.word_is_final for turn in plain for word in turn.words[:-1])
    assert [t.turn_order for t in plain if t.end_of_turn] == [t.turn_order for t in formatted]
    assert any(turn.transcript != turn.transcript.lower() for turn in formatted)
    assert "next train to the coast" in client.words


def test_telephone_sound(server: LocalServer, tmp_path: Path):
    """µ-law at 8 kHz, with the token in the query."""
    pcm, rate = soundfile.read(SAMPLES / "message.wav", dtype="int16")
    raw = tmp_path / "message.raw"
    soundfile.write(raw, pcm, rate, format="RAW", subtype="ULAW")
    client = Client(server, f"sample_rate={rate}&encoding=pcm_mulaw&token={server.api_key}", key="")
    client.hear(raw.read_bytes(), rate, width=1)
    client.send(Terminate())
    client.rest()

    assert "train is late again" in client.words


def test_quiet_speech_is_recognised(server: LocalServer):
    """40 dB below the level of the recording."""
    pcm, rate = soundfile.read(SAMPLES / "station.aiff", dtype="int16")
    client = session(server, "", (pcm // 100).astype(np.int16).tobytes(), rate)

    assert "train to the coast" in client.words


def test_a_noise_says_nothing(server: LocalServer):
    """After the last sentence of the recording that comes with the recogniser: something is put
    down, and the model by itself makes a "You" of it."""
    from moonshine_voice import get_assets_path  # what it loads is of use to no other test

    recording = Path(get_assets_path()) / "two_cities.wav"
    pcm, rate = soundfile.read(recording, dtype="int16")
    client = session(server, "", pcm[20 * rate :].tobytes(), rate)
    finals = [turn.transcript for turn in client.turns if turn.end_of_turn]

    assert finals
    assert "You" not in finals


def test_silence_says_nothing(server: LocalServer):
    """There is no turn and no heartbeat."""
    client = session(server, "", bytes(5 * 32_000), 16_000)

    assert [Begin, Termination] == [type(message) for message in client.got]


def test_nothing_sent_is_answered_too(server: LocalServer):
    """A Terminate before any audio gets a Termination."""
    client = session(server, "", b"", 16_000)

    assert [Begin, Termination] == [type(message) for message in client.got]


def test_an_endpoint_is_forced(server: LocalServer):
    """Later audio belongs to the next turn, and its times go on."""
    audio, rate = samples("station.aiff")
    half = len(audio) // 4 * 2
    client = Client(server, f"sample_rate={rate}&max_turn_silence=10000")
    client.send(KeepAlive())
    client.hear(audio[:half], rate)
    client.send(ForceEndpoint())
    client.until(lambda message: isinstance(message, Turn) and message.end_of_turn)
    forced = client.turns[-1]
    client.hear(audio[half:], rate)
    client.send(Terminate())
    client.rest()

    assert client.turns[-1].end_of_turn
    assert forced.turn_order < client.turns[-1].turn_order
    assert forced.words[-1].end <= client.turns[-1].words[0].start
    assert "side of the station" in client.words


def test_as_many_sessions_as_there_are_places(server: LocalServer):
    """Each gets its own words; one more is refused and disturbs none of them."""
    audio, rate = samples("station.aiff")
    greeting = audio[: 2 * rate]  # a second of it
    clients = [let_in(server, f"sample_rate={rate}") for _ in range(server.capacity)]
    late = refused(Client(server, f"sample_rate={rate}"))
    for client in clients:
        client.hear(greeting, rate)
        client.send(Terminate())
        client.rest()

    assert (1008, "Unauthorized Connection: Too many concurrent sessions") == late
    assert ["good morning"] * server.capacity == [client.words for client in clients]


# --- refusals


@pytest.mark.parametrize(
    ("key", "why"), [("wrong", "Invalid API key"), ("", "Missing Authorization header")]
)
def test_a_wrong_key_is_refused_after_the_upgrade(server: LocalServer, key: str, why: str):
    """The close code and reason are the same as the service's."""
    assert (1008, f"Unauthorized Connection: {why}") == refused(Client(server, key=key))


def test_a_bad_parameter_is_refused(server: LocalServer):
    """The error names it."""
    code, words = refused(Client(server, "sample_rate=7000"))

    assert 3006 == code
    assert words.startswith("User Input Validation Error: Invalid 'sample_rate': ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"type":"terminate_session"}', "Invalid Message Type: terminate_session"),
        ("{", "Invalid JSON: "),
        ("[]", "Invalid Message: "),
        ('{"type":"UpdateConfiguration","max_turn_silence":-5}', "Invalid 'max_turn_silence': "),
    ],
)
def test_a_bad_message_ends_its_session_and_no_other(server: LocalServer, text: str, words: str):
    """A neighbouring session runs to its end."""
    neighbour = Client(server)
    client = Client(server)
    client.socket.send(text)
    code, text_of_error = refused(client)
    neighbour.send(Terminate())

    assert 3006 == code
    assert text_of_error.startswith(f"User Input Validation Error: {words}")
    assert isinstance(neighbour.rest()[-1], Termination)


def test_chunks_that_are_too_short_are_refused(server: LocalServer):
    """When they hold more than a second in a row, and more follows."""
    client = Client(server)
    for _ in range(42):
        client.socket.send_binary(bytes(800))
    code, words = refused(client)

    assert 3007 == code
    assert "Input Duration Violation: 25.0 ms. Expected between 50 and 1000 ms" in words


def test_a_whole_file_in_one_message_is_refused(server: LocalServer):
    """The client gets an Error of the protocol, not a limit of the transport."""
    audio, _ = samples("station.aiff")
    client = Client(server)
    client.socket.send_binary(audio)

    assert 3007 == refused(client)[0]


def test_a_client_that_vanishes_frees_its_place(server: LocalServer):
    """Later clients are served as usual."""
    for _ in range(2 * server.capacity):
        client = let_in(server)
        client.hear(bytes(32_000), 16_000)
        client.socket.shutdown()  # no close frame: as when the client is killed
    audio, rate = samples("station.aiff")
    client = let_in(server, f"sample_rate={rate}")
    client.hear(audio[: 2 * rate], rate)
    client.send(Terminate())
    client.rest()

    assert "good morning" == client.words


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("/v3/ws/health", {}, 200),
        ("/v2/realtime/ws", {}, 410),
        ("/v3/transcripts", {}, 404),
        ("/v3/ws", {"Origin": "https://example.org"}, 403),
    ],
)
def test_what_is_answered_without_an_upgrade(
    server: LocalServer, path: str, header: dict[str, str], status: int
):
    """Health, unknown paths, and pages from other origins."""
    address = server.wait_for_address(LONG_ENOUGH).replace("ws:", "http:").removesuffix("/v3/ws")
    request = urllib.request.Request(address + path, headers={**UPGRADE, **header})
    try:
        with urllib.request.urlopen(request, timeout=LONG_ENOUGH) as answer:
            found = answer.status
    except urllib.error.HTTPError as error:
        found = error.code
        error.close()

    assert status == found


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


# --- the process


def test_the_engine_keeps_secrets_to_itself_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The token is in no argument and no environment, and the user's key does not get there.

    It can be closed with a session open, and twice does no harm.
    """
    install_stub_recogniser(tmp_path, monkeypatch)
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "a-secret")
    before = set(psutil.Process().children(recursive=True))
    server = LocalServer(tmp_path / "engine.log")
    server.start()
    client = Client(server)
    client.until(lambda message: isinstance(message, Begin))
    family = set(psutil.Process().children(recursive=True)) - before
    visible = json.dumps([[process.cmdline(), process.environ()] for process in family])
    server.close()
    server.close()
    client.socket.shutdown()

    assert server.api_key not in visible
    assert "a-secret" not in visible
    assert 1 < len(family)
    assert set() == set(psutil.wait_procs(family, timeout=LONG_ENOUGH)[1])


def test_an_engine_that_could_not_come_up_again_may_do_so_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """For a while the system could not start its process or open its log."""
    install_stub_recogniser(tmp_path, monkeypatch)
    log = tmp_path / "engine.log"
    before = set(psutil.Process().children())
    with LocalServer(log) as server:
        server.wait_for_address(LONG_ENOUGH)
        (engine,) = set(psutil.Process().children()) - before
        engine.kill()
        engine.wait(LONG_ENOUGH)
        log.rename(tmp_path / "earlier.log")
        log.mkdir()
        with pytest.raises(IsADirectoryError):
            server.restart_if_dead()
        log.rmdir()
        server.restart_if_dead()

        assert server.wait_for_address(LONG_ENOUGH)


def test_an_engine_that_is_stopped_is_found_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Before and after it is ready; closing does not wait for it either."""
    install_stub_recogniser(tmp_path, monkeypatch)
    before = set(psutil.Process().children())

    def engine() -> psutil.Process:
        (found,) = set(psutil.Process().children()) - before
        return found

    def stopped() -> psutil.Process:
        found = engine()
        found.suspend()
        while found.status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        return found

    with LocalServer(tmp_path / "engine.log") as server:
        stopped()
        with pytest.raises(EngineUnavailable, match="was suspended"):
            server.wait_for_address(LONG_ENOUGH)
        server.restart_if_dead()
        first = server.wait_for_address(LONG_ENOUGH)
        stopped()
        server.restart_if_dead()
        second = server.wait_for_address(LONG_ENOUGH)
        last = stopped()
        family = [last, *last.children(recursive=True)]
        began = time.monotonic()
        server.close()

        # Faster than a process that may still react to the end of its stdin and to SIGTERM.
        assert time.monotonic() - began < 2 * SERVER_EXIT_TIMEOUT_S
    assert first != second
    assert server.restarts == 2
    assert [] == psutil.wait_procs(family, timeout=LONG_ENOUGH)[1]


PARENT = """
import sys, time
from pathlib import Path
from workers.localserver.child import LocalServer
server = LocalServer(Path(sys.argv[1]))
server.start()
print(server.wait_for_address(60), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that cannot be caught")
def test_a_killed_parent_takes_the_engine_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The server sees the end of its stdin, and so do the recognisers."""
    install_stub_recogniser(tmp_path, monkeypatch)
    command = [sys.executable, "-c", PARENT, str(tmp_path / "engine.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PACKAGE_ROOT) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        family = psutil.Process(parent.pid).children(recursive=True)
        os.kill(parent.pid, signal.SIGKILL)

    assert family
    assert [] == psutil.wait_procs(family, timeout=LONG_ENOUGH)[1]


def test_a_recogniser_that_dies_ends_its_sessions_and_is_replaced(server: LocalServer):
    """They end with the service's error that a client may retry."""
    client = let_in(server)
    for process in psutil.Process().children(recursive=True):
        if any("recogniser" in word for word in process.cmdline()):
            process.kill()

    assert (3005, "Session Cancelled: An error occurred") == refused(client)
    audio, rate = samples("station.aiff")
    greeting = audio[: 2 * rate]  # a second of it
    again = session(server, "", greeting, rate)
    for _ in range(10):  # the death of the other one may not have been noticed yet
        if isinstance(again.got[-1], Error) and again.got[-1].error_code == 3005:
            again = session(server, "", greeting, rate)
    assert "good morning" == again.words


def test_an_engine_that_does_not_start_says_where_to_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The error message contains the path of its log."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    log = tmp_path / "engine.log"
    with (
        LocalServer(log) as server,
        pytest.raises(EngineUnavailable, match="exited before") as missing,
    ):
        server.wait_for_address(LONG_ENOUGH)

    assert str(log) in str(missing.value)


def test_a_missing_package_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The error says what to install."""
    absent: Any = None
    monkeypatch.setitem(sys.modules, "moonshine_voice", absent)
    with pytest.raises(EngineUnavailable, match="moonshine_voice missing") as missing:
        LocalServer(tmp_path / "engine.log").start()

    assert "pip install 'paceline[local]'" in missing.value.hint
