"""Machines with few files and processes: sessions wait for one another, and nothing is lost."""

from pathlib import Path

import pytest

from tests.hostile.limited_programs import (
    AS_CROWDED_STRANGER,
    assert_whole,
    needs_root,
    run_program,
)
from workers.pacing.certificate import Verdict


@needs_root
def test_sixty_four_files_serve_any_number_of_sessions(tmp_path: Path) -> None:
    """Fewer run at once than were asked for, and the limit is named."""
    run = run_program(
        tmp_path, "--sessions", "24", recordings=24, through=("prlimit", "--nofile=64:64")
    )

    assert_whole(run)
    assert "the limit of 64 open files is reached (ulimit -n)" in run.output


@needs_root
@pytest.mark.parametrize("processes", [32, 12])
def test_few_processes_serve_any_number_of_sessions(open_folder: Path, processes: int) -> None:
    """The same for processes and threads. The fork server survives it, and prints nothing."""
    limit = f"--nproc={processes}:{processes}"
    run = run_program(
        open_folder,
        *("--sessions", "24"),
        recordings=24 if processes > 20 else 8,
        tenths=30,
        through=(*AS_CROWDED_STRANGER, "prlimit", limit),
    )

    assert_whole(run, attempts=2)
    assert f"the limit of {processes} processes and threads of this user" in run.output
    assert not any(
        state.ended.certificate.verdict is Verdict.SLIPPED
        for state in run.job_states
        if state.ended and state.ended.certificate
    )


@needs_root
def test_a_machine_without_a_process_to_spare_is_said(open_folder: Path) -> None:
    """Not one session can start: each recording fails with the limit, and the program ends."""
    run = run_program(open_folder, through=(*AS_CROWDED_STRANGER, "prlimit", "--nproc=5:5"))

    assert run.code in (1, 3)
    assert "the limit of 5 processes and threads of this user is reached" in run.output
    assert "Traceback" not in run.output
    assert run.sessions == []
