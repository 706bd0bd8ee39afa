"""The process that uses Ray: starts an agent on each node, and calls it.

Only this module and `ray_agent` import Ray. What Ray writes goes to a log in the run folder. A
call's arguments travel from this process to that of the agent, through the head if the address is
ray://; the answers come the same way. Both are smaller than what Ray would keep in its object
store.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from workers import files, secrecy, threads
from workers.fleet.node_messages import NodeId
from workers.fleet.ray_messages import Call, EndRay, FromRay, Returned, ToRay
from workers.fleet.transport import (
    AgentDied,
    ConnectionFailed,
    ConnectionMade,
    NodeFound,
    NodeUnusable,
    NoReply,
    Reply,
)

NAMESPACE = "paceline"
NODE_WATCH_INTERVAL_S = 1.0
"""Time between two looks at which nodes there are."""
DIAL_TIMEOUT_S = 10.0
MAX_CONNECTION_TRIES = 2
"""Each takes up to 30 s."""
DESCRIBE_TIMEOUT_S = 30.0
MAX_STARTING_AGENTS = 50
"""How many agents are started at once."""
MAX_START_FAILURES = 5
"""After so many failed starts of its agent, a node counts as unusable. A node may be dying."""
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it warns of graphics cards
}
_NO_CLUSTER_HINT = "Start one with “ray start --head”, or name another with --fleet ray://…"


def run_ray_process(
    requests: Connection,
    facts: Connection,
    address: str,
    run: str,
    log: str,
    terms: dict[str, float],
) -> None:
    """Runs until ``requests`` is closed, because the program has ended, or asks to close."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    descriptor = files.open_log(log)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    secrecy.forbid_core_dumps()
    threads.exit_on_fault()
    os.environ.update(_ENVIRONMENT)
    # Ray lets nodes import from the folders of the program and of its working folder; they should
    # have a Paceline of their own.
    os.chdir("/")
    sys.argv = ["paceline"]
    outbox = Outbox(facts)
    if (problem := _unreachable(address) or _connect(address)) is not None:
        outbox.put(problem)
        return
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    RayCluster(outbox, run, terms).serve(requests)
    # Ray's own clean-up takes a second, and may wait for a head that is gone.
    os._exit(0)


def _connect(address: str) -> ConnectionFailed | None:
    """Connects to the cluster; returns why not. On a busy machine, the server for ray:// may take
    longer for a new client than Ray waits for it, so that is tried again."""
    try:
        import ray
    except ImportError:
        hint = "Install it with: pip install 'paceline[fleet]'"
        return ConnectionFailed("Ray is not installed", hint, is_final=True)
    for tries_left in reversed(range(MAX_CONNECTION_TRIES)):
        try:
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level=logging.ERROR,
                ignore_reinit_error=True,
            )
            break
        except Exception as error:
            was_late = address.startswith("ray://") and isinstance(error, ConnectionError)
            if not was_late or not tries_left:
                return _connection_failure(address, error)
    return None


def _unreachable(address: str) -> ConnectionFailed | None:
    """Why nothing can be at an address; None if something answers. Ray would try for a minute."""
    if address == "auto":
        return None
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), DIAL_TIMEOUT_S).close()
    except OSError as error:
        reason = f"nothing answers at {host}:{port} ({error.strerror or error})"
        hint = "Is the cluster's head node running? Its port for ray:// is 10001, else 6379."
        return ConnectionFailed(reason, hint, is_final=True)
    return None


def _connection_failure(address: str, error: Exception) -> ConnectionFailed:
    text = " ".join(str(error).split())
    if "Version mismatch" in text or ("version" in text.lower() and "mismatch" in text.lower()):
        hint = "Use the same versions of Ray and Python on all machines."
        return ConnectionFailed(f"the cluster has another version ({text[:200]})", hint, True)
    if address == "auto" and "Could not find any running Ray instance" in text:
        return ConnectionFailed("no Ray cluster runs on this machine", _NO_CLUSTER_HINT, True)
    reason = f"the cluster at {address} cannot be reached ({text[:200]})"
    return ConnectionFailed(reason, "Is its head node running?", True)


