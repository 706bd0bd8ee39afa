"""Lag, drift, processor time and memory of ours beside two simpler senders.

``python -m tests.benchmarks.pacing [--seconds N] [--sessions 1,10,50] [--repeat 1]``

Compared are ours (the real command, without a screen and with the desk open in a terminal), a
script that does what the vendor's quickstart does, and one that sleeps the length of a chunk. All
stream the same recordings over loopback to a sink that notes arrivals (see `sink`), all sessions of
a run started at once, as each tool starts them. Repeats are interleaved, and tables show medians.

lag
    Of chunk k of a session, as the receiver sees it: ``(arrival(k) - k * chunk)`` minus the least
    such value of the same session. Whatever delays all chunks alike (the start, the network) is in
    the least value, so this is how far each chunk is behind the best schedule that the session
    itself has shown. Percentiles (nearest rank) are over all chunks of all sessions, from the very
    first chunk on, so that the storm of starting is in them.
drift
    Of a session: the median lag of its last tenth of chunks minus that of its first tenth. The
    table shows the worst session.
CPU
    Of a session: user and system time of its process, in % of one core, over the middle of the
    stream (the start is not in it). The mean over the sessions, since systems count in ticks of
    10 ms, of which a session has only a few.
noise
    How late an idle timer fires on this machine, printed first. Lags below that say nothing.
memory
    Private memory (USS: what ending the process would free) of a session's process in mid-stream.
    The median over the sessions. The parent process and the fork server are printed separately.
"""

import argparse
import itertools
import math
import tempfile
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import mean, median
from typing import TypeAlias

import numpy as np
import psutil

from tests.benchmarks import system_metrics
from tests.benchmarks.senders import Sender, Tool, start_sender
from tests.benchmarks.sink import Sink
from tui.text.tables import table

Lags: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
"""Of one session, chunk by chunk, in ms."""

CHUNK_S = 0.1
"""What all three tools send by default."""

RATE_HZ = 16_000

MEASURED_SHARE = (0.4, 0.85)
"""The part of the recording, counted from the start of the tool, in which CPU and memory are
measured. It begins later where sessions still start."""

MIN_RECORDING_S = 30
MIN_RECORDING_S_PER_SESSION = 0.2
"""Length of the recordings by default: the first session must last until the last has started."""

MIN_TAIL_CHUNKS = 10
"""So many chunks must lie beyond a percentile before it is judged: fewer are chance."""

END_TIMEOUT_S = 60.0
"""Beyond the length of the recording, after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of one tool, or the medians of several. Times in ms."""

    chunks: int
    p50: float
    p99: float
    p99_9: float
    max: float
    drift: float
    cpu_percent: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Load:
    """What a tool costs. Memory in MB."""

    cpu_percent: float
    memory_mb: float
    others_mb: dict[str, float]


@dataclass(frozen=True, slots=True)
class Target:
    """What ours is to keep, alone or as a share of what the quickstart needs."""

    name: str
    unit: str
    figure: Callable[[Figures], float]
    limit: float
    is_share: bool = False
    tail: float = 1.0
    """The share of chunks that lies beyond the figure, for a percentile."""

    def row(self, sessions: int, ours: Figures, quickstart: Figures) -> tuple[str, ...]:
        """How it stands at that many sessions."""
        our, their = self.figure(ours), self.figure(quickstart)
        share = our / their if their else math.inf
        kept = "kept" if (share if self.is_share else our) <= self.limit else "missed"
        enough = ours.chunks * self.tail >= MIN_TAIL_CHUNKS
        return (
            f"{self.name}, {_count(sessions)}",
            f"{our:.2f} {self.unit}",
            f"{their:.2f} {self.unit}",
            f"{share:.2f}",
            f"share <= {self.limit}" if self.is_share else f"ours <= {self.limit:g} {self.unit}",
            kept if enough else "few chunks",
        )


