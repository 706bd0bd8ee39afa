"""Leases keep an account's limits over many nodes, whatever goes wrong."""

import pytest

from tests.support.lease_world import play_history


@pytest.mark.parametrize("seed", range(12))
def test_no_instant_exceeds_a_limit(seed: int) -> None:
    """Messages are lost, late or repeated; clocks drift; nodes die, freeze and are cut off; drivers
    restart. The server counts open sessions and starts, and would object. Afterwards everything
    comes back. `make hostile` plays many more histories."""
    play_history(seed)
