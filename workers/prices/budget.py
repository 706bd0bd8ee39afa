"""Budgets: how much a run may spend, in money or in hours of open sockets."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from workers.errors import UsageProblem
from workers.ranges import BUDGET, CURRENCY

if TYPE_CHECKING:  # sessions load this module, and need no prices
    from workers.prices.price_list import HourlyPrice, PriceList

_BUDGET = re.compile(r"(?P<sign>\$?)\s*(?P<number>\d{1,12}(?:\.\d{1,6})?)\s*(?P<unit>[A-Za-z]*)")
_HOURS = {"h": 1.0, "m": 1 / 60, "min": 1 / 60, "s": 1 / 3600}
"""Units of time, in hours."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much the sockets of a run may cost, or how long they may be open, all together."""

    limit: Annotated[float, BUDGET]
    currency: Annotated[str, CURRENCY] = ""
    """By ISO 4217; empty: ``limit`` is in hours."""

    def per_hour(self, price: "HourlyPrice") -> float:
        """How much of the budget an hour of an open socket takes."""
        if not self.currency:
            return 1.0
        return price.per_hour or 0.0  # an unknown price is refused where options are read

    def share(self, parts: int) -> "Budget":
        """One of several equal parts."""
        return replace(self, limit=self.limit / parts)

    def format(self, amount: float) -> str:
        """Formats an amount in the unit of the budget."""
        return format_money(amount, self.currency) if self.currency else format_hours(amount)

    def __str__(self) -> str:
        return self.format(self.limit)


def parse_budget(text: str, prices: "PriceList") -> Budget:
    """Parses ``5usd``, ``$5``, ``2h``, ``90m`` or ``45s``. Raises `UsageProblem`."""
    match = _BUDGET.fullmatch(text.strip())
    hint = f"Write an amount such as 5{prices.currency.lower()}, or a time such as 2h or 90m."
    if match is None or (match["sign"] and match["unit"].lower() not in ("", "usd")):
        raise UsageProblem(f"“{text[:40]}” is not a budget", hint)
    number, unit = float(match["number"]), "usd" if match["sign"] else match["unit"].lower()
    if unit in _HOURS:
        limit, currency = number * _HOURS[unit], ""
    elif unit.upper() == prices.currency:
        limit, currency = number, prices.currency
    elif re.fullmatch("[a-z]{3}", unit):
        raise UsageProblem(f"prices are in {prices.currency}, not in {unit.upper()}", hint)
    else:
        raise UsageProblem(f"“{text[:40]}” is not a budget", hint)
    if limit not in BUDGET:
        raise UsageProblem(f"“{text[:40]}” is no usable budget: it must be {BUDGET}", hint)
    return Budget(limit, currency)


def format_hours(hours: float) -> str:
    """Formats a time of open sockets as ``1.50 h``, ``12.3 min`` or ``45 s``."""
    if hours >= 1:
        return f"{hours:.2f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"


def format_money(amount: float, currency: str) -> str:
    """Formats ``$0.45`` or ``0.45 EUR``; an amount below a cent has two significant digits."""
    digits = 2 if amount >= 0.01 or amount <= 0 else 4
    text = f"{amount:,.{digits}f}"
    return f"${text}" if currency == "USD" else f"{text} {currency}"
