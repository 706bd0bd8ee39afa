"""The program under test: ``python -m tests.chaos.target_program URL FOLDER SESSIONS [FILE…]``.

Without files it resumes the run in the folder. Timeouts are short, and retries many.
"""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.engine.support.supervisor_harness import AcceleratedStartRate
from workers.jobs.job import StreamSettings
from workers.protocol.endpoint import custom_endpoint
from workers.runs import reader, run_folder
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.session.assignment import Timeouts

SETTINGS = StreamSettings(chunk_ms=70)
"""Chunks that end anywhere in a word."""
PATIENCE = Timeouts(begin_s=2.0, next_message_s=2.0, shutdown_s=1.0, silence_s=2.0, min_life_s=0.0)
RETRIES = RetryPolicy(max_attempts=50, first_delay_s=0.05, max_delay_s=0.2)


def main(url: str, folder: Path, sessions: int, files: Sequence[str]) -> None:
    """Runs until every job is over."""
    left = [] if files else reader.read_run(folder).jobs
    with (
        closing(run_folder.create(folder) if files else run_folder.reopen(folder)) as opened,
        Supervisor(
            lambda: SessionTarget(custom_endpoint(url), None, sessions),
            opened,
            SETTINGS,
            start_limiter=AcceleratedStartRate(),
            retry_policy=RETRIES,
            timeouts=PATIENCE,
        ) as supervisor,
    ):
        supervisor.resume(left)
        supervisor.add(files)
        supervisor.wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
