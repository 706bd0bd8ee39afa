"""Changes to the queue: the requests to the supervisor, the notices, and undo."""

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
from tui.app.queue_edits import (
    MAX_UNDO_STEPS,
    QueueEditor,
    capacity_warning,
)
from tui.keys.keymap import Keymap
from tui.model import verbs
from tui.model.desk_state import DeskState
from workers.jobs.job import JobId
from workers.localserver.capacity import core_count, process_count, session_capacity
from workers.pacing.certificate import SESSIONS_PER_CORE
from workers.protocol.endpoint import EndpointKind


class Bench:
    """A supervisor, a state and the queue editor between them."""

    def __init__(self, sessions: int = 4, keys: Keymap | None = None) -> None:
        self.supervisor = FakeSupervisor(sessions)
        self.state = DeskState()
        self.edits = QueueEditor(self.state, self.supervisor, keys or Keymap())

    def settled(self) -> "Bench":
        """Applies all reports so far."""
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
        """The reports of the supervisor about waiting jobs that were cancelled."""
        for job in jobs:
            self.supervisor.report(job, ended_failed("taken out of the queue"))
        self.settled()


def test_more_sessions_than_hold_are_allowed_with_a_warning() -> None:
    """It names the figure: of the embedded engine, or of this machine's cores."""
    bench = Bench(sessions=session_capacity(process_count()))
    engine = QueueEditor(bench.state, bench.supervisor, Keymap(), EndpointKind.EMBEDDED)
    notice = engine.change_concurrency(1)

    held, most = session_capacity(process_count()), SESSIONS_PER_CORE * core_count()
    assert f"The embedded engine keeps up with about {held} on this machine" in notice
    assert "keeps up" not in engine.change_concurrency(-1)
    assert "" == capacity_warning(held + 1, EndpointKind.CUSTOM)
    assert "" == capacity_warning(most, EndpointKind.SERVICE)
    assert f"about {most}" in capacity_warning(most + 1, EndpointKind.SERVICE)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_finished_rows_only_leave_the_table(bench: Bench) -> None:
    """The supervisor gets no request, and u brings them back."""
    job = bench.supervisor.job("/rec/a.wav", *streaming(), ended_done())
    bench.settled()

    assert "1 recording removed from the table; u undoes" == bench.edits.remove([job])
    assert ([], []) == (list(bench.state.table.visible), bench.supervisor.cancelled)
    assert "Undone: removing 1 recording" == bench.edits.undo()
    assert [job] == bench.state.table.visible
    assert [] == bench.supervisor.retried


def test_waiting_rows_leave_the_queue_too_and_come_back_in_their_place(bench: Bench) -> None:
    """Undo restores their positions."""
    jobs = bench.waiting(3)

    assert "1 recording removed from the table and the queue; u undoes" == bench.edits.remove(
        [jobs[1]]
    )
    assert [jobs[1]] == bench.supervisor.cancelled
    bench.taken_out(jobs[1])
    bench.supervisor.queue.remove(jobs[1])
    bench.supervisor.queue.append(jobs[1])  # asked again, it comes last
    assert "Undone: removing 1 recording" == bench.edits.undo()
    assert [jobs[1]] == bench.supervisor.retried
    assert jobs == bench.supervisor.queue
    assert jobs == bench.state.table.visible


def test_live_rows_are_not_removed(bench: Bench) -> None:
    """The notice says so; the other rows are removed."""
    live, waiting = bench.streams(2), bench.waiting(1)

    assert "Nothing removed; 2 recordings running: cancel with x first" == bench.edits.remove(live)
    said = bench.edits.remove([*live, *waiting])
    rest = "2 recordings running: cancel with x first"
    assert f"1 recording removed from the table and the queue; {rest}" == said
    assert live == bench.state.table.visible
    assert waiting == bench.supervisor.cancelled
    assert verbs.NO_ROW_MESSAGE == bench.edits.remove([])


