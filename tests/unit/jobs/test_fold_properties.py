"""However the events of a job are read, live or from traces, the fold knows the same."""

import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.run_builders import save
from workers.audio.source import Source
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    JobReport,
    Outcome,
    Progressed,
    Queued,
    RecordingRead,
    Retrying,
    Slipped,
    TurnReceived,
    Waited,
    Warned,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.pacing.certificate import LagSummary, ReadAudio
from workers.protocol.messages import Turn, Word
from workers.runs import reader, run_folder
from workers.traces.files import attempt_files
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

JOB, FILE, TOTAL_S = JobId(1), "a.wav", 8.0
QUEUED = Queued(TOTAL_S, 16000, 1, "WAV PCM_16", is_exact=False, warnings=("odd",))
BEGAN = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 125.0)
GOES_ON = (Outcome.LOST, Outcome.CRASHED, Outcome.HANDED_OVER)


@st.composite
def turns(draw: st.DrawFn) -> TurnReceived:
    """A reading of any turn, in any order, with times or without."""
    times = sorted(draw(st.lists(st.integers(0, 8000), max_size=6)))
    words = tuple(Word("word", a, b) for a, b in zip(times[::2], times[1::2], strict=False))
    text = draw(st.sampled_from(["", "some words"])) if not words else "word " * len(words)
    final, cut = draw(st.booleans()), draw(st.booleans())
    return TurnReceived(Turn(draw(st.integers(0, 4)), final, text.strip(), words=words), cut)


progress = st.builds(
    Progressed,
    st.integers(0, 16).map(lambda halves: halves / 2),
    st.just(TOTAL_S),
    st.just(LagSummary(0.1, 0.1, 0.2, 0.3)),
    st.lists(st.integers(-99, 0), max_size=3).map(tuple),
)
heard: st.SearchStrategy[list[Event]] = st.lists(
    progress
    | turns()
    | st.builds(Warned, st.just("careful"), at_seconds=st.none() | st.floats(0, 60))
    | st.just(Slipped(1.0, 6000.0))
    | st.just(Waited(1.0, 60.0))
    | st.builds(RecordingRead, st.just(ReadAudio(1.0, True)), st.none() | st.just("cd" * 32)),
    max_size=12,
)


@st.composite
def attempts(draw: st.DrawFn) -> list[list[Event]]:
    """The events of each session of a job; each starts at the resume point of the fold."""
    state, found = JobState(JOB, FILE), list[list[Event]]()
    for number in range(1, draw(st.integers(1, 3)) + 1):
        start = state.resume_point
        connecting = Connecting("ws://x", "ab", start.at_ms, start.turn, start.kept_words)
        outcome = draw(st.sampled_from(GOES_ON))
        ended = Ended(outcome, "gone", sent_seconds=draw(st.sampled_from([0.0, TOTAL_S])))
        found.append([connecting, BEGAN, *draw(heard), ended])
        state = fold(reports_of(found[-1], number), state)
    return found


def reports_of(events: Iterable[Event], attempt: int) -> list[JobReport]:
    """One every quarter of a second."""
    return [JobReport(JOB, attempt, FILE, n / 4, event) for n, event in enumerate(events)]


def live_reports(sessions: list[list[Event]]) -> list[JobReport]:
    """The reports that a desk receives: those of sessions, and the scheduler's before each."""
    reports = [JobReport(JOB, 1, FILE, 0.0, QUEUED)]
    for number, events in enumerate(sessions, start=1):
        if number > 1:
            reports.append(JobReport(JOB, number, FILE, 0.0, Retrying("gone", 1.0, 0.0)))
        reports += reports_of(events, number)
    return reports


def fold(reports: Iterable[JobReport], state: JobState | None = None) -> JobState:
    state = state or JobState(JOB, FILE)
    for report in reports:
        state.apply(report)
    return state


def known(state: JobState) -> dict[str, Any]:
    """All public values of a job state."""
    values = {each.name: getattr(state, each.name) for each in fields(state)}
    transcript, tracker = values.pop("transcript"), values.pop("resume_tracker")
    return values | {
        "turns": transcript.turns,
        "resume_points": transcript.resume_points,
        "tracker": vars(tracker),
        "open_seconds": state.open_seconds,
    }


def write_run(path: Path, sessions: list[list[Event]]) -> list[Path]:
    """The run folder of one job: its index as before the first start, and the traces."""
    traces = []
    with closing(run_folder.create(path)) as folder:
        folder.add_job(JOB, Source(FILE))
        queued = JobReport(JOB, 1, FILE, 0.0, QUEUED)
        folder.record(fold([queued]), queued)
        save(folder)
        for number, events in enumerate(sessions, start=1):
            traces.append(attempt_files(folder.path, JOB, number, FILE)[0])
            head = TraceHead(job=JOB, attempt=number, file=FILE)
            with TraceWriter(traces[-1], head) as writer:
                for report in reports_of(events, number):
                    writer.write(report.t, report.event)
    return traces


@settings(max_examples=60, deadline=None)
@given(attempts())
def test_traces_read_back_tell_what_was_reported_live(sessions: list[list[Event]]) -> None:
    """Over all attempts, with everything that was measured."""
    with tempfile.TemporaryDirectory() as parent:
        write_run(Path(parent) / "run", sessions)
        (replayed,) = reader.read_job_states(Path(parent) / "run")

    assert known(replayed) == known(fold(live_reports(sessions)))


@settings(max_examples=60, deadline=None)
@given(attempts(), st.data())
def test_a_trace_that_is_cut_anywhere_can_be_continued(
    sessions: list[list[Event]], data: st.DataObject
) -> None:
    """The fold of its whole lines, then of the events that are missing, is that of all events."""
    with tempfile.TemporaryDirectory() as parent:
        last = write_run(Path(parent) / "run", sessions)[-1]
        content = last.read_bytes()
        size = data.draw(st.integers(0, len(content)))
        last.write_bytes(content[:size])
        (state,) = reader.read_job_states(Path(parent) / "run")
    whole_lines = max(content[: size + 1].count(b"\n") - 1, 0)  # the first is the head
    reports = live_reports(sessions)
    missing = len(sessions[-1]) - whole_lines
    continued = state.copy()
    before = known(state)
    fold(reports[len(reports) - missing :], continued)

    assert known(continued) == known(fold(reports))
    assert known(state) == before


@settings(max_examples=60, deadline=None)
@given(attempts(), st.integers(1, 3))
def test_a_fold_that_forgets_old_turns_resumes_at_the_same_place(
    sessions: list[list[Event]], kept_turns: int
) -> None:
    """The scheduler keeps a few turns; its state must not differ in anything else."""
    full, small = JobState(JOB, FILE), JobState(JOB, FILE)
    for report in live_reports(sessions):
        full.apply(report)
        small.apply(report)
        small.transcript.evict(kept_turns)

        left_out = ("turns",)
        assert {key: value for key, value in known(full).items() if key not in left_out} == {
            key: value for key, value in known(small).items() if key not in left_out
        }
