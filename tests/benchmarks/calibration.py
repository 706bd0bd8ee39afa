"""The error of our own delays with and without stalls of the machine (see `host_stalls`).

``python -m tests.benchmarks.calibration [--sessions 1,10,50] [--seconds 30]``

Measures what ``paceline calibrate`` does. The second table leaves out every delay that a stall
touched, and says how many those were.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.benchmarks import system_metrics
from tests.benchmarks.host_stalls import Stalls, watch_stalls
from tui.cli.calibrate import error_table, stream_script
from workers.evaluation.calibration import (
    MeasuredError,
    measure_errors,
    summarise_errors,
    write_script,
)

STALL_MARGIN_S = 0.3
"""So long after a stall, a backlog may remain."""


def main() -> None:
    """Prints two tables a level."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--sessions", default="1,10,50")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    script = write_script(options.seconds)
    print(system_metrics.describe_machine(), flush=True)
    for sessions in map(int, options.sessions.split(",")):
        with tempfile.TemporaryDirectory(prefix="paceline-calibrate-") as folder:
            with watch_stalls() as stalls:
                run, times_path = stream_script(Path(folder), script, sessions)
            errors = measure_errors(run, script, times_path)
        print(f"\n{sessions} at once, {len(stalls.spans_s)} stalls, errors in ms")
        if not stalls.is_real_time:
            print("! without root, other programs on this machine count as stalls too")
        print(error_table(summarise_errors(errors)), flush=True)
        calm = {name: _without_stalls(found, stalls) for name, found in errors.items()}
        total, kept = sum(map(len, errors.values())), sum(map(len, calm.values()))
        print(f"\noutside stalls: {kept} of {total} delays")
        print(error_table(summarise_errors({name: one for name, one in calm.items() if one})))


def _without_stalls(errors: list[MeasuredError], stalls: Stalls) -> list[MeasuredError]:
    to_monotonic_s = time.monotonic() - time.time()
    return [
        error
        for error in errors
        if not stalls.touch(
            error.begin_s + to_monotonic_s, error.end_s + to_monotonic_s, STALL_MARGIN_S
        )
    ]


if __name__ == "__main__":
    main()
