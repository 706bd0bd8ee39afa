"""The errors that end a session: close codes and texts of the protocol."""

from enum import IntEnum

ERROR_CLOSE_REASON = "See Error message for details"
"""Close reason after every Error message: a close frame has no room for the text."""

MAX_ERROR_CHARS = 400
"""Longest text of an Error: it may quote the client's input, but should not repeat all of it."""


class CloseCode(IntEnum):
    """Close codes, from the vendor's page on common session errors and closures."""

    ENDED = 1000
    UNAUTHORIZED = 1008
    CANCELLED = 3005
    INVALID = 3006
    AUDIO_VIOLATION = 3007
    EXPIRED = 3008
    BUSY = 3009


class Refusal(Exception):
    """Ends the session: sends an Error message with this text, then closes with the same code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        # A quoted lone surrogate cannot be sent, and a control character must not reach a terminal
        # that shows the log.
        text = "".join(letter if letter.isprintable() else "\ufffd" for letter in message)
        too_long = len(text) > MAX_ERROR_CHARS
        self.message = text[: MAX_ERROR_CHARS - 1] + "…" if too_long else text


def unauthorized(reason: str) -> Refusal:
    return Refusal(CloseCode.UNAUTHORIZED, f"Unauthorized Connection: {reason}")


def too_many_sessions(code: CloseCode) -> Refusal:
    """The refusal of a session beyond the limit; the service has used codes 1008 and 3009."""
    return Refusal(code, "Unauthorized Connection: Too many concurrent sessions")


def session_cancelled() -> Refusal:
    return Refusal(CloseCode.CANCELLED, "Session Cancelled: An error occurred")


def invalid_input(problem: str) -> Refusal:
    return Refusal(CloseCode.INVALID, f"User Input Validation Error: {problem}")


def invalid_value(name: str, problem: str) -> Refusal:
    return invalid_input(f"Invalid '{name}': {problem}")


def session_idle(timeout_s: int) -> Refusal:
    return invalid_input(
        f"Session terminated due to inactivity: No messages received for {timeout_s} seconds"
    )


def wrong_chunk_duration(duration_ms: float) -> Refusal:
    return Refusal(
        CloseCode.AUDIO_VIOLATION,
        f"Input Duration Error: Input Duration Violation: {duration_ms:.1f} ms. "
        "Expected between 50 and 1000 ms",
    )


def audio_too_fast(received_s: float, elapsed_s: float) -> Refusal:
    return Refusal(
        CloseCode.AUDIO_VIOLATION,
        "Input Duration Error: Audio Transmission Rate Exceeded: "
        f"Received {received_s:.2f} sec. audio in {elapsed_s:.2f} sec",
    )


def session_expired() -> Refusal:
    return Refusal(CloseCode.EXPIRED, "Session Expired: Maximum session duration exceeded")
