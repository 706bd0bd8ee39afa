"""How far a live session has sent its recording, for a player that follows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SentPosition:
    """A session's latest progress, and when it was made."""

    seconds: float
    """The position in the recording up to which audio was sent."""
    at: float
    """When the session reported it, in seconds on this machine's monotonic clock."""
