"""Lag, drift, processor time and memory of ours beside two simpler senders.

``python -m tests.benchmarks.pacing [--sessions 1 10 50] [--seconds N] [--repeat 1] [--storm]``

Compared are ours (the real command, without a screen and with the desk open in a terminal), a
script that does what the vendor's quickstart does, and one that sleeps the length of a chunk. All
stream the same recordings over loopback to a sink that notes arrivals (see `sink`), all sessions of
a run started at once, as each tool starts them. Repeats are interleaved, and tables show medians.
``--storm`` streams 40 short recordings instead: their starts fill most of the time. It prints the
p99 of ours as a share of the quickstart's, for each repeat.

lag
    Of chunk k of a session, as the receiver sees it: ``(arrival(k) - k * chunk)`` minus the least
    such value of the same session. Whatever delays all chunks alike (the start, the network) is in
    the least value, so this is how far each chunk is behind the best schedule that the session
    itself has shown. Percentiles (nearest rank) are over all chunks of all sessions, from the very
    first chunk on, so that the storm of starting is in them. The arrival is the kernel's time
    stamp, so the receiver itself delays nothing.
outside stalls
    The same without chunks that were due or arrived while the machine itself stood still (see
    `host_stalls`), or within `STALL_MARGIN_S` after that, while a backlog drained.
drift
    Of a session: the median lag of its last tenth of chunks minus that of its first tenth. The
    table shows the worst session.
CPU
    Of a session: processor time of its process, in % of one core, over the middle of the stream,
    when all sessions have started. The mean over the sessions.
memory
    Private memory (USS: what ending the process would free) of a session's process in mid-stream.
    The median of up to `MAX_MEMORY_SAMPLES` sessions, since the system holds a process while it
    counts its pages. The parent process and the fork server are printed separately.
started
    The time between the first chunk of the first session and the first chunk of the last one.
noise
    How late an idle timer fires on this machine, printed first. Lags below that say nothing.
"""

import argparse
import itertools
import math
import tempfile
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import mean, median
from typing import TypeAlias

import numpy as np
import psutil

from tests.benchmarks import system_metrics
from tests.benchmarks.host_stalls import Stalls, watch_stalls
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

STORM_SESSIONS, STORM_SECONDS, STORM_REPEATS = 40, 8, 5

MAX_MEMORY_SAMPLES = 30

STALL_MARGIN_S = 0.25
"""How long a backlog may take to drain after a stall."""

MIN_TAIL_CHUNKS = 10
"""So many chunks must lie beyond a percentile before it is judged: fewer are chance."""

END_TIMEOUT_S = 60.0
"""Beyond the length of the recording, after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of one tool, or the medians of several. Times in ms, unless the name says more."""

    chunks: int
    p50: float
    p99: float
    p99_9: float
    max: float
    quiet_p99: float
    quiet_p99_9: float
    """Outside stalls of the machine."""
    quiet_share: float
    """The share of chunks that this leaves."""
    drift: float
    cpu_percent: float
    memory_mb: float
    started_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """What a tool costs. Memory in MB."""

    cpu_percent: float
    memory_mb: float
    others: dict[str, str]
    """Memory and processor time of its other processes."""


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
    Target("lag p99", "ms", lambda figures: figures.p99, 15.0, tail=0.01),
    Target("lag p99 outside stalls", "ms", lambda figures: figures.quiet_p99, 2.0, tail=0.01),
    Target("lag p99.9 outside stalls", "ms", lambda figures: figures.quiet_p99_9, 4.0, tail=0.001),
    Target("worst drift", "ms", lambda figures: figures.drift, 1.0),
    Target("memory a session", "MB", lambda figures: figures.memory_mb, 5.0),
    Target("CPU a session", "%", lambda figures: figures.cpu_percent, 0.25),
    Target("all started", "s", lambda figures: figures.started_s, 5.0),
)


