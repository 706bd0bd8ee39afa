"""The run that chaos breaks: ``python -m tests.chaos.target_program URL FOLDER SESSIONS [FILE…]``.

Without files it goes on with the run in the folder. It has little patience with servers, and a lot
with what is done to it.
"""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.engine.support.supervisor_harness import Hurried
from workers.jobs.job import Settings
from workers.protocol.endpoint import custom
from workers.runs import reader, run_folder
from workers.scheduling.retry_policy import Retries
from workers.scheduling.supervisor import Access, Supervisor
from workers.session.assignment import Patience

SETTINGS = Settings(chunk_ms=70)
"""Chunks that end anywhere in a word."""
PATIENCE = Patience(begin=2.0, end=2.0, farewell=1.0, silence=2.0)
RETRIES = Retries(attempts=50, first=0.05, most=0.2)


def main(url: str, folder: Path, sessions: int, files: Sequence[str]) -> None:
    """Until every job is over."""
    left = [] if files else reader.past(folder).histories
    with (
        closing(run_folder.create(folder) if files else run_folder.reopen(folder)) as opened,
        Supervisor(
            lambda: Access(custom(url), None, sessions),
            opened,
            SETTINGS,
            starts=Hurried(),
            retries=RETRIES,
            patience=PATIENCE,
        ) as supervisor,
    ):
        supervisor.resume(left)
        supervisor.add(files)
        supervisor.wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
