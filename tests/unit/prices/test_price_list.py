"""The dated list of prices, and the user's file over it."""

import datetime
from pathlib import Path

import pytest

from workers.errors import UsageProblem
from workers.prices.price_list import FREE, UNKNOWN, HourlyPrice, load_prices
from workers.protocol.endpoint import custom_endpoint, service_endpoint

SERVICE = service_endpoint(None)


def test_the_packaged_list_is_dated_and_has_a_price_for_each_model_of_the_guide() -> None:
    """Both speeds of model, in money per hour of open socket, with where they come from."""
    prices = load_prices()

    assert datetime.date(2026, 1, 1) < prices.date <= datetime.date.today()
    assert prices.currency == "USD"
    assert "pricing" in prices.source
    assert prices.session_price(SERVICE, "u3-rt-pro") == HourlyPrice(0.45, is_service=True)
    assert prices.session_price(SERVICE, "universal-streaming-english").per_hour == 0.15
    assert prices.pre_recorded is not None
    assert prices.pre_recorded.per_hour < 0.45


def test_add_ons_count_where_their_parameter_turns_something_on() -> None:
    """Speaker labels cost extra; when switched off they do not, nor do terms that are included."""
    prices = load_prices()

    def per_hour(model: str, *params: tuple[str, str]) -> float | None:
        return prices.session_price(SERVICE, model, params).per_hour

    assert per_hour("u3-rt-pro", ("speaker_labels", "true")) == pytest.approx(0.57)
    assert per_hour("u3-rt-pro", ("speaker_labels", "False")) == pytest.approx(0.45)
    assert per_hour("u3-rt-pro", ("keyterms_prompt", '["a"]')) == pytest.approx(0.45)
    assert per_hour("universal-streaming-english", ("keyterms_prompt", '["a"]')) == pytest.approx(
        0.19
    )


def test_a_model_that_is_not_listed_counts_like_the_dearest() -> None:
    """A forecast must not be too low, and says what it assumed."""
    price = load_prices().session_price(SERVICE, "universal-9-pro")

    assert price.per_hour == 0.45
    assert price.assumed_model == "u3-rt-pro"


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9000", "ws://localhost", "ws://[::1]:80/v3/ws"])
def test_loopback_and_the_embedded_engine_are_free(url: str) -> None:
    """They run on this machine."""
    assert load_prices().session_price(custom_endpoint(url), "u3-rt-pro") == FREE
    assert load_prices().session_price(None, "u3-rt-pro") == FREE


def test_the_price_of_an_endpoint_of_the_users_own_is_unknown() -> None:
    """Only its owner knows; one of the vendor's hosts has the list's price all the same."""
    prices = load_prices()

    assert prices.session_price(custom_endpoint("wss://stt.example.com"), "u3-rt-pro") == UNKNOWN
    vendors = custom_endpoint("wss://streaming.assemblyai.com")
    assert prices.session_price(vendors, "u3-rt-pro").per_hour == 0.45


def test_the_users_file_overrides_single_entries(tmp_path: Path) -> None:
    """A negotiated price, one's own endpoint, and the date; the rest stays as listed."""
    file = tmp_path / "prices.toml"
    file.write_text(
        "date = 2026-11-01\n"
        '[streaming]\n"u3-rt-pro" = 0.3\n"universal-9" = 1\n'
        '[endpoints]\n"127.0.0.1:9000" = 0.5\n"stt.example.com" = 0.2\n'
    )
    prices = load_prices(file)

    assert prices.date == datetime.date(2026, 11, 1)
    assert str(file) in prices.origin
    assert prices.session_price(SERVICE, "u3-rt-pro").per_hour == 0.3
    assert prices.session_price(SERVICE, "universal-9") == HourlyPrice(1.0, is_service=True)
    assert prices.session_price(SERVICE, "universal-3-6-pro").per_hour == 0.45
    local, other = custom_endpoint("ws://127.0.0.1:9000"), custom_endpoint("ws://127.0.0.1:9001")
    assert prices.session_price(local, "u3-rt-pro").per_hour == 0.5
    assert prices.session_price(other, "u3-rt-pro") == FREE
    away = custom_endpoint("wss://stt.example.com/v3/ws")
    assert prices.session_price(away, "u3-rt-pro").per_hour == 0.2


def test_a_file_beside_the_settings_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an option."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "paceline").mkdir()
    (tmp_path / "paceline" / "prices.toml").write_text('[streaming]\n"u3-rt-pro" = 0.25\n')

    assert load_prices().session_price(SERVICE, "u3-rt-pro").per_hour == 0.25


def test_another_currency_inherits_no_price(tmp_path: Path) -> None:
    """Dollars and euros cannot be added up."""
    file = tmp_path / "prices.toml"
    file.write_text('currency = "EUR"\n[streaming]\n"u3-rt-pro" = 0.4\n')
    prices = load_prices(file)

    assert dict(prices.streaming) == {"u3-rt-pro": 0.4}
    assert prices.pre_recorded is None
    assert not prices.add_ons


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[streaming\n", "is not TOML"),
        ("price = 1\n", "no entry “price”"),
        ('[streaming]\n"u3-rt-pro" = -1\n', "streaming.u3-rt-pro is -1"),
        ('[streaming]\n"u3-rt-pro" = nan\n', "streaming.u3-rt-pro is nan"),
        ('[streaming]\n"u3-rt-pro" = true\n', "streaming.u3-rt-pro is true"),
        ("streaming = 3\n", "streaming must be a table"),
        ('date = "soon"\n', "date must be a date"),
        ('currency = "euros"\n', "currency is 'euros'"),
        ('currency = "EUR"\n', "there are no prices in EUR"),
        ("[add_ons.x]\n", "add_ons.x.per_hour is null"),
        ("[pre_recorded]\nper_hour = 1e9\n", "pre_recorded.per_hour"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    """With the file, before anything is streamed at a wrong price."""
    file = tmp_path / "prices.toml"
    file.write_text(text)

    with pytest.raises(UsageProblem) as raised:
        load_prices(file)

    assert reason in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """Unlike the one beside the settings."""
    with pytest.raises(UsageProblem, match="does not exist"):
        load_prices(tmp_path / "none.toml")
    with pytest.raises(UsageProblem, match="is not a file"):
        load_prices(tmp_path)
