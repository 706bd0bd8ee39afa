"""What is typed to change a session while it streams."""

import pytest

from tui.model.live_config import LiveConfigForm, parse_form
from workers.errors import UsageProblem
from workers.protocol.messages import UpdateConfiguration


def test_an_empty_field_changes_nothing() -> None:
    """An empty form sends nothing."""
    assert None is parse_form(LiveConfigForm("  ", "", " "))
    assert UpdateConfiguration(max_turn_silence=900) == parse_form(LiveConfigForm("", "", " 900 "))


def test_key_terms_are_separated_by_commas() -> None:
    """A single comma removes all."""
    terms = UpdateConfiguration(keyterms_prompt=("Halvorsen", "New York"))
    assert terms == parse_form(LiveConfigForm(" Halvorsen,, New York ,"))
    assert UpdateConfiguration(keyterms_prompt=()) == parse_form(LiveConfigForm(" , "))


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (LiveConfigForm("", "20"), "min silence must be from 50 to 10000"),
        (LiveConfigForm("", "", "10001"), "max silence must be from 50 to 10000"),
        (LiveConfigForm("", "900", "400"), "the min silence is longer than the max silence"),
        (LiveConfigForm("", "soon"), "“soon” is not a number of milliseconds"),
        (LiveConfigForm(",".join(["term"] * 101)), "key terms may have at most 100 terms"),
    ],
)
def test_values_that_a_server_refuses_are_refused(typed: LiveConfigForm, reason: str) -> None:
    """Values are refused before anything is sent, in the terms of the dialog."""
    with pytest.raises(UsageProblem) as caught:
        parse_form(typed)

    assert reason == caught.value.reason
