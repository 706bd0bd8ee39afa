"""What happened in a run, read back from its index and its traces, at any moment of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    ended_failed,
    progressed,
)
from tests.support.run_builders import (
    RUN_STARTED,
    index_entry,
    observable_state,
    session_events,
    write_run_folder,
    write_sample_run,
    write_trace,
)
from workers.jobs.events import ChunksSent, Ended, Outcome, Retrying, Slipped, TurnReceived
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.protocol.messages import Turn, Word
from workers.runs import reader
from workers.runs.job_timeline import UNRECORDED_ENDING, IncidentKind, TimedReport
from workers.runs.timeline import MAX_IDLE_GAP_S, RunTimeline


def fold(moments: Iterable[TimedReport], known: dict[JobId, JobState] | None = None) -> dict:
    """The state of each job after these reports."""
    job_states = {} if known is None else known
    for _, report in moments:
        job_state = job_states.setdefault(report.job, JobState(report.job, report.file))
        job_state.apply(report)
    return job_states


def at(timeline: RunTimeline, moment: float) -> dict[JobId, JobState]:
    return fold(timeline.reports_between(-1.0, moment))


def agrees(folder: Path) -> bool:
    """The state at the end equals that of `read_run`."""
    timeline = RunTimeline(folder)
    ends = at(timeline, timeline.duration_s)
    return all(
        observable_state(ends[each.job]) == observable_state(each)
        for each in reader.read_run(folder).jobs
    )


def test_its_end_is_what_the_traces_tell(tmp_path: Path) -> None:
    """Both use the same fold, and every moment shows the state of that time."""
    folder = write_sample_run(tmp_path / "run")
    assert agrees(folder)

    timeline = RunTimeline(folder)
    assert [JobStatus.QUEUED] * 3 == [each.status for each in at(timeline, 0.0).values()]
    then = at(timeline, 1.6)
    assert "Good" == then[JobId(1)].transcript.latest_line.unstable_text
    assert [JobStatus.STREAMING, JobStatus.STREAMING, JobStatus.QUEUED] == [
        each.status for each in then.values()
    ]
    assert 1.0 == then[JobId(1)].sent_seconds
    assert JobStatus.CANCELLED is at(timeline, timeline.duration_s)[JobId(3)].status
    assert 2 == timeline.peak_sessions


def test_a_further_attempt_is_announced_when_the_one_before_broke(tmp_path: Path) -> None:
    """It reports the actual wait; then the attempt continues at the same point."""
    timeline = RunTimeline(write_sample_run(tmp_path / "run"))
    waiting = at(timeline, 7.0)[JobId(2)]

    assert JobStatus.RETRYING is waiting.status
    assert Retrying("the connection broke", 3.5, 2.0) == waiting.retrying
    assert [(5.5, IncidentKind.RETRIED)] == timeline.incidents


def test_what_somebody_asked_for_is_announced_when_it_comes(tmp_path: Path) -> None:
    """The job counts as done until then, as the time of the request is not recorded."""
    folder = write_run_folder(tmp_path / "run", [index_entry(1)])
    write_trace(folder, 1, session_events("One."))
    write_trace(folder, 1, session_events("Two."), attempt=2, at=8.0)
    timeline = RunTimeline(folder)

    assert JobStatus.DONE is at(timeline, 7.9)[JobId(1)].status
    assert JobStatus.RETRYING is at(timeline, 8.05)[JobId(1)].status
    assert agrees(folder)


def test_sessions_that_were_killed_end_with_their_last_words(tmp_path: Path) -> None:
    """The end is that of the index, or else unrecorded; in a running run they are live."""
    told = {"outcome": "crashed", "reason": "its process was killed"}
    folder = write_run_folder(
        tmp_path / "run",
        [index_entry(1, attempt=1), index_entry(2, attempt=1, attempts={"1": told})],
    )
    for number in (1, 2):
        write_trace(folder, number, session_events("One.")[:-1])
    assert agrees(folder)

    timeline = RunTimeline(folder)
    ends = at(timeline, timeline.duration_s)
    assert UNRECORDED_ENDING == ends[JobId(1)].ended
    assert "its process was killed" == ends[JobId(2)].ended.reason
    assert [IncidentKind.FAILED] * 2 == [incident for _, incident in timeline.incidents]

    working = RunTimeline(folder, running=True)
    assert JobStatus.FINISHING is at(working, working.duration_s)[JobId(1)].status


def test_what_never_streamed_is_told_too(tmp_path: Path) -> None:
    """A file that could not be read, from the beginning; a run of nothing else has no length."""
    bad = {"outcome": "unreadable", "reason": "it is empty"}
    folder = write_run_folder(
        tmp_path / "run", [index_entry(1, attempt=1, status="failed", attempts={"1": bad})]
    )
    timeline = RunTimeline(folder)

    assert 0.0 == timeline.duration_s
    assert "it is empty" == at(timeline, 0.0)[JobId(1)].ended.reason
    assert agrees(folder)


def test_lulls_are_left_out(tmp_path: Path) -> None:
    """A run that was resumed the next day; the time of day is right on both sides."""
    folder = write_run_folder(tmp_path / "run", [index_entry(1), index_entry(2)])
    write_trace(folder, 1, session_events("One."), at=0.0)
    write_trace(folder, 2, session_events("Two."), at=86_400.0)
    timeline = RunTimeline(folder)

    assert 2 * 2.5 + MAX_IDLE_GAP_S == timeline.duration_s
    assert RUN_STARTED == timeline.wall_time(0.0)
    assert (
        1.0
        == (timeline.wall_time(2.5 + MAX_IDLE_GAP_S + 1.0) - RUN_STARTED).total_seconds() - 86_400
    )
    assert JobStatus.QUEUED is at(timeline, 2.5 + MAX_IDLE_GAP_S)[JobId(2)].status


def test_a_clock_that_was_set_back_puts_no_attempt_before_another(tmp_path: Path) -> None:
    """They follow each other, regardless of the wall clock."""
    folder = write_run_folder(tmp_path / "run", [index_entry(1)])
    write_trace(folder, 1, session_events("One.", end=ended_failed("it broke")), at=100.0)
    write_trace(folder, 1, session_events("Two."), attempt=2, at=0.0)

    assert agrees(folder)


def test_a_slip_is_a_trouble(tmp_path: Path) -> None:
    """Its time is that of the slip."""
    folder = write_run_folder(tmp_path / "run", [index_entry(1)])
    write_trace(
        folder, 1, [*session_events("One.")[:-1], (2.2, Slipped(1.0, 6000.0)), (2.5, ended_done())]
    )

    assert [(2.2, IncidentKind.SLIPPED)] == RunTimeline(folder).incidents


def test_damage_is_told_and_the_rest_is_shown(tmp_path: Path) -> None:
    """Up to a line that is none; a line that is damaged in itself is left out."""
    folder = write_run_folder(tmp_path / "run", [index_entry(1), index_entry(2), index_entry(3)])
    for number in (1, 2, 3):
        write_trace(folder, number, session_events("One.", "Two."))
    whole = (folder / "0001-1.1.trace.jsonl").read_bytes()
    final = whole.rindex(b'"transcript":"One."')
    (folder / "0001-1.1.trace.jsonl").write_bytes(whole[:final] + b"\0" * 9 + whole[final + 9 :])
    garbage = whole.index(b"\n", final) + 1
    (folder / "0002-2.1.trace.jsonl").write_bytes(whole[:garbage] + b"\0" * 99 + whole[garbage:])
    (folder / "0003-3.1.trace.jsonl").write_bytes(b"no trace\n")
    timeline = RunTimeline(folder)
    one, two, three = at(timeline, timeline.duration_s).values()

    assert "Two." == one.transcript.text
    assert JobStatus.DONE is one.status
    assert "One." == two.transcript.text
    assert UNRECORDED_ENDING == two.ended
    assert ["the trace is damaged"] * 3 == [each.warnings[-1][:20] for each in (one, two, three)]


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ('"t":1.5', '"t":1e999'),
        ('"t":1.5', '"t":1e18'),
        ('"t":1.5', '"t":-1e999'),
        (RUN_STARTED.isoformat(), "0001-01-01T00:00:00+23:59"),
        (RUN_STARTED.isoformat(), "0001-01-01T00:00:00+00:00"),
        (RUN_STARTED.isoformat(), "9999-12-31T23:59:58+00:00"),
        (RUN_STARTED.isoformat(), "1970-01-01T00:00:00+00:00"),
    ],
)
def test_a_time_that_cannot_be_is_no_time(tmp_path: Path, told: str, instead: str) -> None:
    """A bad trace affects neither the run's clock nor other jobs."""
    folder = write_run_folder(
        tmp_path / "run", [index_entry(1, attempt=1), index_entry(2, attempt=1)]
    )
    path = write_trace(folder, 1, session_events("One."))
    write_trace(folder, 2, session_events("Two."))
    text = path.read_text()
    assert told in text
    path.write_text(text.replace(told, instead))
    timeline = RunTimeline(folder)

    assert timeline.duration_s < 60.0
    assert timeline.wall_time(0.0) <= timeline.wall_time(timeline.duration_s)
    assert "Two." == at(timeline, timeline.duration_s)[JobId(2)].transcript.text


