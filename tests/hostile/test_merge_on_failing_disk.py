"""A merge whose disk fails at each of its changes in turn."""

import errno
from pathlib import Path

import pytest

from tests.engine.support.failing_disk import run_on
from tests.support.recorded_disk import DiskFault, RecordedDisk
from tests.unit.runs.test_merge import texts_of, two_shards

MAX_CHANGES = 60
"""More than a merge of two small runs makes."""


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_a_merge_is_whole_or_not_there_whatever_fails(tmp_path: Path) -> None:
    """If a change fails, the command says so, and leaves nothing. The runs stay as they are."""
    parts = two_shards(tmp_path)
    before = [texts_of(part) for part in parts]
    number = 0
    for number in range(1, MAX_CHANGES):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        disk = RecordedDisk(folder, tmp_path / f"{number}.log")
        fault = DiskFault(number, number, errno.ENOSPC)
        code, output = run_on(disk, fault, "merge", *parts, "--into", folder / "all")
        if not any(change.failed for change in disk.changes):
            break  # it makes fewer changes
        left = [path.name for path in folder.iterdir()]
        if code == 0:
            assert left == ["all"]
            assert texts_of(folder / "all") == [text for texts in before for text in texts]
        else:
            assert (code, left) == (1, []), (fault, output)
            assert "No space left on device" in output
    assert 5 < number < MAX_CHANGES - 1
    assert [texts_of(part) for part in parts] == before
