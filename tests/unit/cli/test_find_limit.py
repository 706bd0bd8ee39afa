"""``paceline find-limit``: what it refuses before anything is streamed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support import audio_files
from tests.unit.limit_search.test_diagnosis import found, trial
from tui.cli.limit_lines import report_lines
from tui.cli.registry import paceline
from workers.limit_search.finder import Bound, LimitReport


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--endpoint", "wss://stt.example.com"], "needs a budget"),
        (["--endpoint", "wss://streaming.assemblyai.com"], "needs a budget"),
        (["--endpoint", "wss://stt.example.com", "--budget", "5usd"], "no price is known"),
        (["--local", "--slo", "wer<6%"], "is not about a delay"),
        (["--local", "--slo", "soon<1s"], "there is no metric"),
        (["--local", "--plot", "limit.pdf"], "is no picture"),
        (["--local", "--budget", "5"], "is not a budget"),
    ],
)
def test_it_refuses_what_it_cannot_do(tmp_path: Path, arguments: list[str], words: str) -> None:
    """With exit code 2, before anything is streamed."""
    file = audio_files.write_recording(tmp_path / "a.wav", audio_files.sine(1))
    result = CliRunner().invoke(paceline, ["find-limit", file, *arguments])

    assert result.exit_code == 2, result.output
    assert words in result.stderr


def test_the_answer_says_how_many_hold_and_what_gave_in() -> None:
    """With the evidence below."""
    trials = (trial(sessions=1), trial(sessions=2), trial(eot=1800.0, sessions=4))
    diagnoses = tuple(map(found, trials))
    lines = report_lines(LimitReport(2, 4, Bound.FOUND, trials, diagnoses, 600.0))

    assert "2 sessions hold." in lines
    assert "At 4 sessions, what gave in: service." in lines
    assert "  · eot.p95 1800.0 ms breaks eot.p95<1s" in lines
    assert lines[-1] == "3 trials, sockets open 0.17 h in all."


@pytest.mark.parametrize(
    ("limit", "failing", "bound", "words"),
    [
        (8, None, Bound.MAX_SESSIONS, "8 sessions hold, and perhaps more: raise --up-to."),
        (1, None, Bound.BUDGET, "1 session holds, and perhaps more: the budget allows no"),
        (0, 1, Bound.FOUND, "Not even one session holds."),
    ],
)
def test_it_says_where_the_search_ended(
    limit: int, failing: int | None, bound: Bound, words: str
) -> None:
    """A search that was cut short found no limit."""
    one = trial(eot=500.0 if limit else 1800.0, sessions=1)
    lines = report_lines(LimitReport(limit, failing, bound, (one,), (found(one),), 1.0))

    assert words in "\n".join(lines)


def test_a_budget_that_allows_no_trial_says_so() -> None:
    """Instead of a limit of nothing."""
    assert "The budget allows no trial." in report_lines(
        LimitReport(0, None, Bound.BUDGET, (), (), 0.0)
    )