def main() -> None:
    """Measures as asked and prints the tables."""
    args = _parse_arguments()
    print(f"{system_metrics.describe_machine()}; medians of {args.repeat}", flush=True)
    tools = (Tool.OURS, Tool.QUICKSTART) if args.storm else tuple(Tool)
    runs: dict[tuple[int, Tool], list[Figures]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for sessions in args.sessions:
            seconds = args.seconds or _recording_s(sessions)
            files = write_recordings(folder, sessions, seconds)
            for repeat, tool in itertools.product(range(args.repeat), tools):
                run_folder = folder / f"run-{repeat}-{sessions}-{tool.name}"
                figures = measure_tool(tool, files, seconds, run_folder)
                runs.setdefault((sessions, tool), []).append(figures)
    if args.storm:
        print(f"\n{_storm_text(runs)}")
        return
    medians = {key: _median(figures) for key, figures in runs.items()}
    print(f"\n{_figures_table(medians)}\n\n{_targets_table(medians)}\n\n{_desk_table(medians)}")


def measure_tool(tool: Tool, files: Sequence[Path], seconds: int, run_folder: Path) -> Figures:
    """One run of one tool over ``files``, all at once."""
    with (
        watch_stalls() as stalls,
        Sink() as sink,
        start_sender(tool, sink.url, files, run_folder) as sender,
    ):
        load = _load(sender, len(files), seconds)
        sender.wait(seconds + END_TIMEOUT_S)
        received = sink.received()
    chunks = round(seconds / CHUNK_S)
    if [len(session) for session in received.arrivals] != [chunks] * len(files):
        raise RuntimeError(f"{tool.value} did not send all of every recording")
    lags = [lags_of(session) for session in received.arrivals]
    quiet = [
        session[_is_quiet(arrivals, session, stalls)]
        for arrivals, session in zip(received.arrivals, lags, strict=True)
    ]
    p50, p99, p99_9, highest = _percentiles(lags, (50, 99, 99.9, 100))
    quiet_p99, quiet_p99_9 = _percentiles(quiet, (99, 99.9))
    begins = [session[0] for session in received.arrivals]
    figures = Figures(
        chunks=chunks * len(files),
        p50=p50,
        p99=p99,
        p99_9=p99_9,
        max=highest,
        quiet_p99=quiet_p99,
        quiet_p99_9=quiet_p99_9,
        quiet_share=sum(map(len, quiet)) / (chunks * len(files)),
        drift=max(abs(_drift(session)) for session in lags),
        cpu_percent=load.cpu_percent,
        memory_mb=load.memory_mb,
        started_s=max(begins) - min(begins),
    )
    others = "".join(f", {name} {text}" for name, text in load.others.items())
    print(
        f"{_count(len(files))}, {tool.value}: p99 {p99:.2f} ms, outside stalls {quiet_p99:.2f} "
        f"({figures.quiet_share:.0%} of chunks; {len(stalls.spans_s)} stalls, together "
        f"{stalls.total_s:.2f} s), p99.9 {quiet_p99_9:.2f}, CPU "
        f"{figures.cpu_percent:.3f} %, {figures.memory_mb:.2f} MB, all started in "
        f"{figures.started_s:.1f} s{others}; "
        f"the sink needed {received.cpu_percent:.1f} % of a core"
        f"{'' if stalls.is_real_time else '; stalls are a guess, without real-time priority'}",
        flush=True,
    )
    return figures


# --- what the sink has noted ----------------------------------------------------------------------


def lags_of(arrivals: Sequence[float]) -> Lags:
    """How far each chunk of a session was behind the best schedule that the session has shown."""
    behind = np.array(arrivals) - np.arange(len(arrivals)) * CHUNK_S
    lags: Lags = (behind - behind.min()) * 1000
    return lags


def _is_quiet(
    arrivals: Sequence[float], lags: Lags, stalls: Stalls
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether the machine was itself while a chunk was due and until it arrived."""
    return np.array(
        [
            not stalls.touch(at - lag / 1000, at, STALL_MARGIN_S)
            for at, lag in zip(arrivals, lags, strict=True)
        ],
        dtype=np.bool_,
    )


def _percentiles(lags: Sequence[Lags], ranks: Sequence[float]) -> list[float]:
    together = np.concatenate(lags)
    if not len(together):
        return [math.nan for _ in ranks]
    found: list[float] = np.percentile(together, ranks, method="inverted_cdf").tolist()
    return found


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
                f"{len(processes.sessions)} of {sessions} sessions were there at once; --seconds "
                f"{2 * seconds} gives them more time"
            )
        time.sleep(0.5)
    everything = [*processes.sessions, *processes.others.values()]
    sampled = processes.sessions[:: max(1, sessions // MAX_MEMORY_SAMPLES)]
    memory = [_private_mb(process) for process in sampled]
    others_mb = [_private_mb(process) for process in processes.others.values()]
    before = {process: _cpu_sample(process) for process in everything}
    time.sleep(max(1.0, end - time.monotonic()))
    percents = {}
    for process, (then_s, cpu_then_s) in before.items():
        with suppress(psutil.NoSuchProcess, FileNotFoundError):  # the first ones have ended
            now_s, cpu_now_s = _cpu_sample(process)
            percents[process] = 100 * (cpu_now_s - cpu_then_s) / (now_s - then_s)
    others = {
        name: f"{mb:.1f} MB and {percents.get(process, math.nan):.1f} %"
        for (name, process), mb in zip(processes.others.items(), others_mb, strict=True)
    }
    return Load(
        mean(percents[process] for process in processes.sessions if process in percents),
        median(memory),
        others,
    )


def _cpu_sample(process: psutil.Process) -> tuple[float, float]:
    """The time, and the processor time that a process has used until then, in seconds."""
    try:  # in ns; what psutil reads is in ticks of 10 ms
        threads = Path(f"/proc/{process.pid}/task").iterdir()
        used_s = sum(int((task / "schedstat").read_text().split()[0]) for task in threads) / 1e9
    except (FileNotFoundError, IndexError):
        times = process.cpu_times()
        used_s = times.user + times.system
    return time.monotonic(), used_s


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
        "--sessions", type=int, default=[1, 10, 50], nargs="+", help="how many at once"
    )
    parser.add_argument("--repeat", type=int, help="runs that medians are taken of; default: 1")
    storm = f"{STORM_SESSIONS} recordings of {STORM_SECONDS} s, {STORM_REPEATS} times"
    parser.add_argument("--storm", action="store_true", help=storm)
    args = parser.parse_args()
    if args.storm:
        args.sessions, args.seconds = [STORM_SESSIONS], args.seconds or STORM_SECONDS
    args.repeat = args.repeat or (STORM_REPEATS if args.storm else 1)
    return args


def _recording_s(sessions: int) -> int:
    return max(MIN_RECORDING_S, math.ceil(sessions * MIN_RECORDING_S_PER_SESSION))


def _median(figures: Sequence[Figures]) -> Figures:
    return Figures(*(median(column) for column in zip(*map(astuple, figures), strict=True)))


def _figures_table(medians: Mapping[tuple[int, Tool], Figures]) -> str:
    titles = {
        "p50": "lag p50 ms",
        "p99": "p99",
        "p99_9": "p99.9",
        "quiet_p99": "p99 outside stalls",
        "quiet_p99_9": "p99.9 outside stalls",
        "drift": "worst drift ms",
        "cpu_percent": "CPU % a session",
        "memory_mb": "memory MB a session",
        "started_s": "all started s",
    }
    rows = [
        (f"{sessions} {tool.value}", *(f"{getattr(figures, name):.2f}" for name in titles))
        for (sessions, tool), figures in medians.items()
    ]
    return table(("sessions, tool", *titles.values()), rows)


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
        for name in ("p50", "p99", "p99_9", "quiet_p99", "quiet_p99_9"):
            ours, beside = getattr(without, name), getattr(with_desk, name)
            share = f"{beside / ours:.2f}" if ours else ""
            words = name.removeprefix("quiet_").replace("_", ".")
            where = " outside stalls" if name.startswith("quiet_") else ""
            label = f"lag {words}{where}, {_count(sessions)}"
            rows.append((label, f"{ours:.2f} ms", f"{beside:.2f} ms", share))
    return table(("", "without a screen", "desk open", "share"), rows)


def _storm_text(runs: Mapping[tuple[int, Tool], Sequence[Figures]]) -> str:
    """The p99 of each repeat, and of ours as a share of the quickstart's in the same repeat."""
    ours, theirs = (runs[STORM_SESSIONS, tool] for tool in (Tool.OURS, Tool.QUICKSTART))
    pairs = list(zip(ours, theirs, strict=True))
    rows = [
        (
            f"{number}",
            f"{our.p99:.2f} ms",
            f"{their.p99:.2f} ms",
            f"{our.p99 / their.p99:.2f}",
            f"{our.quiet_p99:.2f} ms",
            f"{their.quiet_p99:.2f} ms",
        )
        for number, (our, their) in enumerate(pairs, 1)
    ]
    head = ("storm", "p99 ours", "quickstart", "share", "outside stalls ours", "quickstart")
    share = median(our.p99 / their.p99 for our, their in pairs)
    return f"{table(head, rows)}\nmedian share: {share:.2f}"


def _count(sessions: int) -> str:
    return "1 session" if sessions == 1 else f"{sessions} sessions"


if __name__ == "__main__":
    main()