def test_undoing_an_addition_keeps_live_sessions(bench: Bench) -> None:
    """The notice says how many."""
    assert "2 recordings added to the end of the queue" == bench.edits.add(
        ["/rec/a.wav", "/rec/b.wav"]
    )
    first, second = bench.state.table.visible
    bench.supervisor.report(first, *streaming())
    bench.settled()

    assert (
        "Undone: adding 2 recordings; 1 recording already running: x cancels" == bench.edits.undo()
    )
    assert [second] == bench.supervisor.cancelled
    assert [first] == bench.state.table.visible


def test_waiting_jobs_move_in_the_queue_and_back(bench: Bench) -> None:
    """Jobs that do not wait are skipped."""
    live, jobs = bench.streams(1), bench.waiting(3)

    said = bench.edits.move_in_queue([*live, jobs[2]], -1)
    assert "1 recording moved up: number 2 of 3 in the queue" == said
    assert [jobs[0], jobs[2], jobs[1]] == bench.supervisor.queue == bench.state.table.waiting_jobs
    assert "1 recording moved up: next to start" == bench.edits.move_in_queue([jobs[2]], -1)
    assert "Already first in the queue" == bench.edits.move_in_queue([jobs[2]], -1)
    assert "Nothing to do: 1 recording not waiting in the queue" == bench.edits.move_in_queue(
        live, 1
    )
    assert "Undone: moving 1 recording up" == bench.edits.undo()
    assert "Undone: moving 1 recording up" == bench.edits.undo()
    assert jobs == bench.supervisor.queue == bench.state.table.waiting_jobs
    assert "Already last in the queue" == bench.edits.move_in_queue([jobs[2]], 1)
    assert "Nothing to undo" == bench.edits.undo()


def test_a_higher_limit_says_what_can_start() -> None:
    """A lower limit ends no session."""
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
        "The limit cannot go below 1; press p to hold new starts"
        == bench.edits.change_concurrency(-1)
    )
    assert "Undone: 1 at once; 2 at once" == bench.edits.undo()
    assert 2 == bench.supervisor.max_sessions


def test_the_limit_does_not_change_before_it_is_known() -> None:
    """The embedded engine reports its capacity when it has started."""
    assert "not known until the engine has started" in Bench(sessions=0).edits.change_concurrency(1)


def test_only_the_cancel_of_waiting_jobs_is_undone(bench: Bench) -> None:
    """A session that was ended is retried, not undone."""
    live, jobs = bench.streams(1), bench.waiting(2)

    assert bench.edits.cancel([*live, *jobs]).startswith("Cancelling 3 recordings")
    bench.taken_out(*jobs)
    assert "Undone: cancelling 2 waiting" == bench.edits.undo()
    assert jobs == bench.supervisor.retried
    bench.edits.cancel(live)
    assert "Nothing to undo" == bench.edits.undo()


def test_jobs_that_are_still_ending_are_reported(bench: Bench) -> None:
    """They were starting when they were cancelled, and have not ended yet."""
    (job,) = bench.waiting(1)
    bench.edits.cancel([job])

    assert "Undone: cancelling 1 waiting; 1 recording still ending; press r later to retry" == (
        bench.edits.undo()
    )


def test_a_retrying_job_counts_as_waiting(bench: Bench) -> None:
    """It has no live session."""
    job = bench.supervisor.job("/rec/a.wav", *streaming(), *broken_attempt())
    bench.settled()

    assert "and the queue" in bench.edits.remove([job])
    assert [job] == bench.supervisor.cancelled


def test_old_edits_are_forgotten(bench: Bench) -> None:
    """The number of undo steps is limited."""
    for _ in range(MAX_UNDO_STEPS + 5):
        bench.edits.change_concurrency(1)
    undone = [bench.edits.undo() for _ in range(MAX_UNDO_STEPS + 1)]

    assert "Nothing to undo" == undone[-1]
    assert "Nothing to undo" not in undone[:-1]


def test_removed_files_may_be_added_again(bench: Bench, tmp_path: Path) -> None:
    """As new jobs."""
    bench.edits.add([str(tmp_path)])
    bench.edits.remove(list(bench.state.table.visible))

    assert "1 recording added to the end of the queue" == bench.edits.add([str(tmp_path)])
    assert [JobId(2)] == bench.state.table.visible
