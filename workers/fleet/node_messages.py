"""What the program and the agent of a node say to each other, apart from leases.

Only bytes and plain values cross: first `Description`, as a mapping that every version can read,
then pickled classes, which are sent only to a node with the same version of Paceline.
"""

import hashlib
import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NewType, TypeAlias

from workers.fleet.leases import LeaseBeat, LeaseGrant
from workers.jobs.events import JobReport
from workers.jobs.job import JobId

NodeId = NewType("NodeId", str)
"""The identity of a node in its cluster."""
SessionKey = NewType("SessionKey", str)
"""The identity of a session in the fleet: ``12.1.5f0c7a``, for job 12, attempt 1."""

MAX_BATCH_BYTES = 60_000
"""Ray keeps larger answers in its object store, which may write them to a disk."""
PIECE_BYTES = 256 * 1024
"""How much of a file is asked for at once. Compressed, a trace needs a tenth of that."""


@dataclass(frozen=True, slots=True)
class SessionReported:
    """A session has reported an event."""

    key: SessionKey
    number: int  # of the report, counting from 0 for each session
    report: JobReport


@dataclass(frozen=True, slots=True)
class SessionExited:
    """A session's process is gone, and its trace is complete."""

    key: SessionKey
    how: str  # as `Session.start` describes it


@dataclass(frozen=True, slots=True)
class FileMissed:
    """A session was not started, because the node does not have its recording."""

    key: SessionKey
    problem: str


@dataclass(frozen=True, slots=True)
class StartFailed:
    """A session was not started, because the node had no room, or its disk failed."""

    key: SessionKey
    problem: str
    is_disk_full: bool = False


NodeFact: TypeAlias = SessionReported | SessionExited | FileMissed | StartFailed


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """How a node is at a moment."""

    sessions: int
    lag_p99_ms: float | None
    cpu_percent: float | None
    free_disk_bytes: int
    suspended: tuple[SessionKey, ...] = ()
    """The sessions whose processes are stopped."""
    bytes_read_asleep: Mapping[SessionKey, int] = field(default_factory=dict)
    """What sessions have read that sleep, and have reported nothing yet."""


@dataclass(frozen=True, slots=True)
class NodeBatch:
    """What a node answers when it is asked for news."""

    facts: tuple[tuple[int, NodeFact], ...]
    """Facts and their numbers, which count from 1 for each agent."""
    figures: NodeFigures
    beat: LeaseBeat
    received_at: float  # when the question arrived, on the node's wall clock
    sent_at: float  # when this answer left, on the same clock
    monotonic_s: float  # the node's monotonic clock at ``sent_at``


@dataclass(frozen=True, slots=True)
class NewsRequest:
    """Asks a node for its news."""

    kept: int  # the number of the latest fact that the program has kept; the node forgets those
    seen: int  # of the latest one that it has received; the answer begins after it
    grants: tuple[LeaseGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session that an agent has, when a program connects to it."""

    key: SessionKey
    job: JobId
    attempt: int


@dataclass(frozen=True, slots=True)
class TraceInfo:
    """A trace that lies on a node."""

    size: int
    sha256: str
    log_size: int


def pack(message: object) -> bytes:
    """Pickles and compresses a message, or a piece of a file."""
    return zlib.compress(pickle.dumps(message), 1)


def unpack(data: bytes) -> Any:
    """The message of `pack`."""
    return pickle.loads(zlib.decompress(data))


@cache
def code_version() -> str:
    """The version of this installation: a hash of the engine's code. Two installations with the
    same one understand each other's pickled messages."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
