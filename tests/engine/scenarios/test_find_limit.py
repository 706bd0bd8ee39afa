"""The limit of a server whose limit is known, found with real sessions."""

from pathlib import Path

from tests.engine.support.limited_servers import LimitedServer, search_limit, trial_runner
from workers.limit_search.diagnosis import Side
from workers.limit_search.finder import Bound
from workers.limit_search.search import LimitSearch
from workers.limit_search.trial import Failure, TrialPlan
from workers.prices.budget import Budget


def test_a_server_that_refuses_above_two_sessions_holds_two(tmp_path: Path) -> None:
    """A refusal ends the trial at once, is the service's, and is not asked for again."""
    with LimitedServer(2) as server:
        report = search_limit(server, tmp_path, LimitSearch(64, repeats=1))

    assert report.limit == 2
    assert report.first_failing == 3
    assert report.bound is Bound.FOUND
    assert report.diagnosis.side is Side.SERVICE
    assert "Too many concurrent sessions" in report.diagnosis.evidence[0]
    assert [trial.sessions for trial in report.trials] == [1, 2, 4, 3]
    assert [trial.failure for trial in report.trials] == [None, None, *[Failure.REFUSED] * 2]


def test_a_trial_streams_on_after_what_it_measures(tmp_path: Path) -> None:
    """So that delays which began in time may end."""
    plan = TrialPlan(warm_up_s=0.1, hold_s=0.2, cool_down_s=1.0)
    with LimitedServer(1) as server:
        trial = trial_runner(server, tmp_path, plan, segment_s=3.0).run(1, tmp_path / "run")

    assert trial.open_seconds >= plan.warm_up_s + plan.hold_s + plan.cool_down_s


def test_no_trial_begins_that_may_pass_the_budget(tmp_path: Path) -> None:
    """The report has what was found before."""
    with LimitedServer(100) as server:
        report = search_limit(server, tmp_path, LimitSearch(64, repeats=1), budget=Budget(4 / 3600))

    assert report.bound is Bound.BUDGET
    assert [trial.sessions for trial in report.trials] == [1]
    assert report.limit == 1
    assert 0 < report.open_seconds < 4
