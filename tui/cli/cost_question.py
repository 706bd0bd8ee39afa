"""Asks before a run that costs more than the user's limit."""

import time
from collections.abc import Iterable, Iterator, Sequence

from tui.cli.console import ask, can_ask, print_line
from tui.cli.run_options import RunOptions
from tui.cli.run_setup import new_forecaster
from tui.model.run_forecast import PlannedSession, RunForecast, RunForecaster
from tui.render.forecast import cost_sentence, time_sentence
from workers.audio.source import Source
from workers.errors import PacelineError, UsageProblem
from workers.jobs.job_state import JobState
from workers.jobs.matrix import apply_condition
from workers.prices.budget import format_money

MAX_EXTRA_READING_S = 3.0
"""How long further recordings are read once the limit is passed, for a better figure."""


def confirm_cost(
    options: RunOptions,
    sources: Sequence[Source],
    job_states: Iterable[JobState] = (),
    *,
    is_confirmed: bool,
) -> None:
    """Asks on a terminal whether to stream, if that costs more than the setting ``ask_above``.

    Without a terminal, raises `UsageProblem` instead, and raises `click.Abort` for a no. Asks
    nothing if the user has confirmed it already, by ``is_confirmed`` or with a budget, or where
    nothing is to be paid.
    """
    forecaster = new_forecaster(options)
    if is_confirmed or options.limits.budget is not None or not forecaster.has_price:
        return
    from tui.cli.desk import load_desk_settings

    limit = load_desk_settings().cost.ask_above
    forecast, is_whole = _forecast(options, forecaster, sources, job_states, limit)
    if (forecast.cost or 0.0) <= limit:
        return
    about = "about" if is_whole else "at least"
    money = format_money(forecast.cost or 0.0, forecast.currency)
    if not can_ask():
        most = format_money(limit, forecast.currency)
        reason = f"this run costs {about} {money}, more than {most}"
        hint = "Add --yes, or a --budget, or raise ask_above in the settings."
        raise UsageProblem(reason, hint)
    more = "" if is_whole else ", and more that was not read yet"
    print_line(f"{time_sentence(forecast)}{more}; {cost_sentence(forecast)}.", err=True)
    ask("Stream them?")


def _forecast(
    options: RunOptions,
    forecaster: RunForecaster,
    sources: Sequence[Source],
    job_states: Iterable[JobState],
    limit: float,
) -> tuple[RunForecast, bool]:
    """The forecast, and whether it has all recordings: their reading ends soon after the limit."""
    planned = list(_unfinished(options, job_states))
    cost, deadline = forecaster.forecast(planned).cost or 0.0, 0.0
    for sessions in _read(forecaster, sources):
        planned += sessions
        cost += forecaster.forecast(sessions).cost or 0.0
        if cost > limit and not deadline:
            deadline = time.monotonic() + MAX_EXTRA_READING_S
        if deadline and time.monotonic() > deadline:
            return forecaster.forecast(planned), False
    return forecaster.forecast(planned), True


def _unfinished(options: RunOptions, job_states: Iterable[JobState]) -> Iterator[PlannedSession]:
    """What is left of a run that continues."""
    for state in job_states:
        if not state.is_settled:
            left_s = state.total_seconds - state.resume_point.at_ms / 1000
            settings = apply_condition(options.settings, state.conditions)
            yield PlannedSession(max(0.0, left_s) if state.total_seconds else None, settings)


def _read(forecaster: RunForecaster, sources: Sequence[Source]) -> Iterator[list[PlannedSession]]:
    """The sessions of each recording. What cannot be read costs nothing, and is reported later."""
    import multiprocessing

    from workers.audio.prober import Prober

    if not sources:
        return
    with Prober(multiprocessing.get_context("spawn")) as prober:
        for source in sources:
            seconds = None
            if source.is_local:
                try:
                    seconds = prober.probe(source.file, source.options).part_seconds
                except PacelineError:
                    continue
            yield forecaster.planned(source, seconds)
