"""The input of a session process: an assignment at its start, control messages while it runs."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from workers.jobs.job import Job
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.log import LogConfig, current_config
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import ForceEndpoint, UpdateConfiguration


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a session waits for the server, in seconds."""

    dial_s: float = 20.0
    """Limit for TCP, TLS and the upgrade together; an answer may arrive one byte at a time."""
    begin_s: float = 20.0
    """Limit from the open socket to Begin; the service takes one or two seconds."""
    next_message_s: float = 30.0
    """Limit between two messages after Terminate."""
    termination_s: float = 120.0
    """Limit from Terminate to Termination, even if other messages keep arriving."""
    shutdown_s: float = 3.0
    """Limit for the Termination when the program is quitting or has died."""
    silence_s: float = 20.0
    """How long a server may send nothing, not even a pong, or take no audio before it counts as
    dead. Silence in the recording does not matter, because pings are answered then too."""


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
    """The position in the recording, and the turn number, at which this attempt begins."""
    expected_sha256: str = ""
    """SHA-256 of the recording when the job began; empty for a first attempt."""
    changes: UpdateConfiguration = NO_CHANGES
    """The configuration changes of the job's earlier sessions."""
    log_config: LogConfig | None = field(default_factory=current_config)
    """The log configuration of the process that creates the assignment; None if logging is off."""


class StopCommand(Enum):
    """A command with which the supervisor ends a session."""

    CANCEL = "cancel"
    """The user cancelled the job: send no more audio, wait for the last turns, end."""
    SHUT_DOWN = "leave"
    """The program is quitting: like CANCEL, but wait for `Timeouts.shutdown_s` at most."""


ForwardedMessage: TypeAlias = ForceEndpoint | UpdateConfiguration
"""A message that the supervisor sends for the session to forward to the server."""
