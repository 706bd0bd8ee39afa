"""Old turns stay on disk and are read back when needed."""

import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import (
    connecting,
    ended_done,
    queued,
    report,
    retrying,
    turn_heard,
)
from tui.app.clipboard import copy_transcripts
from tui.model.desk_state import MAX_FINISHED_TURNS, MAX_TURNS, DeskState
from tui.model.transcript_cache import TranscriptCache, restore_turns
from workers.jobs.events import Event, TurnReceived
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

LONG = 20.0

readings = st.builds(
    lambda order, text, final: turn_heard(order, text, final=final).turn,
    st.integers(0, 12),
    st.sampled_from(["", "one", "two words", "three of them"]),
    st.booleans(),
)


def seam(turn: int, kept_words: int | None) -> ResumePoint:
    return ResumePoint(turn * 1000, turn, kept_words)


changes = st.lists(
    readings | st.builds(seam, st.integers(0, 12), st.none() | st.integers(1, 2)), max_size=60
)
"""Turns in any order and number of readings, and further attempts in between."""


def apply_to(transcript: Transcript, change: ResumePoint | Turn) -> bool:
    if isinstance(change, Turn):
        return transcript.apply(change)
    transcript.rewind_to(change)
    return False


@given(changes, st.integers(1, 6), st.lists(st.booleans(), min_size=60, max_size=60))
def test_an_evicted_and_restored_transcript_is_complete(
    changes: list[ResumePoint | Turn], keep: int, evictions: list[bool]
) -> None:
    """Whenever it was evicted, and whatever arrived in between."""
    kept, evicted, on_disk = Transcript(), Transcript(), Transcript()
    for change, evicts in zip(changes, evictions, strict=False):
        assert apply_to(kept, change) == apply_to(evicted, change)
        apply_to(on_disk, change)
        if evicts:
            evicted.evict(keep)
        assert len(kept) == len(evicted)
        assert kept.last_turns(1) == evicted.last_turns(1) or not evicted.is_complete
    for restored in (evicted, evicted.copy()):
        restored.restore(on_disk.turns)
        assert restored.is_complete
        assert (kept.turns, kept.resume_points) == (restored.turns, restored.resume_points)


def test_the_last_turns_stay() -> None:
    """A turn that has not ended stays too, wherever it is."""
    transcript = Transcript(turn_heard(order, "said", final=order != 3).turn for order in range(20))
    transcript.evict(5)

    assert [3, *range(15, 20)] == [turn.turn_order for turn in transcript.turns]
    assert [18, 19] == [turn.turn_order for turn in transcript.last_turns(2)]
    assert [] == transcript.last_turns(0)
    assert 20 == len(transcript)


def test_eviction_waits_for_twice_as_many_turns() -> None:
    """Evicting at every turn would be slow."""
    transcript = Transcript(turn_heard(order, "said", final=True).turn for order in range(9))
    transcript.evict(5)

    assert transcript.is_complete


def test_a_turn_of_any_number_is_kept_or_restored() -> None:
    """A server may number turns as it likes."""
    numbers = [-(10**30), -1, 0, 2**20, 10**30, 10**30 + 1]
    turns = [turn_heard(number, "said", final=True).turn for number in numbers]
    transcript = Transcript(turns)
    transcript.evict(1)
    transcript.restore(turns)

    assert turns == transcript.turns


def traced(run: Path, attempt: int, *events: Event, job: int = 1) -> None:
    """Writes the trace of an attempt."""
    head = TraceHead(job=job, attempt=attempt, file="/rec/1.wav")
    with TraceWriter(run / f"{job:04d}-1.{attempt}.trace.jsonl", head) as trace:
        for event in events:
            trace.write(0.0, event)


def spoken(first: int, last: int) -> list[TurnReceived]:
    """Each turn in two partials and a final."""
    texts = [("so", False), ("so it", False), ("So it is.", True)]
    return [
        turn_heard(order, text, final=final, at=order * 1000)
        for order in range(first, last)
        for text, final in texts
    ]


def applied(state: DeskState, attempt: int, *events: Event) -> None:
    for event in events:
        state.apply(report(1, event, attempt=attempt))


def state_with_long_job(run: Path, state: DeskState) -> JobState:
    """A job of two attempts and 300 turns; its row is not the current one."""
    state.add_jobs([JobId(2)], ["/rec/2.wav"])
    first: list[Event] = [queued(), connecting(), *spoken(0, 200)]
    second: list[Event] = [connecting(150_000, 150), *spoken(150, 300)]
    traced(run, 1, *first)
    traced(run, 2, *second)
    applied(state, 1, *first)
    applied(state, 2, retrying(), *second)
    return state.job_states[JobId(1)]


def test_a_job_that_is_not_current_keeps_its_last_turns(tmp_path: Path) -> None:
    """All of them are read back for a copy or an export."""
    state = DeskState()
    job_state = state_with_long_job(tmp_path, state)
    assert len(job_state.transcript.turns) <= 2 * MAX_TURNS
    assert 300 == len(job_state.transcript)

    copied = state.job_states[JobId(1)].copy()
    assert restore_turns(tmp_path, copied)
    assert list(range(300)) == [turn.turn_order for turn in copied.transcript.turns]
    assert copied.transcript.text == "\n".join(["So it is."] * 300)
    assert [ResumePoint(150_000, 150)] == copied.transcript.resume_points


