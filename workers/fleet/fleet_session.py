"""A session on a node, as the scheduler sees it."""

import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Protocol

from workers.errors import Malformed
from workers.fleet.node_messages import KnownSession, NodeId, SessionKey
from workers.jobs.events import TRACE_ONLY, Ended, JobReport, Outcome
from workers.jobs.job import Job
from workers.jobs.outcomes import CONTINUE_HINT
from workers.protocol.endpoint import Endpoint, EndpointKind
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ControlMessage, StopCommand
from workers.session.recorder import unwritable_ending
from workers.traces.files import log_of
from workers.traces.reader import TraceReader, read_trace
from workers.traces.writer import TraceWriter


class SessionPhase(Enum):
    CREATED = "created"
    PLACED = "placed"  # a node was chosen, and starts it as soon as its lease permits
    COLLECTING = "collecting"  # its process is gone, and its trace is being collected
    OVER = "over"  # the scheduler knows that it has ended


class SessionHost(Protocol):
    """What a session needs from its fleet."""

    def place(self, session: "FleetSession") -> None:
        """Chooses a node for a session, and starts it there."""

    def send(self, session: "FleetSession", message: ControlMessage) -> None:
        """Forwards a message to a session."""

    def kill(self, session: "FleetSession") -> None:
        """Kills a session."""

    def is_reachable(self, node: NodeId) -> bool:
        """Whether a node answers."""

    def is_suspended(self, session: "FleetSession") -> bool:
        """Whether the session's process is stopped, by what its node last said."""

    def bytes_read_asleep(self, session: "FleetSession") -> int | None:
        """Like `Session.bytes_read_asleep`, by what the node last said."""


class FleetSession:
    """A session on a node. Its reports are written into a trace in the run folder before the
    scheduler gets them; the whole trace takes its place when the session is over. So nothing that
    was ever shown is lost, even if the node is."""

    def __init__(
        self, host: SessionHost, key: SessionKey, assignment: Assignment, secret: Secret | None
    ) -> None:
        self.key, self.assignment, self.secret = key, assignment, secret
        self.phase = SessionPhase.CREATED
        self.node: NodeId | None = None
        self.has_started = False
        """Whether its reports may be handed to the scheduler."""
        self.is_start_known = False
        """Whether the node has the request to start it."""
        self.asked_at = time.monotonic()
        """When the node was asked to start it."""
        self.unsent: list[StopCommand] = []
        """Commands that the node has not got."""
        self.is_kill_requested = False
        self.exit_text = ""
        self._host = host
        self._trace: TraceWriter | None = None
        self._reports = 0
        """How many were written; each has a line."""
        self._on_report: Callable[[JobReport], None] = lambda report: None
        self._on_exit: Callable[[str], None] = lambda how: None

    @property
    def trace_path(self) -> Path:
        """Where its trace belongs in the run folder."""
        return Path(self.assignment.trace_path)

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        """Chooses a node, which then starts the session. Raises `OSError`."""
        self._on_report, self._on_exit = on_report, on_exit
        head, keep_words = self.assignment.trace_head, self.assignment.job.settings.keep_words
        self._trace = TraceWriter(self.trace_path, head, keep_words=keep_words)
        self.has_started = True
        self._host.place(self)

    def send(self, message: ControlMessage) -> None:
        """Forwards a message to the session."""
        self._host.send(self, message)

    @property
    def is_reachable(self) -> bool:
        """False while its node does not answer."""
        return self.node is None or self._host.is_reachable(self.node)

    def check_alive(self) -> bool:
        """Returns False while its process is stopped."""
        return not self._host.is_suspended(self)

    def bytes_read_asleep(self) -> int | None:
        """What it has read, if it sleeps and has reported nothing."""
        return self._host.bytes_read_asleep(self)

    def kill(self) -> None:
        """Kills it, even while it is being started."""
        self._host.kill(self)

    def close(self) -> None:
        """Nothing is open for it here: the lease ends what its node does not notice."""

    # --- called by the fleet's thread

    def apply_report(self, number: int, report: JobReport) -> None:
        """Keeps a report, unless it came before, and hands it to the scheduler."""
        if self._trace is None or number < self._reports:
            return
        if number > self._reports:  # some are lost: another session continues where this is known
            self.kill()
            return
        try:
            self._trace.write(report.t, report.event)
        except OSError as error:
            self.kill()
            report = replace(report, event=unwritable_ending(error))
        self._reports += 1
        self._on_report(report)

    def report_ending(self, ended: Ended) -> None:
        """Hands the scheduler an end that the session itself did not report."""
        job, attempt = self.assignment.job, self.assignment.attempt
        self._on_report(JobReport(job.id, attempt, job.file, 0.0, ended, job.half))

    def finish(self, how: str) -> None:
        """Tells the scheduler that the session is over."""
        if self.phase is not SessionPhase.OVER:
            self.phase = SessionPhase.OVER
            self.secret = None
            self.close_trace()
            on_exit = self._on_exit
            # They know this session, and what knows itself is freed by a garbage collection only.
            self._on_report, self._on_exit = lambda report: None, lambda how: None
            on_exit(how)

    def close_trace(self) -> None:
        """Closes the trace in the run folder, perhaps to put the whole one in its place."""
        if self._trace is not None:
            self._trace.close()
            self._trace = None


class AdoptedSession(FleetSession):
    """A session that an earlier program has started."""

    @classmethod
    def of(cls, host: SessionHost, known: KnownSession, trace: Path) -> "AdoptedSession":
        """The session whose reports are in ``trace``. Raises `Malformed` or `OSError`."""
        reader = TraceReader(trace)
        head, events = reader.head, [timed.event for timed in reader]
        if head is None or head.recording is None:
            raise Malformed(f"{trace.name} does not say what is streamed")
        if any(isinstance(event, TRACE_ONLY) for event in events):
            raise Malformed(f"{trace.name} is a whole trace, not one of reports")
        job = Job(known.job, head.file, head.recording, head.settings, head.half)
        endpoint = Endpoint(EndpointKind.CUSTOM, head.endpoint, head.endpoint)
        assignment = Assignment(job, known.attempt, endpoint, str(trace), str(log_of(trace)))
        return cls(host, known.key, assignment, None)

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        """Repeats what the run folder has of it; the rest comes from its node."""
        self._on_report, self._on_exit = on_report, on_exit
        job, attempt = self.assignment.job, self.assignment.attempt
        keep_words = self.assignment.job.settings.keep_words
        self._trace = TraceWriter(self.trace_path, None, keep_words=keep_words)
        for timed in read_trace(self.trace_path):
            on_report(JobReport(job.id, attempt, job.file, timed.t, timed.event, job.half))  # type: ignore[arg-type]  # such a trace has only events that were reported
            self._reports += 1
        self.has_started = True


def disk_full_ending(ended: Ended, node: str) -> Ended:
    """The end of a session whose node could not write its trace: another node may continue."""
    reason = f"node {node} could not write the trace"
    return replace(ended, outcome=Outcome.CRASHED, reason=reason, hint=CONTINUE_HINT)
