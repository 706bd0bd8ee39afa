"""How far apart the two sessions of a split call send the chunks that are due together.

``python -m tests.benchmarks.pairs [--pairs 20] [--seconds 60] [--stalls FILE]``

Streams stereo calls over loopback to a sink (see `sink`), all at once, with the real command and
``--channels split``. The skew of two chunks is the difference of their lags: both are due on the
same beat of one clock. Percentiles (nearest rank) are over all chunks of all pairs; the worst pair
is the one with the highest p99.

With ``--stalls``, a second line leaves out the beats from a stall of the machine until
`STALL_MARGIN_S` after it. Each line of the file begins with the time of one, in seconds on the
monotonic clock; some other program measures them, such as a real-time process that notes when its
own work takes too long.
"""

import argparse
import subprocess
import sysconfig
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tests.benchmarks import system_metrics
from tests.benchmarks.sink import Sink
from tui.text.tables import table
from workers.pacing.lags import percentiles
from workers.runs.index import read_index
from workers.traces.pair_skew import beat_skews, read_chunks

RATE_HZ = 16_000
STALL_MARGIN_S = 0.25
END_TIMEOUT_S = 60.0
"""Beyond the length of the recordings, after which the run is given up."""

_COMMAND = Path(sysconfig.get_path("scripts")) / "paceline"

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


def main() -> None:
    """Streams the pairs and prints a table."""
    args = _parse_arguments()
    print(
        f"{system_metrics.describe_machine()}; {args.pairs} pairs of {args.seconds} s", flush=True
    )
    with tempfile.TemporaryDirectory() as scratch, Sink() as sink:
        folder = Path(scratch)
        files = _write_calls(folder, args.pairs, args.seconds)
        run = folder / "run"
        options = ["--channels", "split", "--endpoint", sink.url, "--out", str(run)]
        options += ["--sessions", str(2 * args.pairs)]
        subprocess.run(
            [str(_COMMAND), "run", *options, *map(str, files)],
            stderr=subprocess.DEVNULL,
            timeout=args.seconds + END_TIMEOUT_S,
            check=True,
        )
        pairs = _read_skews(run)
    rows = [_row("all beats", pairs)]
    if args.stalls is not None:
        at_s = np.array([float(line.split()[0]) for line in args.stalls.read_text().splitlines()])
        rows.append(_row("without stalls of the machine", [_quiet(pair, at_s) for pair in pairs]))
    head = ("", "chunks", "skew p50", "p99", "p99.9", "max ms", "worst pair's p99")
    print(table(head, rows))


def _write_calls(folder: Path, pairs: int, seconds: int) -> list[Path]:
    noise = np.random.default_rng(0).integers(-3000, 3000, (RATE_HZ * seconds, 2), dtype="<i2")
    files = [folder / f"call-{number:03d}.wav" for number in range(pairs)]
    for path in files:
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes(noise.tobytes())
    return files


def _read_skews(run: Path) -> list[Floats]:
    """For each pair, two columns: when each beat was due, and the skew in ms."""
    halves = (job.half for job in read_index(run).jobs if job.half is not None)
    pairs = dict.fromkeys(half.jobs for half in halves)
    skews = [beat_skews(*(read_chunks(run, job) for job in pair)) for pair in pairs]
    return [np.stack((due_s, skew_us / 1000), axis=1) for due_s, skew_us in skews]


def _quiet(pair: Floats, stalls_s: Floats) -> Floats:
    """The beats of a pair that no stall could have delayed."""
    if not len(stalls_s):
        return pair
    due_s = pair[:, 0]
    before = np.searchsorted(stalls_s, due_s + 0.05)  # a chunk may be held while it is sent
    last_s = np.where(before > 0, stalls_s[np.maximum(before - 1, 0)], -np.inf)
    quiet: Floats = pair[due_s - last_s > STALL_MARGIN_S]
    return quiet


def _row(name: str, pairs: Sequence[Floats]) -> tuple[str, ...]:
    skews_us = [np.rint(pair[:, 1] * 1000).astype(np.uint32) for pair in pairs]
    everything = np.concatenate(skews_us)
    ranks = percentiles(everything, (50, 99, 99.9, 100))
    worst = max(percentiles(skews, (99,))[0] for skews in skews_us if len(skews))
    return (name, str(len(everything)), *(f"{rank:.2f}" for rank in ranks), f"{worst:.2f}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Skew between the sessions of split calls.")
    parser.add_argument("--pairs", type=int, default=20, help="calls at once")
    parser.add_argument("--seconds", type=int, default=60, help="length of each call")
    parser.add_argument("--stalls", type=Path, help="times of stalls of the machine")
    return parser.parse_args()


if __name__ == "__main__":
    main()
