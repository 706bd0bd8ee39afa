"""Notes when the machine itself stands still: its host takes a processor away for a while.

Shared machines do that for 5 to 150 ms every few seconds, and do not count it as stolen time. What
a benchmark measures meanwhile says nothing about a program. One real-time process a core wakes
every 2 ms. Nothing of a program can keep it waiting for long, so if it wakes late, its core stood
still. Every fourth time it does the same small work; where that takes much longer than usual, the
machine was slow.
"""

import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median

BEAT_S = 0.002
WORK_BEATS = 4
LATE_S = 0.002
"""How late a beat counts as a stall: much longer than the kernel works without a break."""
SLOW_FACTOR = 3.0
"""How many times longer than the median the work takes that counts as a stall."""

_WORK = range(6000)
"""Counting so far takes about 0.3 ms: much longer than an interrupt, much shorter than a stall."""

_PRIORITY = 60


@dataclass(slots=True)
class Stalls:
    """When the machine stood still, in seconds of the monotonic clock; complete after the watch."""

    spans_s: list[tuple[float, float]] = field(default_factory=list)
    is_real_time: bool = True
    """Whether the watchers had priority; without it, other programs look like stalls."""

    def touch(self, begin_s: float, end_s: float, margin_s: float) -> bool:
        """Whether one happened in this time, or so shortly before it that a backlog remained."""
        first = bisect_left(self.spans_s, begin_s - margin_s, key=lambda span: span[1])
        return first < len(self.spans_s) and self.spans_s[first][0] <= end_s

    def add(self, spans_s: Iterable[tuple[float, float]]) -> None:
        """Adds what another core has seen. Spans that overlap become one."""
        merged: list[tuple[float, float]] = []
        for begin, end in sorted([*self.spans_s, *spans_s]):
            if merged and begin <= merged[-1][1]:
                earlier_begin, earlier_end = merged.pop()
                begin, end = earlier_begin, max(earlier_end, end)
            merged.append((begin, end))
        self.spans_s = merged

    @property
    def total_s(self) -> float:
        """How long they lasted, all together."""
        return sum(end - begin for begin, end in self.spans_s)


@contextmanager
def watch_stalls() -> Iterator[Stalls]:
    """Watches every core while the block runs. Costs about 5 % of each, and needs root."""
    stalls = Stalls()
    context = get_context("fork")
    watchers = []
    for core in sorted(os.sched_getaffinity(0)):
        ours, theirs = context.Pipe()
        process = context.Process(target=_watch, args=(core, theirs), daemon=True)
        process.start()
        watchers.append((process, ours))
    try:
        yield stalls
    finally:
        for process, ours in watchers:
            ours.send(None)
            is_real_time, spans_s = ours.recv()
            process.join()
            stalls.is_real_time &= is_real_time
            stalls.add(spans_s)


def _watch(core: int, connection: Connection) -> None:
    os.sched_setaffinity(0, {core})
    is_real_time = True
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except PermissionError:
        is_real_time = False
    late: list[tuple[float, float]] = []
    works: list[tuple[float, float]] = []
    number = 0
    while number % WORK_BEATS or not connection.poll():
        number += 1
        due_s = time.monotonic() + BEAT_S
        time.sleep(BEAT_S)
        woke_s = time.monotonic()
        if woke_s - due_s > LATE_S:
            late.append((due_s, woke_s))
        if number % WORK_BEATS == 0:
            total = 0
            for value in _WORK:
                total += value
            works.append((woke_s, time.monotonic()))
    usual_s = median(end - begin for begin, end in works) if works else 0.0
    slow = [(begin, end) for begin, end in works if end - begin > SLOW_FACTOR * usual_s]
    connection.send((is_real_time, late + slow))
