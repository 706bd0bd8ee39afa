"""A fleet on this machine beside the machine itself: ``python -m tests.benchmarks.ray_fleet``.

Starts a Ray cluster of some nodes here, and streams the same recordings to the same server twice:
with the nodes, and without. So it shows what the fleet costs, not what more machines bring. Prints
how long a start takes, what a node needs, how late events arrive, how fast a verb acts, and how
late chunks leave, as sessions measure it.
"""

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import psutil

from tests.benchmarks import system_metrics
from tests.benchmarks.pacing import write_recordings
from tests.benchmarks.turn_server import TurnServer
from tests.fleet.ray_cluster import RayCluster, running_cluster
from workers.fleet.fleet import Fleet
from workers.fleet.ray_transport import RayTransport
from workers.jobs.events import Began, Ended, JobReport, Progressed, TurnReceived
from workers.jobs.job import StreamSettings
from workers.protocol.endpoint import custom_endpoint
from workers.runs import run_folder
from workers.scheduling.launcher import SessionLauncher
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.session.local_launcher import LocalLauncher
from workers.traces.files import trace_files
from workers.traces.reader import read_head

VERB_TRIALS = 20
BUSY_S = 5.0
"""How long it is measured what the processors do."""


class Measurement:
    """One run, and what its reports tell."""

    def __init__(self, name: str, folder: Path, cluster: RayCluster | None = None) -> None:
        self.name, self.folder, self._cluster = name, folder, cluster
        self.busy_text = ""
        """What the processors did while all streamed."""
        self.started_s = 0.0
        """From the first job to the last session that streams."""
        self.verb_ms: list[float] = []
        self._arrivals: list[tuple[float, JobReport]] = []

    def run(self, supervisor: Supervisor, files: Sequence[Path], server: TurnServer) -> None:
        """Streams everything, and tries verbs meanwhile."""
        began = time.monotonic()
        jobs = supervisor.add(map(str, files))
        streaming: set[int] = set()
        while len(streaming) < len(jobs):
            streaming |= self._take(supervisor)
        self.started_s = time.monotonic() - began
        self._measure_processors(supervisor)
        for job in jobs[:: max(1, len(jobs) // VERB_TRIALS)]:
            count, asked_at = server.turn_ends(), time.monotonic()
            supervisor.end_turn(job)
            while server.turn_ends() == count:
                self._take(supervisor)
            self.verb_ms.append(1000 * (time.monotonic() - asked_at))
        while not supervisor.is_idle:
            self._take(supervisor)
        self._take(supervisor)

    def _measure_processors(self, supervisor: Supervisor) -> None:
        kinds = _processes_by_kind(self._cluster)
        before = system_metrics.cpu_seconds(one for each in kinds.values() for one in each)
        began = time.monotonic()
        while (passed_s := time.monotonic() - began) < BUSY_S:
            self._take(supervisor)
        after = system_metrics.cpu_seconds(before)
        texts = []
        for kind, processes in kinds.items():
            used_s = sum(after[one] - before[one] for one in processes if one in after)
            texts.append(f"{kind} {100 * used_s / passed_s:.0f} %")
        self.busy_text = "of a core: " + ", ".join(texts)

    def _take(self, supervisor: Supervisor) -> set[int]:
        """Takes the reports that have arrived; returns the jobs that began to stream."""
        began: set[int] = set()
        time.sleep(0.002)
        while not supervisor.reports.empty():
            report = supervisor.reports.get()
            self._arrivals.append((time.time(), report))
            if isinstance(report.event, Began):
                began.add(report.job)
        return began

    def event_delays_ms(self, *, steady: bool) -> list[float]:
        """From when a session reported something to when it was here, which a desk draws next.
        ``steady``: only while no session started or ended."""
        arrivals, began_at, ended_at = self._arrivals, 0.0, float("inf")
        if steady:
            began_at = max(at for at, report in arrivals if isinstance(report.event, Began))
            ended_at = min(at for at, report in arrivals if isinstance(report.event, Ended))
        starts = {}
        for job in {report.job for _, report in self._arrivals}:
            for _, trace in trace_files(self.folder, job):
                if (head := read_head(trace)) is not None:
                    starts[job] = datetime.fromisoformat(head.wall).timestamp()
        return sorted(
            1000 * (at - starts[report.job] - report.t)
            for at, report in arrivals
            if isinstance(report.event, TurnReceived | Progressed) and began_at < at < ended_at
        )

    def p99_lags_ms(self) -> list[float]:
        """The p99 lag of each session."""
        ended = (report.event for _, report in self._arrivals)
        certificates = (event.certificate for event in ended if isinstance(event, Ended))
        return sorted(one.lag_ms.p99 for one in certificates if one is not None)

    def __str__(self) -> str:
        lags = self.p99_lags_ms()
        every, steady = (_percentiles(self.event_delays_ms(steady=one)) for one in (False, True))
        return (
            f"{self.name:8} started {len(lags)} in {self.started_s:5.1f} s · events {every}, "
            f"while all streamed {steady} · verbs p50 {statistics.median(self.verb_ms):5.1f} max "
            f"{max(self.verb_ms):6.1f} ms · p99 lag of the median session "
            f"{lags[len(lags) // 2]:5.1f}, of the worst {lags[-1]:5.1f} ms\n{self.busy_text}"
        )


def _percentiles(delays_ms: Sequence[float]) -> str:
    median, late = delays_ms[len(delays_ms) // 2], delays_ms[len(delays_ms) * 99 // 100]
    return f"p50 {median:5.1f} p99 {late:6.1f} ms ({len(delays_ms):,})"


def _processes_by_kind(cluster: RayCluster | None) -> dict[str, list[psutil.Process]]:
    """All that runs for a run, by what it is."""
    own = psutil.Process()
    below = own.children(recursive=True)
    servers = [one for one in below if "turn_server" in " ".join(one.cmdline())]
    kinds = {"the program": [own], "the server": servers}
    if cluster is None:
        return kinds | {"sessions": [one for one in below if one not in servers]}
    kinds["its process for Ray"] = [one for one in below if one not in servers]
    nodes = list(cluster.nodes.values())
    kinds["agents"] = [process for node in nodes for process in node.agents()]
    kinds["sessions"] = [process for node in nodes for process in node.fork_servers()]
    ours = {process for each in kinds.values() for process in each}
    every = [process for node in (cluster.head, *nodes) for process in node.processes()]
    return kinds | {"Ray itself": [process for process in every if process not in ours]}


@contextmanager
def supervisor_in(
    folder: Path, url: str, sessions: int, make: Callable[[Path], SessionLauncher]
) -> Iterator[Supervisor]:
    """A supervisor with a launcher."""
    target = SessionTarget(custom_endpoint(url), None, sessions)
    with (
        closing(run_folder.create(folder)) as opened,
        Supervisor(lambda: target, opened, StreamSettings(), launcher=make(folder)) as supervisor,
    ):
        yield supervisor


def measure_fleet(
    cluster: RayCluster, files: Sequence[Path], folder: Path, server: TurnServer
) -> Measurement:
    """Streams with the nodes."""
    measured = Measurement("fleet", folder, cluster)
    folder.mkdir()
    began = time.monotonic()
    with Fleet(
        lambda record, terms: RayTransport(
            record.address, record.run, folder.with_suffix(".log"), terms
        ),
        folder.with_suffix(".fleet"),
        "auto",
    ) as fleet:
        print(f"connected after {time.monotonic() - began:.1f} s", flush=True)
        with supervisor_in(folder / "run", server.url, len(files), lambda _: fleet) as supervisor:
            measured.folder = folder / "run"
            print(_memory_text(cluster), flush=True)
            measured.run(supervisor, files, server)
        closing_at = time.monotonic()
    print(f"closed after {time.monotonic() - closing_at:.1f} s", flush=True)
    return measured


def _memory_text(cluster: RayCluster) -> str:
    """What one node needs before it has a session, in private memory."""
    (node, *_) = cluster.nodes.values()
    agent, forks = node.agents(), node.fork_servers()
    own = {process.pid for process in (*agent, *forks)}
    rest = [process for process in node.processes() if process.pid not in own]
    texts = [
        f"{name} {sum(system_metrics.private_mb(processes)):.0f} MB"
        for name, processes in (("agent", agent), ("its fork server", forks), ("Ray itself", rest))
    ]
    ours = [one for one in psutil.Process().children() if "spawn" in " ".join(one.cmdline())]
    texts.append(f"process for Ray here {sum(system_metrics.private_mb(ours)):.0f} MB")
    return "a node: " + ", ".join(texts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ray_fleet")
    parser.add_argument("--sessions", type=int, default=150)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=30, help="of each recording")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # else a cluster is left
    print(system_metrics.describe_machine(), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_recordings(folder, args.sessions, args.seconds)
        began = time.monotonic()
        with running_cluster(args.nodes) as cluster:
            print(f"{args.nodes} nodes started in {time.monotonic() - began:.1f} s", flush=True)
            with TurnServer() as server:
                (folder / "fleet.fleet").mkdir()
                print(measure_fleet(cluster, files, folder / "fleet", server), flush=True)
        with (
            TurnServer() as server,
            supervisor_in(
                folder / "local", server.url, args.sessions, lambda _: LocalLauncher()
            ) as supervisor,
        ):
            local = Measurement("local", folder / "local")
            local.run(supervisor, files, server)
            print(local, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
