"""Run folders of earlier versions stay readable: as job states, in a replay, and as exports."""

import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.old_runs import OLD_RUNS
from tests.support.run_builders import observable_state
from workers.exports.files import FORMATS, write_exports
from workers.exports.names import export_names
from workers.jobs.events import Outcome
from workers.jobs.job_state import JobState, JobStatus
from workers.runs import reader
from workers.runs.job_timeline import BEFORE_START_S, UNRECORDED_ENDING
from workers.runs.timeline import RunTimeline

STATUSES = {
    "finished": [JobStatus.DONE] * 2,
    "retried": [JobStatus.DONE],
    "handed-over": [JobStatus.DONE],
    "failed-and-cancelled": [
        JobStatus.FAILED,
        JobStatus.CANCELLED,
        JobStatus.CANCELLED,
        JobStatus.FAILED,
    ],
    "interrupted": [JobStatus.INTERRUPTED] * 3,
    "killed": [JobStatus.INTERRUPTED, JobStatus.FAILED, JobStatus.QUEUED],
    "reconfigured": [JobStatus.DONE],
}
"""How the jobs of each run stand."""

OUTCOMES = {
    "retried": [Outcome.LOST, Outcome.LOST, Outcome.DONE],
    "handed-over": [Outcome.HANDED_OVER] * 3 + [Outcome.DONE],
    "reconfigured": [Outcome.LOST, Outcome.DONE],
}
"""How the attempts of their only job ended."""


@pytest.fixture(params=STATUSES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of each run."""
    return shutil.copytree(OLD_RUNS / str(request.param), tmp_path / str(request.param))


def test_every_old_run_is_tested() -> None:
    """A new one in the folder needs a line above."""
    assert set(STATUSES) == {path.name for path in OLD_RUNS.iterdir()}


def test_its_jobs_are_read(folder: Path) -> None:
    """Their attempts, their turns, and the point where each attempt continued are read too."""
    jobs = reader.read_run(folder).jobs
    assert STATUSES[folder.name] == [job.status for job in jobs]

    if folder.name in OUTCOMES:
        (job,) = jobs
        ended = [attempt.ended for attempt in job.earlier_attempts] + [job.ended]
        assert OUTCOMES[folder.name] == [end.outcome for end in ended if end is not None]
        assert len(ended) - 1 == len(job.transcript.resume_points)
    for job in jobs:
        if job.began is not None:
            assert job.transcript.text
            assert [] == job.warnings


def test_a_torn_trace_ends_where_it_was_torn() -> None:
    """The job counts as killed and resumes after its last final turn."""
    _, torn, _ = reader.read_run(OLD_RUNS / "killed").jobs

    assert UNRECORDED_ENDING == torn.ended
    assert 1580 == torn.resume_point.at_ms


def test_it_can_be_replayed(folder: Path) -> None:
    """A replay can show any moment; the state at the end equals the state read back."""
    timeline = RunTimeline(folder)
    states = {job.id: JobState.of(job.id, job.source) for job in timeline.index.jobs}
    steps = [BEFORE_START_S, 0.0, 0.5, 1.0, timeline.duration_s]
    for after_s, until_s in pairwise(steps):
        for _, report in timeline.reports_between(after_s, until_s):
            states[report.job].apply(report)

    read = {job.job: observable_state(job) for job in reader.read_run(folder).jobs}
    assert read == {job: observable_state(state) for job, state in states.items()}


def without_later_fields(export: str) -> str:
    """An export without the fields that formats gained after these runs."""
    return re.sub(r',\s*"speed": 1\.0', "", export)


def test_it_can_be_exported(folder: Path, tmp_path: Path) -> None:
    """Every format works, and equals the files of the earlier program where it wrote some."""
    states = [state for state in reader.read_job_states(folder) if len(state.transcript)]
    names = export_names({state.job: state.file for state in states})
    for state in states:
        write_exports(state, list(FORMATS), tmp_path / "new", name=names[state.job])
    new = sorted((tmp_path / "new").iterdir())

    assert len(states) * len(FORMATS) == len(new)
    for old in folder.glob("exports/*"):
        assert old.read_text() == without_later_fields((tmp_path / "new" / old.name).read_text())
