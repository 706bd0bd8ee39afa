"""Servers that say too much, or never come to an end: each ends as an error that has a name."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import psutil

from tests.engine import faults
from tests.engine.hearing import PLAIN, Fault, Hearing, Moment, Over, telling
from tests.engine.running import Watched, supervised
from tests.engine.scripted import TERMINATION, Endpoint, Script, turn
from tests.engine.test_supervisor import session_processes
from tests.engine.truth import Truth, complaints, record
from workers.events import Ended, Outcome
from workers.session.assignment import Patience

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
    "ends of turns": frame(json.dumps(turn(0, "Again.", final=True)).encode()) * 1000,
    "large messages": frame(LARGE),
    "pings": frame(b"?", PING) * 1000,
    "pieces of nothing": frame(b"", PIECE) * 1000,
}
"""What is sent again and again."""


def flood(frames: bytes, begins: bytes = b"", times: float = float("inf")) -> Fault:
    """The same bytes as fast as they are taken, until nobody takes them."""

    async def flooded(hearing: Hearing) -> None:
        transport = cast(asyncio.Transport, hearing.line.socket.transport)
        try:
            transport.write(begins)
            sent = 0
            while sent < times and not transport.is_closing():
                transport.write(frames)
                await hearing.line.socket.drain()
                await asyncio.sleep(0)
                sent += 1
        except (ConnectionError, RuntimeError) as error:  # it is gone, or is going
            raise Over from error
        if transport.is_closing():
            raise Over

    return flooded


class Run:
    """Jobs that each meet one of the scripts, and what their processes took of memory."""

    def __init__(
        self, folder: Path, *scripts: Script, tenths: int = 30, patience: Patience | None = None
    ) -> None:
        self.truths = [record(folder, tenths, job) for job in range(len(scripts))]
        self.grown = 0
        self._sizes: dict[psutil.Process, int] = {}
        with (
            Endpoint(*scripts) as endpoint,
            supervised(endpoint.url, folder / "run", patience=patience) as self.watched,
        ):
            self.watched.supervisor.add([truth.path for truth in self.truths])
            while not self.watched.supervisor.wait(0.1):
                self._weigh()
            self.watched.until_idle()

    def _weigh(self) -> None:
        with suppress(psutil.Error):
            for process in session_processes():
                size = process.memory_info().rss
                self.grown = max(self.grown, size - self._sizes.setdefault(process, size))

    @property
    def ends(self) -> list[Ended]:
        """How each job ended, in no order."""
        jobs = range(1, len(self.truths) + 1)
        return [ended for job in jobs for ended in self.watched.said(Ended, job)]


def test_a_server_that_says_more_than_speech_can_bring_is_refused(tmp_path: Path) -> None:
    """In whatever it says it, and though nothing of it is a message; the memory stays bounded."""
    begins = {"pieces of nothing": frame(b"{", TEXT)}
    run = Run(
        tmp_path,
        *[
            telling(PLAIN, flood(frames, begins.get(name, b"")), 3)
            for name, frames in ENDLESS.items()
        ],
    )

    assert [ended.outcome for ended in run.ends] == [Outcome.REFUSED] * len(ENDLESS)
    assert {ended.reason for ended in run.ends} == {
        "the server sends more than any speech could bring"
    }
    assert run.grown < MEMORY
    assert max(trace.stat().st_size for trace in tmp_path.rglob("*.jsonl")) < 2 * ALLOWED


def test_a_message_that_is_too_long_is_not_taken_in(tmp_path: Path) -> None:
    """Neither when it says so at once, nor when it comes in pieces."""
    announced = b"\x81\x7f" + (100 * MEGABYTE).to_bytes(8, "big")
    piece = b"x" * MEGABYTE
    run = Run(
        tmp_path,
        telling(PLAIN, flood(piece, announced, times=100), 3),
        telling(PLAIN, flood(frame(piece, PIECE), frame(piece, TEXT), times=99), 3),
    )

    assert [ended.outcome for ended in run.ends] == [Outcome.LOST] * 2
    assert ["too long" in ended.reason for ended in run.ends] == [True] * 2
    assert run.grown < MEMORY


def test_a_flood_that_ends_delays_nothing(tmp_path: Path) -> None:
    """Chunks leave between its messages, and all words are told."""
    warning = {"type": "Warning", "warning": "Again. " * 250}
    warnings = frame(json.dumps(warning).encode()) * 100
    run = Run(tmp_path, telling(PLAIN, flood(warnings, times=35), 5), tenths=15)
    (ended,) = run.ends

    assert complaints(run.truths[0], run.watched.histories[1]) == []
    assert ended.certificate is not None
    assert ended.certificate.lag_ms.max < 500


def test_what_comes_behind_the_termination_is_not_taken_in(tmp_path: Path) -> None:
    """Be it little or endless: the session is over, and all is well."""

    def ends_with(further: Fault) -> Fault:
        async def ended(hearing: Hearing) -> None:
            await hearing.end_turn()
            await hearing.line.say(TERMINATION)
            await further(hearing)
            await hearing.line.socket.wait_closed()
            raise Over

        return ended

    later = [
        faults.says(turn(0, "Too late.", final=True), turn(9, "Far too late.", final=True)),
        flood(ENDLESS["tiny messages"]),
        flood(ENDLESS["pings"]),
    ]
    run = Run(
        tmp_path, *[telling(PLAIN, ends_with(fault), Moment.TERMINATE) for fault in later], tenths=5
    )

    for job, truth in enumerate(run.truths, start=1):
        assert complaints(truth, run.watched.histories[job]) == []


def test_a_server_that_never_comes_to_an_end_is_given_up(tmp_path: Path) -> None:
    """It says something all the time, only not that it is over."""

    async def dawdles(hearing: Hearing) -> None:
        while True:
            await faults.STRANGE(hearing)
            await asyncio.sleep(0.05)

    run = Run(
        tmp_path,
        telling(PLAIN, dawdles, Moment.TERMINATE),
        tenths=5,
        patience=Patience(end=0.5, end_altogether=1.0),
    )
    (ended,) = run.ends

    assert ended.outcome is Outcome.LOST
    assert "did not confirm the end" in ended.reason


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


def called(url: str, folder: Path, truth: Truth) -> Watched:
    with supervised(url, folder, patience=Patience(dial=0.5)) as watched:
        watched.supervisor.add([truth.path])
        watched.until_idle()
    return watched


def test_an_answer_without_end_is_given_up(tmp_path: Path) -> None:
    """Header by header, or within one: there is a bound to it all."""
    truth = record(tmp_path, 3)
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    for name, further in ("headers", b"X-More: of it\r\n"), ("a header", b"x"):
        with answering(upgrade, further) as url:
            watched = called(url, tmp_path / name, truth)
        (ended,) = watched.said(Ended)

        assert ended.outcome is Outcome.UNREACHABLE
        assert "did not answer in time" in ended.reason
