"""Old turns stay on disk, and nobody can tell."""

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_builders import connecting, heard, queued, report, retrying
from tui.app.clipboard import transcripts
from tui.model.desk_state import KEPT, DeskState
from tui.model.transcript_cache import Shelf, fill
from workers.jobs.events import Event, TurnHeard
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory
from workers.jobs.resume_point import Seam
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn
from workers.traces.trace_file import TraceWriter

LONG = 20.0

readings = st.builds(
    lambda order, text, final: heard(order, text, final=final).turn,
    st.integers(0, 12),
    st.sampled_from(["", "one", "two words", "three of them"]),
    st.booleans(),
)


def seam(turn: int, kept_words: int | None) -> Seam:
    return Seam(turn * 1000, turn, kept_words)


happened = st.lists(
    readings | st.builds(seam, st.integers(0, 12), st.none() | st.integers(1, 2)), max_size=60
)
"""Turns in any order and number of readings, and further attempts in between."""


def told(transcript: Transcript, what: Seam | Turn) -> bool | None:
    return transcript.resume(what) if isinstance(what, Seam) else transcript.hear(what)


@given(happened, st.integers(1, 6), st.lists(st.booleans(), min_size=60, max_size=60))
def test_what_was_shed_and_refilled_was_never_away(
    happened: list[object], keep: int, sheds: list[bool]
) -> None:
    """Whenever it was shed, and whatever was heard meanwhile."""
    kept, shed, on_disk = Transcript(), Transcript(), Transcript()
    for what, sheds_now in zip(happened, sheds, strict=False):
        assert told(kept, what) == told(shed, what)
        told(on_disk, what)
        if sheds_now:
            shed.shed(keep)
        assert len(kept) == len(shed)
        assert kept.last_turns(1) == shed.last_turns(1) or not shed.whole
    taken = shed.copy()
    for each in (shed, taken):
        each.refill(on_disk.turns)
        assert each.whole
        assert (kept.turns, kept.seams) == (each.turns, each.seams)


def test_the_last_turns_stay() -> None:
    """And one that has not ended, wherever it stands."""
    transcript = Transcript(heard(order, "said", final=order != 3).turn for order in range(20))
    transcript.shed(5)

    assert [3, *range(15, 20)] == [turn.turn_order for turn in transcript.turns]
    assert [18, 19] == [turn.turn_order for turn in transcript.last_turns(2)]
    assert [] == transcript.last_turns(0)
    assert 20 == len(transcript)


def test_it_waits_until_there_are_twice_as_many() -> None:
    """It is asked with every turn."""
    transcript = Transcript(heard(order, "said", final=True).turn for order in range(9))
    transcript.shed(5)

    assert transcript.whole


def test_a_turn_of_any_number_is_kept_or_found_again() -> None:
    """A server may count as it likes."""
    numbers = [-(10**30), -1, 0, 2**20, 10**30, 10**30 + 1]
    turns = [heard(number, "said", final=True).turn for number in numbers]
    transcript = Transcript(turns)
    transcript.shed(1)
    transcript.refill(turns)

    assert turns == transcript.turns


def traced(run: Path, attempt: int, *events: Event, job: int = 1) -> None:
    """Writes the trace of an attempt."""
    facts = {"job": job, "attempt": attempt, "file": "/rec/1.wav"}
    with TraceWriter(run / f"{job:04d}-1.{attempt}.trace.jsonl", facts) as trace:
        for event in events:
            trace.write(0.0, event)


def said(first: int, last: int) -> list[TurnHeard]:
    """Each turn in two partials and a final."""
    texts = [("so", False), ("so it", False), ("So it is.", True)]
    return [
        heard(order, text, final=final, at=order * 1000)
        for order in range(first, last)
        for text, final in texts
    ]


def applied(state: DeskState, attempt: int, *events: Event) -> None:
    for event in events:
        state.apply(report(1, event, attempt=attempt))


