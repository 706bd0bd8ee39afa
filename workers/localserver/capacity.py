"""How many sessions the recognisers of this machine can serve.

The program that starts a server asks too, so this imports nothing slow.
"""

import os

MAX_STREAMS_PER_PROCESS = 4
"""Real-time streams that one ordinary core can serve. A slower core causes a backlog."""

MAX_RECOGNISER_PROCESSES = 4


def process_count() -> int:
    """The number of recogniser processes: one per core that this program may use, up to four."""
    return min(core_count(), MAX_RECOGNISER_PROCESSES)


def core_count() -> int:
    """How many cores this program may use."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1


def session_capacity(processes: int, speed: float = 1.0) -> int:
    """The sessions that recognisers can serve at once, if each sends at ``speed``; at least 1.

    ``speed``: seconds of audio per second. Below 1, it does not raise the capacity.
    """
    return max(1, int(MAX_STREAMS_PER_PROCESS * processes / max(speed, 1.0)))
