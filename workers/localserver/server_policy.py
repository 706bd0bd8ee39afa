"""Who is admitted and for how long, and the record of each connection."""

from dataclasses import dataclass

from workers.localserver.refusal import CloseCode
from workers.protocol.messages import MAX_SESSION_S


@dataclass(frozen=True, slots=True)
class ServerPolicy:
    """Limits of a server, set by its owner."""

    api_key: str | None = None
    """None: any key is accepted."""
    max_sessions: int | None = None
    """Sessions at the same time; None: the capacity of the backend."""
    max_starts_per_minute: int | None = None
    """New sessions per minute; None: no limit."""
    busy_code: CloseCode = CloseCode.UNAUTHORIZED
    """Close code for too many sessions, 1008 or 3009: the service has used both."""
    max_session_s: float = MAX_SESSION_S


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One connection from its open socket to its close, admitted or not."""

    session_id: str
    """The id in Begin."""
    model: str
    """The speech model; empty if no session began."""
    audio_seconds: float
    session_seconds: float
    """Wall-clock time since the socket opened."""
    turn_count: int
    """Turns that were sent to their end."""
    close_code: int
    """1006 if the client left without a close."""
    outcome: str
    """How it ended, for people."""
