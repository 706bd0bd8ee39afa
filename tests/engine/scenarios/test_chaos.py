from pathlib import Path

import pytest

from tests.chaos.chaos_round import ChaosRound


@pytest.mark.slow
def test_no_word_is_lost_or_doubled_in_a_storm(tmp_path: Path) -> None:
    """Failing and lying servers and killed processes at once; `make chaos` runs longer."""
    storm = ChaosRound(7, tmp_path, jobs=8, sessions=8, seconds=6.0, liars=True)

    assert storm.run() == []
    assert storm.plan.fault_counts
