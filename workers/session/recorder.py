"""Where a session says what happens: the trace first, the supervisor after that."""

import time
from typing import Protocol

from workers.jobs.events import Ended, Event, JobReport, Outcome, TraceEvent
from workers.session.assignment import Assignment
from workers.traces.trace_file import TraceWriter


class ReportSink(Protocol):
    """Takes reports without waiting for anybody: a multiprocessing queue, or a list in a test."""

    def put(self, report: JobReport) -> None:
        """Takes one."""


class Recorder:
    """Events of one attempt, timed on its clock: seconds since this object was made."""

    def __init__(self, assignment: Assignment, trace: TraceWriter, sink: ReportSink) -> None:
        self._assignment = assignment
        self._trace = trace
        self._sink = sink
        self._started_at = time.monotonic()
        self.failure: Ended | None = None
        """Set when the trace can no longer be written: the session must end, it proves nothing."""

    @property
    def elapsed_s(self) -> float:
        """Seconds on its clock."""
        return time.monotonic() - self._started_at

    def publish(self, event: Event, at: float | None = None) -> None:
        """An event for everybody; ``at`` on the monotonic clock, now if not given.

        What the trace could not keep is told to nobody: a further attempt would begin behind it.
        """
        t = (time.monotonic() if at is None else at) - self._started_at
        if not self._write_trace(t, event) and not isinstance(event, Ended):
            return
        job = self._assignment.job
        self._sink.put(JobReport(job.id, self._assignment.attempt, job.file, t, event))

    def trace_only(self, event: TraceEvent, at: float | None = None) -> None:
        """An event for the trace alone; ``at`` on the monotonic clock, now if not given."""
        self._write_trace(self.elapsed_s if at is None else at - self._started_at, event)

    def _write_trace(self, t: float, event: TraceEvent) -> bool:
        if self.failure is None:
            try:
                self._trace.write(t, event)
            except OSError as error:
                self.failure = unwritable_ending(error)
        return self.failure is None


def unwritable_ending(error: OSError) -> Ended:
    """The ending of a session whose trace cannot be written."""
    return Ended(
        Outcome.UNWRITABLE,
        f"the trace could not be written ({error.strerror})",
        "Make room, or name another folder with --out; then retry.",
    )
