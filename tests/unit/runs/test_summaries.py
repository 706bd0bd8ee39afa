"""The summary of a job in the index says what its traces do."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support.run_builders import save, write_summarised_run
from tests.unit.jobs.test_fold_properties import (
    FILE,
    JOB,
    attempts,
    known,
    live_reports,
    reports_of,
)
from tui.model.desk_state import DeskState
from tui.model.replay import Replay
from workers.audio.source import Source
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    Outcome,
    Progressed,
    Slipped,
    TurnReceived,
    Warned,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.job_summary import MAX_NOTES
from workers.jobs.transcript import MAX_LISTED_TURN, Transcript, TurnList
from workers.pacing.certificate import LagSummary
from workers.protocol.messages import Turn, Word
from workers.runs import run_folder
from workers.runs.index import Extent, read_index
from workers.runs.reader import read_job_states, read_run
from workers.runs.summaries import is_summarised, summarised_state
from workers.runs.timeline import RunTimeline
from workers.traces.files import trace_files
from workers.traces.format import TraceHead
from workers.traces.reader import read_transcript
from workers.traces.writer import TraceWriter


def stream(path: Path, *jobs: list[list[Event]], final: bool = True) -> None:
    """Writes a run folder as the scheduler does: of each job, the events of its sessions."""
    with closing(run_folder.create(path)) as folder:
        for job, sessions in enumerate(jobs, start=JOB):
            folder.add_job(JobId(job), Source(FILE))
            for number, events in enumerate(sessions, start=1):
                trace, _ = folder.attempt_files(JobId(job), number, FILE)
                head = TraceHead(job=job, attempt=number, file=FILE)
                with TraceWriter(trace, head) as writer:
                    for report in reports_of(events, number):
                        writer.write(report.t, report.event)
            state = JobState(JobId(job), FILE)
            for report in live_reports(sessions):
                report = replace(report, job=JobId(job))
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
    left_out = ("turns", "tracker", "levels_db", "last_report_s")
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


SAID: list[Event] = [
    DONE[0],
    Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 125.0),
    Progressed(4.0, 8.0, LagSummary(0.1, 0.1, 0.2, 0.3)),
    TurnReceived(Turn(0, True, "Good morning.", words=(Word("Good morning.", 0, 900),))),
    Slipped(4.0, 6000.0),
    DONE[1],
]
LOST: list[Event] = [*SAID[:4], Ended(Outcome.LOST, "gone", sent_seconds=4.0)]


@pytest.mark.parametrize("moments", [(99.0,), (0.0, 99.0), (99.0, 1.0), (0.6, 0.9, 99.0, 0.3)])
def test_a_replay_of_large_traces_shows_the_same(tmp_path: Path, moments: Sequence[float]) -> None:
    """At every moment, although it reads only the traces of sessions that are live then."""
    stream(tmp_path / "run", [SAID], [LOST, SAID], [DONE])
    seen = []
    for max_read_bytes in (0, 1_000_000):
        timeline = RunTimeline(tmp_path / "run", max_read_bytes=max_read_bytes)
        state, replayed = DeskState(), Replay(timeline)
        for moment in moments:
            replayed.seek(moment)
            replayed.update_state(state, 0.0)
        counts = {status: count for status, count in state.status_counts.items() if count}
        jobs = {job: shown(one) for job, one in state.job_states.items()}
        for job in jobs.values():
            job["latest"] = job["latest"] and job["latest"].text
        # The wall clock was read in another place for each.
        incidents = [(round(at, 1), kind) for at, kind in timeline.incidents]
        seen.append((jobs, counts, incidents, state.table.waiting_jobs))

    assert seen[0] == seen[1]


def test_large_traces_are_not_read_before_they_are_played(tmp_path: Path) -> None:
    """The first screen shows the result, and the last words of each job, by the index alone."""
    stream(tmp_path / "run", [SAID], [SAID])
    traces = [path for job in (1, 2) for _, path in trace_files(tmp_path / "run", job)]
    contents = [trace.read_bytes() for trace in traces]
    for trace, content in zip(traces, contents, strict=True):
        trace.write_bytes(b"x" * len(content))
    replayed = Replay(RunTimeline(tmp_path / "run", max_read_bytes=0))
    state = DeskState()
    replayed.update_state(state, 0.0)
    lines = [one.transcript.latest_line for one in state.job_states.values()]

    assert [line.text for line in lines if line is not None] == ["Good morning."] * 2
    assert state.status_counts[JobStatus.DONE] == 2


def test_a_turn_that_was_open_first_is_in_the_summary_too(tmp_path: Path) -> None:
    """As in every real session: a turn is heard in part before it ends."""
    jobs = read_index(write_summarised_run(tmp_path / "run"), Extent.SUMMARIES).jobs

    assert [job.traces.summary and job.traces.summary.turns.runs for job in jobs] == [((0, 2),)] * 2


@pytest.mark.parametrize("moves", [False, True])
def test_the_rows_of_a_large_run_follow_the_first_screen(tmp_path: Path, moves: bool) -> None:
    """At once if the user moves to another moment, and all are as if they had been made first."""
    stream(tmp_path / "run", *[[DONE]] * 5)
    timeline = RunTimeline(tmp_path / "run", max_read_bytes=0)
    replay, state = Replay(timeline, first_rows=2), DeskState()

    replay.update_state(state, 0.0)
    assert [1, 2] == state.table.visible_jobs
    if moves:
        replay.seek(0.0)
    replay.update_state(state, 1.0)

    whole, expected = Replay(timeline), DeskState()
    whole.update_state(expected, 0.0)
    if moves:
        whole.seek(0.0)
        whole.update_state(expected, 1.0)
    assert [1, 2, 3, 4, 5] == state.table.visible_jobs
    assert expected.status_counts == state.status_counts
    assert list(map(known, expected.all_job_states)) == list(map(known, state.all_job_states))
