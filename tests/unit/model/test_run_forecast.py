"""What a run will take, before it starts."""

import pytest

from tui.model.run_forecast import PlannedSession, RunForecaster
from tui.render.forecast import cost_sentence, forecast_lines, pre_recorded_sentence
from workers.audio.source import ReadOptions, Source
from workers.jobs.job import StreamSettings
from workers.prices.budget import parse_budget
from workers.prices.price_list import HourlyPrice, load_prices
from workers.protocol.endpoint import Endpoint, custom_endpoint, service_endpoint
from workers.scheduling.spending import SOCKET_OVERHEAD_S
from workers.scheduling.start_rate import FREE_STARTS_PER_MINUTE, StartRateLimiter

SETTINGS = StreamSettings()
SERVICE = service_endpoint(None)


def forecaster(
    endpoint: Endpoint | None = SERVICE, sessions: int = 10, starts_per_minute: int | None = None
) -> RunForecaster:
    prices = load_prices()
    return RunForecaster(
        SETTINGS,
        prices,
        lambda one: prices.session_price(endpoint, one.speech_model, one.params),
        sessions,
        lambda: StartRateLimiter(starts_per_minute),
    )


def test_sockets_are_billed_and_not_audio() -> None:
    """Each session is open for longer than its audio lasts."""
    found = forecaster().forecast([PlannedSession(3598.0, SETTINGS)] * 2)

    assert found.sessions == 2
    assert found.audio_s == 2 * 3598
    assert found.open_s == 2 * 3600
    assert found.cost == pytest.approx(0.90)
    assert cost_sentence(found).startswith("open sockets are billed: about 2.00 h, $0.90 by the ")


def test_the_end_is_that_of_the_last_session_under_both_limits() -> None:
    """Ten starts at five a minute: the last one starts a minute after the first."""
    sessions = [PlannedSession(30.0, SETTINGS)] * 10
    each_s = 30 + SOCKET_OVERHEAD_S
    at_once = forecaster(sessions=100, starts_per_minute=FREE_STARTS_PER_MINUTE).forecast(sessions)
    in_turn = forecaster(sessions=1).forecast(sessions)

    assert at_once.end_in_s == pytest.approx(60 + each_s, abs=1)
    assert in_turn.end_in_s == pytest.approx(10 * each_s, abs=1)


def test_a_call_that_is_split_and_each_condition_has_sessions_of_its_own() -> None:
    """With the price of its own model and parameters."""
    one = forecaster()
    call = one.planned(Source("call.wav", ReadOptions(speakers=("agent", "caller"))), 3598.0)
    cheap = Source("a.wav", conditions=(("speech_model", "universal-streaming-english"),))

    assert one.forecast(call).cost == pytest.approx(2 * 0.45)
    assert one.forecast(one.planned(cheap, 3598.0)).cost == pytest.approx(0.15)


def test_the_pre_recorded_api_is_named_where_it_is_cheaper() -> None:
    """Not beside a model that is cheaper still, and not where nothing is to be paid."""
    one, hour = forecaster(), PlannedSession(3600.0, SETTINGS)
    cheap = PlannedSession(3600.0, StreamSettings(speech_model="universal-streaming-english"))

    assert "costs about $0.21" in pre_recorded_sentence(one.forecast([hour]))
    assert pre_recorded_sentence(one.forecast([cheap])) == ""
    assert pre_recorded_sentence(forecaster(None).forecast([hour])) == ""
    own = RunForecaster(
        SETTINGS, load_prices(), lambda _: HourlyPrice(5.0), 10, StartRateLimiter
    ).forecast([hour])
    assert own.cost is not None
    assert pre_recorded_sentence(own) == ""


def test_on_this_machine_nothing_is_said_about_money() -> None:
    """The embedded engine and loopback are free."""
    for endpoint in (None, custom_endpoint("ws://127.0.0.1:9000")):
        found = forecaster(endpoint).forecast([PlannedSession(600.0, SETTINGS)])
        assert found.cost == 0
        assert len(forecast_lines(found)) == 1


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ("1usd", "The budget of $1.00 covers that."),
        (
            "0.20usd",
            "The budget of $0.20 does not cover that",
        ),
        ("2h", "The budget of 2.00 h covers that."),
        (
            "30m",
            "The budget of 30.0 min does not cover that",
        ),
    ],
)
def test_a_forecast_says_whether_the_budget_covers_it(budget: str, sentence: str) -> None:
    """In money or in time; not where the price is not known."""
    hour = [PlannedSession(3600.0, SETTINGS)]
    away = forecaster(custom_endpoint("wss://stt.example.com")).forecast(hour)
    parsed = parse_budget(budget, load_prices())

    lines = forecast_lines(forecaster().forecast(hour), parsed)
    assert any(line.startswith(sentence) for line in lines)
    if parsed.currency:
        assert not any("budget" in line for line in forecast_lines(away, parsed))


def test_an_unknown_price_and_an_unknown_length_are_said() -> None:
    """A forecast that looks exact would be wrong."""
    away = forecaster(custom_endpoint("wss://stt.example.com")).forecast(
        [PlannedSession(598.0, SETTINGS)]
    )
    growing = forecaster().forecast([PlannedSession(None, SETTINGS), PlannedSession(60, SETTINGS)])

    assert away.cost is None
    assert "price is not known" in cost_sentence(away)
    assert "at least" in cost_sentence(growing)
    assert "at least 1:00 of audio" in forecast_lines(growing)[0]


def test_the_model_whose_price_was_assumed_is_named() -> None:
    """So nobody takes it for the list's."""
    other = PlannedSession(60.0, StreamSettings(speech_model="universal-9"))

    assert "counts like u3-rt-pro" in cost_sentence(forecaster().forecast([other]))
