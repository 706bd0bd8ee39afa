"""Edits of the queue: what the supervisor is asked, what is said, and the way back."""

from pathlib import Path

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    broken_attempt,
    ended_done,
    ended_failed,
    queued,
    streaming,
)
from tui.app.queue_edits import MAX_UNDO_STEPS, QueueEditor
from tui.keys.keymap import Keymap
from tui.model import verbs
from tui.model.desk_state import DeskState
from workers.jobs.job import JobId


class Bench:
    """A supervisor, a state and the edits between them."""

    def __init__(self, sessions: int = 4, keys: Keymap | None = None) -> None:
        self.supervisor = FakeSupervisor(sessions)
        self.state = DeskState()
        self.edits = QueueEditor(self.state, self.supervisor, keys or Keymap())

    def settled(self) -> "Bench":
        """All that was reported is known."""
        while not self.supervisor.reports.empty():
            self.state.apply(self.supervisor.reports.get())
        return self

    def waiting(self, count: int) -> list[JobId]:
        jobs = [self.supervisor.job(f"/rec/{each}.wav", queued()) for each in range(count)]
        self.supervisor.queue += jobs
        self.settled()
        return jobs

    def streams(self, count: int) -> list[JobId]:
        jobs = [self.supervisor.job(f"/rec/live-{each}.wav", *streaming()) for each in range(count)]
        self.settled()
        return jobs

    def taken_out(self, *jobs: JobId) -> None:
        """What the supervisor reports of waiting jobs that were cancelled."""
        for job in jobs:
            self.supervisor.report(job, ended_failed("taken out of the queue"))
        self.settled()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_rows_that_are_over_only_leave_the_table(bench: Bench) -> None:
    """Nothing is asked of the supervisor, and u brings them back."""
    job = bench.supervisor.job("/rec/a.wav", *streaming(), ended_done())
    bench.settled()

    assert "1 job removed from the table; u undoes" == bench.edits.remove([job])
    assert ([], []) == (list(bench.state.table.visible), bench.supervisor.cancelled)
    assert "Undone: removing 1 job" == bench.edits.undo()
    assert [job] == bench.state.table.visible
    assert [] == bench.supervisor.retried


def test_waiting_rows_leave_the_queue_too_and_come_back_in_their_place(bench: Bench) -> None:
    """Undone, they wait where they did."""
    jobs = bench.waiting(3)

    assert "1 job removed from the table and the queue; u undoes" == bench.edits.remove([jobs[1]])
    assert [jobs[1]] == bench.supervisor.cancelled
    bench.taken_out(jobs[1])
    bench.supervisor.queue.remove(jobs[1])
    bench.supervisor.queue.append(jobs[1])  # asked again, it comes last
    assert "Undone: removing 1 job" == bench.edits.undo()
    assert [jobs[1]] == bench.supervisor.retried
    assert jobs == bench.supervisor.queue
    assert jobs == bench.state.table.visible


def test_rows_at_work_are_not_removed(bench: Bench) -> None:
    """Said in words; what is not at work among them goes."""
    live, waiting = bench.streams(2), bench.waiting(1)

    assert "Nothing removed; 2 jobs running: cancel with x first" == bench.edits.remove(live)
    said = bench.edits.remove([*live, *waiting])
    assert "1 job removed from the table and the queue; 2 jobs running: cancel with x first" == said
    assert live == bench.state.table.visible
    assert waiting == bench.supervisor.cancelled
    assert verbs.NO_ROW_MESSAGE == bench.edits.remove([])


def test_what_was_added_is_taken_out_again_unless_it_has_begun(bench: Bench) -> None:
    """What is at work stays, and that is said."""
    assert "2 jobs added to the end of the queue" == bench.edits.add(["/rec/a.wav", "/rec/b.wav"])
    first, second = bench.state.table.visible
    bench.supervisor.report(first, *streaming())
    bench.settled()

    assert "Undone: adding 2 jobs; 1 job already running: x cancels" == bench.edits.undo()
    assert [second] == bench.supervisor.cancelled
    assert [first] == bench.state.table.visible


