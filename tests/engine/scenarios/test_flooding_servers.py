"""Servers that say too much, or never come to an end: each ends as an error that has a name."""

import asyncio
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import write_numbered_recording
from tests.engine.support.scenario import Scenario, ScenarioResult, make_recordings, run_scenarios
from tests.engine.support.scripted_server import TERMINATION, ConnectionScript, turn_message
from tests.engine.support.supervisor_harness import NO_RETRIES, run_supervisor
from tests.engine.support.transcribing_server import (
    DEFAULT_STYLE,
    ConnectionFinished,
    Fault,
    FaultMoment,
    ServerSession,
    transcribe,
)
from workers.jobs.events import Ended, Outcome
from workers.session.assignment import Timeouts

MEGABYTE = 1024 * 1024
ALLOWED = 10 * MEGABYTE
"""Bytes that a server may say in the first seconds."""
MEMORY = 50 * MEGABYTE
"""Bytes by which a session may grow, whatever it is sent."""


def frame(payload: bytes, first: int = 0x81) -> bytes:
    """As a server sends it, text if nothing else is said (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes([first, size]) + payload
    if size < 1 << 16:
        return bytes([first, 126]) + size.to_bytes(2, "big") + payload
    return bytes([first, 127]) + size.to_bytes(8, "big") + payload


TEXT, PIECE, PING = 0x01, 0x00, 0x89
LARGE = json.dumps({"type": "Novelty", "of": "x" * MEGABYTE}).encode()
ENDLESS = {
    "tiny messages": frame(b"{}") * 1000,
    "what is no message": frame(b"x") * 1000,
    "ends of turns": frame(json.dumps(turn_message(0, "Again.", final=True)).encode()) * 1000,
    "large messages": frame(LARGE),
    "pings": frame(b"?", PING) * 1000,
    "pieces of nothing": frame(b"", PIECE) * 1000,
}
"""What is sent again and again."""


def flood(frames: bytes, begins: bytes = b"", times: float = float("inf")) -> Fault:
    """The same bytes as fast as they are taken, until nobody takes them."""

    async def fault(session: ServerSession) -> None:
        transport = session.connection.socket.transport
        try:
            transport.write(begins)
            sent = 0
            while sent < times and not transport.is_closing():
                transport.write(frames)
                await session.connection.socket.drain()
                await asyncio.sleep(0)
                sent += 1
        except (ConnectionError, RuntimeError) as error:  # it is gone, or is going
            raise ConnectionFinished from error
        if transport.is_closing():
            raise ConnectionFinished

    return fault


class Scales:
    """What processes take of memory."""

    def __init__(self) -> None:
        self.grown = 0
        """The most by which any of them has grown, in bytes."""
        self._sizes: dict[psutil.Process, int] = {}

    def weigh(self) -> None:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                size = process.memory_info().rss
                self.grown = max(self.grown, size - self._sizes.setdefault(process, size))


async def dawdles(session: ServerSession) -> None:
    """It has always something to say, only not that it is over."""
    while True:
        await server_faults.UNEXPECTED_MESSAGES(session)
        await asyncio.sleep(0.05)


def ends_with(further: Fault) -> ConnectionScript:
    """A session that ends as it should, and says more."""

    async def ended(session: ServerSession) -> None:
        await session.end_turn()
        await session.connection.send(TERMINATION)
        await further(session)
        raise ConnectionFinished

    return transcribe(DEFAULT_STYLE, ended, FaultMoment.TERMINATE)


BEHIND = [
    server_faults.send_messages(
        TERMINATION, {"type": "Error", "error_code": 3005, "error": "Too late."}, "{["
    ),
    flood(ENDLESS["tiny messages"]),
    flood(ENDLESS["pings"]),
]
PIECES = frame(b"x" * MEGABYTE, PIECE)
LONG = [
    flood(b"x" * MEGABYTE, b"\x81\x7f" + (100 * MEGABYTE).to_bytes(8, "big"), times=100),
    flood(PIECES, frame(b"x" * MEGABYTE, TEXT), times=99),
]
"""100 MB in one message: announced, and in pieces."""


@pytest.fixture(scope="module")
def scales() -> Scales:
    return Scales()


@pytest.fixture(scope="module")
def scenes(
    tmp_path_factory: pytest.TempPathFactory, scales: Scales
) -> Mapping[str, ScenarioResult]:
    folder = tmp_path_factory.mktemp("floods")
    begins = {"pieces of nothing": frame(b"{", TEXT)}
    endless = [
        transcribe(DEFAULT_STYLE, flood(frames, begins.get(name, b"")), 3)
        for name, frames in ENDLESS.items()
    ]
    return run_scenarios(
        folder,
        {
            "endless": Scenario(
                make_recordings(folder / "a", len(endless), 40), endless, NO_RETRIES
            ),
            "long": Scenario(
                make_recordings(folder / "b", 2, 30),
                [transcribe(DEFAULT_STYLE, each, 3) for each in LONG],
                NO_RETRIES,
            ),
            "behind": Scenario(
                make_recordings(folder / "c", len(BEHIND), 5), [*map(ends_with, BEHIND)], NO_RETRIES
            ),
            "no end": Scenario(
                make_recordings(folder / "d", 1, 5),
                [transcribe(DEFAULT_STYLE, dawdles, FaultMoment.TERMINATE)],
                NO_RETRIES,
                Timeouts(next_message_s=0.5, termination_s=1.0),
            ),
        },
        scales.weigh,
    )


@pytest.mark.slow
def test_a_server_that_says_more_than_speech_can_bring_is_refused(
    scenes: Mapping[str, ScenarioResult], scales: Scales
) -> None:
    """In whatever it says it, and though nothing of it is a message; the memory stays bounded."""
    scenario = scenes["endless"]
    ends = [ended for job in range(1, len(ENDLESS) + 1) for ended in scenario.ended_events(job)]

    assert [ended.outcome for ended in ends] == [Outcome.REFUSED] * len(ENDLESS)
    assert {ended.reason for ended in ends} == {"the server sends more than speech can produce"}
    assert max(file.stat().st_size for file in scenario.folder.glob("*.jsonl")) < 2 * ALLOWED
    assert 0 < scales.grown < MEMORY


def test_a_message_that_is_too_long_is_not_taken_in(
    scenes: Mapping[str, ScenarioResult], scales: Scales
) -> None:
    """Neither when it says so at once, nor when it comes in pieces."""
    ends = [*scenes["long"].ended_events(1), *scenes["long"].ended_events(2)]

    assert [ended.outcome for ended in ends] == [Outcome.LOST] * 2
    assert ["too long" in ended.reason for ended in ends] == [True] * 2
    assert 0 < scales.grown < MEMORY


def test_what_comes_behind_the_termination_does_not_undo_it(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """Be it little or endless: Termination has said that all is well."""
    assert scenes["behind"].transcript_errors() == []


def test_a_server_that_never_comes_to_an_end_is_given_up(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """It says something all the time, only not that it is over."""
    (ended,) = scenes["no end"].ended_events()

    assert ended.outcome is Outcome.LOST
    assert "did not confirm the end" in ended.reason


def test_a_flood_that_ends_delays_nothing(tmp_path: Path) -> None:
    """Chunks leave between its messages, and all words are reported."""
    warning = {"type": "Warning", "warning": "Again. " * 250}
    warnings = flood(frame(json.dumps(warning).encode()) * 100, times=35)
    took = 0.0

    async def timed(session: ServerSession) -> None:
        nonlocal took
        began = time.monotonic()
        await warnings(session)
        took = time.monotonic() - began

    def lag() -> float:
        """The longest of a session that is flooded, as a share of the flood."""
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        scenario = Scenario(
            make_recordings(folder, 1, 14),
            [transcribe(DEFAULT_STYLE, timed, 3)],
            NO_RETRIES,
            small_buffers=True,
        )
        (alone,) = run_scenarios(folder, {"alone": scenario}).values()
        (ended,) = alone.ended_events()
        assert alone.transcript_errors() == []
        assert ended.certificate is not None
        return ended.certificate.lag_ms.max / (1000 * took)

    assert any(lag() < 0.5 for _ in range(4))  # a machine that is busy may stall it, not each time


@contextmanager
def answering(first: bytes, further: bytes) -> Iterator[str]:
    """A server that answers any call with these bytes, the further ones without end."""

    def answer() -> None:
        while True:
            try:
                caller, _ = door.accept()
            except OSError:
                return
            with caller, suppress(OSError):
                caller.sendall(first)
                while True:
                    caller.sendall(further)
                    time.sleep(0.001)

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"ws://127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_an_answer_without_end_is_given_up(tmp_path: Path) -> None:
    """In many headers or in one: the size is limited."""
    truth = write_numbered_recording(tmp_path, 3)
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    for name, further in ("headers", b"X-More: of it\r\n"), ("a header", b"x"):
        with (
            answering(upgrade, further) as url,
            run_supervisor(url, tmp_path / name, timeouts=Timeouts(dial_s=0.5)) as observed,
        ):
            observed.supervisor.add([truth.path])
            observed.wait_until_idle()
        (ended,) = observed.events_of(Ended)

        assert ended.outcome is Outcome.UNREACHABLE
        assert "did not answer in time" in ended.reason
