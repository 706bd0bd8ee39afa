"""What was reported, into state: a moment at a time, so that keys have their turn in between."""

from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic

from tui.model.desk_state import DeskState
from workers.jobs.events import JobReport

DRAIN_BUDGET_S = 0.008
"""Seconds that it may take at once; enough for a thousand reports and more."""

DRAIN_BATCH_REPORTS = 100
"""Reports that are taken in, however slow the machine."""


def drain_reports(state: DeskState, reports: "SimpleQueue[JobReport]") -> bool:
    """Takes in what there is; False when that was too much for a moment, so some is left."""
    end = monotonic() + DRAIN_BUDGET_S
    with suppress(Empty):
        for taken in count(1):
            state.apply(reports.get_nowait())
            if not taken % DRAIN_BATCH_REPORTS and monotonic() > end:
                return False
    return True
