"""The documentation of prices shows those of the packaged list."""

import re
from pathlib import Path

from workers.prices.price_list import load_prices

PAGE = (Path(__file__).parents[3] / "docs" / "prices.md").read_text()


def test_the_tables_of_prices_are_those_of_the_list() -> None:
    """Every model and add-on with its price, and the date."""
    prices = load_prices()
    rows = re.findall(r"^\| (`.*) \| ([0-9.]+) \|$", PAGE, re.MULTILINE)
    shown = {name: float(price) for names, price in rows for name in re.findall("`(.*?)`", names)}
    for add_on in prices.add_ons.values():
        for model in add_on.models:
            shown.pop(model, None)
    listed = {**prices.streaming, **{name: one.per_hour for name, one in prices.add_ons.items()}}

    assert f"list of {prices.date}" in PAGE
    assert prices.pre_recorded is not None
    assert f"{prices.pre_recorded.per_hour:g}" in PAGE
    assert shown.keys() | {"universal-streaming-english"} == listed.keys()
    assert all(shown.get(name, price) == price for name, price in listed.items())
