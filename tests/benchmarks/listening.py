"""What listening to a session costs all sessions: lag with and without it, and the player itself.

``python -m tests.benchmarks.listening [--sessions 50] [--seconds 60] [--repeat 5]``

The real desk in a terminal streams to a sink that notes arrivals, as in `tests.benchmarks.pacing`,
which says what a lag is. Runs come in pairs, one with and one without playback, in changing order.
With playback, the user presses ``L`` once all sessions stream, and then selects another session
every few seconds, since changing what is heard costs more than going on. The sound goes to
miniaudio's null device, which takes samples as fast as a real one.

Lags are those of the chunks after `SETTLED_S`, when all sessions have started and ``L`` was
pressed. Percentiles are over all chunks of all sessions of a run. Of the figures, and of the
differences within a pair, medians are printed. The player's CPU is in % of one core, its memory
private (USS) and with what it shares (RSS).
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
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

SETTLED_S = 15.0
"""Seconds of each recording after which chunks count."""

MOVE_INTERVAL_S = 4.0
"""Seconds between two sessions that are listened to."""

PLAYER_NAME = "paceline player"


@dataclass(frozen=True, slots=True)
class LagFigures:
    """The lags of one run, in ms."""

    p50: float
    p99: float
    p99_9: float
    max: float


@dataclass(frozen=True, slots=True)
class PlayerFigures:
    """What the player's process needed in one run. Memory in MB."""

    cpu_percent: float
    private_mb: float
    resident_mb: float


def main() -> None:
    """Measures as asked and prints a line for each run, then the medians."""
    args = _parse_arguments()
    print(
        f"{system_metrics.describe_machine()}; {args.sessions} sessions of {args.seconds} s, "
        f"{args.repeat} pairs of runs",
        flush=True,
    )
    lags: dict[bool, list[LagFigures]] = {False: [], True: []}
    players: list[PlayerFigures] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = folder / "settings.toml"
        settings.write_text('[listen]\nbackend = "null"\n')
        os.environ[SETTINGS_VARIABLE] = str(settings)
        files = write_recordings(folder, args.sessions, args.seconds)
        for repeat in range(args.repeat):
            for listens in (repeat % 2 == 0, repeat % 2 == 1):
                run_folder = folder / f"run-{repeat}-{listens}"
                figures, player = measure_run(files, args.seconds, run_folder, listens=listens)
                lags[listens].append(figures)
                players += [player] if player else []
    _print_medians(lags[True], lags[False], players)


def measure_run(
    files: Sequence[Path], seconds: int, run_folder: Path, *, listens: bool
) -> tuple[LagFigures, PlayerFigures | None]:
    """Streams ``files`` with the desk open, and listens or not."""
    player = None
    with Sink() as sink, start_sender(Tool.DESK, sink.url, files, run_folder) as sender:
        end = time.monotonic() + seconds
        while len(sender.processes().sessions) < len(files):
            time.sleep(0.5)
        if listens:
            player = _listen(sender, end)
        sender.wait(seconds + END_TIMEOUT_S)
        received = sink.received()
    settled = round(SETTLED_S / CHUNK_S)
    lags = np.concatenate([lags_of(session)[settled:] for session in received.arrivals])
    ranks = np.percentile(lags, (50, 99, 99.9, 100), method="inverted_cdf")
    figures = LagFigures(*map(float, ranks))
    word = "with" if listens else "without"
    print(f"{word} playback: " + "  ".join(f"{rank:.2f}" for rank in ranks) + " ms", flush=True)
    return figures, player


def _listen(sender: Sender, end: float) -> PlayerFigures:
    """Presses ``L``, then selects one session after the other until ``end``."""
    sender.type(b"L")
    below = sender.processes().others["parent"].children
    while not (found := [each for each in below(recursive=True) if _name(each) == PLAYER_NAME]):
        time.sleep(0.2)
    (player,) = found
    began, cpu_before = time.monotonic(), _cpu_s(player)
    while time.monotonic() < end - MOVE_INTERVAL_S:
        time.sleep(MOVE_INTERVAL_S)
        sender.type(b"j")
        memory = player.memory_full_info()
        cpu_s, at = _cpu_s(player), time.monotonic()
    cpu_percent = 100 * (cpu_s - cpu_before) / (at - began)
    return PlayerFigures(cpu_percent, memory.uss / 1e6, memory.rss / 1e6)


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.name())
    return ""


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _print_medians(
    with_playback: Sequence[LagFigures],
    without: Sequence[LagFigures],
    players: Sequence[PlayerFigures],
) -> None:
    for name in ("p50", "p99", "p99_9", "max"):
        heard = [getattr(figures, name) for figures in with_playback]
        silent = [getattr(figures, name) for figures in without]
        differences = [one - other for one, other in zip(heard, silent, strict=True)]
        print(
            f"lag {name}: {median(heard):.2f} ms with, {median(silent):.2f} ms without, "
            f"difference of a pair {median(differences):+.2f} ms"
            f" ({min(differences):+.2f} to {max(differences):+.2f})"
        )
    cpu, private, resident = (median(column) for column in zip(*map(astuple, players), strict=True))
    print(f"player: {cpu:.2f} % of a core, {private:.1f} MB private, {resident:.1f} MB resident")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Lag with and without listening to a session.")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60, help="length of the recordings")
    parser.add_argument("--repeat", type=int, default=5, help="pairs of runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
