"""Pending reports are applied for a few milliseconds at a time."""

from queue import SimpleQueue

from tests.support.report_builders import queued
from tui.app.drain_reports import drain_reports
from tui.model.desk_state import DeskState
from workers.jobs.events import JobReport
from workers.jobs.job import JobId


def queue_of(count: int) -> "SimpleQueue[JobReport]":
    reports: SimpleQueue[JobReport] = SimpleQueue()
    for number in range(count):
        reports.put(JobReport(JobId(1), 1, "/a.wav", float(number), queued()))
    return reports


def test_a_few_reports_are_all_applied() -> None:
    """The queue is empty after one call."""
    state, reports = DeskState(), queue_of(99)
    assert drain_reports(state, reports)
    assert reports.empty()


def test_a_flood_of_reports_is_applied_in_portions() -> None:
    """Keys are handled between two portions, and no report is lost."""
    state, reports = DeskState(), queue_of(40_000)
    assert not drain_reports(state, reports)
    assert not reports.empty()
    while not drain_reports(state, reports):
        pass
    assert reports.empty()
