"""A run on a fleet in simulated time: see `tests.support.fleet_simulation`, which checks everything
that must hold. ``python -m tests.benchmarks.fleet`` plays it with 1,000 nodes."""

from dataclasses import replace
from pathlib import Path

from tests.support.fleet_simulation import FleetPlan, FleetSimulation
from workers.jobs.job_state import JobStatus
from workers.runs.merge import merge_runs


def test_each_job_ends_in_one_final_attempt_whatever_fails(tmp_path: Path) -> None:
    """Nodes die, freeze and are cut off, and the driver is killed and comes back; the limits of the
    account hold at every instant, all audio is kept once, and no permit is lost."""
    plan = FleetPlan(
        jobs=200,
        nodes=10,
        sessions_per_node=20,
        max_sessions=60,
        starts_per_minute=80,
        faults=12,
        fault_s=100.0,
        audio_s=(10.0, 50.0),
        seed=5,
    )
    findings = FleetSimulation(plan, tmp_path / "run").run()
    assert findings.faults["driver killed"] == 1
    assert set(findings.faults) >= {"killed", "lost power", "frozen", "cut off"}
    assert findings.interrupted > 0
    assert 50 < findings.most_open <= 60
    assert 70 < findings.most_starts <= 80
    other = replace(plan, jobs=20, nodes=2, faults=0, driver_restarts=0, recordings="more")
    FleetSimulation(other, tmp_path / "other").run()
    merged = merge_runs([tmp_path / "run", tmp_path / "other"], tmp_path / "merged")
    assert merged.statuses == {JobStatus.DONE.value: 220}
