"""Processes of the real program that are killed at random points; `make chaos` takes longer."""

import os

import pytest

from tests.chaos.kill_storm import run_storms

MINUTES = 2.0
"""It needs time, hardly the processor: what is killed must first start and stream."""


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_no_kill_loses_a_word_or_leaves_a_process() -> None:
    """After each round, `resume` has completed the run: no word is lost or doubled, no process is
    left, no session is open at the server, and no export is half written."""
    assert run_storms(int(os.environ.get("SEED", "1")), MINUTES) == []
