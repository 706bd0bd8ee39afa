"""Which number of sessions to try next: doubling, then bisection, then interleaved repeats.

Has no clock and no process: a caller makes the trials.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class LimitSearch:
    """Searches the largest number of sessions that holds.

    Doubles from 1 until one does not hold, and halves what is between. Then it tries both ends of
    what is left in turn, until each has ``repeats`` trials; the majority counts, and where that
    changes an end, the search goes on. No number is tried more than ``repeats`` times, so it ends.
    """

    max_sessions: int
    repeats: int = 3
    within: float = 0.05
    """How far the two ends may be apart, as a share of the lower one; at least 1 session."""
    _held: dict[int, int] = field(default_factory=dict)
    _tried: dict[int, int] = field(default_factory=dict)
    _refused: set[int] = field(default_factory=set)
    _last: int = 0

    @property
    def limit(self) -> int:
        """The largest number below `first_failing` that holds; 0: none."""
        failing = self.first_failing
        held = (number for number in self._tried if self.holds(number))
        return max((one for one in held if failing is None or one < failing), default=0)

    @property
    def first_failing(self) -> int | None:
        """The smallest number that does not hold; None: all that were tried do."""
        return min((number for number in self._tried if not self.holds(number)), default=None)

    @property
    def is_bounded(self) -> bool:
        """Whether it ended at ``max_sessions``, and more might hold."""
        return self.first_failing is None and self.limit >= self.max_sessions

    def holds(self, sessions: int) -> bool:
        """Whether most trials with so many sessions held."""
        if sessions in self._refused:
            return False
        return 2 * self._held.get(sessions, 0) > self._tried.get(sessions, 0)

    def trials(self, sessions: int) -> int:
        """How many trials there were with so many sessions."""
        return self._tried.get(sessions, 0)

    def record(self, sessions: int, *, held: bool, refused: bool = False) -> None:
        """Records a trial. A number that the server ``refused`` is not tried again."""
        self._tried[sessions] = self._tried.get(sessions, 0) + 1
        self._held[sessions] = self._held.get(sessions, 0) + held
        self._last = sessions
        if refused:
            self._refused.add(sessions)

    def next_sessions(self) -> int | None:
        """The number of sessions to try next; None: the search is over."""
        low, high = self.limit, self.first_failing
        if high is None:
            if low < self.max_sessions:
                return min(2 * low, self.max_sessions) if low else 1
        elif high - low > max(1, int(self.within * low)):
            return (low + high) // 2
        ends = [one for one in (low, high) if one and self._needs_repeat(one)]
        if not ends:
            return None
        return min(ends, key=lambda one: (self._tried[one], one == self._last))

    def _needs_repeat(self, sessions: int) -> bool:
        return sessions not in self._refused and self._tried[sessions] < self.repeats
