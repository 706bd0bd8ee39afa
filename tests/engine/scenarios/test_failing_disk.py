"""A disk that is full, and a power failure: the small version of what `tests.hostile` does."""

from pathlib import Path

import pytest

from tests.engine.support.failing_disk import DiskSweep, durable_from, image_problems
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import transcribe
from tests.support.recorded_disk import DiskFault, Loss, write_image


@pytest.mark.slow
def test_a_run_on_a_full_disk_can_be_resumed(tmp_path: Path) -> None:
    """The disk gets full while it streams. The program says so, and nothing is lost."""
    with ScriptedServer(transcribe()) as endpoint:
        sweep = DiskSweep(tmp_path, endpoint.url, tenths=4, jobs=1)
        run = sweep.try_fault(DiskFault(22, 1000))

    assert run.problems == ()
    assert run.code != 0


def test_a_power_failure_leaves_a_run_that_can_be_read(tmp_path: Path) -> None:
    """What was not waited for is gone, or zeros, after any change. A job that was done, but whose
    trace is gone, is not done any more."""
    with ScriptedServer(transcribe()) as endpoint:
        sweep = DiskSweep(tmp_path, endpoint.url, tenths=4, jobs=1)
        disk = sweep.disk("run")
        assert sweep.run(disk)[0] == 0
    changes = disk.changes
    problems: list[str] = []
    for loss in (Loss.NOTHING, Loss.ZEROS):
        for count in range(len(changes) + 1):
            folder = tmp_path / f"{loss.name}-{count}"
            write_image(changes[:count], loss, folder)
            durable = count >= durable_from(changes)
            problems += image_problems(folder, sweep.truths, durable=durable)

    assert problems == []
