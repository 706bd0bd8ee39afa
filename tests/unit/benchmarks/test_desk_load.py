"""The parts of the desk's benchmark, on little: it is not run."""

import sys
from pathlib import Path

import psutil

from tests.benchmarks.desk_load import (
    OF_A_TURN,
    SPOKEN,
    WORDS,
    ReportGenerator,
    progressed,
    reading,
    startup_events,
)
from tests.benchmarks.terminal_recorder import TerminalRecorder
from tests.support.report_builders import job_reports
from tui.model.desk_state import DeskState
from workers.jobs.events import Event
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus

SPEAKING = r"""
import sys, time
sys.stdin.readline()
for row in (4, 5):
    sys.stderr.write(f"\x1b[{row};1H\x1b[1;38m\x1b[48m▌ here")
    sys.stderr.flush()
    sys.stdin.readline()
"""


def test_a_session_that_is_made_up_says_every_word_once() -> None:
    """Word by word, a final at the end of each turn."""
    state = DeskState()
    heard = [reading(spoken, 7) for spoken in range(2 * OF_A_TURN)]
    for each in job_reports(1, *startup_events(), progressed(3.0, 1), *heard):
        state.apply(each)

    job_state = state.job_states[JobId(1)]
    assert JobStatus.STREAMING is job_state.status
    assert list(WORDS[7 : 7 + 2 * OF_A_TURN]) == job_state.transcript.text.split()
    assert [True, True] == [turn.end_of_turn for turn in job_state.transcript.turns]
    assert 2 == sum(each.turn.end_of_turn for each in heard)


class Eager(ReportGenerator):
    """Whatever it reports is taken in at once."""

    state = DeskState()

    def report(self, job: JobId, *events: Event) -> None:
        super().report(job, *events)
        while not self.reports.empty():
            self.state.apply(self.reports.get())


def test_an_hour_is_told_in_quarters(tmp_path: Path) -> None:
    """Every word of it, to somebody who lets the old ones go."""
    feeder = Eager(2)
    feeder.hour(tmp_path / "told", 600)
    job_state = feeder.state.job_states[JobId(2)]

    assert 4 == len((tmp_path / "told").read_text().splitlines())
    assert 599.0 == job_state.sent_seconds
    assert 600 / SPOKEN / OF_A_TURN == len(job_state.transcript)
    assert not job_state.transcript.is_complete


def test_a_terminal_tells_when_the_cursor_is_drawn() -> None:
    """And in which row; leaving it ends the program."""
    with TerminalRecorder([sys.executable, "-c", SPEAKING], (80, 24)) as terminal:
        terminal.type(b"\n")
        assert 4 == terminal.row_of_cursor()
        before = terminal.cursor_in(5, lambda: terminal.type(b"\n"))
        assert terminal.began < before
        program = terminal.program
    assert not psutil.pid_exists(program.pid)
