"""Scores that are computed one by one: the same as those of the whole run, also in a process."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.scored_run import EOT_MS, write_scored_run
from workers.evaluation.desk_figures import FoundReferences, JobDetail, JobFigures, RunFigures
from workers.evaluation.live_scores import MAX_GROUPS, LiveScores
from workers.evaluation.metrics import Clock
from workers.evaluation.score import ScoreOptions, score_run
from workers.evaluation.scorer import (
    DescribeJob,
    FindReferences,
    ScoreJob,
    Scorer,
    ScorerRestarted,
    Summarise,
)
from workers.jobs.job import JobId


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_scored_run(tmp_path)


def test_the_sum_of_jobs_is_the_score_of_the_run(run: Path) -> None:
    """Errors, interval and percentiles, to 1 ms; a job that is scored again counts once."""
    scores = LiveScores(run)
    for number in (1, 2, 3, 4, 3):
        scores.score_job(JobId(number))
    summed = scores.summarise("")
    whole = score_run(run, ScoreOptions()).groups[0]

    errors, rate = summed.all_jobs.errors, whole.rates["wer"]
    assert errors is not None
    assert rate.interval is not None
    assert rate.pooled == errors.rate
    assert (rate.interval.low, rate.interval.high) == (errors.low, errors.high)
    assert (4, 3, 1) == (
        summed.all_jobs.jobs,
        summed.all_jobs.recordings,
        summed.all_jobs.invalid,
    )
    assert list(whole.delays) == [delays.metric for delays in summed.all_jobs.delays]
    for delays in summed.all_jobs.delays:
        due = whole.delays[delays.metric].due
        assert (due.n, due.negative) == (delays.n, delays.negative)
        for mine, theirs in ((delays.p50, due.p50), (delays.p95, due.p95), (delays.max, due.max)):
            assert mine == theirs or mine == pytest.approx(theirs, abs=0.51)
        assert delays.n >= sum(delays.bins) > 0


def test_a_job_has_figures_and_details(run: Path) -> None:
    """Rates, delays by due, and each error; without a reference there are only delays."""
    scores = LiveScores(run)
    figures, detail = scores.score_job(JobId(1)), scores.describe_job(JobId(1))
    whole = score_run(run, ScoreOptions()).jobs[0]

    assert 30.0 == pytest.approx(figures.percent("wer"))
    assert EOT_MS == pytest.approx(figures.delay_ms("eot"), abs=110)
    assert whole.latency.delays["eot"].ms[Clock.DUE][0] == pytest.approx(figures.delay_ms("eot"))
    assert figures.delay_ms("eot", "p95") is None, "one turn is too few"
    assert isinstance(detail, JobDetail)
    assert [("S", "brown", "round"), ("D", "over", ""), ("I", "", "again")] == [
        step for step in detail.steps if step[0] != "="
    ]
    assert ("talk-001.txt", ()) == (Path(detail.reference).name, detail.invalid)

    assert {} == scores.score_job(JobId(4)).rates
    assert scores.score_job(JobId(2)).invalid
    assert scores.score_job(JobId(9)).problem


def test_jobs_are_grouped_by_columns_with_several_values(run: Path) -> None:
    """The first such column unless another is named; one with very many values is none."""
    scores = LiveScores(run)
    for number in (1, 2, 3, 4):
        scores.score_job(JobId(number))
    summed = scores.summarise("")

    assert ("speaker", ("speaker",)) == (summed.column, summed.columns)
    rates = {group.name: group.errors and group.errors.rate for group in summed.groups}
    assert {"anna": 0.3, "bert": 0.0} == rates
    assert 2 < MAX_GROUPS


def test_given_references_replace_those_beside_recordings(run: Path, tmp_path: Path) -> None:
    """They are only looked for, until they are adopted; what was scored is then forgotten."""
    scores = LiveScores(run)
    scores.score_job(JobId(1))
    table = tmp_path / "truth.csv"
    table.write_text("file,text\ntalk-001.wav,the quick round fox\ntalk-009.wav,nobody\n")
    found = scores.find_references(table, adopt=False)

    assert [(str(tmp_path / "rec/talk-001.wav"), f"{table}, line 2")] == list(found.matched)
    assert (3, (f"{table}, line 3",)) == (len(found.unmatched), found.unused)
    assert 30.0 == pytest.approx(scores.score_job(JobId(1)).percent("wer"))

    scores.find_references(table, adopt=True)
    assert 0 == scores.summarise("").all_jobs.jobs
    assert 150.0 == pytest.approx(scores.score_job(JobId(1)).percent("wer"))
    assert {} == scores.score_job(JobId(3)).rates
    assert "holds no references" in scores.find_references(tmp_path / "gone", adopt=True).problem


def test_one_bad_reference_spoils_one_job(run: Path, tmp_path: Path) -> None:
    """The others are scored."""
    (tmp_path / "rec/talk-001.txt").write_text(" ")
    scores = LiveScores(run)

    assert "is empty" in scores.score_job(JobId(1)).problem
    assert 30.0 == pytest.approx(scores.score_job(JobId(3)).percent("wer"))


def test_a_process_answers_the_user_before_it_scores_on(run: Path) -> None:
    """It loads what scoring needs, and this program does not; if it is killed, that is said."""
    scorer = Scorer(run)
    try:
        for number in (1, 2, 3):
            scorer.request(ScoreJob(JobId(number)))
        scorer.request(DescribeJob(JobId(1)))
        scorer.request(FindReferences(None, adopt=False))
        answers = [scorer.results.get(timeout=60)[1] for _ in range(5)]

        assert {JobFigures: 3, JobDetail: 1, FoundReferences: 1} == {
            kind: sum(isinstance(answer, kind) for answer in answers)
            for kind in (JobFigures, JobDetail, FoundReferences)
        }
        assert isinstance(answers[-1], JobFigures), "a user does not wait for scores of all jobs"

        assert scorer._process is not None
        scorer._process.kill()
        scorer.request(Summarise(""))
        assert ScorerRestarted(Summarise("")) == scorer.results.get(timeout=60)[1]
        scorer.request(Summarise(""))
        assert isinstance(scorer.results.get(timeout=60)[1], RunFigures)
    finally:
        scorer.close()


@pytest.mark.slow
def test_the_desk_loads_nothing_that_scores() -> None:
    """Neither the desk's modules nor those of sessions load the package, numbers or alignment."""
    code = (
        "import sys, tui.app.desk, workers.processes\n"
        "for name in workers.processes.PRELOAD_MODULES: __import__(name)\n"
        "print([name for name in sys.modules if name.startswith('workers.evaluation')\n"
        "       or name in ('rapidfuzz', 'whisper_normalizer')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert "[]" == done.stdout.strip()
