"""A v3 endpoint in a process of its own that sends a turn every 300 ms of audio, to many sessions.

``python -m tests.benchmarks.turn_server`` prints its port, then the number of turns that clients
have ended, one line each.
"""

import asyncio
import json
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.benchmarks import ROOT

TURN_EVERY = 3
"""Chunks."""


class TurnServer:
    """Runs the server; leaving the block ends its process."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.turn_server"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"ws://127.0.0.1:{int(self._process.stdout.readline())}/v3/ws"
        self._ends = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for _ in self._process.stdout:
            self._ends += 1

    def turn_ends(self) -> int:
        """How many turns clients have ended."""
        return self._ends


async def _serve_session(socket: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        await _talk(socket)


async def _talk(socket: ServerConnection) -> None:
    begin = {"type": "Begin", "id": "7a1d", "expires_at": 0, "configuration": {"model": "m"}}
    await socket.send(json.dumps(begin))
    chunks = 0
    async for message in socket:
        if isinstance(message, bytes):
            chunks += 1
            if chunks % TURN_EVERY == 0:
                await socket.send(json.dumps(_turn(chunks // TURN_EVERY)))
            continue
        kind = json.loads(message)["type"]
        if kind == "ForceEndpoint":
            print("turn ended", flush=True)
        elif kind == "Terminate":
            seconds = {"audio_duration_seconds": 1, "session_duration_seconds": 1}
            await socket.send(json.dumps({"type": "Termination", **seconds}))
            return


def _turn(number: int) -> dict[str, object]:
    """A partial turn that grows, and is final each tenth time."""
    start = 1000 * (number // 10)
    words = [
        {"text": f"word{i}", "start": start + 90 * i, "end": start + 90 * i + 80}
        for i in range(number % 10 + 1)
    ]
    return {
        "type": "Turn",
        "turn_order": number // 10,
        "end_of_turn": number % 10 == 9,
        "transcript": " ".join(str(word["text"]) for word in words),
        "words": [{**word, "word_is_final": False} for word in words],
    }


async def _serve() -> None:
    async with serve(_serve_session, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(_serve())
