import pytest

from workers.jobs import outcomes
from workers.jobs.events import Outcome
from workers.protocol.connection import Closed
from workers.protocol.messages import Error

LITERAL = "See Error message for details"


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (1008, "Unauthorized Connection: Invalid API key", Outcome.UNAUTHORISED),
        (1008, "Unauthorized Connection: Too many concurrent sessions", Outcome.BUSY),
        (3009, "Unauthorized Connection: Too many concurrent sessions", Outcome.BUSY),
        (3006, "User Input Validation Error: Invalid 'sample_rate'", Outcome.REFUSED),
        (3007, "Input Duration Violation: 25.0 ms", Outcome.REFUSED),
        (3008, "Session Expired: Maximum session duration exceeded", Outcome.LOST),
        (3005, "Session Cancelled: An error occurred", Outcome.LOST),
        (3005, "Unauthorized Connection: Too many concurrent sessions", Outcome.BUSY),
        (3005, "Audio Transmission Rate Exceeded: Received 20 sec. audio in 2", Outcome.REFUSED),
        (3006, "Session terminated due to inactivity: No messages for 5 seconds", Outcome.LOST),
        (1008, "Incorrect padding", Outcome.LOST),
        (1011, "internal error", Outcome.LOST),
        (1013, "try again", Outcome.LOST),
        (4001, "Not authorized", Outcome.UNAUTHORISED),
        (4999, "Something new", Outcome.REFUSED),
        (None, "no code at all", Outcome.REFUSED),
    ],
)
def test_an_error_is_classified_by_code_and_text(
    code: int | None, text: str, outcome: Outcome
) -> None:
    """One code can mean two things, so the text decides; both are told."""
    ended = outcomes.ended_by_error(Error(text, code))

    assert ended.outcome is outcome
    assert text in ended.reason
    assert ended.hint
    assert ended.code == code


def test_the_fixed_close_reason_is_not_told_as_one() -> None:
    """It says nothing; before 2026 the reason was in the close."""
    assert LITERAL not in outcomes.ended_by_close(Closed(3006, LITERAL)).reason
    assert "bad key" in outcomes.ended_by_close(Closed(1008, "bad key")).reason


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_a_close_without_a_reason_is_a_lost_session(code: int) -> None:
    """Nothing was wrong, but the end was not confirmed."""
    assert outcomes.ended_by_close(Closed(code, "")).outcome is Outcome.LOST
