"""How many are let in: so many sessions at once, so many new ones a minute."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from workers.localserver.refusal import too_many
from workers.localserver.server_policy import House

MINUTE = 60.0

MOST_BACKLOG = 2.0
"""Seconds that audio may wait before it is read; beyond, one more session would harm the others."""


class Admission:
    """The sessions that are in, and those that came within the last minute.

    ``now`` is of the monotonic clock, ``capacity`` and ``backlog`` are those of the `Source`.
    """

    def __init__(self, house: House) -> None:
        self.sessions = 0
        self._house = house
        self._starts: deque[float] = deque()

    @contextmanager
    def place(self, now: float, capacity: int, backlog: float) -> Iterator[None]:
        """A place for one session as long as the context lasts; raises `Refusal` if none is free.

        One that is refused does not count as new.
        """
        while self._starts and now - self._starts[0] >= MINUTE:
            self._starts.popleft()
        if self._is_full(capacity) or self._is_behind(backlog) or self._is_rushed():
            raise too_many(self._house.busy_code)
        self._starts.append(now)
        self.sessions += 1
        try:
            yield
        finally:
            self.sessions -= 1

    def limit(self, capacity: int) -> int:
        """How many sessions there may be at once."""
        return self._house.sessions or capacity

    def _is_full(self, capacity: int) -> bool:
        return self.sessions >= self.limit(capacity)

    def _is_behind(self, backlog: float) -> bool:
        # With nobody in, the backlog is what the last session left behind: it will pass.
        return self.sessions > 0 and backlog > MOST_BACKLOG

    def _is_rushed(self) -> bool:
        rate = self._house.start_rate
        return rate is not None and len(self._starts) >= rate
