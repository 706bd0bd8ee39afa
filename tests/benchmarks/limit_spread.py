"""How far the answers of several searches for the same limit are apart.

``python -m tests.benchmarks.limit_spread [--folder FOLDER] [--times 3] [-- OPTION…]``

Runs ``paceline find-limit`` on the embedded engine so many times, one after the other, on the
recordings of FOLDER, by default the samples, for the objectives of the command. Options after
``--`` are those of the command, such as ``--hold 10 --trials 1``. The spread is the largest limit
minus the smallest, as a share of the median. On a machine that does other work, it is that of the
other work.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from tests.benchmarks import ROOT, system_metrics


def main() -> None:
    """Searches as often as asked and prints each answer, then their spread."""
    parser = argparse.ArgumentParser(description="Whether a search finds the same limit again.")
    parser.add_argument("--folder", type=Path, default=ROOT / "samples" / "recordings")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("options", nargs="*", help="of find-limit, after --")
    args = parser.parse_args()
    print(system_metrics.describe_machine(), flush=True)
    limits = []
    for number in range(1, args.times + 1):
        began = time.monotonic()
        found = search(args.folder, args.options)
        limits.append(int(found["limit"]))
        seconds = time.monotonic() - began
        print(
            f"search {number}: {found['limit']} sessions hold, {found['first_failing']} do not "
            f"({found['gave_in']['side']}); {len(found['trials'])} trials in {seconds:.0f} s",
            flush=True,
        )
    middle = median(limits)
    spread = (max(limits) - min(limits)) / middle if middle else 0.0
    print(f"limits {', '.join(map(str, limits))}: median {middle:g}, spread {100 * spread:.0f} %")


def search(folder: Path, options: list[str]) -> dict:
    """One search; returns the object that it prints."""
    command = [sys.executable, "-m", "tui", "find-limit", str(folder), "--local", "--json"]
    printed = subprocess.run([*command, *options], stdout=subprocess.PIPE, cwd=ROOT, check=False)
    found: dict = json.loads(printed.stdout)
    return found


if __name__ == "__main__":
    main()
