"""What listening to a session costs all sessions: lag with and without it, and the player itself.

``python -m tests.benchmarks.listening [--sessions 50] [--pairs 12] [--window 10]``

The real desk in a terminal streams to a sink that notes arrivals, as in `tests.benchmarks.pacing`,
which says what a lag is. Once all sessions stream, the user listens for a window of some seconds
and then does not, again and again, in changing order, so that both windows of a pair meet the same
machine. Listening begins with ``L``, which starts the player, and moves to another session every
few seconds, as that costs more than going on. The sound goes to miniaudio's null device, which
takes samples as fast as a real one.

Percentiles are over all chunks of all sessions that arrived in the windows of a pair. Of the
figures, and of the differences within a pair, medians are printed, with the extremes of the latter.
The player's CPU is in % of one core, its memory private (USS) and with what it shares (RSS).
"""

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import psutil

from tests.benchmarks import system_metrics
from tests.benchmarks.pacing import CHUNK_S, END_TIMEOUT_S, lags_of, write_recordings
from tests.benchmarks.senders import Sender, Tool, start_sender
from tests.benchmarks.sink import Sink
from tui.config.loader import SETTINGS_VARIABLE

MOVE_INTERVAL_S = 3.0
"""Seconds between two sessions that are listened to."""

STARTING_S = 25.0
"""Recordings are so much longer than the windows, for the sessions to start and to end."""

PLAYER_NAME = "paceline player"
RANKS = (50.0, 99.0, 99.9, 100.0)


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which the user listens, or does not; in seconds of the monotonic clock."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class PlayerFigures:
    """What the player's process needed in one window. Memory in MB."""

    cpu_percent: float
    private_mb: float
    resident_mb: float


def main() -> None:
    """Measures as asked and prints the medians."""
    args = _parse_arguments()
    print(
        f"{system_metrics.describe_machine()}; {args.sessions} sessions, "
        f"{args.pairs} pairs of windows of {args.window:g} s",
        flush=True,
    )
    seconds = round(2 * args.pairs * args.window + STARTING_S)
    windows: dict[bool, list[Window]] = {False: [], True: []}
    players: list[PlayerFigures] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = folder / "settings.toml"
        settings.write_text('[listen]\nbackend = "null"\n')
        os.environ[SETTINGS_VARIABLE] = str(settings)
        files = write_recordings(folder, args.sessions, seconds)
        with Sink() as sink, start_sender(Tool.DESK, sink.url, files, folder / "run") as sender:
            while len(sender.processes().sessions) < args.sessions:
                time.sleep(0.5)
            for pair in range(args.pairs):
                for listens in (pair % 2 == 0, pair % 2 == 1):
                    start = time.monotonic()
                    if listens:
                        players.append(_listen(sender, args.window))
                    else:
                        time.sleep(args.window)
                    windows[listens].append(Window(start, time.monotonic()))
            sender.wait(seconds + END_TIMEOUT_S)
            arrivals = sink.received().arrivals
    _print_medians(arrivals, windows, players)


def _listen(sender: Sender, seconds: float) -> PlayerFigures:
    """Listens for so long, to one session after the other."""
    end = time.monotonic() + seconds
    sender.type(b"L")
    player = _find_player(sender)
    began, cpu_before = time.monotonic(), _cpu_s(player)
    while (left := end - time.monotonic()) > MOVE_INTERVAL_S:
        time.sleep(MOVE_INTERVAL_S)
        sender.type(b"j")
    time.sleep(max(0.0, left))
    memory, cpu_s = player.memory_full_info(), _cpu_s(player) - cpu_before
    cpu_percent = 100 * cpu_s / (time.monotonic() - began)
    sender.type(b"L")
    return PlayerFigures(cpu_percent, memory.uss / 1e6, memory.rss / 1e6)


def _find_player(sender: Sender) -> psutil.Process:
    below = sender.processes().others["parent"].children
    while True:
        for process in below(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name() == PLAYER_NAME:
                    return process
        time.sleep(0.2)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _print_medians(
    arrivals: Sequence[Sequence[float]],
    windows: Mapping[bool, Sequence[Window]],
    players: Sequence[PlayerFigures],
) -> None:
    times = np.concatenate(arrivals)
    lags = np.concatenate([lags_of(session) for session in arrivals])

    def ranks(window: Window) -> tuple[float, ...]:
        inside = lags[(times >= window.start) & (times < window.end)]
        found = np.percentile(inside, RANKS, method="inverted_cdf")
        return tuple(float(lag) for lag in found)

    heard, silent = ([ranks(window) for window in windows[listens]] for listens in (True, False))
    chunks = round(len(arrivals) * (windows[True][0].end - windows[True][0].start) / CHUNK_S)
    print(f"about {chunks} chunks in a window; lags in ms")
    for index, rank in enumerate(RANKS):
        with_it, without = [one[index] for one in heard], [one[index] for one in silent]
        differences = [one - other for one, other in zip(with_it, without, strict=True)]
        print(
            f"p{rank:g}: {median(with_it):.2f} while listening, {median(without):.2f} without; "
            f"difference {median(differences):+.2f} "
            f"({min(differences):+.2f} to {max(differences):+.2f})"
        )
    cpu, private, resident = (median(column) for column in zip(*map(astuple, players), strict=True))
    print(f"player: {cpu:.2f} % of a core, {private:.1f} MB private, {resident:.1f} MB resident")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Lag with and without listening to a session.")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=12, help="pairs of windows")
    parser.add_argument("--window", type=float, default=10.0, help="length of a window in seconds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
