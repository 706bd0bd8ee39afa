"""Limits how many sessions start per minute, and backs off when the server refuses one.

The service limits how many sessions an account may begin within a minute: 5 for a free account, at
first 100 for a paid one, raised by a tenth after each minute in which 70 % of the limit was used
(the vendor's page on concurrency). Other servers limit how many sessions are open. Both refuse with
"Too many concurrent sessions". So after a refusal, sessions start one at a time, as trials: after a
pause, or when another session ends.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from copy import copy

from workers.scheduling.start_pace import StartPace
from workers.scheduling.start_slots import StartSlots
from workers.sources.shard import Shard

FREE_STARTS_PER_MINUTE = 5
"""New sessions per minute for a free account."""
RATE_WINDOW_S = 60.0
"""The time window of the service's limit: one minute."""
MIN_USED_SHARE = 0.7
"""The limit rises after a minute in which this share of it was used."""
SERVICE_GROWTH = 1.1
PROBING_GROWTH = 2.0
"""Factors by which the limit rises per minute: after the first refusal, and before it."""
FIRST_PAUSE_S = 4.0
"""Pause after a refusal. Doubles with each refusal in a row, up to a minute, and is shortened by a
random part."""
MIN_PAUSE_S = 1.0
"""Shortest pause after a refusal, even if a session ends meanwhile."""
MAX_OUTAGE_S = 600.0
"""How long a server that has answered may be unreachable before attempts count as failed."""
TRIAL_TIMEOUT_S = 30.0
"""How long a trial may go unanswered before another session starts anyway."""


