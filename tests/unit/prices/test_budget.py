"""Budgets as users write them."""

import pytest

from workers.errors import UsageProblem
from workers.prices.budget import Budget, format_money, parse_budget
from workers.prices.price_list import HourlyPrice, load_prices


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("5usd", Budget(5.0, "USD")),
        ("5 USD", Budget(5.0, "USD")),
        ("$2.50", Budget(2.5, "USD")),
        ("2h", Budget(2.0)),
        ("90m", Budget(1.5)),
        ("90min", Budget(1.5)),
        ("36s", Budget(0.01)),
    ],
)
def test_a_budget_is_an_amount_of_money_or_a_time(text: str, budget: Budget) -> None:
    """Of all sockets together."""
    assert budget == parse_budget(text, load_prices())


@pytest.mark.parametrize("text", ["", "5", "five", "-5usd", "0usd", "0h", "5eur", "$5h", "1e9h"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """A number without a unit could be either."""
    with pytest.raises(UsageProblem) as raised:
        parse_budget(text, load_prices())

    assert "5usd" in raised.value.hint


def test_an_hour_takes_its_price_of_money_and_one_of_hours() -> None:
    """So both kinds are kept in the same way."""
    assert Budget(5.0, "USD").per_hour(HourlyPrice(0.45)) == 0.45
    assert Budget(2.0).per_hour(HourlyPrice(None)) == 1.0


def test_money_is_shown_with_its_currency() -> None:
    """A small amount is not shown as nothing."""
    assert [format_money(each, "USD") for each in (0, 0.0042, 0.45, 1234.5)] == [
        "$0.00",
        "$0.0042",
        "$0.45",
        "$1,234.50",
    ]
    assert format_money(0.45, "EUR") == "0.45 EUR"
