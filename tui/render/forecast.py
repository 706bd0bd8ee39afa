"""A forecast in sentences, the same for every command and the desk."""

from tui.model.run_forecast import RunForecast
from tui.render.banner import format_rough_duration
from tui.text.formats import format_count, format_duration
from workers.prices.budget import Budget, format_hours, format_money


def forecast_lines(forecast: RunForecast, budget: Budget | None = None) -> list[str]:
    """All that a forecast says, a sentence a line."""
    sentences = (
        time_sentence(forecast),
        cost_sentence(forecast),
        budget_sentence(forecast, budget) if budget else "",
        pre_recorded_sentence(forecast),
    )
    return [f"{one[0].upper()}{one[1:]}." for one in sentences if one]


def time_sentence(forecast: RunForecast) -> str:
    """How many sessions, how much audio, and when all is done at the earliest."""
    audio = format_duration(forecast.audio_s)
    least = "at least " if forecast.unknown_lengths else ""
    done = format_rough_duration(forecast.end_in_s)
    sessions = format_count(forecast.sessions, "session")
    return f"{sessions}, {least}{audio} of audio, done in about {done} at the earliest"


def cost_sentence(forecast: RunForecast, *, brief: bool = False) -> str:
    """What is billed and what it costs; empty if nothing is to be paid. ``brief``: for a line."""
    hours = format_hours(forecast.open_s / 3600)
    if forecast.cost is None:
        return f"sockets open for about {hours}; the endpoint's price is not known"
    if not forecast.cost:
        return ""
    least = "at least" if forecast.unknown_lengths else "about"
    money = format_money(forecast.cost, forecast.currency)
    if brief:
        return f"{hours} billed, {least} {money}"
    sentence = f"open sockets are billed: {least} {hours}, {money} by the {forecast.prices}"
    if forecast.assumed_model:
        sentence += f" (a model that is not listed counts like {forecast.assumed_model})"
    return sentence


def budget_sentence(forecast: RunForecast, budget: Budget) -> str:
    """Whether a budget covers all of it; empty if the price is not known."""
    needed = forecast.cost if budget.currency else forecast.open_s / 3600
    if needed is None:
        return ""
    if needed <= budget.limit:
        return f"the budget of {budget} covers that"
    return f"the budget of {budget} does not cover that, so sessions beyond it would not start"


def pre_recorded_sentence(forecast: RunForecast) -> str:
    """What the service's other API would cost; empty if it is not cheaper."""
    other, cost = forecast.pre_recorded_cost, forecast.cost
    if other is None or cost is None or not 0 < other < cost:
        return ""
    money = format_money(other, forecast.currency)
    return (
        f"where real time is not needed, the pre-recorded API costs about {money}, and is more "
        "accurate"
    )
