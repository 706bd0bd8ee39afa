"""Which number of sessions is tried next."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.limit_search.search import LimitSearch


def search(limit: int, *, refuses: bool = False, **options: Any) -> tuple[LimitSearch, list[int]]:
    """Searches where exactly ``limit`` sessions hold; returns the numbers that were tried too."""
    found = LimitSearch(**{"max_sessions": 1000, **options})
    tried: list[int] = []
    while (sessions := found.next_sessions()) is not None:
        tried.append(sessions)
        fails = sessions > limit
        found.record(sessions, held=not fails, refused=refuses and fails)
    return found, tried


@settings(max_examples=30)
@given(limit=st.integers(1, 400), refuses=st.booleans(), repeats=st.integers(1, 5))
def test_a_limit_is_found_exactly_if_asked_to(limit: int, refuses: bool, repeats: int) -> None:
    """By doubling and bisection, so that few numbers are tried."""
    found, tried = search(limit, refuses=refuses, repeats=repeats, within=0.0)

    assert found.limit == limit
    assert found.first_failing == limit + 1
    assert len(set(tried)) <= 2 * limit.bit_length() + 2


@settings(max_examples=30)
@given(limit=st.integers(1, 900))
def test_a_limit_is_found_within_the_step(limit: int) -> None:
    """5 % of the lower end, and never more trials than needed for that."""
    found, _ = search(limit)

    assert found.first_failing is not None
    assert found.limit <= limit < found.first_failing
    assert found.first_failing - found.limit <= max(1, 0.05 * found.limit)


def test_it_doubles_and_then_halves_and_then_repeats_both_ends_in_turn() -> None:
    """So slow changes of the machine meet both ends alike."""
    _, tried = search(11)

    assert tried == [1, 2, 4, 8, 16, 12, 10, 11, 12, 11, 12, 11]


def test_what_was_refused_is_not_tried_again() -> None:
    """A refusal is no noise, and nobody likes to be asked again."""
    _, tried = search(5, refuses=True)

    assert tried == [1, 2, 4, 8, 6, 5, 5, 5]


def test_it_stops_at_the_most_that_it_may_try() -> None:
    """And says that more might hold."""
    found, tried = search(1000, max_sessions=6, repeats=1)

    assert tried == [1, 2, 4, 6]
    assert found.limit == 6
    assert found.first_failing is None
    assert found.is_bounded


def test_nothing_may_hold_at_all() -> None:
    """Not even one session."""
    found, tried = search(0)

    assert found.limit == 0
    assert found.first_failing == 1
    assert tried == [1, 1, 1]


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), limit=st.integers(2, 200))
def test_noise_ends_the_search_too_and_the_ends_are_decided_by_majority(
    seed: int, limit: int
) -> None:
    """However the trials come out: no number is tried more often than it should be."""
    noise = random.Random(seed)
    found = LimitSearch(max_sessions=1000)
    while (sessions := found.next_sessions()) is not None:
        found.record(sessions, held=(sessions <= limit) != (noise.random() < 0.3))
        assert found.trials(sessions) <= 3

    assert found.limit == 0 or found.holds(found.limit)
    assert found.first_failing is None or not found.holds(found.first_failing)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_one_bad_trial_in_three_does_not_move_the_limit(share: float) -> None:
    """The first trial of the limit itself fails, the next two hold."""
    found = LimitSearch(max_sessions=64, within=share)
    while (sessions := found.next_sessions()) is not None:
        first = sessions == 9 and found.trials(9) == 0
        found.record(sessions, held=sessions <= 9 and not first)

    assert found.limit in (8, 9)
