"""The queue of reports stays small while the screen stands still, and loses nothing that counts."""

from collections.abc import Iterable
from itertools import chain

from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    progressed,
    queued,
    report,
    turn_heard,
)
from tui.model.desk_state import DeskState
from workers.jobs.events import Event, JobReport
from workers.scheduling.report_queue import MAX_REPORTS, ReportQueue


def reports_of(job: int, finals: int) -> Iterable[JobReport]:
    """A session with so many turns, of ten partials each."""
    events: list[Event] = [queued(), connecting(), began()]
    for order in range(finals):
        for words in range(1, 11):
            events.append(progressed(order + words / 10))
            events.append(turn_heard(order, "word " * words))
        events.append(turn_heard(order, "word " * 10, final=True))
    return [report(job, event) for event in (*events, ended_done())]


def drain(reports: ReportQueue, state: DeskState) -> int:
    count = 0
    while not reports.empty():
        state.apply(reports.get_nowait())
        count += 1
    return count


def test_reports_that_nobody_reads_are_reduced_to_what_counts() -> None:
    """Of each turn one progress, one partial and the final are left; jobs end in the same state."""
    all_reports, reports = DeskState(), ReportQueue()
    first = [report(1, progressed(float(number))) for number in range(MAX_REPORTS)]
    both = zip(reports_of(2, 200), reports_of(3, 200), strict=True)
    for each in (*first, *chain.from_iterable(both)):
        all_reports.apply(each)
        reports.put(each)
    waiting, state = reports.qsize(), DeskState()
    drain(reports, state)

    assert waiting <= MAX_REPORTS + 2 * (4 + 3 * 200)
    for job, expected in all_reports.job_states.items():
        found = state.job_states[job]
        assert expected.status is found.status
        assert expected.sent_seconds == found.sent_seconds
        assert expected.transcript.text == found.transcript.text
        assert expected.resume_point == found.resume_point


def test_what_was_held_back_follows_when_there_is_room() -> None:
    """With the next report of any job, each job's own reports stay in order."""
    reports = ReportQueue()
    for number in range(MAX_REPORTS):
        reports.put(report(1, progressed(float(number))))
    for seconds in (1.0, 2.0):
        reports.put(report(2, progressed(seconds)))
        reports.put(report(2, turn_heard(0, "one " * round(seconds))))
    assert MAX_REPORTS == reports.qsize()

    state = DeskState()
    drain(reports, state)
    reports.put(report(1, progressed(59.0)))
    assert 3 == reports.qsize()
    drain(reports, state)
    assert [59.0, 2.0] == [each.sent_seconds for each in state.job_states.values()]
