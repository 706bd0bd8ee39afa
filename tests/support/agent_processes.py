"""A cluster without Ray: each node is a process of this machine, reached through a socket.

``python -m tests.support.agent_processes SOCKET RUN NODE TERMS`` is such a node.
"""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from workers import threads
from workers.fleet.leases import LeaseTerms
from workers.fleet.node_messages import NodeId
from workers.fleet.transport import (
    AgentDied,
    ConnectionMade,
    NodeFound,
    NoReply,
    OnReply,
    Reply,
    TransportFact,
)

ROOT = Path(__file__).parents[2]


class AgentProcesses:
    """A transport to agents that it starts itself. A test may kill `processes`, or cut lines."""

    def __init__(
        self,
        folder: Path,
        run: str,
        terms: LeaseTerms,
        names: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self._folder, self._run, self._terms, self._names = folder, run, terms, names
        self._environment = environment
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.cut: set[str] = set()
        """Nodes that no message reaches, and from which none comes."""
        self._connections: dict[str, Connection] = {}
        self._replies: dict[int, tuple[str, float, OnReply | None]] = {}
        self.calls: Counter[str] = Counter()
        """How often each method was called."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        """Facts and replies come one at a time."""
        self._on_fact: Callable[[TransportFact], None] = lambda fact: None

    def start(self, on_fact: Callable[[TransportFact], None]) -> None:
        self._on_fact = on_fact
        on_fact(ConnectionMade(tuple(NodeId(name) for name in self._names)))
        for name in self._names:
            self.start_node(name)

    def start_node(self, name: str) -> None:
        """Starts a node, or starts it again."""
        address = self._folder / f"{name}-{next(self._numbers)}"
        arguments = (str(address), self._run, name, json.dumps(asdict(self._terms)))
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.support.agent_processes", *arguments],
            cwd=ROOT,
            env=dict(self._environment),
            stdout=subprocess.DEVNULL,
        )
        threads.start_thread(lambda: self._read(name, address), f"node {name}")

    def _read(self, name: str, address: Path) -> None:
        while not address.exists():
            time.sleep(0.01)
        connection = Client(str(address), "AF_UNIX")
        self._connections[name] = connection
        self.call(NodeId(name), "describe", on_reply=self._on_found(name))
        with suppress(EOFError, OSError):
            while True:
                number, is_done, value = connection.recv()
                with self._lock:
                    _, asked_at, on_reply = self._replies.pop(number, (name, 0.0, None))
                if name in self.cut or on_reply is None:
                    continue
                with self._turn:
                    on_reply(
                        Reply(value, asked_at, time.time()) if is_done else NoReply(str(value))
                    )
        with self._turn:
            self._on_fact(AgentDied(NodeId(name), "its process has died"))

    def _on_found(self, name: str) -> OnReply:
        def on_reply(reply: Reply | NoReply) -> None:
            assert isinstance(reply, Reply)
            self._on_fact(NodeFound(NodeId(name), name, reply.value))

        return on_reply

    def call(
        self,
        node: NodeId,
        method: str,
        *arguments: object,
        on_reply: OnReply | None = None,
    ) -> None:
        number = next(self._numbers)
        self.calls[method] += 1
        with self._lock:
            self._replies[number] = node, time.time(), on_reply
            if node not in self.cut:
                with suppress(OSError):
                    self._connections[node].send((number, method, arguments))

    def close(self, *, end_agents: bool) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


def main(address: str, run: str, node: str, terms: str) -> None:
    """Serves the program until it is gone."""
    from workers.fleet.node_agent import NodeAgent

    agent = NodeAgent(run, node, json.loads(terms))
    with Listener(address, "AF_UNIX") as listener, listener.accept() as connection:
        sending = threading.Lock()

        def answer(number: int, method: str, arguments: Sequence[object]) -> None:
            try:
                reply = number, True, getattr(agent, method)(*arguments)
            except Exception as error:
                reply = number, False, repr(error)
            with sending:
                connection.send(reply)

        with suppress(EOFError, OSError):
            while True:
                request = connection.recv()
                threading.Thread(target=answer, args=request, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
