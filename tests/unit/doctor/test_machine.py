"""What doctor says of the machine."""

from pathlib import Path

import pytest

from tui.doctor import machine
from tui.doctor.finding import Finding, State


def found(*findings: Finding) -> list[State]:
    return [finding.state for finding in findings]


def test_late_waits_are_a_warning() -> None:
    """If they are later than chunks may be."""
    punctual, late = machine.timer_finding([0.1] * 99 + [0.3]), machine.timer_finding([0.1, 50.0])

    assert [State.OK, State.WARNING] == found(punctual, late)
    assert punctual.summary.startswith("waits end 0.1 ms late (p99 0.3, at most 0.3)")
    assert late.remedy


def test_waits_are_measured() -> None:
    """In ascending order, and none ends early."""
    late_ms = machine.timer_lateness_ms(0.1)

    assert late_ms == sorted(late_ms)
    assert 1 <= len(late_ms) <= 11
    assert late_ms[0] >= 0


def test_a_folder_that_cannot_be_written_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run would not begin."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fine = machine.disk_finding()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "state"))
    blocked = machine.disk_finding()

    assert fine.state in (State.OK, State.WARNING)
    assert str(tmp_path / "state") in fine.summary
    assert blocked.state is State.FAILED
    assert "cannot be kept" in blocked.summary
