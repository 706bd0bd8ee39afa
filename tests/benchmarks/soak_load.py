"""A program whose sessions follow a script: the real supervisor with the real desk, or headless.

``python -m tests.benchmarks.soak_load SAMPLES FOLDER --jobs N --turns N …``: the program that
`soak` measures. The supervisor, the relay of reports, the index and the traces are the real ones;
only the sessions speak to no server. Writes a line with what it has cost so far to SAMPLES, twice a
second.
"""

import argparse
import json
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from tests.benchmarks.scripted_sessions import ScriptedLauncher, SessionScript
from workers.jobs.job import StreamSettings
from workers.protocol.endpoint import custom_endpoint
from workers.runs import run_folder
from workers.scheduling.start_rate import StartRateLimiter
from workers.scheduling.supervisor import SessionTarget, Supervisor

SAMPLE_INTERVAL_S = 0.5
STARTS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Sample:
    """What the program had done and used at one moment."""

    seconds: float
    turns: int
    cpu_s: float
    memory_mb: float
    """Private memory."""
    waiting: int
    """Reports that the desk had not taken in yet: under load, they are a part of the memory."""


def take_samples(path: Path, launcher: ScriptedLauncher, supervisor: Supervisor) -> None:
    """Appends samples for ever, in a thread."""
    process, began = psutil.Process(), time.monotonic()
    while True:
        times = process.cpu_times()
        memory_mb = process.memory_full_info().uss / 1e6
        seconds = time.monotonic() - began
        cpu_s, waiting = times.user + times.system, supervisor.reports.qsize()
        sample = Sample(seconds, launcher.turns, cpu_s, memory_mb, waiting)
        with path.open("a") as file:
            file.write(json.dumps(asdict(sample)) + "\n")
        time.sleep(SAMPLE_INTERVAL_S)


def main() -> None:
    """Runs until all jobs are over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("samples", type=Path)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--turns", type=int, required=True, help="of each job")
    parser.add_argument("--turns-per-s", type=float, required=True, help="of each session")
    parser.add_argument("--headless", action="store_true")
    args = parser.parse_args()
    sources = [str(path) for path in sorted(args.recordings.rglob("*.wav"))]
    script = SessionScript(args.turns, args.turns_per_s)
    target = SessionTarget(custom_endpoint("ws://127.0.0.1:1"), None, args.sessions)
    with (
        closing(run_folder.create(args.run)) as folder,
        ScriptedLauncher(script) as launcher,
        Supervisor(
            lambda: target,
            folder,
            StreamSettings(),
            start_limiter=StartRateLimiter(STARTS_PER_MINUTE),
            launcher=launcher,
        ) as supervisor,
    ):
        sampling = (args.samples, launcher, supervisor)
        threading.Thread(target=take_samples, args=sampling, daemon=True).start()
        jobs = supervisor.add(sources)
        if args.headless:
            from tui.cli.headless import HeadlessRunner
            from tui.cli.run_output import RunOutput

            HeadlessRunner(supervisor, RunOutput()).run(lambda: None)
            return
        from tui.app.desk import Desk
        from tui.terminal import gc_tuning

        desk = Desk(supervisor, "a benchmark", folder.path)
        desk.state.add_jobs(jobs, sources)
        gc_tuning.tune_gc()
        desk.run()


if __name__ == "__main__":
    main()