def test_a_torn_last_line_is_no_damage(tmp_path: Path) -> None:
    """A trace that is being written, or whose writer was killed; and one with nothing in it."""
    folder = write_run_folder(tmp_path / "run", [index_entry(1), index_entry(2)])
    path = write_trace(folder, 1, session_events("One."))
    path.write_bytes(path.read_bytes()[:-20])
    write_trace(folder, 2, []).write_bytes(b'{"t":0.0,"ty')
    timeline = RunTimeline(folder)
    one, two = at(timeline, timeline.duration_s).values()

    assert "One." == one.transcript.text
    assert [] == one.warnings == two.warnings
    assert JobStatus.QUEUED is two.status
    assert agrees(folder)


def reading(order: int, words: int, start: int, final: bool, cut: bool) -> TurnReceived:
    """A reading of a turn, with or without words."""
    text = f"w{start}" if words >= 0 else ""
    said = tuple(Word(text, start + i, start + i + 9) for i in range(max(words, 0)))
    return TurnReceived(Turn(order, final, text, words=said), cut=cut)


READINGS = st.builds(
    reading,
    order=st.integers(0, 3),
    words=st.integers(-1, 2),
    start=st.integers(0, 5000),
    final=st.booleans(),
    cut=st.booleans(),
)
OTHERS = st.builds(progressed, st.floats(0.1, 9.0)) | st.just(Slipped(1.0, 6000.0))
STORIES = st.lists(READINGS | OTHERS | st.just(ChunksSent(0, (1, 2))), max_size=60)


