"""Plays a run of many jobs on 1,000 nodes in simulated time: ``python -m tests.benchmarks.fleet``.

The scheduler, the start limiter, the leases and the run folder are the real ones. A tenth of the
nodes fail in some way, and the driver is killed once. `FleetSimulation` checks that each job ends
in one final attempt, that no limit is exceeded, and that no permit is lost. In the end the run is
merged with a small one of another driver.
"""

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.support.fleet_simulation import FleetPlan, FleetSimulation
from tui.terminal.gc_tuning import tune_gc
from workers.jobs.job_state import JobStatus
from workers.runs.merge import merge_runs

MEMORY_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""Where run folders are: how fast a disk is should not be measured."""


def plan_for(nodes: int) -> FleetPlan:
    """A plan for so many nodes, with a hundred jobs for each."""
    return FleetPlan(
        jobs=100 * nodes,
        nodes=nodes,
        sessions_per_node=40,
        max_sessions=32 * nodes,
        starts_per_minute=40 * nodes,
        faults=max(1, nodes // 10),
        fault_s=60.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1_000])
    tune_gc()  # as the program does
    for nodes in parser.parse_args().nodes:
        with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER) as parent:
            began, began_cpu = time.perf_counter(), time.process_time()
            plan = plan_for(nodes)
            run, other, merged = (Path(parent) / name for name in ("run", "other", "merged"))
            found = FleetSimulation(plan, run).run()
            small = replace(plan_for(1), faults=0, driver_restarts=0, recordings="more")
            FleetSimulation(small, other).run()
            statuses = merge_runs([run, other], merged).statuses
            assert statuses == {JobStatus.DONE.value: plan.jobs + small.jobs}
            seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        faults = ", ".join(f"{count} {kind}" for kind, count in sorted(found.faults.items()))
        print(
            f"{nodes:5} nodes, {plan.jobs:6} jobs: {seconds:5.1f} s ({cpu_s:5.1f} s of CPU, "
            f"{cpu_s / plan.jobs * 1e6:4.0f} µs a job) for {found.simulated_s:4.0f} s; "
            f"{found.sessions} sessions, {found.interrupted} ended with their leases, "
            f"{found.events} events, {found.beats} beats; at most {found.most_open} open and "
            f"{found.most_starts} started in a minute; {faults}"
        )


if __name__ == "__main__":
    main()
