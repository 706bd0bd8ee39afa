"""Applies session reports to the desk's state: the only way they reach it in a live run.

Each tick of the desk applies one batch and leaves time for keys.
"""

from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic

from tui.model.desk_state import DeskState
from workers.jobs.events import JobReport

DRAIN_BUDGET_S = 0.008
"""Maximum seconds to apply reports without a pause; enough for more than a thousand."""

DRAIN_PAUSE_S = 0.008
"""Seconds to pause and handle keys before the remaining reports are applied."""

DRAIN_BATCH_REPORTS = 100
"""Reports to apply between two checks of the clock; a slow machine applies at least this many."""


def drain_reports(state: DeskState, reports: "SimpleQueue[JobReport]") -> bool:
    """Applies pending reports; returns False if the time ran out before the queue was empty."""
    end = monotonic() + DRAIN_BUDGET_S
    with suppress(Empty):
        for applied in count(1):
            state.apply(reports.get_nowait())
            if not applied % DRAIN_BATCH_REPORTS and monotonic() > end:
                return False
    return True
