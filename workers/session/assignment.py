"""What a session process is told: at its start, and while it runs."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from workers.jobs.job import Job
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import ForceEndpoint, UpdateConfiguration


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a session waits for the server, in seconds."""

    dial_s: float = 20.0
    """For TCP, TLS and the upgrade together: an answer may come a byte at a time."""
    begin_s: float = 20.0
    """For Begin, on an open socket; the service takes one or two."""
    next_message_s: float = 30.0
    """For the next message, after Terminate, before the Termination is given up."""
    termination_s: float = 120.0
    """For the Termination, whatever else still comes."""
    shutdown_s: float = 3.0
    """For the Termination when the program is leaving, or gone."""
    silence_s: float = 20.0
    """Without any sign of life, not even the answer to a ping, or without taking any audio, until
    the server counts as dead. Silence in the recording is no reason: pings are answered in it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one job. Holds nothing secret."""

    job: Job
    attempt: int
    endpoint: Endpoint
    trace_path: str
    """The path of the trace to write; it must not exist yet."""
    log_path: str
    """The path of the file that takes the process's output."""
    timeouts: Timeouts = Timeouts()
    resume_point: ResumePoint = RECORDING_START
    """Where in the recording, and among its turns, this attempt begins."""
    expected_sha256: str = ""
    """Of the recording when the job began; empty for a first attempt."""
    changes: UpdateConfiguration = NO_CHANGES
    """What was changed in earlier sessions of the job; none by default."""


class StopCommand(Enum):
    """What the supervisor sends through the pipe to end a session."""

    CANCEL = "cancel"
    """The user does not want it: send no more audio, end politely, keep what was heard."""
    SHUT_DOWN = "leave"
    """The program ends: the same, and soon; somebody may go on with it later."""


ForwardedMessage: TypeAlias = ForceEndpoint | UpdateConfiguration
"""What it sends through the pipe to be passed on to the server while audio streams."""
