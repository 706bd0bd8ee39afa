"""What a session process is told: at its start, and while it runs."""

from dataclasses import dataclass
from enum import Enum

from workers.jobs import Job
from workers.speech.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a session waits for the server, in seconds."""

    begin: float = 20.0
    """For Begin, on an open socket; the service takes one or two."""
    end: float = 30.0
    """For the next message, after Terminate, before the Termination is given up."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one job. Holds nothing secret."""

    job: Job
    attempt: int
    endpoint: Endpoint
    trace: str
    """The path of the trace to write; it must not exist yet."""
    log: str
    """The path of the file that takes the process's output."""
    patience: Patience = Patience()


class Order(Enum):
    """What the supervisor sends through the pipe while the session runs."""

    CANCEL = "cancel"
    """Send no more audio, end politely, keep what was heard."""
