"""A recording: an audio file that can be streamed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recording:
    """A readable audio file, as probing found it."""

    path: str
    """As given, or as found under the folder that was given."""
    seconds: float
    rate: int
    """In Hz."""
    channels: int
    frames: int
    format: str
    """Container and encoding as libsndfile names them, e.g. ``WAV PCM_16``."""
    size: int
    """In bytes."""
