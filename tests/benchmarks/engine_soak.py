"""What one long session costs the embedded engine: processor time and memory, slice by slice.

``python -m tests.benchmarks.engine_soak [FOLDER] [--minutes 10] [--speed 1.2]``

One session is fed real speech, faster than it is spoken: the protocol lets a client be 300 s and
1.25 times the elapsed time ahead, so ``--speed`` must stay below 1.25. Ten minutes of audio take
some eight and a half; an hour (``--minutes 60``) takes 50 minutes. FOLDER holds a ``manifest.tsv``;
without one it uses the samples and the recording that comes with the engine's package. Every slice
of five minutes (of half the audio, if that is less) hears exactly the same: the recordings one
after the other with 1.5 s of silence between, over and over, cut at its end. So a difference
between two slices is caused by the engine.

CPU
    Seconds of processor time, user and system, that the recognisers needed for a minute of audio,
    and the server. Idle recognisers are in it; only one is at work.
memory
    RSS at the end of the slice, in MB: of the recogniser that needed most processor time until
    then, and of the server.
finals
    Turns that ended within the slice, so that a recogniser that fell silent is noticed.
last / first
    Of the slices: about 1 if the cost does not grow with the length of a session.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import websocket

from tests.benchmarks import speech_segments, system_metrics
from tests.benchmarks.speech_segments import Samples
from tui.cli.run_setup import SERVER_START_TIMEOUT_S
from tui.text.tables import table
from workers.jobs.job import StreamSettings
from workers.localserver.child import LocalServer

SLICE = 5.0
"""Minutes."""

CHUNK = 0.1
"""Seconds of audio in a message."""

FASTEST = 1.25
"""The protocol's bound on the speed of a client, in the long run."""

PATIENCE = 60.0
"""Seconds that the server may take to answer."""


@dataclass(frozen=True, slots=True)
class ResourceSnapshot:
    """The engine at one moment: processor time in seconds since it started, memory in MB."""

    recognisers: float
    server: float
    recogniser_mb: float
    server_mb: float
    finals: int


class FedSession:
    """A session that sends audio directly; a thread counts the server's messages."""

    def __init__(self, url: str, token: str, speech_model: str) -> None:
        self.finals = 0
        self._ended = ""
        self._socket = websocket.create_connection(
            f"{url}?speech_model={speech_model}&sample_rate={speech_segments.RATE}",
            timeout=PATIENCE,
            header=[f"Authorization: {token}"],
        )
        first = json.loads(self._socket.recv())
        if first["type"] != "Begin":
            raise RuntimeError(f"the engine began no session: {first}")
        self._socket.settimeout(None)  # a long silence is no fault
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def feed(self, samples: Samples, speed: float) -> None:
        """Sends audio at a multiple of the speed of speech; raises if the server has closed."""
        step = round(CHUNK * speech_segments.RATE)
        start = time.monotonic()
        for position in range(0, len(samples), step):
            due = start + position / speech_segments.RATE / speed
            time.sleep(max(0.0, due - time.monotonic()))
            if self._ended:
                raise RuntimeError(f"the engine ended the session: {self._ended}")
            self._socket.send_binary(samples[position : position + step].astype("<i2").tobytes())

    def close(self) -> None:
        """Terminates the session and waits until the server closes."""
        self._socket.send(json.dumps({"type": "Terminate"}))
        self._reader.join(PATIENCE)
        self._socket.close()

    def _read(self) -> None:
        while not self._ended:
            frame = self._socket.recv()
            message = json.loads(frame) if frame else {"type": "closed"}
            self.finals += bool(message.get("end_of_turn")) and bool(message["words"])
            if message["type"] in ("Termination", "Error", "closed"):
                self._ended = str(message)


def main() -> None:
    """Feeds as asked and prints a table."""
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    minutes = min(SLICE, args.minutes / 2)
    parts = [speech_segments.load_speech(path) for path in speech_segments.recordings(args.folder)]
    samples = speech_segments.concatenate(parts, 0, minutes * 60).samples
    with (
        tempfile.TemporaryDirectory() as scratch,
        LocalServer(Path(scratch) / "engine.log") as server,
    ):
        url = server.wait_for_address(SERVER_START_TIMEOUT_S)
        with closing(FedSession(url, server.api_key, args.speech_model)) as client:
            states = list(
                _take_snapshots(client, samples, round(args.minutes / minutes), args.speed)
            )
    print(f"\n{_table(states, minutes)}\n\nlast / first: {growth(states)}")
    print(f"fed at {args.speed:g} times the speed of speech, {args.speech_model}")


def growth(states: Sequence[ResourceSnapshot]) -> str:
    """The ratio of the last slice to the first."""
    first, last = slices(states)[0], slices(states)[-1]
    cost = last.recognisers / first.recognisers
    return f"CPU {cost:.2f}, memory {last.recogniser_mb / first.recogniser_mb:.2f}"


def slices(states: Sequence[ResourceSnapshot]) -> list[ResourceSnapshot]:
    """CPU time between two snapshots, and memory at the later one."""
    return [
        ResourceSnapshot(
            later.recognisers - earlier.recognisers,
            later.server - earlier.server,
            later.recogniser_mb,
            later.server_mb,
            later.finals - earlier.finals,
        )
        for earlier, later in pairwise(states)
    ]


def _take_snapshots(
    client: FedSession, samples: Samples, times: int, speed: float
) -> Iterator[ResourceSnapshot]:
    """A snapshot before the first slice and after each."""
    yield _take_snapshot(client)
    for number in range(times):
        client.feed(samples, speed)
        yield _take_snapshot(client)
        print(f"slice {number + 1} of {times}: fed", flush=True)


def _take_snapshot(client: FedSession) -> ResourceSnapshot:
    server, recognisers = system_metrics.engine_processes()
    used = system_metrics.cpu_seconds(recognisers)
    return ResourceSnapshot(
        sum(used.values()),
        sum(system_metrics.cpu_seconds([server]).values()),
        system_metrics.resident_mb(max(used, key=lambda each: used[each])),
        system_metrics.resident_mb(server),
        client.finals,
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What one long session costs the engine.")
    parser.add_argument("folder", type=Path, nargs="?", help="with a manifest.tsv")
    parser.add_argument("--minutes", type=float, default=10.0, help="of audio")
    parser.add_argument("--speed", type=float, default=1.2, help="times that of speech")
    parser.add_argument("--speech-model", default=StreamSettings().speech_model)
    args = parser.parse_args()
    if not 0 < args.speed < FASTEST:
        parser.error(f"--speed must stay below {FASTEST}: the server closes on faster clients")
    return args


def _table(states: Sequence[ResourceSnapshot], minutes: float) -> str:
    head = ("minutes", "recognisers s / min", "server s / min", "recogniser MB", "server MB")
    rows = [
        (
            f"{number * minutes:g} to {(number + 1) * minutes:g}",
            f"{each.recognisers / minutes:.2f}",
            f"{each.server / minutes:.2f}",
            f"{each.recogniser_mb:.1f}",
            f"{each.server_mb:.1f}",
            str(each.finals),
        )
        for number, each in enumerate(slices(states))
    ]
    return table((*head, "finals"), rows)


if __name__ == "__main__":
    main()
