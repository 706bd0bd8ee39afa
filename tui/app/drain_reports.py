"""What was reported, into state: a moment at a time, so that keys have their turn in between."""

from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic

from tui.model.desk_state import DeskState
from workers.jobs.events import Report

MOMENT = 0.008
"""Seconds that it may take at once; enough for a thousand reports and more."""

AT_LEAST = 100
"""Reports that are taken in, however slow the machine."""


def take_in(state: DeskState, reports: "SimpleQueue[Report]") -> bool:
    """Takes in what there is; False when that was too much for a moment, so some is left."""
    end = monotonic() + MOMENT
    with suppress(Empty):
        for taken in count(1):
            state.apply(reports.get_nowait())
            if not taken % AT_LEAST and monotonic() > end:
                return False
    return True
