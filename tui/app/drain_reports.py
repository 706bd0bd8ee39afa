"""Applies the reports of the sessions to the desk's state: the only way in for a live run.

Each tick of the desk calls it, in portions that leave time for keys.
"""

from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic

from tui.model.desk_state import DeskState
from workers.jobs.events import JobReport

DRAIN_BUDGET_S = 0.008
"""Longest time for which reports are applied at once; enough for more than a thousand."""

DRAIN_PAUSE_S = 0.008
"""Pause before the rest of a flood of reports, in which keys are handled."""

DRAIN_BATCH_REPORTS = 100
"""Reports between two looks at the clock, so at least this many are applied on any machine."""


def drain_reports(state: DeskState, reports: "SimpleQueue[JobReport]") -> bool:
    """Applies pending reports; returns False if the time was up before the queue was empty."""
    end = monotonic() + DRAIN_BUDGET_S
    with suppress(Empty):
        for applied in count(1):
            state.apply(reports.get_nowait())
            if not applied % DRAIN_BATCH_REPORTS and monotonic() > end:
                return False
    return True
