"""What a server's error or close means: the outcome, and what the user can do about it.

Codes and texts as the vendor's pages on session errors list them, in their eras: before 2026 the
text was the close reason, since then it is an Error frame; in 2025 one code stood for nearly
everything. So where the text is known, it decides.
"""

from typing import TYPE_CHECKING

from workers.jobs.events import Ended, Outcome
from workers.protocol.messages import Error

if TYPE_CHECKING:  # else the desk's process would load what only sessions need
    from workers.protocol.connection import Closed
    from workers.protocol.dialing import Unreachable

RETRYABLE = frozenset({Outcome.LOST, Outcome.UNREACHABLE, Outcome.CRASHED})
"""Endings that a further attempt may mend. `Outcome.BUSY` and `Outcome.HANDED_OVER` go on too, but
are no failures."""

CONTINUE_HINT = "What was heard is kept; it can go on from there."
RETRY_HINT = "What was heard is kept; retry goes on from there."
RESUME_HINT = "What was heard is kept; paceline resume goes on from there."
"""What the user can do about a session that broke: anything, ``retry`` or ``paceline resume``."""

_PLACEHOLDER_REASON = "See Error message for details"
"""The fixed close reason since 2026; says nothing."""

_KEY_HINT = "Check the API key (ASSEMBLYAI_API_KEY) and the state of the account."
_PARAMETER_HINT = "Change the parameter that it names; a retry alone will not help."
_PACE_HINT = "Check --chunk-ms; audio must arrive at the speed of speech."
_BUSY_HINT = "Retry later, or lower --sessions and --start-rate."
_SERVER_FAULT = "The server had a fault."
_SESSION_EXPIRED = "The session reached its longest duration."

_OUTCOME_BY_TEXT = (
    ("too many concurrent sessions", Outcome.BUSY, _BUSY_HINT),
    (
        "incorrect padding",
        Outcome.LOST,
        _SERVER_FAULT,
    ),  # seen now and then with keys that are right
    ("due to inactivity", Outcome.LOST, "It had heard nothing for too long."),
    ("session expired", Outcome.LOST, _SESSION_EXPIRED),
    ("transmission rate exceeded", Outcome.REFUSED, _PACE_HINT),
    ("input duration", Outcome.REFUSED, _PACE_HINT),
    ("user input validation", Outcome.REFUSED, _PARAMETER_HINT),
    ("unauthorized", Outcome.UNAUTHORISED, _KEY_HINT),
)
_OUTCOME_BY_CODE = {
    1000: (Outcome.LOST, ""),
    1001: (Outcome.LOST, "The server is going away."),
    1005: (Outcome.LOST, ""),
    1006: (Outcome.LOST, "Check the network."),
    1008: (Outcome.UNAUTHORISED, _KEY_HINT),
    1011: (Outcome.LOST, _SERVER_FAULT),
    1012: (Outcome.LOST, "The server is starting again."),
    1013: (Outcome.LOST, "The server is overloaded."),
    3005: (Outcome.LOST, _SERVER_FAULT),
    3006: (Outcome.REFUSED, _PARAMETER_HINT),
    3007: (Outcome.REFUSED, _PACE_HINT),
    3008: (Outcome.LOST, _SESSION_EXPIRED),
    3009: (Outcome.BUSY, _BUSY_HINT),
    4001: (Outcome.UNAUTHORISED, _KEY_HINT),  # the older table's
}
_UNKNOWN_OUTCOME = (Outcome.REFUSED, "Retry; if it stays, ask support.")


_OUTCOME_BY_HTTP_STATUS = {401: Outcome.UNAUTHORISED, 403: Outcome.UNAUTHORISED, 429: Outcome.BUSY}


def ended_by_unreachable(error: "Unreachable") -> Ended:
    """The ending of a session that never was; an answer that will not change is a refusal."""
    outcome = Outcome.REFUSED if error.permanent else Outcome.UNREACHABLE
    outcome = _OUTCOME_BY_HTTP_STATUS.get(error.status or 0, outcome)
    return Ended(outcome, error.reason, error.hint, code=error.status)


def ended_by_error(error: Error) -> Ended:
    """The ending that an Error frame announces."""
    return _ended_by_server(error.error_code, error.error)


def ended_by_close(closed: "Closed") -> Ended:
    """The ending that a close without an Error frame is."""
    reason = "" if closed.reason == _PLACEHOLDER_REASON else closed.reason
    if closed.code in (1000, 1001, 1005) and not reason:
        return Ended(
            Outcome.LOST, "the server closed the session before it was finished", code=closed.code
        )
    return _ended_by_server(closed.code, reason)


def _ended_by_server(code: int | None, text: str) -> Ended:
    outcome, hint = _outcome_and_hint(code, text.lower())
    number = f" ({code})" if code is not None else ""
    said = text or "no reason was given"
    return Ended(outcome, f"the server ended the session{number}: {said}", hint, code=code)


def _outcome_and_hint(code: int | None, text: str) -> tuple[Outcome, str]:
    for words, outcome, hint in _OUTCOME_BY_TEXT:
        if words in text:
            return outcome, hint
    return _OUTCOME_BY_CODE.get(code or 0, _UNKNOWN_OUTCOME)