@given(STORIES, st.lists(st.integers(0, 70), max_size=5))
def test_what_is_left_out_makes_no_difference(
    story: Sequence[TurnReceived], stops: Sequence[int]
) -> None:
    """This holds for any messages in any order, and for stops at any time."""
    told: list[Any] = [connecting(), began(), *story, Ended(Outcome.LOST, "it broke")]
    with TemporaryDirectory() as folder:
        played = write_run_folder(Path(folder) / "run", [index_entry(1, attempt=1)])
        write_trace(played, 1, [(float(t), event) for t, event in enumerate(told, 1)])
        timeline = RunTimeline(played)
        known: dict[JobId, JobState] = {}
        reached = -1.0
        for stop in [*sorted(stops), timeline.duration_s]:
            fold(timeline.reports_between(reached, stop), known)
            reached = stop
        assert observable_state(reader.read_run(played).jobs[0]) == observable_state(
            known[JobId(1)]
        )
        assert observable_state(at(timeline, reached)[JobId(1)]) == observable_state(
            known[JobId(1)]
        )


def test_only_jobs_that_run_at_the_moment_are_read(tmp_path: Path) -> None:
    """A replay of many thousands of jobs does not look at each of them in every step."""
    folder = write_sample_run(tmp_path / "run")
    timeline = RunTimeline(folder)
    end_s = timeline.duration_s
    for trace in folder.glob("*.trace.jsonl"):
        trace.unlink()

    assert [] == timeline.reports_between(end_s / 2, end_s / 2)
    assert [] == timeline.reports_between(end_s, end_s + 60.0)
