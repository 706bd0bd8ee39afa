"""The summary of a job in the index says what its traces do."""

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support.run_builders import save
from tests.unit.jobs.test_fold_properties import (
    FILE,
    JOB,
    attempts,
    known,
    live_reports,
    reports_of,
)
from workers.audio.source import Source
from workers.jobs.events import Connecting, Ended, Event, Outcome, Warned
from workers.jobs.job_state import JobState
from workers.jobs.job_summary import MAX_NOTES
from workers.jobs.transcript import MAX_LISTED_TURN, Transcript, TurnList
from workers.runs import run_folder
from workers.runs.index import Extent, read_index
from workers.runs.reader import read_job_states, read_run
from workers.runs.summaries import is_summarised, summarised_state
from workers.traces.files import trace_files
from workers.traces.format import TraceHead
from workers.traces.reader import read_transcript
from workers.traces.writer import TraceWriter


def stream(path: Path, sessions: list[list[Event]], *, final: bool = True) -> None:
    """Writes the run folder of one job as the scheduler does."""
    state = JobState(JOB, FILE)
    with closing(run_folder.create(path)) as folder:
        folder.add_job(JOB, Source(FILE))
        for number, events in enumerate(sessions, start=1):
            trace, _ = folder.attempt_files(JOB, number, FILE)
            with TraceWriter(trace, TraceHead(job=JOB, attempt=number, file=FILE)) as writer:
                for report in reports_of(events, number):
                    writer.write(report.t, report.event)
        for report in live_reports(sessions):
            state.apply(report)
            state.transcript.evict(0)
            folder.record(state, report)
        save(folder, final=final)


def summary_of_run(path: Path) -> JobState | None:
    """The state of its job by the index alone; None if that does not suffice."""
    index = read_index(path, Extent.SUMMARIES)
    (job,) = index.jobs
    if not is_summarised(job, trace_files(path, JOB), is_complete=index.is_complete):
        return None
    return summarised_state(job)


def shown(state: JobState) -> dict[str, Any]:
    """What the desk shows of a job that has ended."""
    line = state.transcript.latest_line
    left_out = ("turns", "tracker", "levels_db", "_last_report_s")
    return {key: value for key, value in known(state).items() if key not in left_out} | {
        "turn_count": len(state.transcript),
        "latest": None if line is None else replace(line, words=()),
        "resume_point": state.resume_point,
    }


@settings(max_examples=25, deadline=None)
@given(attempts())
def test_a_summary_tells_what_the_traces_do(sessions: list[list[Event]]) -> None:
    """Unless a turn stayed open at the end, or the last one was taken back by a further attempt."""
    with tempfile.TemporaryDirectory() as parent:
        path = Path(parent) / "run"
        stream(path, sessions)
        (traced,), restored = read_job_states(path), summary_of_run(path)
        if restored is None:
            live = JobState(JOB, FILE)
            for report in live_reports(sessions):
                live.apply(report)
                live.transcript.evict(0)
            assert live.transcript.turn_list() is None
            return
        last = restored.last_started_attempt
        restored_line = shown(restored)
        restored.transcript.restore(read_transcript(path, JOB, last).turns)

    assert restored_line == shown(traced)
    assert restored.transcript.is_complete
    assert restored.transcript.turns == traced.transcript.turns


DONE: list[Event] = [Connecting("ws://x", "ab"), Ended(Outcome.DONE, "all", sent_seconds=8.0)]


def test_a_job_is_not_read_again_when_its_run_goes_on(tmp_path: Path) -> None:
    """Its trace, here a useless one of the same size, is not opened."""
    stream(tmp_path / "run", [DONE])
    ((_, trace),) = trace_files(tmp_path / "run", JOB)
    trace.write_bytes(b"x" * trace.stat().st_size)
    (state,) = read_run(tmp_path / "run").jobs

    assert state.is_settled


@pytest.mark.parametrize("final", [True, False])
def test_a_trace_without_its_end_is_read(tmp_path: Path, final: bool) -> None:
    """It was cut, or the power failed: then it may have its size, and zeros in the place of data.
    That happens only to a run that did not end properly."""
    stream(tmp_path / "run", [DONE], final=final)
    ((_, trace),) = trace_files(tmp_path / "run", JOB)
    content = trace.read_bytes()
    start = content.rindex(b'{"t":')
    assert summary_of_run(tmp_path / "run") is not None
    trace.write_bytes(content[:start])
    assert summary_of_run(tmp_path / "run") is None
    trace.write_bytes(content[:start] + bytes(len(content) - start))

    assert (summary_of_run(tmp_path / "run") is None) is not final
    assert read_run(tmp_path / "run").jobs[0].is_settled is final


def test_an_attempt_of_which_the_index_does_not_know_is_read(tmp_path: Path) -> None:
    """The power failed after its session had started."""
    stream(tmp_path / "run", [DONE])
    ((_, trace),) = trace_files(tmp_path / "run", JOB)
    trace.with_name(trace.name.replace(".1.", ".2.")).write_bytes(trace.read_bytes())

    assert summary_of_run(tmp_path / "run") is None


def test_a_job_with_many_warnings_has_no_summary(tmp_path: Path) -> None:
    """An index is not the place for what a server says all the time."""
    warnings: list[Event] = [Warned("careful")] * (MAX_NOTES + 1)
    stream(tmp_path / "run", [[DONE[0], *warnings, DONE[1]]])

    assert summary_of_run(tmp_path / "run") is None
    (state,) = read_run(tmp_path / "run").jobs
    assert len(state.session_warnings) == MAX_NOTES + 1


def test_a_list_of_turns_cannot_fill_the_memory() -> None:
    """A run folder may come from somebody else."""
    transcript = Transcript()
    transcript.restore_list(TurnList(((MAX_LISTED_TURN - 1, MAX_LISTED_TURN),)), ())

    assert len(transcript) == 1
