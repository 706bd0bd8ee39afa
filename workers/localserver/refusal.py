"""Why the server ends a session that did not ask for it: code and words of the protocol."""

from enum import IntEnum

REASON = "See Error message for details"
"""The close reason that goes with every Error: a close frame has no room for the words."""

LONGEST_WORDS = 400
"""Characters of an Error; what a client sent may be quoted in it, and is not to come back whole."""


class CloseCode(IntEnum):
    """The vendor's page on common session errors and closures."""

    ENDED = 1000
    UNAUTHORIZED = 1008
    CANCELLED = 3005
    INVALID = 3006
    AUDIO = 3007
    EXPIRED = 3008
    BUSY = 3009


class Refusal(Exception):
    """Ends the session: an Error with these words, then a close with the same code."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = _harmless(words)


def unauthorized(why: str) -> Refusal:
    return Refusal(CloseCode.UNAUTHORIZED, f"Unauthorized Connection: {why}")


def too_many(code: CloseCode) -> Refusal:
    """The service has answered with 1008 and with 3009, always in these words."""
    return Refusal(code, "Unauthorized Connection: Too many concurrent sessions")


def cancelled() -> Refusal:
    return Refusal(CloseCode.CANCELLED, "Session Cancelled: An error occurred")


def invalid(what: str) -> Refusal:
    return Refusal(CloseCode.INVALID, f"User Input Validation Error: {what}")


def invalid_value(name: str, why: str) -> Refusal:
    return invalid(f"Invalid '{name}': {why}")


def idle(seconds: int) -> Refusal:
    return invalid(
        f"Session terminated due to inactivity: No messages received for {seconds} seconds"
    )


def wrong_duration(milliseconds: float) -> Refusal:
    return Refusal(
        CloseCode.AUDIO,
        f"Input Duration Error: Input Duration Violation: {milliseconds:.1f} ms. "
        "Expected between 50 and 1000 ms",
    )


def too_fast(received: float, elapsed: float) -> Refusal:
    """Both in seconds."""
    return Refusal(
        CloseCode.AUDIO,
        "Input Duration Error: Audio Transmission Rate Exceeded: "
        f"Received {received:.2f} sec. audio in {elapsed:.2f} sec",
    )


def expired() -> Refusal:
    return Refusal(CloseCode.EXPIRED, "Session Expired: Maximum session duration exceeded")


def _harmless(words: str) -> str:
    # A quoted half of a surrogate pair cannot be sent, and a control character must not reach the
    # terminal of whoever reads the log.
    printable = "".join(letter if letter.isprintable() else "\ufffd" for letter in words)
    if len(printable) <= LONGEST_WORDS:
        return printable
    return printable[: LONGEST_WORDS - 1] + "…"
