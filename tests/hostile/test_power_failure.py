"""The power fails, or all processes are killed, after each single change of a run on the disk."""

import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.engine.scenarios.test_process_signals import all_transcript_errors
from tests.engine.support import server_faults
from tests.engine.support.failing_disk import DiskSweep, durable_from, image_problems, run_on
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import transcribe
from tests.support.recorded_disk import DiskChange, Loss, write_image
from workers.runs import reader

RESUMED = 24
"""Failures after which the run is resumed as well."""


def every_image_problem(
    changes: Sequence[DiskChange], loss: Loss, sweep: DiskSweep, folder: Path
) -> list[str]:
    """What is wrong after a failure at any moment; the last one comes when all is done."""
    found, durable = [], durable_from(changes)
    for count in range(len(changes) + 1):
        image = folder / f"{loss.name}-{count}"
        write_image(changes[:count], loss, image)
        for problem in image_problems(image, sweep.truths, durable=count >= durable):
            found.append(f"{loss.value} after change {count}: {problem}")
    return found + all_transcript_errors(sweep.truths, reader.read_job_states(image))


def test_a_run_can_be_read_and_resumed_after_a_failure_at_any_moment(tmp_path: Path) -> None:
    """Killed, or without power, in each of the ways in which a disk may lose what was not waited
    for: while a run streams, while it is resumed and while it is exported. What it calls done is
    complete, and what a command has confirmed stays."""
    broken = transcribe(fault=server_faults.drop_connection, at=5)
    with ScriptedServer(broken, transcribe()) as endpoint:
        sweep = DiskSweep(tmp_path, endpoint.url, tenths=8)
        disk = sweep.disk("whole")
        paths = [truth.path for truth in sweep.truths]
        where = ("--endpoint", endpoint.url, "--out", disk.folder)
        assert run_on(disk, None, "run", *where, "--attempts", "1", *paths)[0] == 3
        streamed = len(disk.changes)
        assert run_on(disk, None, "resume", disk.folder, "--no-desk")[0] == 0
        assert run_on(disk, None, "export", disk.folder, "--to", "txt,srt")[0] == 0
        changes = disk.changes
        found = [
            problem
            for loss in Loss
            for problem in every_image_problem(changes, loss, sweep, tmp_path)
        ]
        for loss in Loss:
            exported = tmp_path / f"{loss.name}-{len(changes)}" / "exports"
            assert {path.name: path.read_bytes() for path in exported.iterdir()} == {
                path.name: path.read_bytes() for path in (disk.folder / "exports").iterdir()
            }
        assert found == []
        chance = random.Random(int(os.environ.get("SEED", "1")))
        durable = range(durable_from(changes), len(changes))
        images = [
            f"{chance.choice(list(Loss)).name}-{at}" for at in chance.sample(durable, RESUMED)
        ]
        with ThreadPoolExecutor(4) as pool:
            resumed = pool.map(lambda name: list(sweep.resume_problems(tmp_path / name)), images)
            for name, problems in zip(images, resumed, strict=True):
                found += [f"{name}, resumed: {problem}" for problem in problems]
    print(f"{streamed} and {len(changes) - streamed} changes", *found, sep="\n")

    assert found == []
