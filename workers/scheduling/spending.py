"""What the sockets of a run have cost, and whether another session fits into the budget.

The service bills how long a socket is open. A session that starts reserves what it will take, and
gives back what it did not take when it ends. Not thread-safe, like the scheduler that owns it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workers.jobs.job import JobId, StreamSettings
from workers.prices.budget import Budget
from workers.prices.price_list import FREE, HourlyPrice

SOCKET_OVERHEAD_S = 2.0
"""How much longer a socket is open than its audio lasts: until Begin, and from Terminate to the
close. At the service, 1.2 s each were observed."""

PriceOf = Callable[[StreamSettings], HourlyPrice]
"""The price of a session with these settings."""


def free_of_charge(settings: StreamSettings) -> HourlyPrice:
    """The price of sessions on this machine."""
    return FREE


@dataclass(frozen=True, slots=True)
class SpendingStatus:
    """What was spent at one point in time."""

    cost: float | None = 0.0
    """What all sockets have cost so far; None: nobody knows the price."""
    currency: str = ""
    per_hour: float | None = 0.0
    """What an hour of a session with the run's own settings costs."""
    budget: Budget | None = None
    spent: float = 0.0
    """How much of the budget is spent, in its unit; 0 without one."""
    committed: float = 0.0
    """The same with what live sessions will take."""
    is_reached: bool = False
    """Whether the next session does not fit, so that none starts."""
    is_exhausted: bool = False
    """Whether, besides, nothing is live that may take less than was reserved: none ever starts."""


NOTHING_SPENT = SpendingStatus()


@dataclass(slots=True)
class _Reservation:
    """What a live session takes."""

    seconds: float
    price: HourlyPrice
    since: float


class Spending:
    """Counts what a run spends, over all attempts of all jobs, also those of earlier programs."""

    def __init__(
        self,
        price_of: PriceOf = free_of_charge,
        *,
        currency: str = "",
        budget: Budget | None = None,
    ) -> None:
        self.budget = budget
        self._price_of = price_of
        self._currency = currency
        self._cost: float | None = 0.0
        self._spent = 0.0
        self._reserved: dict[JobId, _Reservation] = {}

    def add(self, open_seconds: float, settings: StreamSettings) -> None:
        """Adds what sockets of ended sessions took."""
        if open_seconds > 0:
            self._add(open_seconds, self._price_of(settings))

    def reserve(self, job: JobId, seconds: float, settings: StreamSettings, now: float) -> None:
        """Notes that a session starts that will take so long."""
        self._reserved[job] = _Reservation(seconds, self._price_of(settings), now)

    def settle(self, job: JobId, open_seconds: float, settings: StreamSettings) -> None:
        """Notes how long the socket of a session that has ended was open."""
        reserved = self._reserved.pop(job, None)
        price = reserved.price if reserved is not None else self._price_of(settings)
        if open_seconds > 0:
            self._add(open_seconds, price)

    def fits(self, sessions: Iterable[tuple[float, StreamSettings]], now: float) -> bool:
        """Whether further sessions, each with its seconds, fit into the budget beside what is
        open."""
        if self.budget is None:
            return True
        wanted = sum(self._share(seconds, self._price_of(one)) for seconds, one in sessions)
        return self._committed(now) + wanted <= self.budget.limit * (1 + 1e-9)

    def status(self, settings: StreamSettings, now: float, *, is_reached: bool) -> SpendingStatus:
        """What was spent so far. ``settings``: those of the run."""
        cost, spent = self._cost, self._spent
        for one in self._reserved.values():
            open_s = max(0.0, now - one.since)
            spent += self._share(open_s, one.price)
            if cost is not None:
                per_hour = one.price.per_hour
                cost = None if per_hour is None else cost + open_s / 3600 * per_hour
        return SpendingStatus(
            cost=cost,
            currency=self._currency,
            per_hour=self._price_of(settings).per_hour,
            budget=self.budget,
            spent=spent,
            committed=self._committed(now),
            is_reached=is_reached,
            is_exhausted=is_reached and not self._reserved,
        )

    def _add(self, seconds: float, price: HourlyPrice) -> None:
        self._spent += self._share(seconds, price)
        if self._cost is not None:
            per_hour = price.per_hour
            self._cost = None if per_hour is None else self._cost + seconds / 3600 * per_hour

    def _committed(self, now: float) -> float:
        live = (
            self._share(max(one.seconds, now - one.since), one.price)
            for one in self._reserved.values()
        )
        return self._spent + sum(live)

    def _share(self, seconds: float, price: HourlyPrice) -> float:
        """How much of the budget an open socket takes; 0 without a budget."""
        return 0.0 if self.budget is None else seconds / 3600 * self.budget.per_hour(price)
