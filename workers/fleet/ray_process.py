"""The process that uses Ray: starts an agent on each node, and calls it.

The only module that imports Ray. What Ray writes goes to a log in the run folder. A call's
arguments travel from this process to that of the agent; the answers come the same way. Both are
smaller than what Ray would keep in its object store.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from workers import files, secrecy, threads
from workers.fleet.node_agent import NodeAgent
from workers.fleet.node_messages import NodeId
from workers.fleet.ray_messages import Call, EndRay, FromRay, Returned, ToRay
from workers.fleet.transport import (
    AgentDied,
    CallGroup,
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
DESCRIBE_TIMEOUT_S = 30.0
MAX_START_FAILURES = 5
"""How often an agent is started in vain before its node counts as unusable. A node may be dying."""
_GROUP_THREADS = {CallGroup.NEWS.value: 3, CallGroup.CONTROL.value: 1, CallGroup.FILES.value: 2}
"""How many calls of each group an agent handles at once. A question for news waits, so that a
later one needs a thread of its own."""
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
    try:
        import ray
    except ImportError:
        hint = "Install it with: pip install 'paceline[fleet]'"
        outbox.put(ConnectionFailed("Ray is not installed", hint, is_final=True))
        return
    try:
        ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level=logging.ERROR,
            ignore_reinit_error=True,
        )
    except Exception as error:
        outbox.put(_connection_failure(address, error))
        return
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    RayCluster(outbox, run, terms).serve(requests)
    # Ray's own clean-up takes a second, and may wait for a head that is gone.
    os._exit(0)


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
            method = getattr(agent, call.method).options(concurrency_group=call.group.value)
            future = method.remote(*call.arguments).future()
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
        """The thread that starts an agent on each node that joins."""
        is_first = True
        while True:
            nodes = self._alive_nodes()
            if is_first:
                self._outbox.put(ConnectionMade(tuple(nodes)))
                is_first = False
            for node, name in nodes.items():
                with self._lock:
                    is_known = node in self._agents or node in self._refused
                if not is_known:
                    self._start_agent(node, name)
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
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        try:
            agent = (
                ray.remote(concurrency_groups=_GROUP_THREADS)(NodeAgent)
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
            reference = agent.describe.options(concurrency_group=CallGroup.FILES.value).remote()
            description = ray.get(reference, timeout=DESCRIBE_TIMEOUT_S)
        except Exception as error:
            self._failures[node] += 1
            may_pass = "raised in its creation task" not in str(error)
            if may_pass and self._failures[node] < MAX_START_FAILURES:
                return  # the next look tries again, if the node is still there
            with self._lock:
                self._refused.add(node)
            self._outbox.put(NodeUnusable(node, name, _start_problem(error)))
            return
        with self._lock:
            self._agents[node] = agent
            self._failures[node] = 0
        self._outbox.put(NodeFound(node, name, description))


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
