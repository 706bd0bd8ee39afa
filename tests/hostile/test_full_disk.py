"""A disk that is full, over quota or broken at each single change that a run makes."""

import errno
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.engine.support.failing_disk import DiskSweep
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import transcribe
from tests.support.recorded_disk import DiskFault

TENTHS = 8
"""Of a second that each recording lasts."""
AT_ONCE = 4
"""Runs at the same time; most of them wait."""
FOR_EVER = 1_000_000
OTHER_ERRORS = 4
"""Changes that fail with each of the other errors."""


def faults_of(count: int, chance: random.Random) -> list[DiskFault]:
    """A fault at each of the changes. Every other one lasts, as on a full disk, and there is one
    change that fails alone, as on a bad one; some fail with another error."""
    last = chance.randrange(2)
    faults = [DiskFault(at, FOR_EVER if at % 2 == last else at) for at in range(1, count + 1)]
    for error in (errno.EDQUOT, errno.EIO, errno.EROFS):
        for at in chance.sample(range(1, count + 1), OTHER_ERRORS):
            faults.append(DiskFault(at, chance.choice((at, FOR_EVER)), error))
    return faults


def test_a_disk_may_fail_at_each_single_change(tmp_path: Path) -> None:
    """The program says so and ends all its processes. What it calls done is complete, and the other
    recording is not harmed by a change that fails alone. Resuming completes the run."""
    with ScriptedServer(transcribe()) as endpoint, ThreadPoolExecutor(AT_ONCE) as pool:
        sweep = DiskSweep(tmp_path, endpoint.url, TENTHS)
        disk = sweep.disk("sound")
        assert sweep.run(disk)[0] == 0
        chance = random.Random(int(os.environ.get("SEED", "1")))
        faults = faults_of(len(disk.changes), chance)
        runs = list(pool.map(sweep.try_fault, faults))
    for run in runs:
        if run.problems:
            print(f"{run.fault.name}: code {run.code}", *run.problems, run.output, sep="\n   ")
    codes = Counter(run.code for run in runs)
    print(f"{len(disk.changes)} changes, {len(runs)} faults; exit codes: {dict(codes)}")

    assert [run for run in runs if run.problems] == []