class StartRateLimiter:
    """Tells when the next session may start. Times are on the monotonic clock.

    Never allows more than ``per_minute`` starts in any minute; None: no limit. With ``probing``,
    that is only the first limit: it rises while nothing is refused, and falls to the number that
    the server accepted. With ``trial_first``, one session starts at a time until the server has
    accepted one.

    With ``shard``, the limit counts for all shards together, and this limiter allows a part of it:
    its share of the starts of each minute, or if there are fewer starts than shards, one start at
    the shard's turn. ``together``: how many sessions start at once in that run, two for pairs.
    ``wall_offset_s`` returns how far the wall clock is ahead of the monotonic one.
    """

    def __init__(
        self,
        per_minute: int | None = None,
        *,
        probing: bool = False,
        trial_first: bool = False,
        shard: Shard | None = None,
        together: int = 1,
        wall_offset_s: Callable[[], float] = lambda: time.time() - time.monotonic(),
    ) -> None:
        self.pace = StartPace()
        self._limit = per_minute
        """Starts in a minute, of all shards together; None: no limit."""
        self._shard = shard
        self._together = together
        self._wall_offset_s = wall_offset_s
        self._trial_first = trial_first
        self._probing = probing
        self._growth = PROBING_GROWTH
        self._raised_at: float | None = None
        self._start_times: deque[float] = deque()
        """Starts within the last minute that were not refused."""
        self._last_start_at: float | None = None
        self._ever_accepted = False
        self._unreachable_since: float | None = None
        self._refusals_in_row = 0
        self._refused_at = float("-inf")
        self._pause_until = float("-inf")
        self._asked_pause_until = float("-inf")
        """Until when the server asked to wait."""
        self._trial_started_at: float | None = None
        """The start time of a trial that the server has not answered yet."""

    @property
    def has_accepted(self) -> bool:
        """Whether the server has accepted a session."""
        return self._ever_accepted

    def next_start_at(self, now: float, sessions: int = 1) -> float:
        """When the next start is allowed; at or before ``now`` if it is allowed already.

        ``sessions``: how many start together; if that is more than the limit, one counts.
        """
        self._drop_old_starts(now)
        if self._probing and self._limit is not None:
            self._raise_limit(self._limit, now)
        due = self._start_times[-1] + self.pace.gap_s if self._start_times else now
        share, slots = self._share(), self._slots()
        if share:
            most = share - sessions if sessions <= share else share - 1
            if len(self._start_times) > most:
                due = max(due, self._start_times[-most - 1] + RATE_WINDOW_S)
        if self._trial_started_at is not None:
            due = max(due, self._trial_started_at + TRIAL_TIMEOUT_S)
        due = max(due, self._pause_until, self._asked_pause_until)
        if slots is not None:
            ahead_s, last_at = self._wall_offset_s(), self._last_start_at
            last_start = None if last_at is None else last_at + ahead_s
            due = slots.next_at(max(due, now) + ahead_s, last_start) - ahead_s
        return due

    def _share(self) -> int | None:
        """The starts of this program in a minute; None: no limit. 0: it has less than one, so it
        waits for its slot."""
        if self._limit is None or self._shard is None:
            return self._limit
        return self._shard.share_of(self._limit // self._together) * self._together

    def _slots(self) -> StartSlots | None:
        """The turns of the shards, if there are more shards than starts in a minute."""
        if self._limit is None or self._shard is None:
            return None
        return StartSlots.of(self._shard, self._limit, self._together)

    def _raise_limit(self, limit: int, now: float) -> None:
        """Raises the limit after a minute in which most of it was used and nothing was refused; if
        this shard starts less often, after the time between two of its starts."""
        if self._raised_at is None:
            self._raised_at = now
        slots = self._slots()
        if slots is None:
            period = RATE_WINDOW_S
            used = len(self._start_times) >= MIN_USED_SHARE * (self._share() or limit)
        else:
            period = slots.period_s
            used = self._last_start_at is not None and self._last_start_at > now - period
        if used and now - self._raised_at >= period:
            self._raised_at = now
            self._limit = max(limit + 1, int(limit * self._growth))

    def start_simulator(self) -> Callable[[float], float]:
        """Forecasts starts as if all were accepted, without recording any.

        Call the returned function once for each start, in order. It takes the time at which
        a session could run, and returns the time at which that session starts.
        """
        simulated, now = copy(self), float("-inf")
        simulated._start_times = self._start_times.copy()

        def start(room_at: float) -> float:
            nonlocal now
            now = max(now, room_at)
            now = max(now, simulated.next_start_at(now))
            simulated.record_start(now)
            simulated.record_accepted(now)
            return now

        return start

    def record_start(self, now: float) -> None:
        """Records that a session has started."""
        self._start_times.append(now)
        self._last_start_at = now
        is_first = self._trial_first and not self._ever_accepted
        if is_first or now - self._refused_at < RATE_WINDOW_S:
            self._trial_started_at = now

    def record_accepted(self, started_at: float) -> None:
        """Records that the session that started at ``started_at`` was accepted."""
        self._ever_accepted, self._refusals_in_row, self._unreachable_since = True, 0, None
        self._end_trial(started_at)

    def record_refused(self, started_at: float, now: float) -> None:
        """Records a refusal, and takes the number of starts before it as the limit."""
        if self._begin_pause(started_at, now) and self._probing:
            shards = self._shard.count if self._shard is not None else 1
            accepted = len(self._start_times) * shards
            if self._slots() is not None and self._limit is not None:
                accepted = self._limit // 2  # of one start in many minutes, nothing can be learnt
            self._limit = max(1, accepted)
            self._growth, self._raised_at = SERVICE_GROWTH, now

    def record_unstarted(self, started_at: float, now: float) -> None:
        """Records that this machine had no room for a session; the server was not asked."""
        self._begin_pause(started_at, now)

    def record_unreachable(self, started_at: float, now: float) -> bool:
        """Records that a session found no server. Returns whether to wait for the server: True
        if it has answered before, and not long ago."""
        if not self._ever_accepted:
            self._end_trial(started_at)
            return False
        self._begin_pause(started_at, now)
        if self._unreachable_since is None:
            self._unreachable_since = now
        return now - self._unreachable_since < MAX_OUTAGE_S

    def record_end(self, started_at: float, now: float) -> None:
        """Records that a session has ended, so the server may accept another."""
        self._end_trial(started_at)
        self._pause_until = min(self._pause_until, max(now, self._refused_at + MIN_PAUSE_S))

    def record_retry_after(self, now: float, wait_s: float) -> None:
        """Pauses starts because the server asked for it; no end of a session shortens this."""
        self._asked_pause_until = max(self._asked_pause_until, now + wait_s)

    def skip_pause(self) -> None:
        """Ends the pause after a refusal, because the user does not want to wait."""
        self._pause_until = self._asked_pause_until = float("-inf")

    def _begin_pause(self, started_at: float, now: float) -> bool:
        """Pauses after a refusal. Sessions that started together are refused together and count
        once: returns False for all but the first."""
        self._end_trial(started_at)
        if started_at in self._start_times:
            self._start_times.remove(started_at)
        if started_at <= self._refused_at:
            return False
        self._drop_old_starts(now)
        pause = min(RATE_WINDOW_S, FIRST_PAUSE_S * 2 ** min(self._refusals_in_row, 10))
        self._refusals_in_row += 1
        self._refused_at = now
        self._pause_until = now + pause * random.uniform(0.5, 1.0)
        return True

    def _end_trial(self, started_at: float) -> None:
        if self._trial_started_at == started_at:
            self._trial_started_at = None

    def _drop_old_starts(self, now: float) -> None:
        while self._start_times and self._start_times[0] <= now - RATE_WINDOW_S:
            self._start_times.popleft()
