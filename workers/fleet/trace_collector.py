"""Collects the traces of sessions from the nodes, and puts them into the run folder.

A session that is over waits for its trace, but not for long: what its node does not hand over in
time is collected later. Traces of sessions that nobody waits for, such as those of an agent that
has died, are collected as well.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Container
from pathlib import Path
from queue import SimpleQueue

from workers import threads
from workers.fleet.node_messages import NodeId, SessionKey
from workers.fleet.trace_collection import TraceCollection
from workers.fleet.transport import Transport
from workers.log import Logger
from workers.traces.files import log_of, trace_files

_log = Logger("paceline.fleet")

LEFTOVER_S = 10.0
"""How long after a node has joined the traces are collected that an earlier agent has left there.
By then their sessions are over, and it is known which are to be adopted."""
COLLECT_TIMEOUT_S = 30.0
"""How long the end of a session waits for its trace; it is collected later then."""


class TraceCollector:
    """The collections of one fleet. Its own thread writes what was collected, as the disk may be
    slow."""

    def __init__(
        self,
        transport: Transport,
        folder: Path,
        changed: threading.Condition,
        on_end: Callable[[SessionKey], None],
    ) -> None:
        """``folder``: that of the run. ``changed``: the lock of the fleet, which guards what is
        here, and is notified. ``on_end`` is called without it when the trace of a session is in its
        place, or is nowhere."""
        self._transport, self._folder = transport, folder
        self._changed, self._on_end = changed, on_end
        self._collections: dict[SessionKey, tuple[TraceCollection, float]] = {}
        """Those in progress, and when the end of the session waits no longer."""
        self._leftovers: dict[SessionKey, tuple[NodeId, float]] = {}
        """Traces of sessions that nobody has waited for, a node that has them, and when to collect
        them. Nodes on one machine also name those of each other's live sessions."""
        self._to_install: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threads.start_thread(self._install, "traces")

    def close(self, timeout_s: float) -> None:
        """Writes what was collected, and ends the thread."""
        self._to_install.put(None)
        if self._thread is not None:
            self._thread.join(timeout_s)

    @property
    def is_collecting(self) -> bool:
        """Whether a node is handing over a trace."""
        with self._changed:
            return any(not collection.is_waiting for collection, _ in self._collections.values())

    def uncollected(self) -> Counter[NodeId | None]:
        """How many traces are being collected from each node."""
        with self._changed:
            return Counter(collection.node for collection, _ in self._collections.values())

    def collect(self, key: SessionKey, trace: Path, node: NodeId) -> None:
        """Collects the trace of a session that is over into its place in the run folder."""
        collection = TraceCollection(self._transport, key, trace, log_of(trace), self._on_collected)
        with self._changed:
            if key in self._collections:
                collection, _ = self._collections[key]
                if not collection.is_waiting:
                    return
            else:
                self._collections[key] = collection, time.monotonic() + COLLECT_TIMEOUT_S
        collection.resume(node)

    def note_leftover(self, key: SessionKey, node: NodeId, wait_s: float = 0.0) -> None:
        """Records that a node has the trace of a session that nobody waits for."""
        with self._changed:
            self._leftovers[key] = node, time.monotonic() + wait_s

    def check(
        self,
        now: float,
        nodes: Collection[NodeId],
        answering: Container[NodeId],
        live: Container[SessionKey],
    ) -> list[SessionKey]:
        """Begins what is due, and goes on with what a cut has interrupted. Call it often.

        ``nodes``: those that have an agent; ``answering``: those whose agents answer; ``live``: the
        sessions that somebody waits for. Returns the sessions whose end waits no longer.
        """
        with self._changed:
            due = [(key, node) for key, (node, at) in self._leftovers.items() if at <= now]
            for key, node in due:
                del self._leftovers[key]
                if node in nodes and key not in live:
                    self._collect_leftover(key, node)
            collections = list(self._collections.values())
        for collection, _ in collections:
            place = collection.node
            if collection.is_waiting and place is not None and place in answering:
                collection.resume(place)
        return [collection.key for collection, end_at in collections if now > end_at]

    def _collect_leftover(self, key: SessionKey, node: NodeId) -> None:
        job, attempt, _ = key.split(".")
        path = dict(trace_files(self._folder, int(job))).get(int(attempt))
        if path is not None:
            self.collect(key, path, node)

    def _on_collected(self, collection: TraceCollection, is_whole: bool) -> None:
        """Called by the transport's thread."""

        def install() -> None:
            key = collection.key
            try:
                if is_whole:
                    collection.install()
            except OSError as error:
                _log.warning("the trace of session %s cannot be kept: %s", key, error)
                is_kept = False
            else:
                is_kept = is_whole
            with self._changed:
                self._collections.pop(key, None)
                node = collection.node
                self._changed.notify_all()
            if is_kept and node is not None:
                self._transport.call(node, "forget", [key])
            self._on_end(key)

        self._to_install.put(install)

    def _install(self) -> None:
        """The thread that writes collected traces, and waits for the disk."""
        while (install := self._to_install.get()) is not None:
            install()
