"""Many random histories of leases: see `tests.support.lease_world`."""

import pytest

from tests.support.lease_world import play_history

HISTORIES_A_TEST = 50


@pytest.mark.parametrize("block", range(1, 11))
def test_no_instant_exceeds_a_limit(block: int) -> None:
    """In none of fifty histories."""
    for seed in range(block * HISTORIES_A_TEST, (block + 1) * HISTORIES_A_TEST):
        play_history(seed)
