"""The driver's end of an account's leases: how many sessions each node may start, and when."""

from bisect import bisect_right, insort
from dataclasses import dataclass, field

from workers.fleet.leases import MINUTE_S, GrantId, LeaseBeat, LeaseGrant, LeaseTerms

STALE_BEATS = 3
"""A node that has missed so many beats does not keep others waiting for a permit."""


@dataclass(slots=True)
class _Account:
    """What the granter knows of one holder: its latest beat, and what was granted since."""

    beat: LeaseBeat
    heard_at: float
    in_flight: dict[int, int] = field(default_factory=dict)
    """The permits of each grant that the holder may still apply, by the grant's number."""
    permits_in_flight: int = 0
    """Their sum."""
    last_grant: int = 0
    known_starts: int = 0

    @property
    def held(self) -> int:
        """The most sessions that the holder can have without another grant."""
        return self.beat.held + self.permits_in_flight

    @property
    def uncounted(self) -> int:
        """The most starts that the server may still count without another grant."""
        return self.beat.permits + self.beat.opening + self.permits_in_flight


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """What one holder has, for people to see."""

    holder: str
    sessions: int  # open or opening
    permits: int  # not used, or not known to be used
    waiting: int
    left_s: float  # until its lease ends; negative if it has ended


class LeaseGranter:
    """Grants leases and permits to the nodes of a fleet. Not thread-safe: callers must hold a lock.

    Never lets more than ``max_sessions`` sessions be open, or ``starts_per_minute`` be counted by
    the server within any minute; None: no limit. Times are of the driver's `lease_clock`.

    ``epoch``: must be higher than that of every earlier driver of the run, and not 0. There must
    be one granter at a time; the lock of the run folder sees to that.

    ``predecessors``: the holders that earlier drivers of this run had granted anything; empty if
    there was none, None if they are not known. Until all of them have been heard, or their leases
    are surely over, nothing is permitted: it is not known what they have. Their leases are renewed
    meanwhile, so live sessions continue.
    """

    def __init__(
        self,
        terms: LeaseTerms,
        *,
        max_sessions: int | None,
        starts_per_minute: int | None,
        epoch: int,
        now: float,
        predecessors: frozenset[str] | None = frozenset(),
    ) -> None:
        self.max_sessions = max_sessions
        self.starts_per_minute = starts_per_minute
        self._terms = terms
        self._epoch = epoch
        self._window_s = MINUTE_S * terms.drift_ratio
        self._fenced_s = terms.fenced_s
        self._accounts: dict[str, _Account] = {}
        """By holder; the one that was heard longest ago is first."""
        self._dropped: dict[str, float] = {}
        """Holders that were silent for so long that their sessions have ended, and since when."""
        self._held = self._uncounted = 0
        """Sums over all accounts."""
        self._starts: list[float] = []
        """The latest times at which the server can have counted a start; sorted."""
        self._waiting: dict[str, None] = {}
        """The holders that wait for a permit, in order."""
        self._unheard = predecessors
        self._unknown_until = float("-inf")
        """Until when an unheard predecessor may have sessions."""
        self._unknown_starts_until = float("-inf")
        """Until when starts of unheard predecessors may be in the window."""
        if predecessors is None or predecessors:
            self._unknown_until = now + self._fenced_s
            self._unknown_starts_until = now + self._fenced_s + self._window_s

    def apply(self, beat: LeaseBeat, now: float) -> LeaseGrant | None:
        """Renews the lease of a node, and grants it permits if it needs and may have some. Returns
        the answer; None to a beat that a later one has overtaken, or to one that a later granter
        has answered before."""
        self._drop_silent(now)
        account = self._accounts.get(beat.holder)
        if beat.applied.epoch > self._epoch:
            return None
        if account is not None and beat.number <= account.beat.number:
            return None
        if account is None:
            account = _Account(beat, now)
        else:
            self._held -= account.held
            self._uncounted -= account.uncounted
            del self._accounts[beat.holder]
        self._accounts[beat.holder] = account  # now the one that was heard last
        self._read(beat, account, now)
        permits = self._permits_for(account, now)
        account.last_grant += 1
        if permits:
            account.in_flight[account.last_grant] = permits
            account.permits_in_flight += permits
        self._held += account.held
        self._uncounted += account.uncounted
        grant = GrantId(self._epoch, account.last_grant)
        return LeaseGrant(
            beat.holder, grant, beat.number, beat.applied, permits, account.known_starts
        )

    def _read(self, beat: LeaseBeat, account: _Account, now: float) -> None:
        """Takes over what a node says that it has."""
        account.beat, account.heard_at = beat, now
        if beat.applied.epoch != self._epoch:
            return  # it tells all of its starts when it follows this granter
        account.last_grant = max(account.last_grant, beat.applied.number)
        for number in [number for number in account.in_flight if number <= beat.applied.number]:
            account.permits_in_flight -= account.in_flight.pop(number)
        for start in beat.starts:
            if start.number > account.known_starts:
                account.known_starts = start.number
                insort(self._starts, now - start.age_s / self._terms.drift_ratio)
        if self._unheard and beat.holder in self._unheard:
            self._unheard -= {beat.holder}
            if not self._unheard:
                self._unknown_until = self._unknown_starts_until = float("-inf")

    def _permits_for(self, account: _Account, now: float) -> int:
        """How many permits a holder gets now. `_held` and `_uncounted` are without the holder."""
        holder = account.beat.holder
        wanted = account.beat.waiting - account.permits_in_flight
        if wanted <= 0:
            self._waiting.pop(holder, None)
            return 0
        self._waiting[holder] = None  # keeps its place
        room = self._room(now, account.held, account.uncounted)
        permits = min(wanted, room - self._wanted_before(holder, now, room))
        if permits == wanted:
            del self._waiting[holder]
        return permits

    def _room(self, now: float, held: int = 0, uncounted: int = 0) -> int:
        """How many sessions may start now. ``held``, ``uncounted``: what the sums do not have."""
        if now < self._known_at:
            return 0
        rooms = [1 << 30]
        if self.max_sessions is not None:
            rooms.append(self.max_sessions - self._held - held)
        if self.starts_per_minute is not None:
            used = self._count_starts(now) + self._uncounted + uncounted
            rooms.append(self.starts_per_minute - used)
        return max(0, min(rooms))

    @property
    def _known_at(self) -> float:
        """When it is known what predecessors have, or have started if starts are limited."""
        if self.starts_per_minute is None:
            return self._unknown_until
        return max(self._unknown_until, self._unknown_starts_until)

    def _count_starts(self, now: float) -> int:
        """How many starts the server may have counted within the last minute."""
        del self._starts[: bisect_right(self._starts, now - self._window_s)]
        return len(self._starts)

    def _wanted_before(self, holder: str, now: float, most: int) -> int:
        """How many permits, up to ``most``, holders want that have waited for longer."""
        wanted, stale = 0, []
        for other in self._waiting:
            if other == holder or wanted >= most:
                break
            account = self._accounts.get(other)
            stale_s = STALE_BEATS * self._terms.beat_interval_s
            if account is None or account.heard_at + stale_s <= now:
                stale.append(other)
            else:
                wanted += account.beat.waiting - account.permits_in_flight
        for other in stale:
            del self._waiting[other]
        return min(wanted, most)

    def next_start_at(self, now: float) -> float:
        """When a start may be permitted if sessions may; at or before ``now``: at once."""
        self._drop_silent(now)
        if now < self._known_at:
            return self._known_at
        if self.starts_per_minute is None:
            return now
        excess = self._count_starts(now) + self._uncounted - self.starts_per_minute
        if excess < 0:
            return now
        if excess < len(self._starts):
            return self._starts[excess] + self._window_s
        return now + self._terms.beat_interval_s  # when nodes say which permits they used

    def is_over(self, holder: str, now: float) -> bool:
        """Whether it is certain that a holder has no session, and starts none."""
        self._drop_silent(now)
        if holder in self._accounts:
            return self._accounts[holder].held == 0
        is_unheard = self._unheard is None or holder in self._unheard
        return not (is_unheard and now < self._unknown_until)

    def holders(self, now: float) -> frozenset[str] | None:
        """The holders that may have sessions, or may have started some within the last minute: the
        ``predecessors`` of a later granter. None: not known. A driver writes a holder down before
        it sends its first grant."""
        self._drop_silent(now)
        while self._dropped and next(iter(self._dropped.values())) + self._window_s <= now:
            del self._dropped[next(iter(self._dropped))]
        if now >= self._unknown_starts_until:
            self._unheard = frozenset()
        if self._unheard is None:
            return None
        return self._unheard.union(self._accounts, self._dropped)

    def statuses(self, now: float) -> list[LeaseStatus]:
        """What each holder has."""
        return [
            LeaseStatus(
                holder,
                account.beat.opening + account.beat.open,
                account.beat.permits + account.permits_in_flight,
                max(0, account.beat.waiting - account.permits_in_flight),
                account.heard_at + self._terms.granted_s - now,
            )
            for holder, account in self._accounts.items()
        ]

    def _drop_silent(self, now: float) -> None:
        """Drops the holders whose sessions have surely ended. What they may have started unheard
        counts as started just then."""
        while self._accounts:
            holder, account = next(iter(self._accounts.items()))
            over_at = account.heard_at + self._fenced_s
            if over_at > now:
                return
            del self._accounts[holder]
            self._dropped.pop(holder, None)
            self._dropped[holder] = over_at  # last
            self._waiting.pop(holder, None)
            self._held -= account.held
            self._uncounted -= account.uncounted
            for _ in range(account.uncounted):
                insort(self._starts, over_at)
