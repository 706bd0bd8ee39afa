"""What a job costs the program itself, in runs of several sizes; it must not grow with the run.

``python -m tests.benchmarks.scheduler [--jobs 100,1600,20000] [--recordings 100,400,1600]``

simulated
    The scheduler and the run folder alone: sessions are refused, lost and killed at random, on a
    clock that the benchmark moves. The index is saved at each start, as the supervisor does.
streamed
    ``paceline run`` over real recordings of a second, 40 at once, to an endpoint that only counts:
    processor time of the program's own process, without sessions, fork server and prober.
"""

import argparse
import os
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil

from tests.benchmarks.desk import COMMAND
from tests.benchmarks.large_folder import write_recordings
from tests.benchmarks.sink import Sink
from tests.support.fake_launcher import FakeLauncher, random_outcomes, script
from tests.support.run_builders import save
from workers.audio.source import Source
from workers.jobs.job import StreamSettings
from workers.runs import run_folder
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Scheduler
from workers.scheduling.start_rate import StartRateLimiter
from workers.session.assignment import Timeouts

SESSIONS = 40


def measure(jobs: int) -> tuple[float, int]:
    """Processor seconds for a run of so many jobs, and how many sessions it started."""
    random_outcome = random_outcomes(seed=7)
    launcher = FakeLauncher(lambda _: script(random_outcome()))
    with (
        tempfile.TemporaryDirectory() as parent,
        closing(run_folder.create(Path(parent) / "run")) as folder,
    ):
        scheduler = Scheduler(
            folder,
            StreamSettings(),
            launcher,
            clock=launcher.clock,
            start_limiter=StartRateLimiter(600),
            retry_policy=RetryPolicy(),
            timeouts=Timeouts(),
            session_limit=30,
        )
        saved_starts = 0

        def save_at_start() -> None:
            nonlocal saved_starts
            if saved_starts < len(launcher.starts):
                saved_starts = len(launcher.starts)
                save(folder)

        began = time.process_time()
        for _ in range(jobs):
            scheduler.add(Source("a.wav"))
        launcher.run(scheduler, between=save_at_start)
        save(folder, final=True)
        return time.process_time() - began, len(launcher.starts)


def measure_streamed(recordings: int) -> tuple[float, float]:
    """Processor seconds of the program's own process for real sessions, and how long they took."""
    with tempfile.TemporaryDirectory() as parent, Sink() as sink:
        folder = Path(parent) / "calls"
        folder.mkdir()
        write_recordings(folder, recordings, samples=8000)
        command = [str(COMMAND), "run", str(folder), "--out", f"{parent}/run"]
        command += ["--endpoint", sink.url, "--sessions", str(SESSIONS)]
        environment = {f"XDG_{kind}_HOME": parent for kind in ("STATE", "CONFIG")}
        began, used = time.monotonic(), 0.0
        quiet = subprocess.DEVNULL
        program = psutil.Popen(command, env=os.environ | environment, stdout=quiet, stderr=quiet)
        while program.poll() is None:
            with suppress(psutil.Error):
                times = program.cpu_times()
                used = times.user + times.system
            time.sleep(0.1)
        assert program.returncode == 0
        return used, time.monotonic() - began


def sizes(text: str) -> list[int]:
    """Numbers of jobs, separated by commas; none for an empty text."""
    return [int(size) for size in text.split(",") if size]


def main() -> None:
    """Measures as asked, and prints a line for each run."""
    parser = argparse.ArgumentParser(description="What a job costs the program itself.")
    parser.add_argument("--jobs", type=sizes, default=[100, 1_600, 20_000], help="simulated ones")
    parser.add_argument("--recordings", type=sizes, default=[], help="real ones, such as 100,400")
    args = parser.parse_args()
    for jobs in args.jobs:
        seconds, starts = measure(jobs)
        each = seconds / jobs * 1e6
        print(f"{jobs:6} jobs, {starts:6} sessions: {seconds:5.2f} s, {each:4.0f} µs a job")
    for recordings in args.recordings:
        used, took = measure_streamed(recordings)
        each = used / recordings * 1e3
        print(f"{recordings:6} recordings in {took:.0f} s: {used:5.2f} s, {each:4.1f} ms a job")


if __name__ == "__main__":
    main()
