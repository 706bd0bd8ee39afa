"""Checks the part of a recording that is to be streamed against the recording's length."""

from dataclasses import replace

from workers.audio.recording import Recording
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
        reason = (
            f"the part starts at {options.start_s:g} s, but the recording ends at {seconds:g} s"
        )
        raise Unreadable(reason, "Choose an earlier --from, or another offset in the manifest.")
    if options.end_s is not None and options.end_s > seconds + MAX_OVERSHOOT_S:
        end = f"the recording ends at {seconds:g} s, before the part's end at {options.end_s:g} s"
        return replace(recording, warnings=(*recording.warnings, end))
    return recording
