"""Notes what this machine did while sessions streamed: processors, late timers, sockets.

Reads ``/proc``, so on other systems only the timer is watched. One thread, which wakes a hundred
times a second and does little.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from workers import threads
from workers.session import priority

TICK_S = 0.01
STALL_S = 0.03
"""A timer that is later than this counts as a stall: the machine, or this program, stood still."""
REAL_TIME_STALL_S = 0.01
"""The same of a timer with real-time priority."""
SOCKETS_EVERY_TICKS = 50

_PROC = Path("/proc")
_ENGINE = b"workers.localserver"
_ESTABLISHED = "01"


@dataclass(frozen=True, slots=True)
class MachineLoad:
    """What was seen in one window."""

    seconds: float
    cores: int
    busy: float | None
    """Share of all processors that was used, by anybody; None: not known."""
    stolen: float | None
    """Share that the host of a virtual machine took."""
    sessions_cpu: float | None
    """Processor time of this program and its sessions, in cores."""
    engine_cpu: float | None
    """Processor time of the embedded engine, in cores."""
    stalls: int
    stalled_s: float
    """By how much timers were late in stalls, all together."""
    stall_spans: tuple[tuple[float, float], ...]
    """When the machine itself stood still, in Unix time. Empty without real-time priority: then a
    timer may be late because this program had to wait."""
    unsent_bytes: int
    """Most bytes that waited in our sockets at one moment, because the other side or the network
    did not take them."""
    unread_bytes: int
    """Most bytes that had arrived and that our sessions had not read."""
    unread_by_server_bytes: int
    """The same of a server on this machine."""
    resent: float | None
    """Share of TCP segments that this machine sent again."""

    @property
    def others_cpu(self) -> float:
        """Processor time of other programs, in cores; 0 if it is not known."""
        if self.busy is None or self.sessions_cpu is None:
            return 0.0
        own = self.sessions_cpu + (self.engine_cpu or 0.0)
        return max(0.0, self.busy * self.cores - own)


@dataclass(frozen=True, slots=True)
class _Counters:
    at_s: float
    cpu: tuple[float, float, float] | None
    """Busy, idle and stolen time of all processors, in seconds."""
    processes: dict[tuple[int, bool], float]
    """Processor time by process, and whether it belongs to the engine."""
    segments: tuple[int, int] | None
    """TCP segments sent, and sent again."""


class MachineWatch:
    """Watches from `begin` to `end`. A context manager."""

    def __init__(self) -> None:
        self.port: int | None = None
        """The port of the endpoint; None while it is not known."""
        self._closing = False
        self._before: _Counters | None = None
        self._stalls: list[tuple[float, float]] = []
        """From when a timer was due until it fired, in Unix time."""
        self._is_real_time = False
        self._queues = [0, 0, 0]
        self._thread = threads.start_thread(self._watch, "machine watch")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join()

    def begin(self) -> None:
        """Begins a window."""
        self._stalls, self._queues = [], [0, 0, 0]
        self._before = _read_counters()

    def end(self) -> MachineLoad:
        """Ends the window."""
        before, after = self._before, _read_counters()
        assert before is not None
        seconds = max(after.at_s - before.at_s, 1e-9)
        busy = stolen = None
        if before.cpu is not None and after.cpu is not None:
            used, idle, taken = (b - a for a, b in zip(before.cpu, after.cpu, strict=True))
            total = max(used + idle + taken, 1e-9)
            busy, stolen = used / total, taken / total
        cpu = {True: 0.0, False: 0.0}
        for process, spent_s in after.processes.items():
            cpu[process[1]] += (spent_s - before.processes.get(process, 0.0)) / seconds
        resent = None
        if before.segments is not None and after.segments is not None:
            sent, again = (b - a for a, b in zip(before.segments, after.segments, strict=True))
            resent = again / max(sent, 1)
        stalls = list(self._stalls)
        unsent, unread, unread_by_server = self._queues
        return MachineLoad(
            seconds=seconds,
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
            busy=busy,
            stolen=stolen,
            sessions_cpu=cpu[False] if after.processes else None,
            engine_cpu=cpu[True] if after.processes else None,
            stalls=len(stalls),
            stalled_s=sum(end_s - begin_s for begin_s, end_s in stalls),
            stall_spans=tuple(stalls) if self._is_real_time else (),
            unsent_bytes=unsent,
            unread_bytes=unread,
            unread_by_server_bytes=unread_by_server,
            resent=resent,
        )

    def _watch(self) -> None:
        """The thread. It has real-time priority, where the system allows that: then a timer that is
        late says that the machine stood still."""
        self._is_real_time = priority.raise_priority()
        stall_s = REAL_TIME_STALL_S if self._is_real_time else STALL_S
        tick, due = 0, time.monotonic()
        while not self._closing:
            due += TICK_S
            time.sleep(max(0.0, due - time.monotonic()))
            late = time.monotonic() - due
            if late > stall_s:
                now_s = time.time()
                self._stalls.append((now_s - late, now_s))
                due += late
            tick += 1
            if tick % SOCKETS_EVERY_TICKS == 0 and self.port is not None:
                found = socket_queues(self.port)
                self._queues = [max(pair) for pair in zip(self._queues, found, strict=True)]


def socket_queues(port: int) -> tuple[int, int, int]:
    """Bytes that wait in the sockets to and from a port: unsent by clients of this machine, unread
    by them, and unread by a server of this machine."""
    unsent = unread = unread_by_server = 0
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                local, remote, state, queues = fields[1:5]
                if state != _ESTABLISHED:
                    continue
                waiting_out, waiting_in = (int(one, 16) for one in queues.split(":"))
                if int(remote.rpartition(":")[2], 16) == port:
                    unsent += waiting_out
                    unread += waiting_in
                elif int(local.rpartition(":")[2], 16) == port:
                    unread_by_server += waiting_in
    return unsent, unread, unread_by_server


def _read_counters() -> _Counters:
    cpu = segments = None
    with suppress(OSError, ValueError, AttributeError):  # no /proc
        ticks = os.sysconf("SC_CLK_TCK")
        names = [
            int(one) / ticks for one in (_PROC / "stat").read_text().split("\n")[0].split()[1:9]
        ]
        user, nice, system, idle, waiting, hard, soft, stolen = names
        cpu = user + nice + system + hard + soft, idle + waiting, stolen
        lines = (_PROC / "net" / "snmp").read_text().splitlines()
        head, values = (line.split()[1:] for line in lines if line.startswith("Tcp:"))
        tcp = dict(zip(head, map(int, values), strict=True))
        segments = tcp["OutSegs"], tcp["RetransSegs"]
    return _Counters(time.monotonic(), cpu, dict(_own_processes()), segments)


def _own_processes() -> Iterator[tuple[tuple[int, bool], float]]:
    """Processor time in seconds of this process and all below it."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    with suppress(OSError, ValueError, AttributeError):
        ticks = os.sysconf("SC_CLK_TCK")
        for entry in os.listdir(_PROC):
            if not entry.isdigit():
                continue
            with suppress(OSError):  # it has ended
                fields = (_PROC / entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry)] = int(fields[1])
                spent[int(entry)] = (int(fields[11]) + int(fields[12])) / ticks
    kinds: dict[int, bool | None] = {os.getpid(): False}
    for process, seconds in spent.items():
        if (is_engine := _kind(process, parents, kinds)) is not None:
            yield (process, is_engine), seconds


def _kind(process: int, parents: dict[int, int], kinds: dict[int, bool | None]) -> bool | None:
    """Whether a process belongs to the embedded engine; None if it is not below this one."""
    if process in kinds:
        return kinds[process]
    if process not in parents:
        return None
    above = kinds[process] = _kind(parents[process], parents, kinds)
    if above is False:
        with suppress(OSError):
            kinds[process] = _ENGINE in (_PROC / str(process) / "cmdline").read_bytes()
    return kinds[process]
