"""A recorder over a real trace, without a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.audio.recording import Recording
from workers.jobs.events import Event, JobReport
from workers.jobs.job import Job, JobId, StreamSettings
from workers.protocol.endpoint import custom_endpoint
from workers.session.assignment import Assignment
from workers.session.recorder import Recorder
from workers.traces import files
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

RECORDING = Recording("a.wav", 3600.0, 8000, 1, 3600 * 8000, "WAV PCM_16", 3600 * 16000 + 44)
"""An hour; there is no such file."""


class CollectedReports(list[JobReport]):
    """Keeps what is reported."""

    def put(self, report: JobReport) -> None:
        self.append(report)

    @property
    def events(self) -> list[Event]:
        return [report.event for report in self]


@contextmanager
def open_recorder(folder: Path, reports: CollectedReports) -> Iterator[Recorder]:
    """The recorder of a first attempt."""
    file = folder / f"a{files.TRACE_SUFFIX}"
    job = Job(JobId(1), RECORDING.path, RECORDING, StreamSettings())
    assignment = Assignment(job, 1, custom_endpoint("ws://127.0.0.1:9"), str(file), "a.log")
    with TraceWriter(file, TraceHead(job=1, attempt=1, file="a.wav")) as writer:
        yield Recorder(assignment, writer, reports)
