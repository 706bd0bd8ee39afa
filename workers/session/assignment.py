"""The input of a session process: an assignment at its start, control messages while it runs."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from workers.jobs.job import Job
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.log import LogConfig, current_config
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import MIN_SESSION_S, ForceEndpoint, UpdateConfiguration
from workers.traces.format import TraceHead


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a session waits for the server, in seconds."""

    dial_s: float = 20.0
    """Limit for TCP, TLS and the upgrade together, even if the answers arrive byte by byte."""
    begin_s: float = 20.0
    """Limit from opening the socket to Begin. The service takes one or two seconds."""
    next_message_s: float = 30.0
    """Limit between two messages after Terminate."""
    termination_s: float = 120.0
    """Limit from Terminate to Termination, even if other messages keep arriving. It is that many
    times longer at a speed above 1."""
    shutdown_s: float = 3.0
    """Limit from the stop command to Termination if the program is quitting or has died."""
    silence_s: float = 20.0
    """The server counts as dead after this time without data from it, not even a pong, or without
    taking audio. Silence in the recording does not matter: the server still answers pings."""
    min_life_s: float = float(MIN_SESSION_S)
    """The shortest session that a server may announce; a shorter one means a wrong clock."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one job. Holds no secret."""

    job: Job
    attempt: int
    endpoint: Endpoint
    trace_path: str
    """The trace to write; must not exist yet."""
    log_path: str
    """The file that receives the standard output and error of the process."""
    timeouts: Timeouts = Timeouts()
    resume_point: ResumePoint = RECORDING_START
    """Where this attempt begins: a position in the recording and a turn number."""
    expected_sha256: str = ""
    """SHA-256 of the recording when the job began; empty for a first attempt."""
    expected_bytes: int | None = None
    """Up to where that hash was computed, as the file was still being written; None: all of it."""
    changes: UpdateConfiguration = NO_CHANGES
    """The configuration changes of the job's earlier sessions."""
    clock_s: float | None = None
    """Only for half of a pair: when the pair's clock started, on the machine's monotonic clock.
    None: it has not started yet, so the session waits for `StartClock`."""
    phase: float | None = None
    """When its chunks are due, as a share of the interval between two chunks, counted on the
    machine's monotonic clock: sessions with different phases do not need the processor at the same
    moment. None: as soon as it can. The clock of a pair has no phase."""
    was_reached: bool = False
    """Whether the run has had a session at the endpoint."""
    lease_until_s: float | None = None
    """When the session must begin to end unless `ExtendLease` arrives, on the machine's monotonic
    clock. None: it has no lease, because its run is on this machine only."""
    node: str | None = None
    """The machine of a fleet on which the session runs; None: the one on which the program runs."""
    shared_with_group: bool = False
    """Whether the group may read the files of the attempt."""
    log_config: LogConfig | None = field(default_factory=current_config)
    """The log configuration of the parent process; None if logging is off."""

    @property
    def trace_head(self) -> TraceHead:
        """The first line of the attempt's trace."""
        job = self.job
        return TraceHead(
            job=job.id,
            attempt=self.attempt,
            file=job.file,
            recording=job.recording,
            settings=job.settings,
            seam=self.resume_point,
            endpoint=self.endpoint.address,
            half=job.half,
        )


class StopCommand(Enum):
    """A command from the supervisor to end the session."""

    CANCEL = "cancel"
    """The user cancelled the job: send no more audio, wait for the last turns, then end."""
    SHUT_DOWN = "leave"
    """The program is quitting: like CANCEL, but wait for `Timeouts.shutdown_s` at most."""


ForwardedMessage: TypeAlias = ForceEndpoint | UpdateConfiguration
"""A message that the supervisor sends for the session to forward to the server."""


@dataclass(frozen=True, slots=True)
class StartClock:
    """Starts the clock of a pair: both halves get the same time."""

    at_s: float
    """The time at which the first chunk is due, on the machine's monotonic clock, which all its
    processes share."""


@dataclass(frozen=True, slots=True)
class ExtendLease:
    """Lets a session on a node of a fleet go on until another time. It ends by itself then, so that
    it is not open for longer than its node may use the account, even if its node is frozen."""

    until_s: float
    """When it must begin to end, on the machine's monotonic clock."""


ControlMessage: TypeAlias = StopCommand | ForwardedMessage | StartClock | ExtendLease
"""What the supervisor sends to a session."""
