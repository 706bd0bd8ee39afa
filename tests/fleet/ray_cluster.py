"""A Ray cluster on this machine: a head that runs nothing, and nodes that a test may break."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self
from uuid import uuid4

import psutil

from tests.fleet.node_machines import LOOPBACK, Machine

MARKER_VARIABLE = "PACELINE_TEST_NODE"
"""Inherited by every process of a node, however far down."""
START_TIMEOUT_S = 90.0
_RAY = (sys.executable, "-m", "ray.scripts.scripts")
_OPTIONS = ("--object-store-memory=80000000", "--disable-usage-stats")
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_raylet_start_wait_time_s": "120",
}


class ClusterNode:
    """A node: its raylet and all that runs under it."""

    def __init__(self, name: str, marker: str, machine: Machine) -> None:
        self.name, self.machine, self._marker = name, machine, marker

    def processes(self) -> list[psutil.Process]:
        """All its living processes."""
        return list(_marked_processes(self._marker))

    def raylets(self) -> list[psutil.Process]:
        return [one for one in self.processes() if _title_of(one) == "raylet"]

    def agents(self) -> list[psutil.Process]:
        return [one for one in self.processes() if "NodeAgent" in _title_of(one)]

    def fork_servers(self) -> list[psutil.Process]:
        """The agent's fork server, and the sessions, which have the same command line."""
        return [one for one in self.processes() if "forkserver" in _command_of(one)]

    def send_signal(self, processes: Sequence[psutil.Process], number: signal.Signals) -> bool:
        """Sends a signal; returns whether any process got it."""
        return _signal(processes, number)

    def kill(self) -> bool:
        """Kills everything at once, as a power failure does."""
        return _signal(self.processes(), signal.SIGKILL)

    def freeze(self) -> bool:
        """Stops every process, as a hypervisor does with a machine."""
        return _signal(self.processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        _signal(self.processes(), signal.SIGCONT)


class RayCluster:
    """A cluster. Leaving it ends all its processes."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        """``host``: the head's address."""
        self._id = uuid4().hex[:8]
        self._files = TemporaryDirectory(prefix="ray-", dir="/tmp")  # sockets need a short path
        self._host, self._port = host, _free_port()
        self.folder = self._files.name
        """Where Ray keeps all its files."""
        self.nodes: dict[str, ClusterNode] = {}
        self.address = f"{host}:{self._port}"
        self._client_port = _free_port()
        self.client_address = f"ray://{host}:{self._client_port}"
        """Where programs on machines that are no part of the cluster reach it."""

    def __enter__(self) -> Self:
        arguments = ("--head", f"--port={self._port}", "--num-cpus=0", "--include-dashboard=false")
        where = (f"--temp-dir={self.folder}", f"--node-ip-address={self._host}")
        clients = f"--ray-client-server-port={self._client_port}"
        self.head = self._start("head", (*arguments, *where, clients), {}, LOOPBACK)
        del self.nodes["head"]
        os.environ["RAY_ADDRESS"] = self.address
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.environ.pop("RAY_ADDRESS", None)
        deadline = time.monotonic() + 10
        while (left := list(_marked_processes(self._id, prefix=True))) and (
            time.monotonic() < deadline
        ):
            _signal(left, signal.SIGKILL)
            time.sleep(0.1)
        with suppress(OSError):
            self._files.cleanup()

    def start_node(
        self,
        name: str,
        *,
        cpus: int = 1,
        environment: Mapping[str, str] | None = None,
        machine: Machine = LOOPBACK,
    ) -> ClusterNode:
        """Starts a node, perhaps in the place of one that has died."""
        arguments = (
            f"--address={self.address}",
            f"--num-cpus={cpus}",
            f"--node-name={name}",
            f"--node-ip-address={machine.address}",
        )
        return self._start(name, arguments, environment or {}, machine)

    def start_nodes(self, machines: Sequence[Machine]) -> None:
        """Starts a node on each machine: ``node-1`` and so on. One after the other: of two that
        start at once on one machine, one may never find its raylet."""
        for number, machine in enumerate(machines, 1):
            self.start_node(f"node-{number}", machine=machine)

    def _start(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        machine: Machine,
    ) -> ClusterNode:
        marker = f"{self._id}:{name}:{uuid4().hex[:6]}"
        own = {**machine.environment, **environment, MARKER_VARIABLE: marker}
        done = subprocess.run(
            [*machine.command, *_RAY, "start", *arguments, *_OPTIONS],
            env={**os.environ, **_ENVIRONMENT, **own},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        node = self.nodes[name] = ClusterNode(name, marker, machine)
        return node


@contextmanager
def running_cluster(nodes: int) -> Iterator[RayCluster]:
    """A cluster with nodes of the names ``node-1`` and so on."""
    with RayCluster() as cluster:
        cluster.start_nodes([LOOPBACK] * nodes)
        yield cluster


def _marked_processes(marker: str, *, prefix: bool = False) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            value = process.environ().get(MARKER_VARIABLE, "")
            is_marked = value.startswith(marker) if prefix else value == marker
            if is_marked and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def _title_of(process: psutil.Process) -> str:
    """Its name; Ray gives workers that of the actor."""
    with suppress(psutil.Error, IndexError):
        if process.name() != "raylet":
            return str(process.cmdline()[0])
        return "raylet"
    return ""


def _command_of(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> bool:
    hit = False
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
            hit = True
    return hit


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
