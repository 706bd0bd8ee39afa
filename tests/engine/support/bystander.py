"""A well-behaved session beside misbehaving ones: the engine must serve it as if it were alone."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import soundfile
from websocket import WebSocketException

from tests.conformance import format_violations, judge
from tests.conformance.logging_client import LONG_ENOUGH, LoggingClient
from workers.localserver.child import LocalServer
from workers.protocol.messages import Begin, Error, Terminate, Termination

RECORDING = Path(__file__).parents[3] / "samples" / "recordings" / "harbour.wav"
SENTENCE = "good evening here is the weather"
CHUNK_MS = 65
CHUNK_COUNT = 30
"""In which the recording says the sentence, and no more: what is heard is read again and again."""
MAX_GROWTH_BYTES = 400 * 1024 * 1024
"""Bytes by which all processes of the engine together may grow in a test: enough for a few sessions
at once, too little for a hundred or for one that keeps everything it is sent."""

CONNECTION_DROPPED = "no close"
"""How `session_outcome` names a connection that was closed without a message."""


@dataclass(frozen=True)
class RunningEngine:
    """A real engine and its first process."""

    server: LocalServer
    process: psutil.Process

    @property
    def url(self) -> str:
        return self.server.wait_for_address(LONG_ENOUGH)

    def try_connect(self, parameters: Mapping[str, str]) -> LoggingClient | None:
        """Connects a client; None if the engine is full."""
        client = LoggingClient(self.url, self.server.api_key, parameters)
        client.receive_until(lambda message: isinstance(message, Begin | Error))
        if isinstance(answer := client.received_messages[-1], Begin):
            return client
        assert isinstance(answer, Error)
        assert answer.error.endswith("Too many concurrent sessions"), answer
        client.receive_rest()
        return None

    def connect(self, **parameters: str) -> LoggingClient:
        """Connects a client, after waiting for the engine to notice that earlier ones left."""
        deadline = time.monotonic() + LONG_ENOUGH
        while (client := self.try_connect(parameters)) is None:
            assert time.monotonic() < deadline, "no place became free"
            time.sleep(0.05)
        return client

    def all_processes(self) -> set[psutil.Process]:
        return {self.process, *self.process.children(recursive=True)}


@contextmanager
def running_engine(folder: Path) -> Iterator[RunningEngine]:
    """Starts an engine and one session, so that every process has loaded what it needs."""
    before = set(psutil.Process().children())
    with LocalServer(folder / "engine.log") as server:
        server.wait_for_address(LONG_ENOUGH)
        (process,) = set(psutil.Process().children()) - before
        engine = RunningEngine(server, process)
        BystanderSession(engine).finish()
        yield engine


class BystanderSession:
    """A session that behaves: it sends a little after each fault, and in the end is complete."""

    def __init__(self, engine: RunningEngine) -> None:
        pcm, rate = soundfile.read(RECORDING, dtype="int16")
        size = rate * CHUNK_MS // 1000
        self._chunks = iter([pcm[at : at + size] for at in range(0, CHUNK_COUNT * size, size)])
        self.client = engine.connect(sample_rate=str(rate), max_turn_silence="10000")

    def send_chunks(self, chunks: int = 1) -> None:
        for _, chunk in zip(range(chunks), self._chunks, strict=False):
            self.client.send_audio(chunk.tobytes(), CHUNK_MS)
        self.client.receive_available()

    def finish(self) -> None:
        self.send_chunks(chunks=1000)
        self.client.send_control(Terminate())
        self.client.receive_rest()

        assert "" == format_violations(judge(self.client.parameters, self.client.log))
        assert SENTENCE in self.client.final_text.replace(",", "").lower()
        assert isinstance(self.client.received_messages[-1], Termination)


@contextmanager
def assert_undisturbed(engine: RunningEngine) -> Iterator[BystanderSession]:
    """Runs a session beside the block and checks that the engine has the same processes afterwards,
    no larger than before."""
    family = engine.all_processes()
    size = sum(each.memory_info().rss for each in family)
    neighbour = BystanderSession(engine)
    neighbour.send_chunks(5)
    yield neighbour
    grown = sum(each.memory_info().rss for each in engine.all_processes()) - size
    neighbour.finish()

    assert family <= engine.all_processes()
    assert all(each.status() != psutil.STATUS_ZOMBIE for each in family)
    assert grown < MAX_GROWTH_BYTES, f"{grown / 2**20:.0f} MB"


def session_outcome(client: LoggingClient) -> int | str:
    """The code of the Error that ended a session, or what was wrong with its end."""
    try:
        client.receive_rest()
    except (WebSocketException, OSError):
        return CONNECTION_DROPPED
    if wrong := judge(client.parameters, client.log):
        return format_violations(wrong)
    end = client.received_messages[-1]
    return end.error_code or 0 if isinstance(end, Error) else end.type
