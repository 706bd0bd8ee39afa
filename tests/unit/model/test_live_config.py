"""What is typed to change a session while it streams."""

import pytest

from tui.model.live_config import Typed, changes
from workers.errors import UsageProblem
from workers.protocol.messages import UpdateConfiguration


def test_what_is_empty_stays_as_it_is() -> None:
    """So nothing typed is nothing sent."""
    assert None is changes(Typed("  ", "", " "))
    assert UpdateConfiguration(max_turn_silence=900) == changes(Typed("", "", " 900 "))


def test_key_terms_stand_between_commas() -> None:
    """A comma alone takes all away."""
    terms = UpdateConfiguration(keyterms_prompt=("Halvorsen", "New York"))
    assert terms == changes(Typed(" Halvorsen,, New York ,"))
    assert UpdateConfiguration(keyterms_prompt=()) == changes(Typed(" , "))


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (Typed("", "20"), "min silence is from 50 to 10000"),
        (Typed("", "", "10001"), "max silence is from 50 to 10000"),
        (Typed("", "900", "400"), "the min silence is longer than the max silence"),
        (Typed("", "soon"), "“soon” is no number of milliseconds"),
        (Typed(",".join(["term"] * 101)), "key terms has at most 100 terms"),
    ],
)
def test_what_a_server_would_not_take_is_said(typed: Typed, reason: str) -> None:
    """Before anything is sent; in the words of the dialog."""
    with pytest.raises(UsageProblem) as caught:
        changes(typed)

    assert reason == caught.value.reason
