"""Whether a program that runs for days stays as it began: memory and processor time over turns.

``python -m tests.benchmarks.soak [--turns 1000000] [--sessions 50] [--turns-per-s 1600]
[--of-a-job 20000] [--headless] [--picture soak.svg]``

Sessions follow a script (see `soak_load`) and report as many turns as are asked for, much faster
than anybody speaks. Everything from the supervisor to the desk is real. The first row of the table
is current, and its transcript is followed.

memory
    Private memory of the program, without its sessions, in MB.
CPU
    Of one core, of the program. Turns arrive at the same rate from the beginning to the end, so a
    cost that grows with what has been shows.
growth
    From the end of the first tenth, when all that is kept once is kept, to the end. CPU: the median
    of the last fifth beside that of the second tenth to the third.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from tests.benchmarks import system_metrics
from tests.benchmarks.large_folder import write_recordings
from tests.benchmarks.soak_load import Sample
from tests.benchmarks.terminal_recorder import TerminalRecorder
from tui.text.tables import table

SIZE = (120, 34)
PARTS = 20
"""Rows of the table of results."""

MB_WARNED = 10
CPU_WARNED = 1.1


def main() -> None:
    """Soaks as asked; prints a table and draws a picture."""
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    jobs = max(args.sessions, round(args.turns / args.of_a_job))
    print(f"{jobs} jobs of {args.of_a_job} turns, {args.sessions} at once", flush=True)
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        samples = soak(Path(scratch), jobs, args)
    print(f"\n{_table(samples)}\n\n{growth_text(samples)}")
    if args.picture is not None:
        draw(samples, args.picture, f"{args.sessions} sessions at once, {jobs} jobs")


def soak(scratch: Path, jobs: int, args: argparse.Namespace) -> list[Sample]:
    """Runs the program until it has taken in all turns; returns what it cost, over time."""
    recordings, file = scratch / "recordings", scratch / "samples"
    recordings.mkdir()
    file.touch()
    write_recordings(recordings, jobs)
    command = [sys.executable, "-m", "tests.benchmarks.soak_load", str(file), str(recordings)]
    command += ["--run", str(scratch / "run"), "--sessions", str(args.sessions)]
    command += ["--turns", str(args.of_a_job)]
    command += ["--turns-per-s", str(args.turns_per_s / args.sessions)]
    command += ["--headless"] if args.headless else []
    turns = jobs * args.of_a_job
    with TerminalRecorder(command, SIZE) as terminal:
        shown = time.monotonic()
        while (samples := read_samples(file)) is not None and terminal.program.poll() is None:
            if samples and samples[-1].turns >= turns:
                break
            if samples and time.monotonic() > shown + 30:
                shown = time.monotonic()
                last = samples[-1]
                print(f"{last.turns} of {turns} turns, {last.memory_mb:.1f} MB", flush=True)
            time.sleep(1)
    return read_samples(file)


def read_samples(file: Path) -> list[Sample]:
    """The samples so far."""
    return [Sample(**json.loads(line)) for line in file.read_text().splitlines()]


def parts(samples: Sequence[Sample], count: int) -> list[tuple[Sample, Sample]]:
    """The first and last sample of each of so many parts with the same number of turns."""
    total = samples[-1].turns
    borders = [
        next(sample for sample in samples if sample.turns >= total * part / count)
        for part in range(count + 1)
    ]
    return list(pairwise(borders))


def cpu_percent(first: Sample, last: Sample) -> float:
    """Of one core, between two samples."""
    return 100 * (last.cpu_s - first.cpu_s) / max(last.seconds - first.seconds, 1e-9)


def growth(samples: Sequence[Sample]) -> tuple[float, float]:
    """How many MB the program has grown since the first tenth, and the CPU of the end divided by
    that of the beginning."""
    ten = parts(samples, PARTS)
    used = [cpu_percent(*part) for part in ten]
    early, late = median(used[2:6]), median(used[-5:-1])
    memory = [sample.memory_mb for sample in samples if sample.turns >= samples[-1].turns / 10]
    return median(memory[-5:]) - median(memory[:5]), late / early


def growth_text(samples: Sequence[Sample]) -> str:
    """The growth in a sentence."""
    megabytes, cpu = growth(samples)
    return f"growth after the first tenth: {megabytes:+.1f} MB; CPU at the end {cpu:.2f} of before"


def _table(samples: Sequence[Sample]) -> str:
    rows = [
        (
            f"{last.turns:,}",
            f"{last.memory_mb:.1f}",
            f"{cpu_percent(first, last):.1f}",
            f"{1e6 * (last.cpu_s - first.cpu_s) / (last.turns - first.turns):.0f}",
            str(last.waiting),
        )
        for first, last in parts(samples, PARTS)
    ]
    return table(("turns", "memory MB", "CPU %", "µs a turn", "reports waiting"), rows)


def draw(samples: Sequence[Sample], path: Path, title: str) -> None:
    """Draws both curves over the turns."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "soak"
    from matplotlib import pyplot

    steps = parts(samples, 100)
    turns = [last.turns / 1e6 for _, last in steps]
    figure, (memory, cpu) = pyplot.subplots(2, 1, sharex=True, figsize=(7, 4.4))
    memory.plot(turns, [last.memory_mb for _, last in steps], color="#0b6bcb")
    memory.set_ylabel("memory, MB")
    cpu.plot(turns, [cpu_percent(*step) for step in steps], color="#c2410c")
    cpu.set_ylabel("CPU, % of a core")
    cpu.set_xlabel("turns, in millions")
    for axes in (memory, cpu):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    memory.set_title(title, fontsize="medium")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Memory and CPU of a program that runs for days.")
    parser.add_argument("--turns", type=int, default=1_000_000, help="over all jobs")
    parser.add_argument("--sessions", type=int, default=50, help="at once")
    parser.add_argument("--of-a-job", type=int, default=20_000, help="turns of each job")
    parser.add_argument("--turns-per-s", type=float, default=1600, help="over all sessions")
    parser.add_argument("--headless", action="store_true", help="without the desk")
    parser.add_argument("--picture", type=Path, help="draws the curves into this file")
    parser.add_argument("--scratch", type=Path, help="folder for the run; needs 1 KB a turn")
    return parser.parse_args()


if __name__ == "__main__":
    main()