def lengthy(run: Path, state: DeskState) -> JobHistory:
    """A job of two attempts and 300 turns; its row is not the current one."""
    state.expect([JobId(2)], ["/rec/2.wav"])
    first = [queued(), connecting(), *said(0, 200)]
    second = [connecting(150_000, 150), *said(150, 300)]
    traced(run, 1, *first)
    traced(run, 2, *second)
    applied(state, 1, *first)
    applied(state, 2, retrying(), *second)
    return state.histories[JobId(1)]


def test_nobody_looks_so_the_last_turns_are_enough(tmp_path: Path) -> None:
    """And all of them are read back for a copy or an export."""
    state = DeskState()
    history = lengthy(tmp_path, state)
    assert len(history.transcript.turns) <= 2 * KEPT
    assert 300 == len(history.transcript)

    copied = state.snapshot(JobId(1))
    assert fill(tmp_path, copied)
    assert list(range(300)) == [turn.turn_order for turn in copied.transcript.turns]
    assert copied.transcript.text == "\n".join(["So it is."] * 300)
    assert [Seam(150_000, 150)] == copied.transcript.seams


def test_what_cannot_be_read_back_is_told(tmp_path: Path) -> None:
    """A damaged trace counts up to its damage."""
    state = DeskState()
    lengthy(tmp_path, state)
    (trace,) = tmp_path.glob("*.1.trace.jsonl")
    lines = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(b"".join(lines[:20]) + b'{"type":"connecting"\n' + b"".join(lines[20:]))

    copied = state.snapshot(JobId(1))
    assert "could not be read back" in transcripts([copied], tmp_path).sentence
    assert not fill(tmp_path, copied)
    assert {0, 1, 2, 299} <= {turn.turn_order for turn in copied.transcript.turns}


def test_who_is_looked_at_becomes_whole_and_is_let_go_again(tmp_path: Path) -> None:
    """A session that is only passed by is not read."""
    state = DeskState()
    history = lengthy(tmp_path, state)
    shelf = Shelf(state, tmp_path)
    shelf.tick()
    state.select(JobId(1))
    shelf.tick()
    state.take_dirty()

    deadline = time.monotonic() + LONG
    while not history.transcript.whole:
        assert time.monotonic() < deadline
        shelf.tick()
        time.sleep(0.001)
    assert JobId(1) in state.take_dirty().jobs
    applied(state, 2, *said(300, 500))
    assert history.transcript.whole

    state.select(JobId(2))
    shelf.tick()
    assert len(history.transcript.turns) <= 2 * KEPT
    assert 500 == len(history.transcript)


def test_what_came_with_the_desk_is_let_go_too(tmp_path: Path) -> None:
    """A run that is gone on with may have hours behind it."""
    turns = [each.turn for each in said(0, 300)]
    state = DeskState()
    state.remember([JobHistory(JobId(1), "/rec/1.wav", transcript=Transcript(turns))])

    assert not state.histories[JobId(1)].transcript.whole


def test_what_a_later_attempt_heard_is_not_read_back(tmp_path: Path) -> None:
    """Who looks back at a moment before it was asked for again sees what was heard by then."""
    anew = [heard(order, "Another story.", final=True, at=order * 1000) for order in range(300)]
    state = DeskState()
    state.expect([JobId(2)], ["/rec/2.wav"])
    first = [connecting(), *said(0, 300)]
    traced(tmp_path, 1, *first)
    traced(tmp_path, 2, connecting(), *anew)
    applied(state, 1, queued(), *first)

    def read_back() -> str:
        copied = state.snapshot(JobId(1))
        assert fill(tmp_path, copied)
        return copied.transcript.text

    assert read_back() == "\n".join(["So it is."] * 300)
    applied(state, 2, retrying())
    assert read_back() == "\n".join(["So it is."] * 300)
    applied(state, 2, connecting(), *anew)
    assert read_back() == "\n".join(["Another story."] * 300)
