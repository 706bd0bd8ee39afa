"""A session records each event in the trace first, and then reports it to the supervisor."""

import time
from pathlib import Path

import pytest

from tests.unit.session.recorder_harness import RECORDING, CollectedReports, open_recorder
from workers.jobs.events import Ended, Outcome, Warned
from workers.jobs.job import Job, JobId, StreamSettings
from workers.protocol.endpoint import custom_endpoint
from workers.session.assignment import Assignment
from workers.session.recorder import Recorder
from workers.traces.files import TRACE_SUFFIX
from workers.traces.reader import read_trace


class FullDisk:
    """A trace that can no longer be written."""

    def write(self, t: float, event: object) -> None:
        raise OSError(28, "No space left on device")


def test_an_event_is_traced_and_reported_at_the_same_moment(tmp_path: Path) -> None:
    """The time is now or the given one; some events are traced but not reported."""
    reports = CollectedReports()
    with open_recorder(tmp_path, reports) as recorder:
        before = recorder.elapsed_s
        recorder.publish(Warned("now"))
        recorder.publish(Warned("later"), at=time.monotonic() + 100)
        recorder.trace_only(Warned("quietly"), at=time.monotonic() + 200)
        after = recorder.elapsed_s
    (path,) = tmp_path.glob(f"*{TRACE_SUFFIX}")
    traced = list(read_trace(path))

    assert [report.event for report in reports] == [Warned("now"), Warned("later")]
    assert [timed.event for timed in traced] == [Warned("now"), Warned("later"), Warned("quietly")]
    assert [report.t for report in reports] == pytest.approx(
        [timed.t for timed in traced[:2]], abs=1e-3
    )
    assert before <= reports[0].t <= after
    assert before + 100 <= reports[1].t <= after + 100


def test_what_a_full_disk_did_not_keep_is_not_reported(tmp_path: Path) -> None:
    """The next attempt would resume after it. Only the end is reported, with its reason."""
    reports = CollectedReports()
    job = Job(JobId(1), RECORDING.path, RECORDING, StreamSettings())
    assignment = Assignment(job, 1, custom_endpoint("ws://127.0.0.1:9"), "a.jsonl", "a.log")
    recorder = Recorder(assignment, FullDisk(), reports)  # type: ignore[arg-type]  # only writes
    recorder.publish(Warned("lost"))
    failure = recorder.failure
    assert failure is not None
    recorder.publish(failure)

    assert reports.events == [
        Ended(
            Outcome.UNWRITABLE,
            "the trace could not be written (No space left on device)",
            "Free disk space, or choose another folder with --out; then retry.",
        )
    ]
