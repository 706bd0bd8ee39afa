"""Run folders of earlier versions can be resumed, and end with whole transcripts."""

import shutil
from pathlib import Path

import pytest

from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import resume_supervisor
from tests.engine.support.transcribing_server import transcribe
from tests.support.old_runs import OLD_RUNS, RECORDED_TENTHS
from tui.model.transcript_cache import restore_turns
from workers.jobs.job_state import JobStatus
from workers.runs import reader

RUNS = {
    "finished": (0, 0),
    "retried": (0, 0),
    "handed-over": (0, 0),
    "failed-and-cancelled": (2, 1),
    "interrupted": (3, 3),
    "killed": (3, 3),
    "reconfigured": (0, 0),
}
"""How many jobs of each run go on, and how many of them get to their end."""


@pytest.mark.parametrize("kind", RUNS)
def test_an_old_run_goes_on(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job that was not done, from its last final turn; the others stay as they were."""
    folder = Path(shutil.copytree(OLD_RUNS / kind, tmp_path / "run"))
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    truths = {
        f"recordings/truth-{number}.wav": write_numbered_recording(recordings, tenths, number)
        for number, tenths in enumerate(RECORDED_TENTHS)
    }
    monkeypatch.chdir(tmp_path)
    before = {job.job: job for job in reader.read_run(folder).jobs}
    with ScriptedServer(transcribe()) as endpoint, resume_supervisor(endpoint.url, folder) as again:
        again.wait_until_idle()
    after = {job.job: job for job in reader.read_run(folder).jobs}
    assert all([restore_turns(folder, job) for job in (*before.values(), *after.values())])
    resumed = [job for job in after.values() if not before[job.job].is_settled]

    assert RUNS[kind] == (len(resumed), sum(job.status is JobStatus.DONE for job in resumed))
    assert RUNS[kind][1] == len(endpoint.received_sessions)
    for job in resumed:
        if job.status is JobStatus.DONE:
            assert [] == transcript_errors(truths[job.file], job)
            assert [] == transcript_errors(truths[job.file], again.job_states[job.job])
    for number, job in before.items():
        if job.is_settled:
            assert job.transcript.text == after[number].transcript.text
