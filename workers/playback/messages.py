"""What the program tells the player's process, and what the process reports."""

from dataclasses import dataclass
from typing import TypeAlias

from workers.jobs.job import JobId
from workers.jobs.sent_position import SentPosition


@dataclass(frozen=True, slots=True)
class Passage:
    """The part of a job's recording to play. The job's newest trace says how it is streamed."""

    run_folder: str
    job: JobId
    sha256: str = ""
    """Of the recording as it was streamed, hexadecimal; empty if that is unknown."""
    start_s: float = 0.0
    """Where to start, in seconds of the recording."""
    sent: SentPosition | None = None
    """What the job's session has sent; the playback follows it. None: play from ``start_s``."""
    all_channels: bool = False
    """Whether both speakers of a call are heard, although the job streams one of them."""


@dataclass(frozen=True, slots=True)
class Play:
    """Play this passage instead of the last one."""

    number: int
    """Counts the passages; reports repeat it."""
    passage: Passage


Command: TypeAlias = Play | SentPosition
"""A `SentPosition` is the progress of the session that the passage follows."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Where the playback is. Reported ten times a second, also while the decoder seeks."""

    number: int
    seconds: float
    """The position in the recording of what sounds now."""
    at: float
    """The moment of that on the monotonic clock."""
    unheard_s: float | None
    """Seconds of audio that the session has sent and that are not heard yet; None: it follows no
    session."""
    is_sounding: bool
    """False while the decoder seeks, or while the session that is followed stalls."""


@dataclass(frozen=True, slots=True)
class PlaybackEnded:
    """The playback ended by itself."""

    number: int
    reason: str = ""
    """What went wrong; empty at the end of the recording."""
    hint: str = ""


Report: TypeAlias = Heard | PlaybackEnded
