"""Reports are taken in for a moment at a time."""

from queue import SimpleQueue

from tests.support.report_builders import queued
from tui.app.drain_reports import drain_reports
from tui.model.desk_state import DeskState
from workers.jobs.events import JobReport
from workers.jobs.job import JobId


def told(count: int) -> "SimpleQueue[JobReport]":
    reports: SimpleQueue[JobReport] = SimpleQueue()
    for number in range(count):
        reports.put(JobReport(JobId(1), 1, "/a.wav", float(number), queued()))
    return reports


def test_all_of_a_few_reports_is_taken_in() -> None:
    """There is nothing to follow."""
    state, reports = DeskState(), told(99)
    assert drain_reports(state, reports)
    assert reports.empty()


def test_of_a_flood_some_is_left_for_later_and_nothing_is_lost() -> None:
    """Keys have their turn in between."""
    state, reports = DeskState(), told(40_000)
    assert not drain_reports(state, reports)
    assert not reports.empty()
    while not drain_reports(state, reports):
        pass
    assert reports.empty()