TARGETS = (
    Target("lag p99", "ms", lambda figures: figures.p99, 0.5, is_share=True, tail=0.01),
    Target("lag p99.9", "ms", lambda figures: figures.p99_9, 0.2, is_share=True, tail=0.001),
    Target("worst drift", "ms", lambda figures: figures.drift, 1.0),
    Target("memory a session", "MB", lambda figures: figures.memory_mb, 5.0),
    Target("CPU a session", "%", lambda figures: figures.cpu_percent, 0.3),
)


def main() -> None:
    """Measures as asked and prints three tables."""
    args = _parse_arguments()
    print(f"{system_metrics.describe_machine()}; {_parameters(args)}", flush=True)
    runs: dict[tuple[int, Tool], list[Figures]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_recordings(folder, max(args.sessions), args.seconds)
        rounds = itertools.product(range(args.repeat), args.sessions, Tool)
        for repeat, sessions, tool in rounds:
            run_folder = folder / f"run-{repeat}-{sessions}-{tool.name}"
            figures = measure_tool(tool, files[:sessions], args.seconds, run_folder)
            runs.setdefault((sessions, tool), []).append(figures)
    medians = {key: _median(figures) for key, figures in runs.items()}
    print(f"\n{_figures_table(medians)}\n\n{_targets_table(medians)}\n\n{_desk_table(medians)}")


def measure_tool(tool: Tool, files: Sequence[Path], seconds: int, run_folder: Path) -> Figures:
    """One run of one tool over ``files``, all at once."""
    with Sink() as sink, start_sender(tool, sink.url, files, run_folder) as sender:
        load = _load(sender, len(files), seconds)
        sender.wait(seconds + END_TIMEOUT_S)
        received = sink.received()
    chunks = round(seconds / CHUNK_S)
    if [len(session) for session in received.arrivals] != [chunks] * len(files):
        raise RuntimeError(f"{tool.value} did not send all of every recording")
    lags = [lags_of(session) for session in received.arrivals]
    p50, p99, p99_9, highest = np.percentile(
        np.concatenate(lags), (50, 99, 99.9, 100), method="inverted_cdf"
    )
    others = "".join(f", {name} {mb:.1f} MB" for name, mb in load.others_mb.items())
    print(
        f"{_count(len(files))}, {tool.value}: p99 {p99:.2f} ms{others}; "
        f"the sink needed {received.cpu_percent:.1f} % of a core",
        flush=True,
    )
    return Figures(
        chunks=chunks * len(files),
        p50=p50,
        p99=p99,
        p99_9=p99_9,
        max=highest,
        drift=max(abs(_drift(session)) for session in lags),
        cpu_percent=load.cpu_percent,
        memory_mb=load.memory_mb,
    )


# --- what the sink has noted ----------------------------------------------------------------------


def lags_of(arrivals: Sequence[float]) -> Lags:
    """How far each chunk of a session was behind the best schedule that the session has shown."""
    behind = np.array(arrivals) - np.arange(len(arrivals)) * CHUNK_S
    lags: Lags = (behind - behind.min()) * 1000
    return lags


def _drift(lags: Lags) -> float:
    tenth = max(1, len(lags) // 10)
    return float(np.median(lags[-tenth:]) - np.median(lags[:tenth]))


# --- what the processes need ----------------------------------------------------------------------


def _load(sender: Sender, sessions: int, seconds: int) -> Load:
    """Reads CPU times twice in the middle of the stream, and memory once."""
    begin, end = (time.monotonic() + seconds * share for share in MEASURED_SHARE)
    time.sleep(max(0.0, begin - time.monotonic()))
    while len((processes := sender.processes()).sessions) != sessions:
        if time.monotonic() > end:
            raise RuntimeError(
                f"only {len(processes.sessions)} of {sessions} sessions had started before the "
                f"first ended; --seconds {2 * seconds} gives them more time"
            )
        time.sleep(0.5)
    before = [_cpu_sample(process) for process in processes.sessions]
    memory = [_private_mb(process) for process in processes.sessions]
    others = {name: _private_mb(process) for name, process in processes.others.items()}
    time.sleep(max(0.0, end - time.monotonic()))
    after = [_cpu_sample(process) for process in processes.sessions]
    shares = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(before, after, strict=True)]
    return Load(100 * mean(shares), median(memory), others)


def _cpu_sample(process: psutil.Process) -> tuple[float, float]:
    """The time, and the processor time that a process has used until then, in seconds."""
    times = process.cpu_times()
    return time.monotonic(), times.user + times.system


def _private_mb(process: psutil.Process) -> float:
    time.sleep(0.01)  # the system holds a process while it counts its pages: one at a time
    return float(process.memory_full_info().uss) / 1e6


# --- what is streamed -----------------------------------------------------------------------------


def write_recordings(folder: Path, count: int, seconds: int) -> list[Path]:
    """Equal files of noise, each of its own name; what they hold does not matter to a sink."""
    noise = np.random.default_rng(0).integers(-3000, 3000, RATE_HZ * seconds, dtype="<i2")
    files = [folder / f"{number:03d}.wav" for number in range(count)]
    for path in files:
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
            file.writeframes(noise.tobytes())
    return files


# --- words ----------------------------------------------------------------------------------------


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Lag, drift, CPU and memory beside two simpler senders."
    )
    parser.add_argument("--seconds", type=int, help="length of the recordings; default: 30 or more")
    parser.add_argument(
        "--sessions", type=_numbers, default=[1, 10, 50], metavar="N,…", help="how many at once"
    )
    parser.add_argument("--repeat", type=int, default=1, help="runs that medians are taken of")
    args = parser.parse_args()
    args.seconds = args.seconds or max(
        MIN_RECORDING_S, math.ceil(max(args.sessions) * MIN_RECORDING_S_PER_SESSION)
    )
    return args


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _parameters(args: argparse.Namespace) -> str:
    return (
        f"recordings of {args.seconds} s, chunks of {CHUNK_S * 1000:.0f} ms, "
        f"medians of {args.repeat}"
    )


