"""Shows a job that has ended from its index alone, if that can be relied on."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from workers.jobs.events import Connecting, Ended, Event, JobReport, Slipped
from workers.jobs.job_state import Attempt, JobState, JobStatus
from workers.jobs.job_summary import restore_summary
from workers.runs.saved_records import IndexJob
from workers.traces.files import COMPRESSED_SUFFIX
from workers.traces.index import E, TraceIndex
from workers.traces.reader import has_end


def is_summarised(job: IndexJob, traces: Sequence[tuple[int, Path]], *, is_complete: bool) -> bool:
    """Whether the traces of a job are there as they were when it ended, so that its summary says
    what they contain. ``is_complete``: the run ended properly; otherwise the power may have failed,
    and the end of each trace is looked at."""
    saved, ended = job.saved, job.ended
    if job.traces.summary is None or ended is None:
        return False
    if saved.status != JobStatus.from_outcome(ended.outcome).value:
        return False
    traced, latest = job.traces.traced, job.saved.attempt
    if len(traced) != len(traces) or str(latest) not in traced:
        return False
    with suppress(OSError):
        for number, path in traces:
            if (attempt := traced.get(str(number))) is None:
                return False
            # A compressed one was on the disk as a whole before it took the place of the other.
            if os.lstat(path).st_size != attempt.bytes and path.suffix != COMPRESSED_SUFFIX:
                return False
        return is_complete or all(has_end(path) for _, path in traces)
    return False


def summarised_state(job: IndexJob) -> JobState:
    """The state of a job for which `is_summarised` is true. Its transcript is on the disk."""
    traced, summary = job.traces.traced, job.traces.summary
    assert summary is not None
    assert job.ended is not None
    state = JobState.of(job.id, job.source, job.half)
    if job.queued is not None:
        state.apply(JobReport(job.id, 1, job.file, 0.0, job.queued, job.half))
    earlier = [
        Attempt(number, traced[str(number)].started_from, ended)
        for number in sorted(map(int, traced))
        if number < job.attempt and (ended := job.ending_of(number)) is not None
    ]
    restore_summary(
        state,
        summary,
        attempt=job.attempt,
        ended=job.ended,
        earlier=earlier,
        sha256=job.saved.sha256,
    )
    return state


class SummarisedAttempt:
    """Stands for the `TraceIndex` of an attempt whose job is summarised. ``read`` makes that, when
    the events themselves are asked for."""

    damage: tuple[float, str] | None = None

    def __init__(
        self, job: IndexJob, number: int, path: Path, read: Callable[[Path], TraceIndex]
    ) -> None:
        saved, ended = job.traces.traced[str(number)], job.ending_of(number)
        self.started_s = saved.started
        self.end_s = max(saved.seconds, 0.0)
        self._saved, self._ended = saved, ended
        self._path, self._read = path, read

    def find(self, kind: type[E]) -> Iterator[tuple[float, E]]:
        """As `TraceIndex.find`, but knows only what a timeline asks for."""
        events: list[tuple[float, Event]] = []
        if kind is Slipped:
            events = [(slip_s, Slipped(0.0, 0.0)) for slip_s in self._saved.slips_s]
        elif kind is Connecting:
            start = self._saved.started_from
            events = [(0.0, Connecting("", "", start.at_ms, start.turn, start.kept_words))]
        elif kind is Ended and self._ended is not None:
            events = [(self.end_s, self._ended)]
        return ((t, event) for t, event in events if isinstance(event, kind))

    def first(self, kind: type[E]) -> E | None:
        """As `TraceIndex.first`."""
        return next((event for _, event in self.find(kind)), None)

    def events_between(self, after_s: float, until_s: float) -> Iterator[tuple[float, Event]]:
        """The events of the trace. If its process was killed, its end is added."""
        index = self._read(self._path)
        yield from index.events_between(after_s, until_s)
        self.damage = index.damage
        lacks_end = self._ended is not None and index.first(Ended) is None
        if lacks_end and self._ended is not None and after_s < self.end_s <= until_s:
            yield self.end_s, self._ended
