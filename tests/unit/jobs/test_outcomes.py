import pytest

from workers.jobs import outcomes
from workers.jobs.events import Ended, Outcome
from workers.protocol.connection import CloseFrame
from workers.protocol.messages import Error
from workers.protocol.unreachable import Recurrence, Unreachable

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
        (1014, "", Outcome.LOST),
        (4001, "busy", Outcome.UNAUTHORISED),
        (4290, "Server busy", Outcome.LOST),
        (4503, "Overloaded, try again later", Outcome.LOST),
        (4500, "internal error", Outcome.LOST),
        (4000, "the backend is restarting", Outcome.LOST),
        (4429, "rate limited", Outcome.LOST),
        (4100, "Too many key terms", Outcome.REFUSED),
        (None, "temporarily unavailable", Outcome.LOST),
        (4999, "Something new", Outcome.REFUSED),
        (None, "no code at all", Outcome.REFUSED),
    ],
)
def test_an_error_is_classified_by_code_and_text(
    code: int | None, text: str, outcome: Outcome
) -> None:
    """One code can mean two things, so the text decides; the reason has both."""
    ended = outcomes.ended_by_error(Error(text, code))

    assert ended.outcome is outcome
    assert text in ended.reason
    assert ended.hint
    assert ended.code == code


def test_the_fixed_close_reason_is_not_told_as_one() -> None:
    """The placeholder has no information; before 2026 the close had the reason."""
    assert LITERAL not in outcomes.ended_by_close(CloseFrame(3006, LITERAL)).reason
    assert "bad key" in outcomes.ended_by_close(CloseFrame(1008, "bad key")).reason


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_a_close_without_a_reason_is_a_lost_session(code: int) -> None:
    """Nothing was wrong, but the end was not confirmed."""
    expected = Ended(
        Outcome.LOST, "the server closed the session before it was finished", code=code
    )

    assert outcomes.ended_by_close(CloseFrame(code, "")) == expected
    assert outcomes.ended_by_close(CloseFrame(code, LITERAL)) == expected


@pytest.mark.parametrize(
    ("closed", "reason"),
    [
        (CloseFrame(1000, "bye"), "the server ended the session (1000): bye"),
        (CloseFrame(1006, ""), "the server ended the session (1006): no reason was given"),
        (CloseFrame(1011, LITERAL), "the server ended the session (1011): no reason was given"),
    ],
)
def test_a_close_is_told_with_its_code_and_reason(closed: CloseFrame, reason: str) -> None:
    """The close has a reason, or a code that means an error."""
    assert outcomes.ended_by_close(closed).reason == reason


@pytest.mark.parametrize(
    ("closed", "outcome", "hint"),
    [
        (CloseFrame(1001, "restarting"), Outcome.LOST, "The server is shutting down."),
        (CloseFrame(1012, ""), Outcome.LOST, "The server is restarting."),
        (CloseFrame(3007, ""), Outcome.REFUSED, "speed of speech"),
        (CloseFrame(3006, ""), Outcome.REFUSED, "parameter"),
    ],
)
def test_a_close_code_that_is_known_decides_alone(
    closed: CloseFrame, outcome: Outcome, hint: str
) -> None:
    """The text of the close is unknown."""
    ended = outcomes.ended_by_close(closed)

    assert ended.outcome is outcome
    assert hint in ended.hint
    assert ended.code == closed.code


def test_an_error_without_a_code_is_told_without_one() -> None:
    """Only the text is known."""
    assert outcomes.ended_by_error(Error("odd", None)).reason == "the server ended the session: odd"


@pytest.mark.parametrize(
    ("status", "recurrence", "outcome"),
    [
        (None, Recurrence.PASSING, Outcome.UNREACHABLE),
        (None, Recurrence.LASTING, Outcome.REFUSED),
        (None, Recurrence.UNLESS_REACHED, Outcome.REFUSED),
        (503, Recurrence.PASSING, Outcome.UNREACHABLE),
        (404, Recurrence.LASTING, Outcome.REFUSED),
        (401, Recurrence.LASTING, Outcome.UNAUTHORISED),
        (402, Recurrence.LASTING, Outcome.UNAUTHORISED),
        (403, Recurrence.LASTING, Outcome.UNAUTHORISED),
        (429, Recurrence.PASSING, Outcome.BUSY),
    ],
)
def test_a_server_that_was_not_reached_is_classified_by_its_answer(
    status: int | None, recurrence: Recurrence, outcome: Outcome
) -> None:
    """Its reason and hint are those of the attempt to dial."""
    error = Unreachable("no way", "a hint", status, recurrence=recurrence, retry_after_s=3.0)

    assert outcomes.ended_by_unreachable(error) == Ended(
        outcome, "no way", "a hint", code=status, retry_after_s=3.0
    )


def test_what_stands_between_may_go_away_if_the_server_was_reached_before() -> None:
    """A login page in the middle of a long run is not a wrong address; a wrong key stays one."""
    page = Unreachable("a web page answers", recurrence=Recurrence.UNLESS_REACHED)
    lasting = Unreachable("untrusted", recurrence=Recurrence.LASTING)

    assert outcomes.ended_by_unreachable(page, was_reached=True).outcome is Outcome.UNREACHABLE
    assert outcomes.ended_by_unreachable(lasting, was_reached=True).outcome is Outcome.REFUSED


def test_a_refusal_for_want_of_room_is_one_by_its_text_too() -> None:
    """Gateways give other statuses to it."""
    error = Unreachable("HTTP 403: Too many concurrent sessions", status=403)

    assert outcomes.ended_by_unreachable(error).outcome is Outcome.BUSY