def _median(figures: Sequence[Figures]) -> Figures:
    return Figures(*(median(column) for column in zip(*map(astuple, figures), strict=True)))


def _figures_table(medians: Mapping[tuple[int, Tool], Figures]) -> str:
    head = ("sessions, tool", "lag p50", "p99", "p99.9", "max ms", "worst drift ms")
    rows = [
        (
            f"{sessions} {tool.value}",
            *(f"{value:.2f}" for value in astuple(figures)[1:6]),
            f"{figures.cpu_percent:.2f}",
            f"{figures.memory_mb:.2f}",
        )
        for (sessions, tool), figures in medians.items()
    ]
    return table((*head, "CPU % a session", "memory MB a session"), rows)


def _targets_table(medians: Mapping[tuple[int, Tool], Figures]) -> str:
    rows = [
        target.row(sessions, medians[sessions, Tool.OURS], medians[sessions, Tool.QUICKSTART])
        for target in TARGETS
        for sessions in sorted({sessions for sessions, _ in medians})
    ]
    return table(("", "ours", "quickstart", "share", "target", ""), rows)


def _desk_table(medians: Mapping[tuple[int, Tool], Figures]) -> str:
    """What the desk adds to how late chunks are."""
    rows = []
    for sessions in sorted({sessions for sessions, _ in medians}):
        without, with_desk = medians[sessions, Tool.OURS], medians[sessions, Tool.DESK]
        for name in ("p50", "p99", "p99_9"):
            ours, beside = getattr(without, name), getattr(with_desk, name)
            share = f"{beside / ours:.2f}" if ours else ""
            label = f"lag {name.replace('_', '.')}, {_count(sessions)}"
            rows.append((label, f"{ours:.2f} ms", f"{beside:.2f} ms", share))
    return table(("", "without a screen", "desk open", "share"), rows)


def _count(sessions: int) -> str:
    return "1 session" if sessions == 1 else f"{sessions} sessions"


if __name__ == "__main__":
    main()
