"""How promptly a v3 endpoint answers control traffic, from a process of its own.

It repeats one short session: connect, Begin, some pings, a frame that is no JSON, Error. It sends
no audio, so it measures the server alone: whether it still answers while it is busy with the audio
of others.
"""

import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Self

import websocket

from tests.benchmarks import ROOT

PINGS = 10
"""Pings in each session."""

BETWEEN = 0.05
"""Seconds between two pings, and between two sessions."""

PATIENCE = 10.0
"""Seconds that an answer may take."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Round trips in ms."""

    begin: list[float] = field(default_factory=list)
    """From dialling until Begin: the connection, the upgrade and the session."""
    ping: list[float] = field(default_factory=list)
    """From a ping of the WebSocket to its pong."""
    error: list[float] = field(default_factory=list)
    """From a frame that is no JSON to the Error that answers it."""
    refused: list[float] = field(default_factory=list)
    """From dialling to an Error instead of Begin: the engine was full."""


class ControlProbe:
    """A probe at work in its own process; leaving it ends the process."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.control_probe", self._url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self._token}\n")
        self._process.stdin.flush()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def round_trips(self) -> RoundTrips:
        """Ends the probe and returns what it measured."""
        out, _ = self._process.communicate(timeout=3 * PATIENCE)
        return RoundTrips(**json.loads(out))


def _measure_session(url: str, token: str, answers: RoundTrips) -> None:
    """Measures one session, from dialling to the Error."""
    dialled = time.monotonic()
    header = [f"Authorization: {token}"]
    with closing(websocket.create_connection(url, timeout=PATIENCE, header=header)) as socket:
        begun = json.loads(socket.recv())["type"] == "Begin"
        (answers.begin if begun else answers.refused).append(_since(dialled))
        if not begun:
            return
        for _ in range(PINGS):
            sent_at = time.monotonic()
            socket.ping(b"probe")
            while socket.recv_data(control_frame=True)[0] != websocket.ABNF.OPCODE_PONG:
                pass
            answers.ping.append(_since(sent_at))
            time.sleep(BETWEEN)
        sent_at = time.monotonic()
        socket.send("this is no JSON")
        while json.loads(socket.recv())["type"] != "Error":
            pass
        answers.error.append(_since(sent_at))


def _since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000


def main(arguments: Sequence[str]) -> None:
    """Repeats sessions until stdin is closed, then prints the round trips."""
    answers = RoundTrips()
    token = sys.stdin.readline().strip()
    while not select.select([sys.stdin], [], [], BETWEEN)[0]:
        _measure_session(f"{arguments[0]}?speech_model=u3-rt-pro&sample_rate=16000", token, answers)
    print(json.dumps(asdict(answers)))


if __name__ == "__main__":
    main(sys.argv[1:])
