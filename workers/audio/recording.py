"""A recording: an audio file that can be streamed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recording:
    """A readable audio file, as described by `probe`."""

    path: str
    """The path as given, or as found in a given folder."""
    seconds: float
    rate: int
    """Sample rate in Hz."""
    channels: int
    frames: int
    format: str
    """Container and encoding as libsndfile names them, e.g. ``WAV PCM_16``."""
    size: int
    """Size of the file in bytes."""
