"""The node's end of an account's leases: which sessions may start, and until when they may last."""

from collections import deque
from itertools import islice

from workers.fleet.leases import (
    MINUTE_S,
    NO_GRANT,
    CountedStart,
    LeaseBeat,
    LeaseGrant,
    LeaseTerms,
)


class LeaseHolder:
    """Holds the permits and the lease of one node. Not thread-safe: callers must hold a lock.

    Times are of the node's `lease_clock`. ``holder_id``: see `new_holder_id`; another one for each
    process, since the sessions of an earlier process are not those of this one.
    """

    def __init__(self, holder_id: str, terms: LeaseTerms) -> None:
        self.id = holder_id
        self.until_s = float("-inf")
        """When the lease ends."""
        self.has_news = False
        """Whether something has changed that the granter should know soon."""
        self._terms = terms
        self._window_s = MINUTE_S * terms.drift_ratio
        self._applied = NO_GRANT
        self._permits = 0
        self._waiting: dict[str, None] = {}  # in order
        self._live: dict[str, bool] = {}
        """The sessions that have started, and whether the server has answered."""
        self._answered = 0
        """How many of them it has answered."""
        self._beats: dict[int, float] = {}
        """When each beat that a grant may still answer was made, by its number."""
        self._last_beat = self._last_start = self._known_starts = 0
        self._starts: deque[tuple[int, float]] = deque()
        """The numbers of starts that the server has counted, and when it answered."""

    def request(self, session: str) -> None:
        """Asks for a permit for a session; `take_startable` returns its name when there is one."""
        self._waiting[session] = None
        self.has_news = True

    def withdraw(self, session: str) -> None:
        """Takes a request back."""
        self._waiting.pop(session, None)

    def take_startable(self, now: float) -> list[str]:
        """The sessions to start now, which count as live from here on. Those that are first in line
        come first. Returns none if they would have to end at once."""
        self._drop_void_permits(now)
        if self.seconds_to_use(now) <= 0:
            return []
        startable = list(self._waiting)[: self._permits]
        for session in startable:
            del self._waiting[session]
            self._live[session] = False
        self._permits -= len(startable)
        return startable

    def note_answer(self, session: str, now: float) -> None:
        """Records that the server has answered, so that the minute of this start runs."""
        if self._live.get(session) is False:
            self._live[session] = True
            self._answered += 1
            self._last_start += 1
            self._starts.append((self._last_start, now))
            self.has_news = True

    def note_end(self, session: str, now: float) -> None:
        """Records that a session is over, and its socket closed."""
        self.note_answer(session, now)  # it may have reached the server
        if self._live.pop(session, None) is not None:
            self._answered -= 1
            self.has_news = True

    @property
    def waiting(self) -> list[str]:
        """The sessions that wait for a permit, in order."""
        return list(self._waiting)

    @property
    def live(self) -> list[str]:
        """The sessions that have started and not ended."""
        return list(self._live)

    def seconds_to_use(self, now: float) -> float:
        """How long sessions may go on before they must begin to end; negative if they had to."""
        return self.until_s - self._terms.end_lead_s - now

    def overdue(self, now: float) -> list[str]:
        """The sessions to kill, as the lease ends. They should have ended by themselves."""
        return list(self._live) if now >= self.until_s - self._terms.kill_lead_s else []

    def make_beat(self, now: float) -> LeaseBeat:
        """The next beat. Permits that nothing waits for are returned with it."""
        self._drop_void_permits(now)
        self._permits = min(self._permits, len(self._waiting))
        self._last_beat += 1
        self._beats[self._last_beat] = now
        while self._beats[oldest := next(iter(self._beats))] + self._terms.lease_s <= now:
            del self._beats[oldest]
        while self._starts and self._starts[0][1] <= now - self._window_s:
            self._starts.popleft()
        self.has_news = False
        # Their numbers have no gaps, so those that are not known are the last ones.
        unknown = min(len(self._starts), self._last_start - self._known_starts)
        starts = islice(self._starts, len(self._starts) - unknown, None)
        return LeaseBeat(
            holder=self.id,
            number=self._last_beat,
            applied=self._applied,
            waiting=len(self._waiting) - self._permits,
            permits=self._permits,
            opening=len(self._live) - self._answered,
            open=self._answered,
            starts=tuple(CountedStart(number, now - at) for number, at in starts),
        )

    def apply(self, grant: LeaseGrant, now: float) -> bool:
        """Applies a grant; returns False if it is void: late, repeated, overtaken by a later one,
        or of a granter that this holder no longer follows."""
        made_at = self._beats.get(grant.beat)
        if made_at is None or now >= made_at + self._terms.lease_s or grant.holder != self.id:
            return False
        if grant.id <= self._applied:
            return False
        if grant.id.epoch != self._applied.epoch and grant.base != self._applied:
            return False  # a new granter must know all that the earlier one has granted
        self._drop_void_permits(now)
        if grant.id.epoch != self._applied.epoch:
            self._known_starts = 0  # it must be told all of the last minute
            self.has_news = self._applied != NO_GRANT
        self._known_starts = max(self._known_starts, grant.known_starts)
        self._applied = grant.id
        self._permits += grant.permits
        self.until_s = max(self.until_s, made_at + self._terms.lease_s)
        return True

    def _drop_void_permits(self, now: float) -> None:
        """Drops the permits of a lease that has ended."""
        if now >= self.until_s:
            self._permits = 0
