"""What streaming recordings will take, before anything starts: sessions, time and money."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tui.model.totals import time_to_finish_s
from workers.audio.source import Source
from workers.jobs.job import StreamSettings
from workers.jobs.matrix import apply_condition
from workers.prices.price_list import PriceList
from workers.scheduling.spending import SOCKET_OVERHEAD_S, PriceOf
from workers.scheduling.start_rate import StartRateLimiter


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """A session that is to be."""

    audio_s: float | None
    """How much audio it streams; None: not known yet."""
    settings: StreamSettings

    @property
    def open_s(self) -> float:
        """How long its socket will be open."""
        return (self.audio_s or 0.0) / self.settings.speed + SOCKET_OVERHEAD_S


@dataclass(frozen=True, slots=True)
class RunForecast:
    """What some sessions will take, together."""

    sessions: int
    audio_s: float
    unknown_lengths: int
    """Sessions of recordings whose length is not known; they count as empty."""
    end_in_s: float
    """Seconds until the last one ends, at the earliest: if the server accepts every start."""
    open_s: float
    """How long sockets will be open, all together; a service bills this time."""
    cost: float | None
    """None: nobody knows the price."""
    pre_recorded_cost: float | None
    """What the same audio costs at the service's API for whole files; None: no price is known, or
    nothing is to be paid here."""
    currency: str
    prices: str
    """Where the prices come from, for the end of a sentence."""
    assumed_model: str = ""
    """The model whose price was taken for one that is not listed."""


class RunForecaster:
    """Forecasts what recordings will take, with the settings and limits of a run."""

    def __init__(
        self,
        settings: StreamSettings,
        prices: PriceList,
        price_of: PriceOf,
        max_sessions: int,
        make_limiter: Callable[[], StartRateLimiter],
    ) -> None:
        """``max_sessions``: sessions at once. ``make_limiter``: the limit on starts, unused."""
        self._settings = settings
        self._prices = prices
        self._price_of = price_of
        self._max_sessions = max_sessions
        self._make_limiter = make_limiter

    @property
    def has_price(self) -> bool:
        """Whether anything is to be paid, as far as is known."""
        return bool(self._price_of(self._settings).per_hour)

    def planned(self, source: Source, audio_s: float | None) -> list[PlannedSession]:
        """The sessions of a recording: one, or two if it is split."""
        settings = apply_condition(self._settings, source.conditions).with_params(source.params)
        return [PlannedSession(audio_s, settings)] * max(1, len(source.options.speakers))

    def forecast(self, sessions: Iterable[PlannedSession]) -> RunForecast:
        """Forecasts these sessions, in their order."""
        planned = list(sessions)
        cost: float | None = 0.0
        assumed, is_service = "", bool(planned)
        for one in planned:
            price = self._price_of(one.settings)
            assumed, is_service = assumed or price.assumed_model, is_service and price.is_service
            if price.per_hour is None or cost is None:
                cost = None
            else:
                cost += one.open_s / 3600 * price.per_hour
        audio_s = sum(one.audio_s or 0.0 for one in planned)
        other = self._prices.pre_recorded if is_service else None
        limiter = self._make_limiter()
        return RunForecast(
            sessions=len(planned),
            audio_s=audio_s,
            unknown_lengths=sum(one.audio_s is None for one in planned),
            end_in_s=time_to_finish_s(
                (), (one.open_s for one in planned), self._max_sessions, limiter.start_simulator()
            ),
            open_s=sum(one.open_s for one in planned),
            cost=cost,
            pre_recorded_cost=audio_s / 3600 * other.per_hour if other and cost else None,
            currency=self._prices.currency,
            prices=self._prices.origin,
            assumed_model=assumed,
        )
