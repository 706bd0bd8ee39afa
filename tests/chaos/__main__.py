"""Runs rounds of chaos: ``python -m tests.chaos --seed N --minutes M --sessions N``."""

import argparse
import shutil
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

from tests.chaos.chaos_round import ChaosRound
from tests.engine.support.ground_truth import MAX_JOBS

ROUND_SECONDS = 45.0
"""Seconds of a round in which things go wrong."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--sessions", type=int, default=20, help="at once")
    args = parser.parse_args()
    until = time.monotonic() + 60 * args.minutes
    fault_counts: Counter[str] = Counter()
    jobs = min(MAX_JOBS, args.sessions * 3 // 2)
    for done in count():
        if done and time.monotonic() > until:
            break
        seed = args.seed + done
        folder = Path(mkdtemp(prefix=f"chaos-{seed}-"))
        chaos_round = ChaosRound(
            seed,
            folder,
            jobs=jobs,
            sessions=args.sessions,
            seconds=ROUND_SECONDS,
            liars=seed % 2 == 1,  # word times can only be checked if nobody lies about them
        )
        problems = chaos_round.run()
        fault_counts += chaos_round.plan.fault_counts
        if problems:
            print(f"--seed {seed} --sessions {args.sessions}, in {folder}:", *problems, sep="\n  ")
            return 1
        shutil.rmtree(folder)
        print(f"seed {seed}: nothing lost of {jobs} jobs", flush=True)
    print(f"{done * jobs} jobs, {fault_counts.total()} faults survived:")
    for name, times in fault_counts.most_common():
        print(f"{times:6}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
