"""When a run asks before it starts; what a terminal shows is tested in ``tests/engine/cli``."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.report_builders import job_reports, streaming
from tui.cli.cost_question import confirm_cost
from tui.cli.run_options import RunOptions
from workers.errors import UsageProblem
from workers.jobs.job import JobId, Limits, StreamSettings
from workers.jobs.job_state import JobState
from workers.prices.budget import Budget
from workers.prices.price_list import load_prices
from workers.protocol.endpoint import custom_endpoint


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    """A run at an endpoint that costs 3,600 US dollars an hour: one a second."""
    prices = tmp_path / "prices.toml"
    prices.write_text('[endpoints]\n"127.0.0.1:9000" = 3600\n')
    endpoint = custom_endpoint("ws://127.0.0.1:9000")
    return RunOptions(StreamSettings(), endpoint, None, Limits(), None, prices=load_prices(prices))


def unfinished(seconds: float) -> JobState:
    state = JobState(JobId(1), "a.wav")
    for report in job_reports(1, *streaming(sent=1.0, total=seconds)):
        state.apply(report)
    return state


def test_what_is_left_of_a_run_that_continues_is_asked_about(options: RunOptions) -> None:
    """Only what is left costs money again."""
    confirm_cost(options, (), [unfinished(2.0)], is_confirmed=False)
    with pytest.raises(UsageProblem, match="this run costs about"):
        confirm_cost(options, (), [unfinished(30.0)], is_confirmed=False)


def test_a_budget_or_a_confirmation_needs_no_question(options: RunOptions) -> None:
    """The user has said what the run may cost."""
    limited = replace(options, limits=Limits(budget=Budget(1.0)))
    confirm_cost(limited, (), [unfinished(3000.0)], is_confirmed=False)
    confirm_cost(options, (), [unfinished(3000.0)], is_confirmed=True)
