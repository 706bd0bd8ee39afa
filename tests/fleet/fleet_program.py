"""The program under test: ``python -m tests.fleet.fleet_program URL FOLDER SESSIONS [FILE…]``.

Streams on the fleet that `RAY_ADDRESS` names. Without files it resumes the run in the folder.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.target_program import RETRIES, SETTINGS
from tests.fleet.fleet_harness import fleet_supervisor


def main(url: str, folder: Path, sessions: int, files: Sequence[str]) -> None:
    """Runs until every job is over. Says what nodes do."""
    with fleet_supervisor(
        url,
        folder,
        sessions=sessions,
        settings=SETTINGS,
        retry_policy=RETRIES,
        resume=not files,
    ) as observed:
        supervisor = observed.supervisor
        supervisor.add(files)
        known: dict[str, str] = {}
        while not supervisor.wait(0.1):
            for node in supervisor.nodes():
                state = f"{node.state.value} {node.problem}"
                if known.get(node.name) != state:
                    known[node.name] = state
                    print(f"{time.time():.3f} {node.name} {state}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
