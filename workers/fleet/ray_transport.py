"""Connects a fleet with a Ray cluster, through a process that alone loads Ray.

Ray ends the process that uses it when its raylet or its head is lost, and writes to the terminal.
Neither may happen to the desk. If that process dies, another one takes its place, and finds the
agents again; their sessions do not notice.
"""

import itertools
import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue

from workers import processes, threads
from workers.fleet.leases import LeaseTerms
from workers.fleet.node_messages import NodeId
from workers.fleet.ray_messages import Call, EndRay, FromRay, Returned, ToRay
from workers.fleet.transport import (
    ConnectionFailed,
    NoReply,
    OnReply,
    TransportFact,
)

RESTART_PAUSE_S = 1.0
END_TIMEOUT_S = 8.0


class RayTransport:
    """A `Transport` over the agents of one run in a Ray cluster."""

    def __init__(self, address: str, run: str, log: Path, terms: LeaseTerms) -> None:
        """``address``: ``auto``, or as `ray.init` takes it. ``log``: what Ray writes."""
        self._arguments = address, run, str(log), asdict(terms)
        self._on_fact: Callable[[TransportFact], None] = lambda fact: None
        self._numbers = itertools.count(1)
        self._replies: dict[int, OnReply] = {}
        self._lock = threading.Lock()
        """Guards the replies."""
        self._outbox: SimpleQueue[ToRay | None] = SimpleQueue()
        self._closing = False
        self._process: BaseProcess | None = None
        self._reader_thread: threading.Thread | None = None

    def start(self, on_fact: Callable[[TransportFact], None]) -> None:
        """Starts the process and the threads that talk to it."""
        self._on_fact = on_fact
        processes.warm_up(processes.mp_context())
        self._reader_thread = threads.start_thread(self._run, "ray")

    def call(
        self,
        node: NodeId,
        method: str,
        *arguments: object,
        on_reply: OnReply | None = None,
    ) -> None:
        """Calls a method of a node's agent."""
        number = next(self._numbers)
        if on_reply is not None:
            with self._lock:
                self._replies[number] = on_reply
        self._outbox.put(Call(number, node, method, arguments))

    def close(self, *, end_agents: bool) -> None:
        """Ends the process, after what was called before."""
        self._closing = True
        self._outbox.put(EndRay(end_agents))
        if self._reader_thread is not None:
            self._reader_thread.join(END_TIMEOUT_S)
        if self._process is not None:
            with suppress(ValueError):
                self._process.kill()

    def _run(self) -> None:
        """The thread that brings facts and replies, from one process after the other."""
        # Not from the fork server, whose children may use little memory.
        context = multiprocessing.get_context("spawn")
        while not self._closing:
            ours_in, theirs_out = context.Pipe(duplex=False)
            theirs_in, ours_out = context.Pipe(duplex=False)
            self._process = processes.start_process(
                context, _ray_main, theirs_in, theirs_out, *self._arguments, name="paceline-ray"
            )
            theirs_in.close()
            theirs_out.close()
            self._outbox = SimpleQueue()
            write = partial(_write, self._outbox, ours_out)
            writer = threads.start_thread(write, "ray calls")
            self._read(ours_in)
            self._outbox.put(None)
            writer.join()
            ours_in.close()
            ours_out.close()
            self._process.join(END_TIMEOUT_S)
            self._fail_calls()
            if not self._closing:
                time.sleep(RESTART_PAUSE_S)

    def _read(self, connection: Connection) -> None:
        """Reads until the process ends."""
        with suppress(EOFError, OSError):
            while True:
                message: FromRay = connection.recv()
                if isinstance(message, Returned):
                    with self._lock:
                        on_reply = self._replies.pop(message.number, None)
                    if on_reply is not None:
                        on_reply(message.reply)
                    continue
                if isinstance(message, ConnectionFailed) and message.is_final:
                    self._closing = True
                self._on_fact(message)

    def _fail_calls(self) -> None:
        with self._lock:
            replies, self._replies = self._replies, {}
        for on_reply in replies.values():
            on_reply(NoReply("the process for Ray has ended"))


def _write(outbox: "SimpleQueue[ToRay | None]", connection: Connection) -> None:
    """The thread that hands calls to the process."""
    with suppress(OSError):
        while (message := outbox.get()) is not None:
            connection.send(message)


def _ray_main(
    requests: Connection,
    facts: Connection,
    address: str,
    run: str,
    log: str,
    terms: dict[str, float],
) -> None:
    """Runs in the process for Ray."""
    from workers.fleet.ray_process import run_ray_process

    run_ray_process(requests, facts, address, run, log, terms)
