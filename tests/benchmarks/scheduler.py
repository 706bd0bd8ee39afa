"""Times the scheduler over many jobs, without processes: ``python -m tests.benchmarks.scheduler``.

Sessions are refused, lost and killed at random, on a clock that the benchmark moves. The index is
saved at each start, as the supervisor does. The cost of a job must not grow with the run.
"""

import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.support.fake_launcher import FakeLauncher, random_outcomes, script
from tests.support.run_builders import save
from workers.audio.source import Source
from workers.jobs.job import StreamSettings
from workers.runs import run_folder
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Scheduler
from workers.scheduling.start_rate import StartRateLimiter
from workers.session.assignment import Timeouts

JOBS = (100, 1_600, 20_000)


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


def main() -> None:
    for jobs in JOBS:
        seconds, starts = measure(jobs)
        each = seconds / jobs * 1e6
        print(f"{jobs:6} jobs, {starts:6} sessions: {seconds:5.2f} s, {each:4.0f} µs a job")


if __name__ == "__main__":
    main()
