"""Old turns stay on disk, and nobody can tell."""

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import connecting, queued, report, retrying, turn_heard
from tui.app.clipboard import copy_transcripts
from tui.model.desk_state import MAX_TURNS, DeskState
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


happened = st.lists(
    readings | st.builds(seam, st.integers(0, 12), st.none() | st.integers(1, 2)), max_size=60
)
"""Turns in any order and number of readings, and further attempts in between."""


def told(transcript: Transcript, what: ResumePoint | Turn) -> bool:
    if isinstance(what, Turn):
        return transcript.apply(what)
    transcript.rewind_to(what)
    return False


@given(happened, st.integers(1, 6), st.lists(st.booleans(), min_size=60, max_size=60))
def test_what_was_shed_and_refilled_was_never_away(
    happened: list[ResumePoint | Turn], keep: int, sheds: list[bool]
) -> None:
    """Whenever it was shed, and whatever was heard meanwhile."""
    kept, shed, on_disk = Transcript(), Transcript(), Transcript()
    for what, sheds_now in zip(happened, sheds, strict=False):
        assert told(kept, what) == told(shed, what)
        told(on_disk, what)
        if sheds_now:
            shed.evict(keep)
        assert len(kept) == len(shed)
        assert kept.last_turns(1) == shed.last_turns(1) or not shed.is_complete
    taken = shed.copy()
    for each in (shed, taken):
        each.restore(on_disk.turns)
        assert each.is_complete
        assert (kept.turns, kept.resume_points) == (each.turns, each.resume_points)


def test_the_last_turns_stay() -> None:
    """And one that has not ended, wherever it stands."""
    transcript = Transcript(turn_heard(order, "said", final=order != 3).turn for order in range(20))
    transcript.evict(5)

    assert [3, *range(15, 20)] == [turn.turn_order for turn in transcript.turns]
    assert [18, 19] == [turn.turn_order for turn in transcript.last_turns(2)]
    assert [] == transcript.last_turns(0)
    assert 20 == len(transcript)


def test_it_waits_until_there_are_twice_as_many() -> None:
    """It is asked with every turn."""
    transcript = Transcript(turn_heard(order, "said", final=True).turn for order in range(9))
    transcript.evict(5)

    assert transcript.is_complete


def test_a_turn_of_any_number_is_kept_or_found_again() -> None:
    """A server may count as it likes."""
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


def said(first: int, last: int) -> list[TurnReceived]:
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
    first: list[Event] = [queued(), connecting(), *said(0, 200)]
    second: list[Event] = [connecting(150_000, 150), *said(150, 300)]
    traced(run, 1, *first)
    traced(run, 2, *second)
    applied(state, 1, *first)
    applied(state, 2, retrying(), *second)
    return state.job_states[JobId(1)]


def test_nobody_looks_so_the_last_turns_are_enough(tmp_path: Path) -> None:
    """And all of them are read back for a copy or an export."""
    state = DeskState()
    job_state = state_with_long_job(tmp_path, state)
    assert len(job_state.transcript.turns) <= 2 * MAX_TURNS
    assert 300 == len(job_state.transcript)

    copied = state.job_states[JobId(1)].copy()
    assert restore_turns(tmp_path, copied)
    assert list(range(300)) == [turn.turn_order for turn in copied.transcript.turns]
    assert copied.transcript.text == "\n".join(["So it is."] * 300)
    assert [ResumePoint(150_000, 150)] == copied.transcript.resume_points


def test_what_cannot_be_read_back_is_told(tmp_path: Path) -> None:
    """A damaged trace counts up to its damage."""
    state = DeskState()
    state_with_long_job(tmp_path, state)
    (trace,) = tmp_path.glob("*.1.trace.jsonl")
    lines = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(b"".join(lines[:20]) + b'{"type":"connecting"\n' + b"".join(lines[20:]))

    copied = state.job_states[JobId(1)].copy()
    assert "could not be read from" in copy_transcripts([copied], tmp_path).notice
    assert not restore_turns(tmp_path, copied)
    assert {0, 1, 2, 299} <= {turn.turn_order for turn in copied.transcript.turns}


def test_who_is_looked_at_becomes_whole_and_is_let_go_again(tmp_path: Path) -> None:
    """A session that is only passed by is not read."""
    state = DeskState()
    job_state = state_with_long_job(tmp_path, state)
    cache = TranscriptCache(state, tmp_path)
    cache.tick()
    state.table.select(JobId(1))
    cache.tick()
    state.table.take_changes()

    deadline = time.monotonic() + LONG
    while not job_state.transcript.is_complete:
        assert time.monotonic() < deadline
        cache.tick()
        time.sleep(0.001)
    assert JobId(1) in state.table.take_changes().jobs
    applied(state, 2, *said(300, 500))
    assert job_state.transcript.is_complete

    state.table.select(JobId(2))
    cache.tick()
    assert len(job_state.transcript.turns) <= 2 * MAX_TURNS
    assert 500 == len(job_state.transcript)


def test_what_came_with_the_desk_is_let_go_too(tmp_path: Path) -> None:
    """A run that is gone on with may have hours behind it."""
    turns = [each.turn for each in said(0, 300)]
    state = DeskState()
    state.restore([JobState(JobId(1), "/rec/1.wav", transcript=Transcript(turns))])

    assert not state.job_states[JobId(1)].transcript.is_complete


def test_what_a_later_attempt_heard_is_not_read_back(tmp_path: Path) -> None:
    """Who looks back at a moment before it was asked for again sees what was heard by then."""
    anew = [
        turn_heard(order, "Another story.", final=True, at=order * 1000) for order in range(300)
    ]
    state = DeskState()
    state.add_jobs([JobId(2)], ["/rec/2.wav"])
    first: list[Event] = [connecting(), *said(0, 300)]
    traced(tmp_path, 1, *first)
    traced(tmp_path, 2, connecting(), *anew)
    applied(state, 1, queued(), *first)

    def read_back() -> str:
        copied = state.job_states[JobId(1)].copy()
        assert restore_turns(tmp_path, copied)
        return copied.transcript.text

    assert read_back() == "\n".join(["So it is."] * 300)
    applied(state, 2, retrying())
    assert read_back() == "\n".join(["So it is."] * 300)
    applied(state, 2, connecting(), *anew)
    assert read_back() == "\n".join(["Another story."] * 300)