class Outbox:
    """Sends facts to the program, from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def put(self, message: FromRay) -> None:
        """Sends a message; ends the process if the program is gone."""
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(0)


class RayCluster:
    """The nodes of the cluster, and the agent of each."""

    def __init__(self, outbox: Outbox, run: str, terms: dict[str, float]) -> None:
        self._outbox, self._run, self._terms = outbox, run, terms
        self._agents: dict[NodeId, Any] = {}
        self._refused: set[NodeId] = set()
        self._starting: set[NodeId] = set()
        """The nodes whose agents are being started."""
        self._failures: Counter[NodeId] = Counter()
        """How often in a row the agent of a node could not be started."""
        self._lock = threading.Lock()
        """Guards all above."""

    def serve(self, requests: Connection) -> None:
        """Handles requests until the program closes or has died."""
        threads.start_thread(self._watch_nodes, "nodes")
        with suppress(EOFError, OSError):
            while True:
                request: ToRay = requests.recv()
                if isinstance(request, EndRay):
                    if request.end_agents:
                        self._end_agents()
                    return
                self._call(request)

    # --- calls

    def _call(self, call: Call) -> None:
        with self._lock:
            agent = self._agents.get(call.node)
        if agent is None:
            self._outbox.put(Returned(call.number, NoReply("it has no agent")))
            return
        asked_at = time.time()
        try:
            future = getattr(agent, call.method).remote(*call.arguments).future()
        except Exception as error:
            self._outbox.put(Returned(call.number, NoReply(_short(error))))
            return
        future.add_done_callback(partial(self._on_done, call, agent, asked_at))

    def _on_done(self, call: Call, agent: Any, asked_at: float, future: Any) -> None:
        """Called by a thread of Ray."""
        returned_at, error = time.time(), future.exception()
        if error is None:
            reply: Reply | NoReply = Reply(future.result(), asked_at, returned_at)
        else:
            reply = NoReply(_call_problem(error))
            if _is_certain_death(error):
                self._drop(call.node, agent, "its process has died")
        self._outbox.put(Returned(call.number, reply))

    def _drop(self, node: NodeId, agent: Any, problem: str) -> None:
        with self._lock:
            if self._agents.get(node) is not agent:
                return
            del self._agents[node]
        self._outbox.put(AgentDied(node, problem))

    def _end_agents(self) -> None:
        import ray

        with self._lock:
            agents = list(self._agents.values())
        closing = [agent.close.remote() for agent in agents]
        with suppress(Exception):
            ray.wait(closing, num_returns=len(closing), timeout=2.0)
        for agent in agents:
            with suppress(Exception):
                ray.kill(agent)

    # --- nodes

    def _watch_nodes(self) -> None:
        """The thread that sees to it that each node that joins gets an agent. Each start has a
        thread of its own: a node that does not answer must not keep the others waiting."""
        is_first = True
        while True:
            nodes = self._alive_nodes()
            if is_first:
                self._outbox.put(ConnectionMade(tuple(nodes)))
                is_first = False
            for node, name in nodes.items():
                with self._lock:
                    known = self._agents.keys() | self._refused | self._starting
                    if node in known or len(self._starting) >= MAX_STARTING_AGENTS:
                        continue
                    self._starting.add(node)
                threads.start_thread(partial(self._start_agent, node, name), "agent")
            time.sleep(NODE_WATCH_INTERVAL_S)

    def _alive_nodes(self) -> dict[NodeId, str]:
        """The nodes that take work, and their names."""
        import ray

        found = {}
        for node in ray.nodes():
            # A head node is started with --num-cpus=0 if nothing is to run there.
            if node["Alive"] and node["Resources"].get("CPU", 0) > 0:
                name, address = node["NodeName"], node["NodeManagerAddress"]
                found[NodeId(node["NodeID"])] = (
                    node["NodeManagerHostname"] if name == address else name
                )
        return found

    def _start_agent(self, node: NodeId, name: str) -> None:
        """Starts the agent of a node, or finds the one that an earlier program has started."""
        try:
            agent, description = self._described_agent(node)
        except Exception as error:
            self._note_failure(node, name, error)
            return
        with self._lock:
            self._starting.discard(node)
            self._agents[node] = agent
            self._failures[node] = 0
        self._outbox.put(NodeFound(node, name, description))

    def _described_agent(self, node: NodeId) -> tuple[Any, Any]:
        """The agent of a node, and what it says of itself; raises whatever Ray raises."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        from workers.fleet.ray_agent import GROUP_THREADS, RayNodeAgent

        agent = (
            ray.remote(concurrency_groups=GROUP_THREADS)(RayNodeAgent)
            .options(
                name=f"paceline-{self._run}-{node[:16]}",
                namespace=NAMESPACE,
                lifetime="detached",  # it outlives this program, for the next one
                get_if_exists=True,
                num_cpus=0,
                max_restarts=0,
                max_task_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
            )
            .remote(self._run, node[:16], self._terms)
        )
        return agent, ray.get(agent.describe.remote(), timeout=DESCRIBE_TIMEOUT_S)

    def _note_failure(self, node: NodeId, name: str, error: Exception) -> None:
        """Lets the next look try again, if the node is still there; or gives the node up."""
        may_pass = "raised in its creation task" not in str(error)
        with self._lock:
            self._starting.discard(node)
            self._failures[node] += 1
            if may_pass and self._failures[node] < MAX_START_FAILURES:
                return
            self._refused.add(node)
        self._outbox.put(NodeUnusable(node, name, _start_problem(error)))


def _is_certain_death(error: BaseException) -> bool:
    """Whether an agent's process is surely gone, because its raylet has seen that. Of a node that
    it cannot reach, Ray only supposes so; its sessions may still run."""
    import ray

    died = isinstance(error, ray.exceptions.ActorDiedError)
    return died and "worker process has died" in str(error)


def _call_problem(error: BaseException) -> str:
    """Why a call has failed, as a sentence for people."""
    import ray

    if isinstance(error, ray.exceptions.ActorDiedError):
        return "Ray has given it up"
    if isinstance(error, ray.exceptions.ActorUnavailableError):
        return "Ray cannot reach it"
    return _short(error)


def _start_problem(error: BaseException) -> str:
    """Why an agent cannot be started, as a sentence for people."""
    text = str(error)
    if "ModuleNotFoundError" in text or "ImportError" in text:
        return "Paceline is not installed there, or in another version"
    if "TypeError" in text or "AttributeError" in text:
        return "another version of Paceline is installed there"
    return f"its agent cannot be started ({_short(error)})"


def _short(error: BaseException) -> str:
    """The last line of an error, which names it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
