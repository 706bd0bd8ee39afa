"""What a server's error or close means: the outcome, and what the user can do about it.

Codes and texts as the vendor's pages on session errors list them, in their eras: before 2026 the
text was the close reason, since then it is an Error frame. Some codes say two things, so the text
decides.
"""

from workers.events import Ended, Outcome
from workers.speech.connection import Closed
from workers.speech.messages import Error

_NO_WORDS = "See Error message for details"
"""The fixed close reason since 2026; says nothing."""

_HINTS = {
    1006: (Outcome.LOST, "Check the network, then retry."),
    1011: (Outcome.REFUSED, "The server had a fault; retry later."),
    1013: (Outcome.REFUSED, "The server is overloaded; retry later."),
    3005: (Outcome.REFUSED, "The server had a fault; retry."),
    3006: (Outcome.REFUSED, "Change the parameter that it names; a retry alone will not help."),
    3007: (Outcome.REFUSED, "Check --chunk-ms; audio must arrive at the speed of speech."),
    3008: (Outcome.REFUSED, "The session reached its longest duration; retry."),
    3009: (Outcome.BUSY, "Retry later, or lower --sessions and --start-rate."),
}
_KEY = "Check ASSEMBLYAI_API_KEY and the state of the account."
_BUSY = "too many concurrent sessions"


def of_error(error: Error) -> Ended:
    """The ending that an Error frame announces."""
    return _ending(error.error_code, error.error)


def of_close(closed: Closed) -> Ended:
    """The ending that a close without an Error frame is."""
    reason = "" if closed.reason == _NO_WORDS else closed.reason
    if closed.code in (1000, 1001, 1005) and not reason:
        return Ended(
            Outcome.LOST,
            "the server closed the session before it was finished",
            "What was heard until then is kept; retry.",
            code=closed.code,
        )
    return _ending(closed.code, reason)


def _ending(code: int | None, text: str) -> Ended:
    said = text or "no reason was given"
    if _BUSY in text.lower():
        outcome, hint = Outcome.BUSY, _HINTS[3009][1]
    elif code in (1008, 4001):  # 4001: the same in the older table
        outcome, hint = Outcome.UNAUTHORISED, _KEY
    else:
        outcome, hint = _HINTS.get(code or 0, (Outcome.REFUSED, "Retry; if it stays, ask support."))
    number = f" ({code})" if code is not None else ""
    return Ended(outcome, f"the server ended the session{number}: {said}", hint, code=code)
