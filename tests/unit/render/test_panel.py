"""The panel at the end of a run."""

from collections import Counter

import pytest

from tui.model.run_end import RunEnd
from tui.render.panel import run_end_lines
from tui.theme.roles import Look
from tui.theme.symbols import UNICODE
from workers.jobs.job_state import JobStatus


@pytest.mark.parametrize(("count", "words"), [(1, "1 with a warning"), (2, "2 with warnings")])
def test_the_end_counts_recordings_with_warnings(count: int, words: str) -> None:
    """In the words of the summary that the terminal shows afterwards."""
    end = RunEnd(Counter({JobStatus.DONE: 2}), 0, count, 60.0, 60.0)
    lines = run_end_lines(end, None, Look(UNICODE), 100)

    assert f"▲ {words}   1:00 of audio" in "".join(text for text, _ in lines[1])
