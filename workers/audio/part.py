"""Checks the part of a recording that is to be streamed against the recording's length."""

from dataclasses import replace

from workers.audio.recording import Recording, clock
from workers.errors import Unreadable

MAX_OVERSHOOT_S = 1.0
"""Seconds by which a part may end after the recording without a warning; lists round lengths."""


def check_part(recording: Recording) -> Recording:
    """Returns the recording, with a warning if its part ends early.

    Raises `Unreadable` if the recording ends before the part starts. The length of a recording
    that is still being written is not known, so its part is not checked.
    """
    options, seconds = recording.options, recording.seconds
    if options.follow or not recording.is_exact:
        return recording
    if options.start_s >= seconds:
        start = _position(options.start_s)
        reason = f"the part starts at {start}, but the recording ends at {_position(seconds)}"
        raise Unreadable(reason, "Choose an earlier --from, or another offset in the manifest.")
    is_told = recording.missing_seconds > 0  # as a file that is cut short
    if options.end_s is not None and options.end_s > seconds + MAX_OVERSHOOT_S and not is_told:
        end, part_end = _position(seconds), _position(options.end_s)
        warning = f"the recording ends at {end}, but its part at {part_end}"
        return replace(recording, warnings=(*recording.warnings, warning))
    return recording


def _position(seconds: float) -> str:
    """A position to hundredths, where it needs them, such as ``1:05`` or ``1:05.25``."""
    rounded = round(seconds, 2)
    return clock(rounded) + (f"{rounded % 1:.2f}"[1:].rstrip("0") if rounded % 1 else "")
