"""A run that goes on for days costs as much as at its beginning."""

import gc
import sys
from pathlib import Path

import pytest

from tests.support.report_builders import ended_done, progressed, queued, report, turn_heard
from tui.model.desk_state import DeskState
from tui.model.transcript_cache import TranscriptCache
from tui.render.transcript_layout import TranscriptLayout
from workers.jobs.attempt_spans import further_spans
from workers.jobs.events import Event
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState

JOBS = range(1, 5)
ROUND_TURNS = 240
"""Turns of each job between two measurements: a multiple of what fills the memory once."""


class Program:
    """What the program knows of a run: the scheduler's states, the desk's, and the transcript."""

    def __init__(self, folder: Path) -> None:
        self.desk = DeskState()
        self.cache = TranscriptCache(self.desk, folder)
        self.layout = TranscriptLayout(60)
        self.scheduled = {job: JobState(JobId(job), f"/rec/{job}.wav") for job in JOBS}
        self.turns = 0
        for job in JOBS:
            self.hear(job, queued(7200.0))
        self.tick()
        self.tick()

    def hear(self, job: int, event: Event) -> None:
        said = report(job, event)
        if job in self.scheduled:
            self.scheduled[job].apply(said)
            self.scheduled[job].transcript.evict(0)
        self.desk.apply(said)

    def tick(self) -> None:
        self.cache.tick()
        self.desk.table.take_changes()
        shown = self.desk.table.current_job_state
        assert shown is not None
        archive = self.desk.tab_state.archive_of(shown.job)
        self.layout.update(shown.transcript.turns, further_spans(shown), archive)

    def go_on(self) -> None:
        """A round of turns in each job."""
        for _ in range(ROUND_TURNS):
            self.turns += 1
            for job in JOBS:
                self.hear(job, progressed(float(self.turns), 7200.0))
                text = f"These are the words of turn {self.turns}."
                self.hear(job, turn_heard(self.turns, text, final=True, at=self.turns * 1000))
            self.tick()


def call_count(action: object) -> int:
    """How many calls of Python functions an action makes."""
    calls = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    assert callable(action)
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.slow
def test_memory_and_work_do_not_grow_with_the_turns_of_a_run(tmp_path: Path) -> None:
    """Objects in memory, and calls for as many turns: a round needs what the one before did."""
    program = Program(tmp_path)
    for _ in range(3):
        program.go_on()  # until the caches are full
    calls, objects = [], []
    for _ in range(2):
        calls.append(call_count(program.go_on))
        gc.collect()
        objects.append(len(gc.get_objects()))

    new_turns = ROUND_TURNS * len(JOBS)
    assert objects[-1] - objects[0] < new_turns  # each would take four or more
    assert calls[-1] < 1.1 * calls[0]
    assert len(program.layout) == 5 * ROUND_TURNS


def test_a_job_that_is_over_costs_little_memory(tmp_path: Path) -> None:
    """Ten thousand of them are in the table of a long run."""
    program = Program(tmp_path)

    def run_jobs(first: int, count: int) -> None:
        for job in range(first, first + count):
            turns = [turn_heard(order, "Some words.", final=True) for order in range(20)]
            events: list[Event] = [queued(), progressed(60.0), *turns, ended_done()]
            for event in events:
                program.hear(job, event)

    run_jobs(100, 300)  # the memory of turns is full
    gc.collect()
    before = len(gc.get_objects())
    run_jobs(1000, 300)
    gc.collect()

    assert (len(gc.get_objects()) - before) / 300 < 20
