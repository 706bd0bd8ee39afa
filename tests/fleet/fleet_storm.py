"""Storms over a fleet: nodes, lines, disks and the program break at random, and no word is lost.

``python -m tests.fleet.fleet_storm --seed N --faults M`` runs rounds of it; needs root, for network
namespaces. After each round, each word of each recording is in the transcript once, and no session
is open at the server for longer than its lease allows.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from tempfile import mkdtemp

from tests.engine.support.ground_truth import (
    GroundTruth,
    transcript_errors,
    write_numbered_recording,
)
from tests.engine.support.process_tree import ROOT
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import TranscriptionStyle, transcribe
from tests.fleet.fleet_harness import SHORT_TERMS
from tests.fleet.node_machines import CLUSTER_HOST, SERVER_HOST, Machine, node_machines
from tests.fleet.ray_cluster import ClusterNode, RayCluster
from workers.runs import reader

SESSIONS = 8
JOBS = 30
MAX_OPEN_S = SHORT_TERMS.fenced_s
"""How long a session may stay open after the last fault of a round."""
LONG_ENOUGH_S = 150.0
"""Seconds after the last fault; a run that has not ended by then never will."""

FAULT_WEIGHTS = {
    "agent killed": 4,
    "raylet killed": 2,
    "node killed": 2,
    "program killed": 3,
    "process for Ray killed": 2,
    "node frozen": 3,
    "agent frozen": 2,
    "line to the cluster cut": 3,
    "all lines cut": 3,
    "disk full": 2,
    "fork server killed": 2,
    "session killed": 3,
    "node slowed": 2,
    "node joined late": 1,
}
"""The faults, and how often each is drawn, relative to the others."""


class FleetStorm:
    """One round over a cluster that is there already."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        cluster: RayCluster,
        machines: Sequence[Machine],
        *,
        faults: int,
        host: str = SERVER_HOST,
        kinds: Sequence[str] = tuple(FAULT_WEIGHTS),
        jobs: int = JOBS,
        truths: Sequence[GroundTruth] = (),
    ) -> None:
        """``host``: where nodes reach this machine. ``truths``: the recordings; empty: ``jobs``
        that are drawn."""
        self._chance = Random(seed)
        self._folder, self._run = folder, folder / "run"
        self._cluster, self._machines = cluster, machines
        self._faults_left = faults
        self._kinds = kinds
        self.fault_counts: Counter[str] = Counter()
        self.longest_open_s = 0.0
        chance = self._chance
        self._host = host
        self._truths = truths or [
            write_numbered_recording(folder, chance.randint(60, 160), job) for job in range(jobs)
        ]

    def run(self) -> list[str]:
        """Runs the round; returns what was wrong in the end."""
        style = TranscriptionStyle(word_by_word=self._chance.random() < 0.5)
        with ScriptedServer(transcribe(style), host=self._host) as server, ExitStack() as stack:
            found = self._run_until_done(server, stack)
            began = time.monotonic()
            for session in server.received_sessions:
                if not session.closed.wait(max(0.0, began + MAX_OPEN_S - time.monotonic())):
                    found.append("a session stayed open at the server")
                    break
            self.longest_open_s = time.monotonic() - began
        return found + self._transcript_errors()

    def _transcript_errors(self) -> list[str]:
        states = reader.read_job_states(self._run)
        return [
            f"job {state.job}: {error}"
            for truth, state in zip(self._truths, states, strict=True)
            for error in transcript_errors(truth, state)
        ]

    def _run_until_done(self, server: ScriptedServer, stack: ExitStack) -> list[str]:
        """Starts the program again until it ends by itself."""
        began, last_fault_at = time.monotonic(), time.monotonic()
        while True:
            program = self.start_program(server)
            stack.callback(program.kill)
            while program.poll() is None:
                if self._faults_left > 0 and self._has_begun:
                    self._wait(program, self._chance.uniform(0.2, 1.5))
                    if program.poll() is None:
                        self._break_something(program)
                    last_fault_at = time.monotonic()
                else:
                    self._wait(program, 0.2)
                if time.monotonic() - last_fault_at > LONG_ENOUGH_S:
                    return [f"it never came to an end, after {time.monotonic() - began:.0f} s"]
            self._restore()
            if program.returncode == 0:
                return []
            if program.returncode != -signal.SIGKILL:
                return [f"the program ended with {program.returncode}; see {self._folder}/log"]

    def start_program(self, server: ScriptedServer) -> subprocess.Popen[bytes]:
        """Starts or resumes the run."""
        is_begun = (self._run / "run.json").exists()
        if not is_begun:
            shutil.rmtree(self._run, ignore_errors=True)
        files = [] if is_begun else [truth.path for truth in self._truths]
        arguments = (server.url, self._run, SESSIONS, *files)
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.fleet.fleet_program", *map(str, arguments)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def _has_begun(self) -> bool:
        return any(self._run.rglob("*.trace.jsonl*"))

    @staticmethod
    def _wait(program: subprocess.Popen[bytes], seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            program.wait(seconds)

    # --- faults

    def _break_something(self, program: subprocess.Popen[bytes]) -> None:
        kinds = self._kinds
        weights = [FAULT_WEIGHTS[kind] for kind in kinds]
        (kind,) = self._chance.choices(kinds, weights)
        node = self._chance.choice(sorted(self._cluster.nodes.values(), key=lambda n: n.name))
        if self._apply(kind, node, program):
            self.fault_counts[kind] += 1
            self._faults_left -= 1
            self._note(f"{kind}: {node.name}")

    def _note(self, text: str) -> None:
        with (self._folder / "log").open("a") as log:
            log.write(f"{time.time():.3f} --- {text}\n")

    def _apply(self, kind: str, node: ClusterNode, program: subprocess.Popen[bytes]) -> bool:
        """Applies a fault; returns False if there was nothing to break."""
        chance = self._chance
        match kind:
            case "agent killed":
                return node.send_signal(node.agents(), signal.SIGKILL)
            case "session killed":
                sessions = node.fork_servers()[1:]
                return bool(sessions) and node.send_signal(
                    [chance.choice(sessions)], signal.SIGKILL
                )
            case "fork server killed":
                return node.send_signal(node.fork_servers()[:1], signal.SIGKILL)
            case "raylet killed":
                hit = node.send_signal(node.raylets(), signal.SIGKILL)
                self._wait(program, chance.uniform(0.5, 4.0))
                self._restart(node)
                return hit
            case "node killed":
                hit = node.kill()
                self._wait(program, chance.uniform(0.0, 4.0))
                self._restart(node)
                return hit
            case "node joined late":
                node.kill()
                self._wait(program, chance.uniform(5.0, 9.0))
                self._restart(node)
            case "program killed":
                program.kill()
                program.wait()
                if chance.random() < 0.3:  # else it comes back while its sessions still run
                    time.sleep(chance.uniform(0.0, SHORT_TERMS.lease_s * 1.5))
            case "process for Ray killed":
                return _kill_ray_process(program.pid)
            case "node frozen":
                hit = node.freeze()
                self._wait(program, chance.choice([1.0, 4.0, 9.0, 30.0]))
                node.thaw()
                return hit
            case "agent frozen":
                agents = node.agents()
                hit = node.send_signal(agents, signal.SIGSTOP)
                self._wait(program, chance.choice([1.0, 4.0, 9.0]))
                node.send_signal(agents, signal.SIGCONT)
                return hit
            case "node slowed":
                for _ in range(20):
                    node.freeze()
                    time.sleep(0.07)
                    node.thaw()
                    self._wait(program, 0.05)
            case "line to the cluster cut" | "all lines cut":
                node.machine.cut(server_too=kind == "all lines cut")
                self._wait(program, chance.choice([0.5, 2.0, 5.0, 10.0, 16.0]))
                node.machine.mend()
            case "disk full":
                node.machine.fill_disk()
                self._wait(program, chance.uniform(2.0, 6.0))
                node.machine.free_disk()
        return True

    def _restart(self, node: ClusterNode) -> None:
        """Lets a machine join again, as after a power failure."""
        node.kill()
        self._cluster.start_node(node.name, machine=node.machine)

    def _restore(self) -> None:
        """Makes the cluster whole: Ray ends a raylet that it has given up."""
        for node in list(self._cluster.nodes.values()):
            node.thaw()
            if not node.raylets():
                self._restart(node)


def _kill_ray_process(program: int) -> bool:
    import psutil

    with suppress(psutil.Error):
        for child in psutil.Process(program).children(recursive=True):
            if "multiprocessing.spawn" in " ".join(child.cmdline()):
                child.kill()
                return True
    return False


def run_storms(seed: int, faults: int, kinds: Sequence[str]) -> list[str]:
    """Runs rounds until so many faults were survived; returns what was wrong in the first bad
    round."""
    counts: Counter[str] = Counter()
    longest_open_s, rounds = 0.0, 0
    began = time.monotonic()
    with node_machines(3) as machines, RayCluster(CLUSTER_HOST) as cluster:
        cluster.start_nodes(machines)
        while counts.total() < faults:
            folder = Path(mkdtemp(prefix=f"fleet-storm-{seed + rounds}-"))
            storm = FleetStorm(seed + rounds, folder, cluster, machines, faults=30, kinds=kinds)
            found = storm.run()
            counts += storm.fault_counts
            longest_open_s = max(longest_open_s, storm.longest_open_s)
            if found:
                print(f"--seed {seed + rounds}, in {folder}:", *found, sep="\n  ")
                return found
            shutil.rmtree(folder)
            rounds += 1
            print(
                f"{time.monotonic() - began:6.0f} s: seed {seed + rounds - 1}, "
                f"{counts.total()} faults survived",
                flush=True,
            )
    print(f"{rounds} runs of {JOBS} recordings; no word lost or doubled in them")
    print(f"{counts.total()} faults; sessions were open for {longest_open_s:.1f} s at most then:")
    for name, times in counts.most_common():
        print(f"{times:6}  {name}")
    return []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.fleet_storm")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--only", action="append", choices=sorted(FAULT_WEIGHTS))
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # else machines are left
    return 1 if run_storms(args.seed, args.faults, args.only or tuple(FAULT_WEIGHTS)) else 0


if __name__ == "__main__":
    sys.exit(main())
