"""How long a session lasts, by the end that the server announces, although clocks may be wrong.

The server announces its end by its own clock, and tells its time in the `Date` header of the
upgrade (RFC 9110, section 6.6.1). Everything after that is measured on the monotonic clock, so a
clock that is set during a session changes nothing.
"""

from dataclasses import dataclass

from workers.protocol.messages import MAX_SESSION_S

MAX_CLOCK_DIFFERENCE_S = 300.0
"""A greater difference between the clocks is reported."""
ROUNDING_S = 1.0
"""Servers announce whole seconds."""


@dataclass(frozen=True, slots=True)
class SessionLife:
    """How long a session lasts from Begin, in seconds, and what is wrong with the clocks."""

    seconds: float
    warning: str = ""


def session_life(
    expires_at: int, *, server_time_s: float | None, local_time_s: float, min_life_s: float
) -> SessionLife:
    """The life of a session whose Begin has just arrived. All times are Unix times.

    ``expires_at``: 0 if the server announced none. ``server_time_s``: None if the server did not
    tell its time. ``min_life_s``: a session that is announced to be shorter has a wrong clock; it
    is then expected to last as long as any.
    """
    offset_s = 0.0 if server_time_s is None else local_time_s - server_time_s
    now_s = local_time_s if server_time_s is None else server_time_s
    life_s = expires_at - now_s
    is_wrong = expires_at != 0 and life_s < min_life_s - ROUNDING_S
    seconds = life_s if 0 < life_s <= MAX_SESSION_S and not is_wrong else float(MAX_SESSION_S)
    differs = f"this machine's clock is {_difference_text(offset_s)} the server's"
    if is_wrong:
        reason = "the server announced an end of the session that cannot be right, so the session "
        reason += "is timed from its start"
        cause = differs if abs(offset_s) >= MAX_CLOCK_DIFFERENCE_S else "is a clock wrong?"
        return SessionLife(seconds, f"{reason}: {cause}")
    if abs(offset_s) >= MAX_CLOCK_DIFFERENCE_S:
        return SessionLife(seconds, f"{differs}; sessions are not affected")
    return SessionLife(seconds)


def _difference_text(offset_s: float) -> str:
    minutes = round(abs(offset_s) / 60)
    hours, minutes = divmod(minutes, 60)
    amount = f"{hours} h {minutes} min" if hours < 100 else f"{hours // 24} days"
    return f"{amount if hours else f'{minutes} min'} {'ahead of' if offset_s > 0 else 'behind'}"
