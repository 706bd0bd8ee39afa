"""What breaks in a fleet: nodes, lines, disks and the program. No word is lost or doubled."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.engine.support.ground_truth import GroundTruth, transcript_errors
from tests.engine.support.process_tree import ROOT
from tests.engine.support.scenario import make_recordings
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import TranscriptionStyle, transcribe
from tests.fleet.fleet_harness import fleet_supervisor, wait_for_state
from tests.fleet.fleet_storm import FleetStorm
from tests.fleet.node_machines import (
    CLUSTER_HOST,
    LOOPBACK,
    SERVER_HOST,
    Machine,
    can_make_machines,
    node_machines,
)
from tests.fleet.ray_cluster import RayCluster
from workers.jobs.events import Began, Ended, Outcome
from workers.jobs.job_state import JobState
from workers.jobs.node_status import NodeState
from workers.runs import reader

SEED = int(os.environ.get("SEED", "1"))
FAULTS = 3


@pytest.fixture(scope="module")
def machines() -> Iterator[Sequence[Machine]]:
    """Three machines, with lines and disks that may be broken if this user may do that."""
    if can_make_machines():
        with node_machines(3) as made:
            yield made
    else:
        yield [LOOPBACK] * 3


@pytest.fixture(scope="module")
def cluster(machines: Sequence[Machine]) -> Iterator[RayCluster]:
    """A cluster with a node on each."""
    has_lines = machines[0] is not LOOPBACK
    with RayCluster(CLUSTER_HOST if has_lines else LOOPBACK.address) as running:
        running.start_nodes(machines)
        yield running


@pytest.fixture
def host(machines: Sequence[Machine]) -> str:
    """The address at which all nodes reach this machine."""
    return LOOPBACK.address if machines[0] is LOOPBACK else SERVER_HOST


@pytest.mark.parametrize(
    "kinds",
    [
        ("agent killed", "session killed", "fork server killed"),
        ("raylet killed", "node killed", "node joined late"),
        ("program killed", "process for Ray killed"),
        ("node frozen", "agent frozen", "node slowed"),
        ("line to the cluster cut", "all lines cut"),
        ("disk full", "agent killed"),
    ],
    ids=" or ".join,
)
def test_no_word_is_lost_or_doubled(
    kinds: Sequence[str],
    cluster: RayCluster,
    machines: Sequence[Machine],
    host: str,
    tmp_path: Path,
) -> None:
    """Each piece of audio ends in exactly one final, and no session stays open."""
    if machines[0] is LOOPBACK and any("cut" in kind or "disk" in kind for kind in kinds):
        pytest.skip("only root may make network namespaces and mount disks")
    storm = FleetStorm(
        SEED, tmp_path, cluster, machines, host=host, faults=FAULTS, kinds=kinds, jobs=6
    )

    assert [] == storm.run(), (tmp_path / "log").read_text()


def errors_in(truths: Sequence[GroundTruth], states: Sequence[JobState]) -> list[str]:
    return [
        error
        for truth, state in zip(truths, states, strict=True)
        for error in transcript_errors(truth, state)
    ]


def test_a_program_that_comes_back_takes_over_what_still_runs(
    cluster: RayCluster, host: str, tmp_path: Path
) -> None:
    """After `kill -9` and `paceline resume`, no session has been started again."""
    truths = make_recordings(tmp_path / "recordings", 6, 120)
    run = tmp_path / "run"
    arguments = ("run", "--unencrypted", "--fleet", "auto", "--out", run)
    with ScriptedServer(transcribe(TranscriptionStyle()), host=host) as server:
        program = subprocess.Popen(
            [sys.executable, "-m", "tui", *map(str, arguments), "--endpoint", server.url]
            + [truth.path for truth in truths],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while len(server.received_sessions) < 6 and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1.0)
        program.kill()
        program.wait()
        again = subprocess.run(
            [sys.executable, "-m", "tui", "resume", run, "--no-desk", "--unencrypted"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    states = reader.read_job_states(run)

    assert again.returncode == 0, again.stderr
    assert len(server.received_sessions) == 6
    assert [1] * 6 == [state.attempt for state in states]
    assert [] == errors_in(truths, states)


def test_a_dead_node_is_noticed_within_seconds(
    cluster: RayCluster, host: str, tmp_path: Path
) -> None:
    """Its sessions continue elsewhere, and it may join again."""
    truths = make_recordings(tmp_path / "recordings", 3, 100)
    with (
        ScriptedServer(transcribe(TranscriptionStyle()), host=host) as server,
        fleet_supervisor(server.url, tmp_path / "run") as observed,
    ):
        jobs = observed.supervisor.add([truth.path for truth in truths])
        for job in jobs:
            observed.wait_for_event(Began, job)
        node = cluster.nodes["node-1"]
        lost = [job for job in jobs if observed.job_states[job].node == "node-1"]
        node.kill()
        killed_at = time.monotonic()
        wait_for_state(observed, "node-1", NodeState.SILENT, NodeState.GONE)
        noticed_s = time.monotonic() - killed_at
        for job in lost:
            observed.wait_for_event(Began, job, times=2)
        cluster.start_node("node-1", machine=node.machine)
        wait_for_state(observed, "node-1", NodeState.READY)
        observed.wait_until_idle()
        states = [observed.job_states[job] for job in jobs]

    assert lost
    assert noticed_s < 20
    assert [] == errors_in(truths, states)
    assert "node-1" not in {states[jobs.index(job)].node for job in lost}


def test_a_recording_that_no_node_has_fails_in_words(
    cluster: RayCluster, host: str, tmp_path: Path
) -> None:
    """The file went away after it was probed."""
    (truth,) = make_recordings(tmp_path / "recordings", 1, 20)
    with (
        ScriptedServer(host=host) as server,
        fleet_supervisor(server.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.hold(True)
        (job,) = observed.supervisor.add([truth.path])
        observed.wait_until(lambda: bool(observed.reports))
        Path(truth.path).unlink()
        observed.supervisor.hold(False)
        observed.wait_until_idle()
        ((ended,)) = observed.events_of(Ended, job)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.UNREADABLE
    assert ended.reason.startswith("no node of the fleet has the recording; on node-")


def test_a_frozen_program_keeps_no_session_open(
    cluster: RayCluster, host: str, tmp_path: Path
) -> None:
    """Leases end without it; when it goes on, so does the run."""
    truths = make_recordings(tmp_path / "recordings", 3, 80)
    storm = FleetStorm(SEED, tmp_path, cluster, [], host=host, faults=0, kinds=(), truths=truths)
    with ScriptedServer(transcribe(TranscriptionStyle()), host=host) as server:
        program = storm.start_program(server)
        until = time.monotonic() + 60
        while len(server.received_sessions) < 3 and time.monotonic() < until:
            time.sleep(0.1)
        program.send_signal(signal.SIGSTOP)
        sessions = list(server.received_sessions)
        assert all(session.closed.wait(30) for session in sessions)
        program.send_signal(signal.SIGCONT)
        code = program.wait(100)

    assert code == 0
    assert [] == errors_in(truths, reader.read_job_states(tmp_path / "run"))


def test_a_node_with_another_version_is_refused_in_words(
    cluster: RayCluster, host: str, tmp_path: Path
) -> None:
    """The other nodes do the work."""
    other = tmp_path / "other"
    shutil.copytree(ROOT / "workers", other / "workers")
    changed = other / "workers" / "errors.py"
    changed.write_text(f"{changed.read_text()}\n# another version\n")
    truths = make_recordings(tmp_path / "recordings", 2, 20)
    machine = cluster.nodes["node-1"].machine
    strange = cluster.start_node("node-x", machine=machine, environment={"PYTHONPATH": str(other)})
    try:
        with (
            ScriptedServer(transcribe(TranscriptionStyle()), host=host) as server,
            fleet_supervisor(server.url, tmp_path / "run") as observed,
        ):
            wait_for_state(observed, "node-x", NodeState.REFUSED)
            (status,) = [one for one in observed.supervisor.nodes() if one.name == "node-x"]
            jobs = observed.supervisor.add([truth.path for truth in truths])
            observed.wait_until_idle()
            states = [observed.job_states[job] for job in jobs]
    finally:
        strange.kill()
        del cluster.nodes["node-x"]

    assert status.problem == "another version of Paceline is installed there"
    assert [] == errors_in(truths, states)
