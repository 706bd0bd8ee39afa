"""Offsets between clocks, by questions and answers."""

from hypothesis import given
from hypothesis import strategies as st

from workers.fleet.clock_offset import MAX_SAMPLES, ClockOffset, ClockSample


def sample(offset_s: float, there_s: float, back_s: float, held_s: float = 0.3) -> ClockSample:
    """An exchange with a clock that is ahead by ``offset_s``."""
    received = 1000.0 + there_s + offset_s
    return ClockSample.of(1000.0, received, received + held_s, 1000.0 + there_s + held_s + back_s)


@given(offset_s=st.floats(-1e6, 1e6), there_s=st.floats(0.0, 10.0), back_s=st.floats(0.0, 10.0))
def test_the_offset_is_never_wrong_by_more_than_half_the_round_trip(
    offset_s: float, there_s: float, back_s: float
) -> None:
    """However different the two ways are, and however long the answer was held back."""
    one = sample(offset_s, there_s, back_s)

    assert abs(one.offset_s - offset_s) <= one.round_trip_s / 2 + 1e-6
    assert abs(one.round_trip_s - (there_s + back_s)) < 1e-6


def test_the_exchange_with_the_shortest_way_counts_until_it_is_old() -> None:
    """Slow exchanges change nothing."""
    offset = ClockOffset()
    assert offset.best is None
    quick = sample(0.5, 0.001, 0.001)
    offset.add(quick)
    for _ in range(MAX_SAMPLES - 1):
        offset.add(sample(0.5, 0.4, 0.0))
    assert offset.best is quick

    offset.add(sample(0.5, 0.4, 0.0))
    assert offset.best is not quick
