"""What a session process receives: an assignment at its start, control messages while it runs."""

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
    """For TCP, TLS and the upgrade together; an answer may come a byte at a time."""
    begin_s: float = 20.0
    """From the open socket to Begin; the service takes one or two."""
    next_message_s: float = 30.0
    """Between two messages after Terminate."""
    termination_s: float = 120.0
    """From Terminate to Termination, whatever else arrives."""
    shutdown_s: float = 3.0
    """For the Termination when the program ends or has died."""
    silence_s: float = 20.0
    """Until a server that sends nothing, not even a pong, or takes no audio counts as dead. Silence
    in the recording does not matter, since pings are answered then too."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one job. Holds no secret."""

    job: Job
    attempt: int
    endpoint: Endpoint
    trace_path: str
    """The trace to write; must not exist yet."""
    log_path: str
    """The file that takes the standard output and error of the process."""
    timeouts: Timeouts = Timeouts()
    resume_point: ResumePoint = RECORDING_START
    """Where in the recording, and among its turns, this attempt begins."""
    expected_sha256: str = ""
    """Of the recording when the job began; empty for a first attempt."""
    changes: UpdateConfiguration = NO_CHANGES
    """The configuration changes of the job's earlier sessions."""
    log_config: LogConfig | None = field(default_factory=current_config)
    """That of the process which makes the assignment; None while logging is off."""


class StopCommand(Enum):
    """What the supervisor sends to end a session."""

    CANCEL = "cancel"
    """The user cancelled the job: send no more audio, wait for the last turns, end."""
    SHUT_DOWN = "leave"
    """The program ends: the same, but wait for `Timeouts.shutdown_s` only."""


ForwardedMessage: TypeAlias = ForceEndpoint | UpdateConfiguration
"""What the supervisor sends for the session to forward to the server."""
