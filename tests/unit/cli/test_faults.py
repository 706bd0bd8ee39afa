"""Where the traceback of a bug goes."""

from pathlib import Path

import pytest

from tui.cli.exit_codes import ExitCode
from tui.cli.faults import RunFault, report_fault
from tui.cli.run_options import RunOptions
from tui.cli.run_setup import open_supervisor
from workers.errors import RunFolderProblem
from workers.jobs.job import Limits, StreamSettings
from workers.protocol import endpoint


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    target = endpoint.custom_endpoint("ws://127.0.0.1:9", allow_unencrypted=False)
    return RunOptions(StreamSettings(), target, None, Limits(1, attempts=1), tmp_path / "run")


def test_a_bug_in_a_run_is_written_to_its_folder(
    options: RunOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The terminal gets the path; an expected failure is no bug."""
    with pytest.raises(RunFault) as fault, open_supervisor(options):
        raise ZeroDivisionError("a slip")
    log = tmp_path / "run" / "faults.log"

    assert ExitCode.INTERNAL_ERROR is report_fault(fault.value)
    assert f"internal error (ZeroDivisionError). The traceback is in {log}\n" in (
        capsys.readouterr().err
    )
    assert "ZeroDivisionError: a slip" in log.read_text()
    log.unlink()
    with pytest.raises(RunFolderProblem), open_supervisor(options):
        raise RunFolderProblem("the disk is full")


def test_a_bug_that_no_file_can_take_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The traceback is worth more than a tidy terminal."""
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")

    assert ExitCode.INTERNAL_ERROR is report_fault(ValueError("a slip"), Path("/proc/nowhere/log"))
    assert "ValueError: a slip" in capsys.readouterr().err
