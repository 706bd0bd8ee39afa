"""A disk that is full, over quota or broken at each single change that a run makes."""

import errno
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.support.failing_disk import DiskSweep, run_on
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import transcribe
from tests.hostile.limited_programs import needs_root
from tests.support.recorded_disk import DiskFault, RecordedDisk

TENTHS = 8
"""Of a second that each recording lasts."""
AT_ONCE = 6
"""Runs at the same time; most of them wait."""
FOR_EVER = 1_000_000
OTHER_ERRORS = 2
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


@pytest.mark.timeout(280)  # some sixty runs, of two sessions each
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


OUTPUTS: Mapping[str, Sequence[str]] = {
    "export": ("--to", "txt,srt", "--overwrite"),
    "report": (),
    "score": ("--csv", "scores.csv", "--junit", "junit.xml", "--markdown", "summary.md"),
}
"""Commands that write files, and their options; names are those of files in the run folder."""


def test_a_disk_may_fail_at_each_change_of_other_commands(tmp_path: Path) -> None:
    """They say so in a sentence. Files that they would have replaced are the old or the new ones,
    and no half of one is left."""
    with ScriptedServer(transcribe()) as endpoint:
        sweep = DiskSweep(tmp_path, endpoint.url, TENTHS)
        sound = sweep.disk("sound")
        assert sweep.run(sound)[0] == 0

    def run_command(command: str, fault: DiskFault | None) -> tuple[RecordedDisk, int, str]:
        name = "-".join((command, *(fault.name.split() if fault else ())))
        disk = sweep.disk(name)
        shutil.copytree(sound.folder, disk.folder)
        options = [
            str(disk.folder / option) if "." in option else option for option in OUTPUTS[command]
        ]
        return disk, *run_on(disk, fault, command, disk.folder, *options)

    faults = []
    for command in OUTPUTS:
        disk, code, output = run_command(command, None)
        assert code == 0, output
        numbers = range(1, len(disk.changes) + 1)
        faults += [(command, DiskFault(at, at if at % 2 else FOR_EVER)) for at in numbers]
    problems = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (command, fault), (disk, code, output) in zip(
            faults, pool.map(lambda one: run_command(*one), faults), strict=True
        ):
            drafts = [] if fault.last == FOR_EVER else list(disk.folder.rglob("*.part"))
            if code == 0 or "Traceback" in output or "No space left" not in output or drafts:
                problems.append(f"{command}, {fault.name}: code {code}, {drafts}: {output}")
    print(f"{len(faults)} faults", *problems, sep="\n")

    assert problems == []


SIZES_KB = (4, 8, 12, 16, 24)
"""Of a file system in memory, in pages; the smallest has no room for an index."""


def real_limits(folder: Path) -> Mapping[str, Sequence[str]]:
    """Commands that run a program where a run of the folder ``limited`` has no room. They copy what
    was written to ``kept``."""
    limits = {
        f"{size} KB": f"mount -t tmpfs -o size={size}k tmpfs {folder}/limited" for size in SIZES_KB
    }
    limits |= {f"files of {size} bytes": f"ulimit -f {size // 512}" for size in (512, 1536, 2560)}
    return {
        name: (
            *("unshare", "-m", "sh", "-c"),
            f'({limit}; "$@"; echo $? > "{folder}/code")\n'
            f'cp -r {folder}/limited/run "{folder}/{name}"',
            "--",
        )
        for name, limit in limits.items()
    }


@needs_root
@pytest.mark.parametrize("name", real_limits(Path()))
def test_a_disk_without_room_loses_nothing_that_was_heard(tmp_path: Path, name: str) -> None:
    """The same as above with the limits of the system itself: a small file system, small files."""
    with ScriptedServer(transcribe()) as endpoint:
        sweep = DiskSweep(tmp_path, endpoint.url, TENTHS)
        (tmp_path / "limited").mkdir()
        with ProcessTree(
            *(
                "-m",
                "tui",
                "run",
                "--endpoint",
                endpoint.url,
                "--out",
                tmp_path / "limited" / "run",
            ),
            *("--attempts", "2", *[truth.path for truth in sweep.truths]),
            output=subprocess.PIPE,
            through=real_limits(tmp_path)[name],
        ) as tree:
            output = "".join(tree.program.communicate(timeout=LONG_ENOUGH))
            tree.wait_until_gone()
        code = int((tmp_path / "code").read_text())
        problems = list(sweep.problems(tmp_path / name, code, output))

    assert problems == []
