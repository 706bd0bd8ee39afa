"""How many sessions recognisers serve."""

import pytest

from workers.localserver.capacity import process_count, session_capacity
from workers.localserver.recognisers import RecogniserPool


@pytest.mark.parametrize(
    ("processes", "speed", "sessions"),
    [(2, 1.0, 8), (2, 4.0, 2), (2, 3.0, 2), (2, 20.0, 1), (1, 1.0, 4), (2, 0.5, 8)],
)
def test_faster_sessions_are_fewer(processes: int, speed: float, sessions: int) -> None:
    """In proportion, but never none; slower sessions are not more."""
    assert sessions == session_capacity(processes, speed)


def test_there_are_a_few_processes_at_most() -> None:
    """Each has a copy of the model in memory."""
    assert 1 <= process_count() <= 4


def test_a_pool_of_recognisers_serves_fewer_faster_sessions() -> None:
    """In proportion to the speed that it is made for."""
    usual = session_capacity(process_count())

    assert usual == RecogniserPool().capacity
    assert usual // 4 == RecogniserPool(4.0).capacity
