"""Machines without the places that programs take for granted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.support.process_tree import ROOT
from tests.hostile.limited_programs import (
    AS_STRANGER,
    assert_whole,
    needs_root,
    run_program,
    with_mounts,
)
from tests.support import audio_files


@needs_root
def test_a_machine_without_shared_memory_is_none_the_worse(tmp_path: Path) -> None:
    """As in a container: /dev/shm cannot be written. No semaphore is needed."""
    shared = with_mounts("mount -t tmpfs -o ro,size=4k tmpfs /dev/shm")

    assert_whole(run_program(tmp_path, through=shared))


def test_a_temporary_folder_may_have_a_long_path(tmp_path: Path) -> None:
    """Longer than the address of a socket may be."""
    long = tmp_path / ("x" * 120)
    long.mkdir()

    assert_whole(run_program(tmp_path, environment={"TMPDIR": str(long)}))
    assert list(long.iterdir()) == []


def test_a_temporary_folder_may_be_gone(tmp_path: Path) -> None:
    """Another one is used."""
    assert_whole(run_program(tmp_path, environment={"TMPDIR": str(tmp_path / "gone")}))


@needs_root
def test_a_user_without_a_home_needs_only_a_run_folder(open_folder: Path) -> None:
    """It has no entry in the system's list either, as in a container with ``--user``."""
    assert_whole(run_program(open_folder, through=AS_STRANGER, environment={"HOME": None}))


@needs_root
@pytest.mark.parametrize("command", [["runs"], ["run", "FILE"], ["view"], ["resume", "last"]])
def test_a_user_without_a_home_learns_what_to_name(open_folder: Path, command: list[str]) -> None:
    """One sentence, with the option that helps."""
    file = audio_files.write_recording(open_folder / "a.wav", audio_files.distinct_samples(1.0))
    words = [file if word == "FILE" else word for word in command]
    result = subprocess.run(
        [*AS_STRANGER, "env", "-u", "HOME", sys.executable, "-m", "tui", *words],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )

    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


READ_ONLY = """
mount --bind FOLDER /mnt
for place in /tmp /var/tmp /dev/shm /run; do
  mount --bind $place $place
  mount -o remount,bind,ro $place
done
mount --bind /mnt FOLDER
"""


@needs_root
@pytest.mark.skipif(not Path("/mnt").is_dir(), reason="needs a folder to mount at")
def test_a_read_only_machine_needs_only_a_run_folder(open_folder: Path) -> None:
    """Nothing else can be written: no temporary folder, no home, not the working folder."""
    run = run_program(
        open_folder,
        through=(*with_mounts(READ_ONLY), *AS_STRANGER),
        environment={"HOME": "/nonexistent", "XDG_RUNTIME_DIR": None, "TMPDIR": None},
    )

    assert_whole(run)
    assert not list((open_folder / "run").glob("pymp-*"))


def test_a_plain_locale_and_no_terminal_are_enough(tmp_path: Path) -> None:
    """As under cron: a few variables, and text that is not UTF-8."""
    few = {name: None for name in os.environ if name not in ("PATH", "HOME")}

    assert_whole(run_program(tmp_path, environment={**few, "LANG": "C", "LC_ALL": "C"}))
