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

MARKER_VARIABLE = "PACELINE_TEST_NODE"
"""Inherited by every process of a node, however far down."""
START_TIMEOUT_S = 60.0
_RAY = (sys.executable, "-m", "ray.scripts.scripts")
_OPTIONS = ("--object-store-memory=80000000", "--disable-usage-stats")
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
}


class ClusterNode:
    """A node: its raylet and all that runs under it."""

    def __init__(self, name: str, marker: str) -> None:
        self.name, self._marker = name, marker

    def processes(self) -> list[psutil.Process]:
        """All its living processes."""
        return list(_marked_processes(self._marker))

    def raylets(self) -> list[psutil.Process]:
        return [one for one in self.processes() if _name_of(one) == "raylet"]

    def agents(self) -> list[psutil.Process]:
        return [one for one in self.processes() if "NodeAgent" in _name_of(one)]

    def kill_agent(self) -> bool:
        """Kills the agent; returns whether there was one."""
        return _signal(self.agents(), signal.SIGKILL)

    def kill_raylet(self) -> bool:
        """Kills the raylet; its workers notice."""
        return _signal(self.raylets(), signal.SIGKILL)

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

    def __init__(self) -> None:
        self._id = uuid4().hex[:8]
        self._files = TemporaryDirectory(prefix="ray-", dir="/tmp")  # sockets need a short path
        self.nodes: dict[str, ClusterNode] = {}
        self.folder = self._files.name
        self._port = _free_port()
        self.address = f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        arguments = ("--head", f"--port={self._port}", "--num-cpus=0", "--include-dashboard=false")
        folder = f"--temp-dir={self._files.name}"
        self._start("head", (*arguments, folder, "--node-ip-address=127.0.0.1"), {})
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
        through: Sequence[str] = (),
        address: str = "127.0.0.1",
    ) -> ClusterNode:
        """Starts a node. ``through``: a command that starts it, perhaps in a network namespace."""
        arguments = (
            f"--address={self.address}",
            f"--num-cpus={cpus}",
            f"--node-name={name}",
            f"--node-ip-address={address}",
        )
        return self._start(name, arguments, environment or {}, through)

    def _start(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        through: Sequence[str] = (),
    ) -> ClusterNode:
        marker = f"{self._id}:{name}:{uuid4().hex[:6]}"
        done = subprocess.run(
            [*through, *_RAY, "start", *arguments, *_OPTIONS],
            env={**os.environ, **_ENVIRONMENT, **environment, MARKER_VARIABLE: marker},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        node = self.nodes[name] = ClusterNode(name, marker)
        return node


@contextmanager
def running_cluster(nodes: int) -> Iterator[RayCluster]:
    """A cluster with nodes of the names ``node-1`` and so on."""
    with RayCluster() as cluster:
        for number in range(1, nodes + 1):
            cluster.start_node(f"node-{number}")
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


def _name_of(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return (
            f"{process.name()} {process.cmdline()[0]}" if process.name() != "raylet" else "raylet"
        )
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
