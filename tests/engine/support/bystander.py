"""A session beside whatever else happens to an engine: it must be heard as if it were alone."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import soundfile
from websocket import WebSocketException

from tests.conformance import judge, told
from tests.conformance.logging_client import LONG_ENOUGH, Client
from workers.localserver.child import LocalServer
from workers.protocol.messages import Begin, Error, Terminate, Termination

RECORDING = Path(__file__).parents[3] / "samples" / "recordings" / "harbour.wav"
SENTENCE = "good evening here is the weather"
CHUNK_MS = 65
CHUNKS = 30
"""In which the recording says the sentence, and no more: what is heard is read again and again."""
GROWTH = 400 * 1024 * 1024
"""Bytes by which all processes of the engine together may have grown after any mischief: room for
a few sessions at once, not for one that keeps what it is sent, nor for a hundred."""

LOST = "no close"
"""The end of a connection that was dropped without a word."""


@dataclass(frozen=True)
class Engine:
    """A real engine and its first process."""

    server: LocalServer
    process: psutil.Process

    @property
    def url(self) -> str:
        return self.server.address(LONG_ENOUGH)

    def knock(self, parameters: Mapping[str, str]) -> Client | None:
        """One that is let in; None if there is no place for it at present."""
        client = Client(self.url, self.server.token, parameters)
        client.until(lambda message: isinstance(message, Begin | Error))
        if isinstance(answer := client.heard[-1], Begin):
            return client
        assert isinstance(answer, Error)
        assert answer.error.endswith("Too many concurrent sessions"), answer
        client.rest()
        return None

    def client(self, **parameters: str) -> Client:
        """One that is let in, as soon as those that left before it are seen to be gone."""
        deadline = time.monotonic() + LONG_ENOUGH
        while (client := self.knock(parameters)) is None:
            assert time.monotonic() < deadline, "no place became free"
            time.sleep(0.05)
        return client

    def family(self) -> set[psutil.Process]:
        return {self.process, *self.process.children(recursive=True)}


@contextmanager
def running(folder: Path) -> Iterator[Engine]:
    """An engine that has heard somebody: every process is there, with what it needs."""
    before = set(psutil.Process().children())
    with LocalServer(folder / "engine.log") as server:
        server.address(LONG_ENOUGH)
        (process,) = set(psutil.Process().children()) - before
        engine = Engine(server, process)
        Neighbour(engine).finish()
        yield engine


class Neighbour:
    """A session that behaves: goes on a little after each piece of mischief, then to its end."""

    def __init__(self, engine: Engine) -> None:
        pcm, rate = soundfile.read(RECORDING, dtype="int16")
        size = rate * CHUNK_MS // 1000
        self._chunks = iter([pcm[at : at + size] for at in range(0, CHUNKS * size, size)])
        self.client = engine.client(sample_rate=str(rate), max_turn_silence="10000")

    def go_on(self, chunks: int = 1) -> None:
        for _, chunk in zip(range(chunks), self._chunks, strict=False):
            self.client.stream(chunk.tobytes(), CHUNK_MS)
        self.client.take()

    def finish(self) -> None:
        self.go_on(chunks=1000)
        self.client.say(Terminate())
        self.client.rest()

        assert "" == told(judge(self.client.parameters, self.client.record))
        assert SENTENCE in self.client.text.replace(",", "").lower()
        assert isinstance(self.client.heard[-1], Termination)


@contextmanager
def undisturbed(engine: Engine) -> Iterator[Neighbour]:
    """A neighbour through all of it, and the same processes afterwards, no larger than before."""
    family = engine.family()
    size = sum(each.memory_info().rss for each in family)
    neighbour = Neighbour(engine)
    neighbour.go_on(5)
    yield neighbour
    grown = sum(each.memory_info().rss for each in engine.family()) - size
    neighbour.finish()

    assert family <= engine.family()
    assert all(each.status() != psutil.STATUS_ZOMBIE for each in family)
    assert grown < GROWTH, f"{grown / 2**20:.0f} MB"


def outcome(client: Client) -> int | str:
    """The code of the Error that ended a session as it should; else what was wrong with its end."""
    try:
        client.rest()
    except (WebSocketException, OSError):
        return LOST
    if wrong := judge(client.parameters, client.record):
        return told(wrong)
    end = client.heard[-1]
    return end.error_code or 0 if isinstance(end, Error) else end.type
