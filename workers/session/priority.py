"""Gives a session real-time priority while it streams, where the system allows that.

A program that computes keeps an ordinary one waiting for its turn, for some milliseconds. Linux
lets a real-time process run at once, on whichever core has no other one, as sound needs it. It is
allowed to root, with the capability ``CAP_SYS_NICE``, or by a limit for the user
(``RLIMIT_RTPRIO``).
"""

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MAX_COMPUTING_S = 0.2
"""How long a session may compute without a wait before it loses the priority: a hundred times what
it needs. A recording that is hard to decode must not keep other programs from running."""


@contextmanager
def real_time() -> Iterator[None]:
    """Runs the block with the lowest real-time priority. Main thread only.

    Changes nothing if the system refuses, or if the program was started with another priority, as
    ``nice`` does: then the user wants other programs to come first.
    """
    if not raise_priority():
        yield
        return
    handler = signal.signal(signal.SIGXCPU, lambda number, frame: _lower_priority())
    soft, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    _limit_computing(round(MAX_COMPUTING_S * 1e6), hard)
    try:
        yield
    finally:
        _lower_priority()
        _limit_computing(soft, hard)
        signal.signal(signal.SIGXCPU, handler)


def raise_priority() -> bool:
    """Gives this thread the lowest real-time priority; returns whether it had an ordinary one, and
    the system allows that."""
    if sys.platform != "linux":
        return False
    try:
        if os.sched_getscheduler(0) != os.SCHED_OTHER or os.getpriority(os.PRIO_PROCESS, 0) > 0:
            return False
        lowest = os.sched_get_priority_min(os.SCHED_RR)
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(lowest))
    except OSError:
        return False
    return True


def _lower_priority() -> None:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _limit_computing(soft: int, hard: int) -> None:
    """Sets after how many µs of computing without a wait SIGXCPU comes, and the process is killed;
    -1: never."""
    with suppress(OSError, ValueError):  # a lower limit is set
        resource.setrlimit(resource.RLIMIT_RTTIME, (soft, hard))
