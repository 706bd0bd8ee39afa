"""Thresholds: what can be written, and when a run fails."""

import pytest

from workers.errors import UsageProblem
from workers.evaluation.accuracy import ErrorCounts
from workers.evaluation.figures import DelaySummary, GroupScore, Rate
from workers.evaluation.gate import check_threshold, parse_threshold
from workers.evaluation.score import ALL_JOBS
from workers.evaluation.statistics import Interval, summarise


def group() -> GroupScore:
    """A group with a word error rate of 6 % and delays from 1 to 100 ms."""
    score = GroupScore(ALL_JOBS, 3)
    counts = ErrorCounts(hits=94, substitutions=6)
    score.rates["wer"] = Rate(0.06, 0.055, Interval(0.04, 0.09), counts, 3)
    found = summarise([float(ms) for ms in range(1, 101)])
    assert found is not None
    score.delays["eot"] = DelaySummary(found, found, {"p95": Interval(90.0, 98.0)})
    score.ratios["upwr"] = 0.25
    return score


@pytest.mark.parametrize(
    ("text", "value", "breached"),
    [
        ("wer>6%", 0.06, False),
        ("wer > 5.99 %", 0.06, True),
        ("wer.mean>5.4%", 0.055, True),
        ("wer.high>8%", 0.09, True),
        ("wer.low>4%", 0.04, False),
        ("wer<7%", 0.06, True),
        ("eot.p95>95ms", 95.0, False),
        ("eot.p95>0.09s", 95.0, True),
        ("eot.p95_high>97ms", 98.0, True),
        ("eot.mean<1ms", 50.5, False),
        ("upwr>0.2", 0.25, True),
    ],
)
def test_a_threshold_fails_beyond_its_limit(text: str, value: float, breached: bool) -> None:
    """A figure equal to the limit passes."""
    result = check_threshold(parse_threshold(text), group())
    assert (result.value, result.breached) == (value, breached)
    assert text in result.sentence


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wer", "is not a threshold"),
        ("wer>=6%", "is not a threshold"),
        ("wer>six%", "is not a threshold"),
        ("war>6%", "there is no metric “war”"),
        ("wer>6", "has the wrong unit"),
        ("wer>6ms", "has the wrong unit"),
        ("wer.p95>6%", "has no “p95”"),
        ("eot>600ms", "needs a statistic"),
        ("eot.p95>6%", "has the wrong unit"),
        ("upwr>2%", "has the wrong unit"),
    ],
)
def test_what_could_never_fail_is_a_usage_error(text: str, message: str) -> None:
    """A typing error must not pass as a gate."""
    with pytest.raises(UsageProblem, match=message):
        parse_threshold(text)


@pytest.mark.parametrize("text", ["cer>6%", "ttfs.p50>1ms", "eot.p50_low>1ms", "corrections>1"])
def test_no_valid_data_is_not_a_pass(text: str) -> None:
    """Neither a missing metric nor a missing interval."""
    with pytest.raises(UsageProblem, match="no valid data"):
        check_threshold(parse_threshold(text), group())
