"""The rules of the house, and the record of a visit to it."""

from dataclasses import dataclass

from workers.localserver.refusal import CloseCode

MAX_SESSION_S = 3 * 3600.0
"""Seconds after which the service ends any session."""


@dataclass(frozen=True, slots=True)
class ServerPolicy:
    """Who is let in, how many of them, and for how long."""

    api_key: str | None = None
    """The key that opens the door; None: any key does."""
    max_sessions: int | None = None
    """So many at once; None: as many as the source has capacity for."""
    max_starts_per_minute: int | None = None
    """So many new ones within a minute; None: no such limit."""
    busy_code: CloseCode = CloseCode.UNAUTHORIZED
    """With what too many are refused: 1008 or 3009, the service has used both."""
    max_session_s: float = MAX_SESSION_S
    """Seconds."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One client, from the open socket to the close; also one that was not let in."""

    session_id: str
    """The id that Begin tells."""
    model: str
    """What it was served with; empty when it did not come so far."""
    audio_seconds: float
    session_seconds: float
    """From the open socket, by the clock."""
    turn_count: int
    """Turns that were told to their end."""
    close_code: int
    """The close code; 1006 when the client was gone without one."""
    outcome: str
    """How it ended, for people."""
