"""Service level objectives as users write them."""

import pytest

from workers.errors import UsageProblem
from workers.limit_search.objectives import figure, parse_objective


def test_an_objective_says_what_must_hold() -> None:
    """Unlike a threshold of the gate, which says what must not be."""
    objective = parse_objective("ttfs.p95<800ms")

    assert objective.check({"ttfs": [700.0, 799.0]}).holds
    assert not objective.check({"ttfs": [700.0, 801.0]}).holds
    assert parse_objective("ttfs.p95 < 0.8s").check({"ttfs": [801.0]}).holds is False


def test_without_samples_it_does_not_hold() -> None:
    """A service that answers nothing keeps no service level."""
    result = parse_objective("eot.p50<1s").check({})

    assert not result.holds
    assert "nothing measured" in result.sentence


@pytest.mark.parametrize("text", ["wer<6%", "ttfs<800ms", "ttfs.p95_low<1s", "speed.p95<1s", "x"])
def test_only_figures_of_delays_can_be_objectives(text: str) -> None:
    """Others are refused in words."""
    with pytest.raises(UsageProblem):
        parse_objective(text)


def test_percentiles_are_by_nearest_rank_however_few_samples_there_are() -> None:
    """The p95 of a few is the largest."""
    assert figure([], "p95") is None
    assert figure([3.0, 1.0, 2.0], "p95") == 3.0
    assert figure([3.0, 1.0, 2.0], "p50") == 2.0
    assert figure([1.0, 2.0, 6.0], "mean") == 3.0
    assert figure(list(range(1, 101)), "p99") == 99
