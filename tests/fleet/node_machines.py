"""Machines for nodes: network namespaces with two lines each, and small disks of their own.

One line leads to the cluster, the other to the server, so that either may be cut. Needs root.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

DISK_MB = 48
"""Room for traces on each machine."""
CLUSTER_HOST, SERVER_HOST = "10.77.0.1", "10.78.0.1"
"""Where this machine is on the two networks."""


@dataclass(frozen=True)
class Machine:
    """Where a node runs."""

    address: str
    command: Sequence[str] = ()
    """What starts a program there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    cluster_line: str = ""
    server_line: str = ""
    disk: Path | None = None

    def cut(self, *, server_too: bool) -> None:
        """Cuts the line to the cluster, and perhaps that to the server."""
        for line in (self.cluster_line, self.server_line)[: 1 + server_too]:
            _ip("link", "set", line, "down")

    def mend(self) -> None:
        """Connects both lines."""
        for line in (self.cluster_line, self.server_line):
            _ip("link", "set", line, "up")

    def fill_disk(self) -> None:
        """Leaves no room on its disk."""
        assert self.disk is not None
        with suppress(OSError), (self.disk / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(1 << 16)):
                pass

    def free_disk(self) -> None:
        """Makes room again."""
        assert self.disk is not None
        with suppress(FileNotFoundError):
            (self.disk / "filler").unlink()


LOOPBACK = Machine("127.0.0.1")
"""This machine itself."""


def can_make_machines() -> bool:
    """Whether this user may make network namespaces and mount disks."""
    return os.geteuid() == 0 and shutil.which("ip") is not None and _may_add_namespaces()


def _may_add_namespaces() -> bool:
    name = f"pcl{uuid4().hex[:6]}"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True)
    if done.returncode == 0:
        _ip("netns", "del", name)
    return done.returncode == 0


@contextmanager
def node_machines(count: int) -> Iterator[list[Machine]]:
    """So many machines; this one is at `CLUSTER_HOST` and `SERVER_HOST`."""
    with ExitStack() as stack:
        for bridge, host in (("pclray", CLUSTER_HOST), ("pclsrv", SERVER_HOST)):
            _ip("link", "add", bridge, "type", "bridge")
            stack.callback(_ip, "link", "del", bridge)
            _ip("addr", "add", f"{host}/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
        yield [stack.enter_context(_node_machine(number)) for number in range(1, count + 1)]


@contextmanager
def _node_machine(number: int) -> Iterator[Machine]:
    namespace = f"pclnode{number}"
    _ip("netns", "add", namespace)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        stack.callback(_ip, "netns", "del", namespace)
        for bridge, host, inner in (
            ("pclray", CLUSTER_HOST, "eth0"),
            ("pclsrv", SERVER_HOST, "eth1"),
        ):
            line, network = f"{bridge}{number}", host.rpartition(".")[0]
            _ip("link", "add", line, "type", "veth", "peer", "name", inner, "netns", namespace)
            # A namespace goes when its last process does; the next machine needs the name before.
            stack.callback(subprocess.run, ["ip", "link", "del", line], check=False)
            _ip("link", "set", line, "master", bridge, "up")
            _ip("-n", namespace, "addr", "add", f"{network}.{10 + number}/24", "dev", inner)
            _ip("-n", namespace, "link", "set", inner, "up")
        _ip("-n", namespace, "link", "set", "lo", "up")
        size = f"size={DISK_MB}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
        stack.callback(subprocess.run, ["umount", "-l", folder], check=False)
        address = f"{CLUSTER_HOST.rpartition('.')[0]}.{10 + number}"
        yield Machine(
            address,
            ("ip", "netns", "exec", namespace),
            {"XDG_STATE_HOME": folder},
            f"pclray{number}",
            f"pclsrv{number}",
            Path(folder),
        )


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
