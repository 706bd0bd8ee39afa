"""Reads the list of prices, and the price of a session by its endpoint, model and parameters.

The service bills open sockets, not audio (its page on session-based pricing). The package's own
list is dated; the user's file overrides single entries of it.
"""

import datetime
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from workers.errors import NoHomeFolder, UsageProblem
from workers.protocol.endpoint import Endpoint, host_and_port, is_loopback, is_vendors
from workers.ranges import CURRENCY, PRICE_PER_HOUR, shown
from workers.user_folders import config_folder

USER_FILE_NAME = "prices.toml"
"""The user's own prices, in the folder of the settings."""
LIST_PATH = Path(__file__).with_name("list_prices.toml")
MAX_PRICES_BYTES = 64 << 10

_ENTRIES = ("date", "currency", "source", "streaming", "add_ons", "pre_recorded", "endpoints")
_OFF = frozenset(["", "false", "0", "[]", "null", "none"])
"""Values with which a connection parameter turns nothing on."""


@dataclass(frozen=True, slots=True)
class AddOn:
    """What a connection parameter costs on top of a session's price."""

    parameter: str
    per_hour: float
    models: tuple[str, ...] = ()
    """Only with these models; empty: with all."""


@dataclass(frozen=True, slots=True)
class HourlyPrice:
    """What an hour of an open socket costs."""

    per_hour: float | None
    """In the currency of the list; None: nobody knows, as the endpoint is the user's own."""
    assumed_model: str = ""
    """The model whose price was taken because that of the session is not listed; empty: its own."""
    is_service: bool = False
    """Whether the vendor's service asks for it, so that its other API is an alternative."""


@dataclass(frozen=True, slots=True)
class PreRecorded:
    """The service's other API, which takes whole files."""

    model: str
    per_hour: float
    """For an hour of audio."""


FREE = HourlyPrice(0.0)
UNKNOWN = HourlyPrice(None)


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices per hour of open socket, and what they were taken from."""

    date: datetime.date
    source: str
    currency: str
    """By ISO 4217."""
    streaming: Mapping[str, float]
    """By speech model."""
    add_ons: Mapping[str, AddOn]
    """By connection parameter."""
    pre_recorded: PreRecorded | None
    """None: the list has no price for it."""
    endpoints: Mapping[str, float]
    """The user's own endpoints, by HOST or HOST:PORT."""
    user_file: Path | None = None
    """The file that overrides the package's list; None: there is none."""

    @property
    def origin(self) -> str:
        """Where the prices come from, for the end of a sentence."""
        own = f" and {self.user_file}" if self.user_file is not None else ""
        return f"list prices of {self.date}{own}"

    def session_price(
        self, endpoint: Endpoint | None, model: str, params: Iterable[tuple[str, str]] = ()
    ) -> HourlyPrice:
        """What an hour of a session costs. ``endpoint``: None is the embedded engine. Loopback
        endpoints are free unless the user's file has a price for them."""
        if endpoint is None:
            return FREE
        parts = urlsplit(endpoint.url)
        host = parts.hostname or ""
        own = {host, host_and_port(host, parts.port or (443 if parts.scheme == "wss" else 80))}
        for name, per_hour in self.endpoints.items():
            if name.lower() in own:
                return HourlyPrice(per_hour)
        if is_loopback(host):
            return FREE
        if not is_vendors(endpoint):
            return UNKNOWN
        dearest = max(self.streaming, key=lambda name: self.streaming[name])
        assumed = "" if model in self.streaming else dearest
        base = self.streaming[assumed or model]
        sent = {name: value for name, value in params if value.strip().lower() not in _OFF}
        extras = (
            add_on.per_hour
            for add_on in self.add_ons.values()
            if add_on.parameter in sent and (not add_on.models or model in add_on.models)
        )
        return HourlyPrice(base + sum(extras), assumed, is_service=True)


def load_prices(file: Path | None = None) -> PriceList:
    """The list of prices, with the user's own. ``file``: named by the user, and must exist; None:
    the one beside the settings, if there is one. Raises `UsageProblem` for a file that is wrong."""
    prices = _packaged_prices()
    if file is None:
        try:
            file = config_folder() / USER_FILE_NAME
            return _PriceReader(file, _read_file(file)).overlay(prices)
        except (NoHomeFolder, FileNotFoundError):
            return prices
    try:
        return _PriceReader(file, _read_file(file)).overlay(prices)
    except FileNotFoundError:
        raise UsageProblem(f"{file} does not exist", "Name a file of prices.") from None


