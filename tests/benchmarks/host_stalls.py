"""Notes when the machine itself stands still: its host takes the processor away for a while.

Shared machines do that for 30 to 150 ms every few seconds, and do not count it as stolen time. What
a benchmark measures meanwhile says nothing about a program. One real-time process a core does the
same small work every 8 ms; where that takes much longer than usual, the machine stood still.
"""

import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median

BEAT_S = 0.008
SLOW_FACTOR = 3.0
"""How many times longer than the median a beat takes that counts as a stall."""

_WORK = range(6000)
"""Counting so far takes about 0.3 ms: much longer than an interrupt, much shorter than a stall."""

_PRIORITY = 60


class Stalls:
    """When the machine stood still, in seconds of the monotonic clock; complete after the watch."""

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self.is_real_time = True
        """Whether the watchers had priority; without it, other programs look like stalls."""

    def touch(self, begin_s: float, end_s: float, margin_s: float) -> bool:
        """Whether one happened in this time, or so shortly before it that a backlog remained."""
        first = bisect_left(self.times_s, begin_s - margin_s)
        return first < len(self.times_s) and self.times_s[first] <= end_s


@contextmanager
def watch_stalls() -> Iterator[Stalls]:
    """Watches every core while the block runs. Costs about 4 % of each, and needs root."""
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
            is_real_time, times_s = ours.recv()
            process.join()
            stalls.is_real_time &= is_real_time
            stalls.times_s += times_s
        stalls.times_s.sort()


def _watch(core: int, connection: Connection) -> None:
    os.sched_setaffinity(0, {core})
    is_real_time = True
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except PermissionError:
        is_real_time = False
    beats: list[tuple[float, float]] = []
    while not connection.poll():
        time.sleep(BEAT_S)
        began_s = time.monotonic()
        total = 0
        for number in _WORK:
            total += number
        beats.append((began_s, time.monotonic() - began_s))
    usual_s = median(seconds for _, seconds in beats) if beats else 0.0
    slow = [at for at, seconds in beats if seconds > SLOW_FACTOR * usual_s]
    connection.send((is_real_time, slow))
