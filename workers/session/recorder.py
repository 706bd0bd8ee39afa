"""Records the events of a session: first in the trace, then in the queue to the program."""

import time
from collections.abc import Callable
from typing import Protocol

from workers.jobs.events import Ended, Event, JobReport, Outcome, TraceEvent
from workers.log import Logger
from workers.session.assignment import Assignment
from workers.traces.format import needs_progress_first
from workers.traces.writer import TraceWriter

_log = Logger("paceline.session")


class ReportSink(Protocol):
    """Receives reports: a `SessionQueue`, or a list in a test."""

    def put(self, item: JobReport) -> None:
        """Adds a report without waiting."""


class Recorder:
    """Records the events of one attempt, with times in seconds since this object was created.

    An argument ``at`` is a monotonic time; None is now.
    """

    def __init__(self, assignment: Assignment, trace: TraceWriter, sink: ReportSink) -> None:
        self._assignment = assignment
        self._trace = trace
        self._sink = sink
        self._started_at = time.monotonic()
        self.report_progress: Callable[[float | None], None] = lambda at: None
        """Reports progress that is not reported yet, as of a monotonic time; set by
        `SendProgress`."""
        self.failure: Ended | None = None
        """Set if the trace cannot be written; the session must then end, having no evidence."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since this object was created."""
        return time.monotonic() - self._started_at

    def publish(self, event: Event, at: float | None = None) -> None:
        """Traces an event and reports it to the supervisor.

        Does not report an event that it cannot trace: the next attempt would resume after it. An
        end is reported in any case, but a session without evidence is not done.
        """
        if needs_progress_first(event):
            self.report_progress(at)
        t = (time.monotonic() if at is None else at) - self._started_at
        if not self._write_trace(t, event):
            if not isinstance(event, Ended):
                return
            if event.outcome is Outcome.DONE and self.failure is not None:
                event = self.failure
        job = self._assignment.job
        self._sink.put(JobReport(job.id, self._assignment.attempt, job.file, t, event, job.half))

    def trace_only(self, event: TraceEvent, at: float | None = None) -> None:
        """Traces an event that the supervisor does not need."""
        self._write_trace(self.elapsed_s if at is None else at - self._started_at, event)

    def check_trace(self) -> None:
        """Notices that somebody has removed or moved the trace, perhaps with the run folder."""
        if self.failure is None and not self._trace.is_in_place:
            self.failure = Ended(
                Outcome.UNWRITABLE,
                "the run folder was deleted or moved while it was used",
                "Nothing more is recorded in it; start again with another --out.",
            )
            _log.warning(self.failure.reason)

    def _write_trace(self, t: float, event: TraceEvent) -> bool:
        if self.failure is None:
            try:
                self._trace.write(t, event)
            except OSError as error:
                self.failure = unwritable_ending(error)
                _log.warning(self.failure.reason)
        return self.failure is None


def unwritable_ending(error: OSError) -> Ended:
    """The ending of a session whose trace cannot be written."""
    return Ended(
        Outcome.UNWRITABLE,
        f"the trace could not be written ({error.strerror})",
        "Free disk space, or choose another folder with --out; then retry.",
    )
