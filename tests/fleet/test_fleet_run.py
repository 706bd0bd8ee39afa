"""A run on three nodes: the command, the traces that come back, and what the desk shows."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from tests.engine.support.ground_truth import transcript_errors
from tests.engine.support.process_tree import ROOT
from tests.engine.support.scenario import make_recordings
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import TranscriptionStyle, transcribe
from tests.fleet.fleet_harness import fleet_supervisor, node
from tests.fleet.ray_cluster import RayCluster
from workers.jobs.events import Began, ChunksSent, Progressed, Queued
from workers.jobs.node_status import NodeState
from workers.runs import reader
from workers.traces.files import trace_files
from workers.traces.reader import read_trace

NODES = ["node-1", "node-2", "node-3"]
KEY = "0123456789abcdef0123456789abcdef"


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serves the files of a folder by HTTP; yields the address."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Does not write about requests."""

    def log_message(self, format: str, *arguments: object) -> None: ...


def paceline(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_run_on_a_fleet_keeps_every_word_and_every_trace(
    cluster: RayCluster, tmp_path: Path
) -> None:
    """All nodes take part; the run folder has everything, and nothing is left on the nodes."""
    truths = make_recordings(tmp_path / "recordings", 9, 30)
    state = tmp_path / "state"
    with ScriptedServer(transcribe(TranscriptionStyle(word_by_word=True))) as server:
        done = paceline(
            *("run", "--fleet", "auto", "--endpoint", server.url, "--out", tmp_path / "run"),
            tmp_path / "recordings",
        )
    states = reader.read_job_states(tmp_path / "run")
    by_path = {job.file: job for job in states}

    assert done.returncode == 0, done.stderr
    assert [] == [
        error for truth in truths for error in transcript_errors(truth, by_path[truth.path])
    ]
    assert set(NODES) == {job.node for job in states}
    for job in states:
        ((_, trace),) = trace_files(tmp_path / "run", job.job)
        assert any(isinstance(timed.event, ChunksSent) for timed in read_trace(trace))
    record = json.loads((tmp_path / "run" / "fleet.json").read_text())
    assert NODES == sorted(one["name"] for one in record["nodes"])
    assert all(abs(one["clock_offset_ms"]) < 100 for one in record["nodes"])
    assert not state.exists() or not list(state.rglob("*.jsonl"))


def test_a_program_outside_the_cluster_uses_its_port_for_clients(
    cluster: RayCluster, tmp_path: Path
) -> None:
    """With ray://HOST:PORT, on a machine that is no part of the cluster."""
    truths = make_recordings(tmp_path / "recordings", 3, 30)
    with ScriptedServer(transcribe(TranscriptionStyle())) as server:
        where = ("--endpoint", server.url, "--out", tmp_path / "run")
        arguments = ("run", "--fleet", cluster.client_address, *where, tmp_path / "recordings")
        done = paceline(*arguments, RAY_ADDRESS="")
    assert done.returncode == 0, done.stderr
    states = reader.read_job_states(tmp_path / "run")
    by_path = {job.file: job for job in states}

    assert [] == [
        error for truth in truths for error in transcript_errors(truth, by_path[truth.path])
    ]
    assert {job.node for job in states} <= set(NODES)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_an_address_at_which_nothing_answers_is_refused_in_words(
    address: str, tmp_path: Path
) -> None:
    """At once: Ray itself would try for a minute."""
    make_recordings(tmp_path / "recordings", 1, 10)
    where = ("--endpoint", "ws://127.0.0.1:1", "--out", tmp_path / "run")
    done = paceline("run", "--fleet", address, *where, tmp_path / "recordings")

    assert done.returncode == 1
    assert "nothing answers at 127.0.0.1:1 (Connection refused)" in done.stderr


def test_the_key_reaches_the_server_and_nothing_else(cluster: RayCluster, tmp_path: Path) -> None:
    """Not Ray's files, its object store, any command line or environment, or the run folder."""
    make_recordings(tmp_path / "recordings", 3, 20)
    with ScriptedServer(transcribe(TranscriptionStyle())) as server:
        with fleet_supervisor(server.url, tmp_path / "run", key=KEY) as observed:
            observed.supervisor.add(sorted(map(str, (tmp_path / "recordings").iterdir())))
            observed.wait_for_event(Began)
            for one in cluster.nodes.values():
                for process in one.processes():
                    if "session" not in process.name():
                        seen = " ".join(process.cmdline()) + str(process.environ())
                        assert KEY not in seen
            observed.wait_until_idle()
        headers = [each.headers for each in server.received_sessions]
    folders = [Path(cluster.folder), tmp_path / "run"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    assert all(KEY in header.values() for header in headers)
    assert len(files) > 10
    assert [] == [path for path in files if KEY.encode() in path.read_bytes()]


def test_verbs_act_on_a_session_wherever_it_runs(cluster: RayCluster, tmp_path: Path) -> None:
    """A turn is ended, and a session cancelled, on each node."""
    truths = make_recordings(tmp_path / "recordings", 3, 100)
    with (
        ScriptedServer() as server,
        fleet_supervisor(server.url, tmp_path / "run") as observed,
    ):
        jobs = observed.supervisor.add([truth.path for truth in truths])
        for job in jobs:
            observed.wait_for_event(Progressed, job)
        assert set(NODES) == {observed.job_states[job].node for job in jobs}
        for job in jobs:
            assert observed.supervisor.end_turn(job)
        observed.wait_until(
            lambda: (
                [["ForceEndpoint"]] * 3
                == [
                    [message["type"] for message in each.control_messages]
                    for each in server.received_sessions
                ]
            )
        )
        for job in jobs:
            observed.supervisor.cancel(job)
        observed.wait_until_idle()

    ended = [observed.job_states[job].ended for job in jobs]
    assert ["cancelled"] * 3 == [one.outcome.value for one in ended if one is not None], ended


def test_a_node_that_drains_gets_no_sessions(cluster: RayCluster, tmp_path: Path) -> None:
    """Those that it has go on."""
    truths = make_recordings(tmp_path / "recordings", 6, 40)
    with (
        ScriptedServer(transcribe(TranscriptionStyle())) as server,
        fleet_supervisor(server.url, tmp_path / "run") as observed,
    ):
        supervisor = observed.supervisor
        first = supervisor.add([truth.path for truth in truths[:3]])
        for job in first:
            observed.wait_for_event(Began, job)
        supervisor.drain("node-2", True)
        second = supervisor.add([truth.path for truth in truths[3:]])
        assert node(observed, "node-2").state is NodeState.DRAINING
        observed.wait_until_idle()
        supervisor.drain("node-2", False)
        assert node(observed, "node-2").state is NodeState.READY

    assert "node-2" in {observed.job_states[job].node for job in first}
    assert "node-2" not in {observed.job_states[job].node for job in second}
    assert ["done"] * 6 == [observed.job_states[job].status.value for job in (*first, *second)]


def test_a_node_receives_a_recording_from_the_network_itself(
    cluster: RayCluster, tmp_path: Path
) -> None:
    """It need not see the run folder, in which the program keeps what it has received."""
    (truth,) = make_recordings(tmp_path / "recordings", 1, 30)
    with (
        file_server(tmp_path / "recordings") as address,
        ScriptedServer(transcribe(TranscriptionStyle())) as server,
        fleet_supervisor(server.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.hold(True)
        (job,) = observed.supervisor.add([f"{address}/{Path(truth.path).name}"])
        observed.wait_for_event(Queued, job)
        (spool,) = (tmp_path / "run").glob("*.recording*")
        spool.unlink()
        observed.supervisor.hold(False)
        observed.wait_until_idle()
        state = observed.job_states[job]

    assert [] == transcript_errors(truth, state)


def test_nothing_of_a_run_is_left_on_the_nodes(cluster: RayCluster) -> None:
    """Agents end with the run; the cluster goes on."""

    def agents() -> list[psutil.Process]:
        return [agent for one in cluster.nodes.values() for agent in one.agents()]

    for _ in range(100):
        if not agents():
            break
        psutil.wait_procs(agents(), timeout=0.1)
    assert [] == agents()
