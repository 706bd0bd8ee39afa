"""How many are let in: so many sessions at once, so many new ones a minute."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from workers.localserver.refusal import too_many_sessions
from workers.localserver.server_policy import ServerPolicy

MINUTE_S = 60.0

MAX_BACKLOG_S = 2.0
"""Seconds that audio may wait before it is read; beyond, one more session would harm the others."""


class Admission:
    """The sessions that are in, and those that came within the last minute.

    ``now`` is of the monotonic clock, ``capacity`` and ``backlog`` are those of the `Source`.
    """

    def __init__(self, policy: ServerPolicy) -> None:
        self.active_sessions = 0
        self._policy = policy
        self._start_times: deque[float] = deque()

    @contextmanager
    def admit(self, now: float, capacity: int, backlog_s: float) -> Iterator[None]:
        """A place for one session as long as the context lasts; raises `Refusal` if none is free.

        One that is refused does not count as new.
        """
        while self._start_times and now - self._start_times[0] >= MINUTE_S:
            self._start_times.popleft()
        if self._is_full(capacity) or self._is_behind(backlog_s) or self._is_over_start_rate():
            raise too_many_sessions(self._policy.busy_code)
        self._start_times.append(now)
        self.active_sessions += 1
        try:
            yield
        finally:
            self.active_sessions -= 1

    def session_limit(self, capacity: int) -> int:
        """How many sessions there may be at once."""
        return self._policy.max_sessions or capacity

    def _is_full(self, capacity: int) -> bool:
        return self.active_sessions >= self.session_limit(capacity)

    def _is_behind(self, backlog_s: float) -> bool:
        # With nobody in, the backlog is what the last session left behind: it will pass.
        return self.active_sessions > 0 and backlog_s > MAX_BACKLOG_S

    def _is_over_start_rate(self) -> bool:
        rate = self._policy.max_starts_per_minute
        return rate is not None and len(self._start_times) >= rate