@lru_cache(maxsize=1)
def _packaged_prices() -> PriceList:
    empty = PriceList(datetime.date.min, "", "", {}, {}, None, {})
    prices = _PriceReader(LIST_PATH, LIST_PATH.read_text(encoding="utf-8")).overlay(empty)
    return replace(prices, user_file=None)


def _read_file(file: Path) -> str:
    """The text of a user's file. Raises `FileNotFoundError`, or `UsageProblem`."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UsageProblem(f"{file} is not a file", "Write the prices into a file.")
        with file.open("rb") as opened:
            content = opened.read(MAX_PRICES_BYTES + 1)
        if len(content) > MAX_PRICES_BYTES:
            raise UsageProblem(f"{file} is larger than {MAX_PRICES_BYTES >> 10} KB", "Shorten it.")
        return content.decode()
    except UnicodeDecodeError:
        raise UsageProblem(f"{file} is not UTF-8", "Save it as UTF-8.") from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read ({error.strerror})") from error


class _PriceReader:
    """Reads one file of prices; a wrong entry raises `UsageProblem` that names it."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        try:
            self._document: dict[str, Any] = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageProblem(f"{file} is not TOML: {error}", "Correct it.") from None

    def overlay(self, base: PriceList) -> PriceList:
        """The prices of ``base``, overridden by those of the file."""
        document = self._document
        for name in document:
            if name not in _ENTRIES:
                self._refuse(f"there is no entry “{name[:40]}”", f"It may have {_LISTED}.")
        date = document.get("date", base.date)
        if not isinstance(date, datetime.date) or isinstance(date, datetime.datetime):
            self._refuse("date must be a date, without quotes", "Write date = 2026-12-31.")
        currency = self._text("currency", document.get("currency", base.currency))
        if not currency or currency not in CURRENCY:
            self._refuse(f"currency is {shown(currency)}; it must be a code such as USD")
        if base.currency and currency != base.currency:  # nothing can be added up
            base = replace(base, streaming={}, add_ons={}, pre_recorded=None)
        streaming = {**base.streaming, **self._prices("streaming")}
        if not streaming:
            hint = "Give a price for each model under [streaming]."
            self._refuse(f"there are no prices in {currency}", hint)
        return PriceList(
            date=date,
            source=self._text("source", document.get("source", base.source)),
            currency=currency,
            streaming=streaming,
            add_ons={**base.add_ons, **self._add_ons()},
            pre_recorded=self._pre_recorded(base.pre_recorded),
            endpoints={**base.endpoints, **self._prices("endpoints")},
            user_file=self._file,
        )

    def _pre_recorded(self, base: PreRecorded | None) -> PreRecorded | None:
        table = self._table("pre_recorded")
        if not table:
            return base
        model = self._text("pre_recorded.model", table.get("model", base.model if base else ""))
        return PreRecorded(model, self._price("pre_recorded.per_hour", table.get("per_hour")))

    def _add_ons(self) -> dict[str, AddOn]:
        found = {}
        for name in (table := self._table("add_ons")):
            entry = table[name]
            if not isinstance(entry, dict):
                self._refuse(f"add_ons.{name} must be a table", f"Write [add_ons.{name}].")
            models = entry.get("models", [])
            if not isinstance(models, list) or not all(isinstance(one, str) for one in models):
                self._refuse(f"add_ons.{name}.models must be a list of names in quotes")
            per_hour = self._price(f"add_ons.{name}.per_hour", entry.get("per_hour"))
            found[name] = AddOn(name, per_hour, tuple(models))
        return found

    def _prices(self, name: str) -> dict[str, float]:
        return {
            key: self._price(f"{name}.{key}", value) for key, value in self._table(name).items()
        }

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self._document.get(name, {})
        if not isinstance(table, dict):
            self._refuse(f"{name} must be a table", f"Write [{name}].")
        return table

    def _text(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > 1000:
            self._refuse(f"{name} must be a short text, in quotes")
        return value

    def _price(self, name: str, value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value not in PRICE_PER_HOUR:
            self._refuse(f"{name} is {shown(value)}; it must be a number {PRICE_PER_HOUR}")
        return float(value)

    def _refuse(self, reason: str, hint: str = "") -> NoReturn:
        raise UsageProblem(f"{self._file}: {reason}", hint)


_LISTED = ", ".join(_ENTRIES)
