"""The rules of the house, and the record of a visit to it."""

from dataclasses import dataclass

from workers.localserver.refusal import CloseCode

LONGEST_SESSION = 3 * 3600.0
"""Seconds after which the service ends any session."""


@dataclass(frozen=True, slots=True)
class House:
    """Who is let in, how many of them, and for how long."""

    token: str | None = None
    """The key that opens the door; None: any key does."""
    sessions: int | None = None
    """So many at once; None: as many as the source has capacity for."""
    start_rate: int | None = None
    """So many new ones within a minute; None: no such limit."""
    busy_code: CloseCode = CloseCode.UNAUTHORIZED
    """With what too many are refused: 1008 or 3009, the service has used both."""
    longest_session: float = LONGEST_SESSION
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One client, from the open socket to the close; also one that was not let in."""

    session: str
    """The id that Begin tells."""
    model: str
    """What it was served with; empty when it did not come so far."""
    audio_seconds: float
    session_seconds: float
    """From the open socket, by the clock."""
    turns: int
    """Turns that were told to their end."""
    code: int
    """The close code; 1006 when the client was gone without one."""
    words: str
    """How it ended, for people."""