def test_waiting_jobs_move_in_the_queue_and_back(bench: Bench) -> None:
    """Those that do not wait are passed over."""
    live, jobs = bench.streams(1), bench.waiting(3)

    said = bench.edits.move_in_queue([*live, jobs[2]], -1)
    assert "1 job moved up: number 2 of 3 in the queue" == said
    assert [jobs[0], jobs[2], jobs[1]] == bench.supervisor.queue == bench.state.table.waiting_jobs
    assert "1 job moved up: next to start" == bench.edits.move_in_queue([jobs[2]], -1)
    assert "Already first in the queue" == bench.edits.move_in_queue([jobs[2]], -1)
    assert "Nothing to do: 1 job not waiting in the queue" == bench.edits.move_in_queue(live, 1)
    assert "Undone: moving 1 job up" == bench.edits.undo()
    assert "Undone: moving 1 job up" == bench.edits.undo()
    assert jobs == bench.supervisor.queue == bench.state.table.waiting_jobs
    assert "Already last in the queue" == bench.edits.move_in_queue([jobs[2]], 1)
    assert "Nothing to undo" == bench.edits.undo()


def test_one_more_place_tells_what_comes_of_it() -> None:
    """One fewer ends nothing that streams."""
    bench = Bench(sessions=2)
    bench.streams(2)

    assert "3 at once" == bench.edits.change_concurrency(1)
    bench.waiting(2)
    assert "4 at once; 2 more can start now" == bench.edits.change_concurrency(1)
    assert 4 == bench.supervisor.max_sessions
    bench.supervisor.hold(True)
    assert "3 at once; new starts are held" == bench.edits.change_concurrency(-1)
    assert "2 at once" == bench.edits.change_concurrency(-1)
    assert "1 at once; the 2 running continue" == bench.edits.change_concurrency(-1)
    assert (
        "At least one session runs at once; p holds new starts"
        == bench.edits.change_concurrency(-1)
    )
    assert "Undone: 1 at once; 2 at once" == bench.edits.undo()
    assert 2 == bench.supervisor.max_sessions


def test_places_are_not_changed_before_they_are_known() -> None:
    """The embedded engine says how many it is good for when it is up."""
    assert "not known until the engine has started" in Bench(sessions=0).edits.change_concurrency(1)


def test_only_the_cancel_of_what_waited_is_undone(bench: Bench) -> None:
    """A session that was ended is retried, not undone."""
    live, jobs = bench.streams(1), bench.waiting(2)

    assert bench.edits.cancel([*live, *jobs]).startswith("Cancelling 3 jobs")
    bench.taken_out(*jobs)
    assert "Undone: cancelling 2 waiting" == bench.edits.undo()
    assert jobs == bench.supervisor.retried
    bench.edits.cancel(live)
    assert "Nothing to undo" == bench.edits.undo()


def test_what_cannot_wait_again_yet_is_told(bench: Bench) -> None:
    """It had begun to start when it was cancelled, and has not ended yet."""
    (job,) = bench.waiting(1)
    bench.edits.cancel([job])

    assert "Undone: cancelling 1 waiting; 1 job still ending: r retries later" == (
        bench.edits.undo()
    )


def test_a_job_that_awaits_a_further_attempt_waits_too(bench: Bench) -> None:
    """No session is at work on it."""
    job = bench.supervisor.job("/rec/a.wav", *streaming(), *broken_attempt())
    bench.settled()

    assert "and the queue" in bench.edits.remove([job])
    assert [job] == bench.supervisor.cancelled


def test_edits_are_kept_for_a_while(bench: Bench) -> None:
    """Not for ever."""
    for _ in range(MAX_UNDO_STEPS + 5):
        bench.edits.change_concurrency(1)
    undone = [bench.edits.undo() for _ in range(MAX_UNDO_STEPS + 1)]

    assert "Nothing to undo" == undone[-1]
    assert "Nothing to undo" not in undone[:-1]


def test_removed_files_may_be_added_again(bench: Bench, tmp_path: Path) -> None:
    """As further jobs."""
    bench.edits.add([str(tmp_path)])
    bench.edits.remove(list(bench.state.table.visible))

    assert "1 job added to the end of the queue" == bench.edits.add([str(tmp_path)])
    assert [JobId(2)] == bench.state.table.visible