def test_a_gap_is_reported(tmp_path: Path) -> None:
    """A trace is read up to its damage."""
    state = DeskState()
    state_with_long_job(tmp_path, state)
    (trace,) = tmp_path.glob("*.1.trace.jsonl")
    lines = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(b"".join(lines[:20]) + b'{"type":"connecting"\n' + b"".join(lines[20:]))

    copied = state.job_states[JobId(1)].copy()
    assert "could not be read from" in copy_transcripts([copied], tmp_path).notice
    assert not restore_turns(tmp_path, copied)
    assert {0, 1, 2, 299} <= {turn.turn_order for turn in copied.transcript.turns}


def all_turns(state: DeskState) -> list[Turn]:
    """The turns of job 1 that the desk shows: those on disk, and those in memory."""
    archive = state.tab_state.archive_of(JobId(1))
    turns: dict[int, Turn] = {}
    if archive is not None:
        old = [turn for page in archive.pages for turn in archive.turns_of(page)]
        turns = {turn.turn_order: turn for turn in (*old, *archive.pending)}
    turns |= {turn.turn_order: turn for turn in state.job_states[JobId(1)].transcript.turns}
    return [turns[order] for order in sorted(turns)]


def tick_until(cache: TranscriptCache, there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not there():
        assert time.monotonic() < deadline
        cache.tick()
        time.sleep(0.001)


def test_the_current_transcript_is_complete_with_few_turns_in_memory(tmp_path: Path) -> None:
    """A job that the selection only passes is not read. What is evicted later is shown too."""
    state = DeskState()
    job_state = state_with_long_job(tmp_path, state)
    cache = TranscriptCache(state, tmp_path)
    cache.tick()
    state.table.select(JobId(1))
    cache.tick()
    state.table.take_changes()
    assert state.tab_state.archive_of(JobId(1)) is None

    tick_until(cache, lambda: state.tab_state.archive_of(JobId(1)) is not None)
    assert JobId(1) in state.table.take_changes().jobs
    assert list(range(300)) == [turn.turn_order for turn in all_turns(state)]
    applied(state, 2, *spoken(300, 500))
    assert list(range(500)) == [turn.turn_order for turn in all_turns(state)]
    assert len(job_state.transcript.turns) <= 2 * MAX_TURNS

    state.table.select(JobId(2))
    cache.tick()
    assert state.tab_state.archive_of(JobId(1)) is None
    assert len(job_state.transcript.turns) <= 2 * MAX_TURNS
    assert 500 == len(job_state.transcript)


def test_turns_that_will_be_heard_again_leave_the_archive(tmp_path: Path) -> None:
    """A further attempt continues in the middle of what is on disk."""
    state = DeskState()
    cache = TranscriptCache(state, tmp_path)
    state.add_jobs([JobId(1)], ["/rec/1.wav"])
    cache.tick()
    cache.tick()
    applied(state, 1, queued(), connecting(), *spoken(0, 400))
    applied(state, 2, retrying(), connecting(100_000, 100), *spoken(100, 102))

    assert list(range(102)) == [turn.turn_order for turn in all_turns(state)]


def test_jobs_that_finished_early_keep_only_their_last_words(tmp_path: Path) -> None:
    """A tile of the wall gets its last turns back, until it is gone."""
    state = DeskState()
    job_state = state_with_long_job(tmp_path, state)
    cache = TranscriptCache(state, tmp_path)
    cache.tick()
    applied(state, 2, ended_done())
    assert job_state.transcript.turns
    jobs = range(3, 3 + MAX_FINISHED_TURNS // MAX_TURNS)
    state.add_jobs(map(JobId, jobs), [f"/rec/{job}.wav" for job in jobs])
    for job in jobs:
        events: list[Event] = [*spoken(0, MAX_TURNS), ended_done()]
        for event in events:
            state.apply(report(job, event))
    assert [] == job_state.transcript.turns
    assert state.job_states[JobId(jobs[-1])].transcript.is_complete
    assert job_state.transcript.latest_line is not None
    assert "So it is." == job_state.transcript.latest_line.text

    state.shown_on_wall = frozenset({JobId(1)})
    tick_until(cache, lambda: bool(job_state.transcript.turns))
    assert job_state.transcript.last_turns(60)[0].turn_order <= 240
    state.shown_on_wall = frozenset()
    cache.tick()
    assert len(job_state.transcript.turns) <= 2 * MAX_TURNS


def test_a_restored_job_is_evicted_too(tmp_path: Path) -> None:
    """A resumed run may have hours of turns."""
    turns = [received.turn for received in spoken(0, 300)]
    state = DeskState()
    state.restore([JobState(JobId(1), "/rec/1.wav", transcript=Transcript(turns))])

    assert not state.job_states[JobId(1)].transcript.is_complete


def test_turns_of_a_later_attempt_are_not_read_back(tmp_path: Path) -> None:
    """A replay at a moment before that attempt shows the earlier transcript."""
    later_turns = [
        turn_heard(order, "Another story.", final=True, at=order * 1000) for order in range(300)
    ]
    state = DeskState()
    state.add_jobs([JobId(2)], ["/rec/2.wav"])
    first: list[Event] = [connecting(), *spoken(0, 300)]
    traced(tmp_path, 1, *first)
    traced(tmp_path, 2, connecting(), *later_turns)
    applied(state, 1, queued(), *first)

    def read_back() -> str:
        copied = state.job_states[JobId(1)].copy()
        assert restore_turns(tmp_path, copied)
        return copied.transcript.text

    assert read_back() == "\n".join(["So it is."] * 300)
    applied(state, 2, retrying())
    assert read_back() == "\n".join(["So it is."] * 300)
    applied(state, 2, connecting(), *later_turns)
    assert read_back() == "\n".join(["Another story."] * 300)
