"""Limits how many sessions start per minute, and backs off when the server refuses one.

The service limits how many sessions an account may begin within a minute: 5 for a free account, at
first 100 for a paid one, raised by a tenth after each minute in which 70 % of the limit was used
(the vendor's page on concurrency). Other servers limit how many sessions are open. Both refuse with
"Too many concurrent sessions". So after a refusal, sessions start one at a time, as trials: after a
pause, or when another session ends.
"""

import random
from collections import deque
from collections.abc import Callable
from copy import copy

FREE_STARTS_PER_MINUTE = 5
"""New sessions per minute for a free account."""
MIN_START_GAP_S = 0.03
"""Seconds between two starts, so that a start takes no CPU time from sessions that stream."""
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
    """

    def __init__(
        self, per_minute: int | None = None, *, probing: bool = False, trial_first: bool = False
    ) -> None:
        self._limit = per_minute
        self._trial_first = trial_first
        self._probing = probing
        self._growth = PROBING_GROWTH
        self._raised_at: float | None = None
        self._start_times: deque[float] = deque()
        """Starts within the last minute that were not refused."""
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
            if self._raised_at is None:
                self._raised_at = now
            # Raised after a minute in which most of it was used and nothing was refused.
            used = len(self._start_times) >= MIN_USED_SHARE * self._limit
            if used and now - self._raised_at >= RATE_WINDOW_S:
                self._raised_at = now
                self._limit = max(self._limit + 1, int(self._limit * self._growth))
        due = self._start_times[-1] + MIN_START_GAP_S if self._start_times else now
        if self._limit is not None:
            most = self._limit - sessions if sessions <= self._limit else self._limit - 1
            if len(self._start_times) > most:
                due = max(due, self._start_times[-most - 1] + RATE_WINDOW_S)
        if self._trial_started_at is not None:
            due = max(due, self._trial_started_at + TRIAL_TIMEOUT_S)
        return max(due, self._pause_until, self._asked_pause_until)

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
            self._limit = max(1, len(self._start_times))
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
