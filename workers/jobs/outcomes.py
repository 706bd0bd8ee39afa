"""The meaning of a server's error or close: the outcome, and a hint for the user.

Codes and texts come from the vendor's pages on session errors. The text is in an Error frame,
or before 2026 in the close reason. In 2025 one code was used for nearly everything, so a known
text has priority over the code.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.errors import DiskFailed, Unreadable
from workers.jobs.events import Ended, Outcome
from workers.protocol.messages import Error

if TYPE_CHECKING:  # the desk's process must not load what only sessions need
    from workers.protocol.connection import CloseFrame
    from workers.protocol.unreachable import Unreachable

RETRYABLE = frozenset({Outcome.LOST, Outcome.UNREACHABLE, Outcome.CRASHED})
"""Failures after which another attempt may succeed. `Outcome.BUSY` and `Outcome.HANDED_OVER` also
lead to one, but are not failures."""

_LASTING = frozenset({Outcome.UNREADABLE, Outcome.UNAUTHORISED, Outcome.REFUSED})
"""How attempts end that another attempt would not help."""

CONTINUE_HINT = "What was heard is kept; it can continue from there."
RETRY_HINT = "What was heard is kept; retry continues from there."
RESUME_HINT = "What was heard is kept; paceline resume continues from there."
"""Hints for a session that broke: continue in any way, with ``retry`` or ``paceline resume``."""

MACHINE_FULL_HINT = "Raise that limit, or lower --sessions."
"""The hint for a session that did not start because this machine is at a limit."""

_PLACEHOLDER_REASON = "See Error message for details"
"""The close reason of every session since 2026."""

_KEY_HINT = "Check the API key (ASSEMBLYAI_API_KEY) and the state of the account."
_PARAMETER_HINT = "Change the parameter in this message; a retry alone will not help."
_PACE_HINT = (
    "Check --chunk-ms; audio must arrive at the speed of speech, or within the --speed-limit of "
    "“paceline serve”."
)
_BUSY_HINT = "Retry later, or lower --sessions and --start-rate."
_SERVER_FAULT = "The server had an internal error."
_SESSION_EXPIRED = "The session reached its maximum duration."
_OVERLOADED = "The server is overloaded."
_LATER_HINT = "The server may accept it later."
_UNKNOWN_HINT = "Ask the service's support what this code means."
_FORMAT_HINT = "Is this the address of a v3 endpoint?"

_OUTCOME_BY_TEXT = (
    ("too many concurrent sessions", Outcome.BUSY, _BUSY_HINT),
    ("incorrect padding", Outcome.LOST, _SERVER_FAULT),  # happens with valid keys too
    ("due to inactivity", Outcome.LOST, "The server received nothing for too long."),
    ("session expired", Outcome.LOST, _SESSION_EXPIRED),
    ("transmission rate exceeded", Outcome.REFUSED, _PACE_HINT),
    ("input duration", Outcome.REFUSED, _PACE_HINT),
    ("user input validation", Outcome.REFUSED, _PARAMETER_HINT),
    ("unauthorized", Outcome.UNAUTHORISED, _KEY_HINT),
)
KNOWN_CODES = {
    1000: (Outcome.LOST, ""),
    1001: (Outcome.LOST, "The server is shutting down."),
    1005: (Outcome.LOST, ""),
    1006: (Outcome.LOST, "Check the network."),
    1008: (Outcome.UNAUTHORISED, _KEY_HINT),
    1002: (Outcome.REFUSED, _FORMAT_HINT),
    1003: (Outcome.REFUSED, _FORMAT_HINT),
    1007: (Outcome.REFUSED, _FORMAT_HINT),
    1009: (Outcome.REFUSED, "Lower --chunk-ms."),
    1010: (Outcome.REFUSED, _FORMAT_HINT),
    1011: (Outcome.LOST, _SERVER_FAULT),
    1012: (Outcome.LOST, "The server is restarting."),
    1013: (Outcome.LOST, _OVERLOADED),
    1014: (Outcome.LOST, "A gateway got no answer from the server."),
    1015: (Outcome.LOST, "Check the network."),
    3000: (Outcome.UNAUTHORISED, _KEY_HINT),
    3003: (Outcome.UNAUTHORISED, _KEY_HINT),
    3005: (Outcome.LOST, _SERVER_FAULT),
    3006: (Outcome.REFUSED, _PARAMETER_HINT),
    3007: (Outcome.REFUSED, _PACE_HINT),
    3008: (Outcome.LOST, _SESSION_EXPIRED),
    3009: (Outcome.BUSY, _BUSY_HINT),
    # From the vendor's older table:
    4001: (Outcome.UNAUTHORISED, _KEY_HINT),
    4002: (Outcome.UNAUTHORISED, _KEY_HINT),
    4003: (Outcome.UNAUTHORISED, _KEY_HINT),
    4008: (Outcome.LOST, _SESSION_EXPIRED),
    4029: (Outcome.REFUSED, _PACE_HINT),
    4031: (Outcome.LOST, "The server received nothing for too long."),
    4102: (Outcome.BUSY, _BUSY_HINT),
}
"""What the codes mean: of RFC 6455 and of the registry that it created, up to 3003; of the service
above that."""

_LATER = re.compile(
    r"\b(busy|overload(ed)?|(re)?try (again|later)|temporar(y|ily)|unavailable|capacity|"
    r"rate.?limit(ed|s)?|throttl\w+|too many (requests|connections|sessions)|"
    r"restart(ing|ed)?|shut(ting)? ?down|maintenance|deploy\w*|draining|going away|"
    r"internal (server )?error|timed? ?out|backend|upstream)\b",
    re.IGNORECASE,
)
"""Words in a reason which say that another session may succeed later."""

_UNAUTHORISED_STATUSES = frozenset({401, 402, 403})


@dataclass(frozen=True, slots=True)
class JobEnding:
    """What decides whether another attempt may help a job."""

    is_settled: bool
    """Whether it is done, or the user cancelled it."""
    outcome: Outcome | None
    """How its latest attempt ended; None: it has not."""
    was_accepted: bool
    """Whether the server ever accepted a session of it."""


def can_continue(endings: Iterable[JobEnding]) -> bool:
    """Whether another attempt may help a job of a run. None does if the server refuses the key, the
    model or a parameter of all sessions; nor for recordings that cannot be read."""
    was_accepted = was_refused = is_left = False
    for ending in endings:
        was_accepted |= ending.was_accepted
        was_refused |= ending.outcome in (Outcome.UNAUTHORISED, Outcome.REFUSED)
        is_left |= not ending.is_settled and ending.outcome not in _LASTING
    return is_left and (was_accepted or not was_refused)


def ended_by_unreachable(error: "Unreachable", *, was_reached: bool = False) -> Ended:
    """The ending of an attempt that got no connection; REFUSED if a retry would fail too.

    ``was_reached``: whether the run has had a session at the endpoint, so that what stands between
    now may be gone soon.
    """
    from workers.protocol.unreachable import Recurrence

    is_lasting = error.recurrence is Recurrence.LASTING or (
        error.recurrence is Recurrence.UNLESS_REACHED and not was_reached
    )
    outcome = Outcome.REFUSED if is_lasting else Outcome.UNREACHABLE
    if error.status == 429 or "too many concurrent sessions" in error.reason.lower():
        outcome = Outcome.BUSY
    elif error.status in _UNAUTHORISED_STATUSES:
        outcome = Outcome.UNAUTHORISED
    hint, wait_s = error.hint, error.retry_after_s
    return Ended(outcome, error.reason, hint, code=error.status, retry_after_s=wait_s)


def is_machine_full(ended: Ended) -> bool:
    """Whether it was this machine, and not the server, that had no room for the session."""
    return ended.hint == MACHINE_FULL_HINT


def ended_by_unreadable(error: Unreadable) -> Ended:
    """The ending of an attempt whose recording cannot be read; LOST if its disk may come back."""
    outcome = Outcome.LOST if isinstance(error, DiskFailed) else Outcome.UNREADABLE
    return Ended(outcome, error.reason, error.hint)


def ended_by_error(error: Error) -> Ended:
    """The ending of a session that received an Error frame."""
    return _ended_by_server(error.error_code, error.error)


def ended_by_close(closed: "CloseFrame") -> Ended:
    """The ending of a session that the server closed without an Error frame."""
    reason = "" if closed.reason == _PLACEHOLDER_REASON else closed.reason
    if closed.code in (1000, 1001, 1005) and not reason:
        reason = "the server closed the session before it was finished"
        return Ended(Outcome.LOST, reason, code=closed.code)
    return _ended_by_server(closed.code, reason)


def _ended_by_server(code: int | None, text: str) -> Ended:
    unknown = (
        (Outcome.LOST, _LATER_HINT) if _LATER.search(text) else (Outcome.REFUSED, _UNKNOWN_HINT)
    )
    outcome, hint = KNOWN_CODES.get(code or 0, unknown)
    for words, known_outcome, known_hint in _OUTCOME_BY_TEXT:
        if words in text.lower():
            outcome, hint = known_outcome, known_hint
            break
    number = f" ({code})" if code is not None else ""
    reason = f"the server ended the session{number}: {text or 'no reason was given'}"
    return Ended(outcome, reason, hint, code=code)
