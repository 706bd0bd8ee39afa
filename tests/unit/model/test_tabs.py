"""Which traces the tabs share."""

from pathlib import Path

from tui.model.tabs import TabState
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState


def test_two_screens_with_a_job_each_keep_their_traces(tmp_path: Path) -> None:
    """Else each would throw away what the other one is reading. A third job replaces the first."""
    tabs = TabState(tmp_path)
    first, second, third = (JobState(JobId(number), "talk.wav") for number in (1, 2, 3))
    (of_first,), (of_second,) = tabs.trace_tails(first), tabs.trace_tails(second)

    assert tabs.trace_tails(first)[0] is of_first
    assert tabs.trace_tails(second)[0] is of_second
    tabs.trace_tails(third)
    assert tabs.trace_tails(first)[0] is not of_first
