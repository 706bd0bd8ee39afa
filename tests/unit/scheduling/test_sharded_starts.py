"""Shards that start sessions without talking to each other, and the limit that they share."""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.scheduling.start_rate import RATE_WINDOW_S, StartRateLimiter
from workers.scheduling.start_slots import CLOCK_TOLERANCE_S, StartSlots
from workers.sources.shard import Shard


@dataclass
class Machine:
    """One shard. ``clock_error_s``: how far its clock is ahead; ``boot_s``: when it was turned on,
    where its monotonic clock begins."""

    limiter: StartRateLimiter
    boot_s: float
    launch_s: float

    def starts_until(self, end_s: float, together: int, delays_s: list[float]) -> list[float]:
        """The true times of its starts, each as early as allowed, or a little later."""
        starts: list[float] = []
        now = self.launch_s - self.boot_s
        while True:
            due = max(now, self.limiter.next_start_at(now, together))
            now = due + delays_s[len(starts) % len(delays_s)]
            if now + self.boot_s > end_s:
                return starts
            if self.limiter.next_start_at(now, together) > now:
                continue  # it came too late
            for _ in range(together):
                self.limiter.record_start(now)
                self.limiter.record_accepted(now)
                starts.append(now + self.boot_s)


def machine(
    shard: Shard,
    per_minute: int,
    *,
    together: int = 1,
    boot_s: float = 0.0,
    launch_s: float = 1e6,
    clock_error_s: float = 0.0,
) -> Machine:
    limiter = StartRateLimiter(
        per_minute,
        shard=shard,
        together=together,
        wall_offset_s=lambda: boot_s + clock_error_s,
    )
    return Machine(limiter, boot_s, launch_s)


def most_in_a_minute(times: list[float]) -> int:
    times = sorted(times)
    return max(
        (bisect_left(times, one + RATE_WINDOW_S - 1e-6) - at for at, one in enumerate(times)),
        default=0,
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_all_shards_together_never_start_more_than_the_limit(data: st.DataObject) -> None:
    """In any minute, wherever they were launched, with clocks that differ, and delays. A machine
    that is late for each of its turns may start none."""
    count = data.draw(st.integers(1, 12), label="shards")
    together = data.draw(st.sampled_from([1, 2]), label="together")
    per_minute = data.draw(st.integers(together, 30), label="starts a minute")
    launches = st.floats(1e6, 1e6 + 200)
    errors = st.floats(-CLOCK_TOLERANCE_S / 2, CLOCK_TOLERANCE_S / 2)
    delays = st.just([0.0]) | st.lists(st.floats(0, 3), min_size=1, max_size=5)
    starts: list[float] = []
    for number in range(1, count + 1):
        one = machine(
            Shard(number, count),
            per_minute,
            together=together,
            boot_s=data.draw(st.floats(0, 1e5)),
            launch_s=data.draw(launches),
            clock_error_s=data.draw(errors),
        )
        starts += one.starts_until(1e6 + 700, together, data.draw(delays))

    assert most_in_a_minute(starts) <= per_minute


@pytest.mark.parametrize(("per_minute", "count"), [(5, 8), (1, 3), (7, 100)])
def test_a_fraction_of_a_start_waits_longer_between_starts(per_minute: int, count: int) -> None:
    """Each shard starts one session in its period; together they use nearly all of the limit."""
    end_s = 1e6 + 10 * 60 * count / per_minute
    each = [
        machine(Shard(number, count), per_minute).starts_until(end_s, 1, [0.0])
        for number in range(1, count + 1)
    ]
    period = StartSlots(Shard(1, count), per_minute).period_s

    assert period == pytest.approx(60 * count / per_minute, rel=0.04)
    for starts in each:
        assert 9 <= len(starts) <= 10
        assert all(b - a == pytest.approx(period, abs=1.01) for a, b in pairwise(starts))


def test_shards_divide_a_larger_limit_exactly() -> None:
    """12 starts a minute for 8 shards: four have two and four have one."""
    in_first_minute = [
        len(machine(Shard(number, 8), 12).starts_until(1e6 + 59, 1, [0.0]))
        for number in range(1, 9)
    ]

    assert in_first_minute == [2, 2, 2, 2, 1, 1, 1, 1]


def test_a_single_shard_has_the_whole_limit() -> None:
    """Just as a run without shards."""
    assert len(machine(Shard(1, 1), 5).starts_until(1e6 + 59, 1, [0.0])) == 5


def test_an_unknown_limit_grows_from_a_fraction_to_whole_starts() -> None:
    """While nothing is refused, it doubles; after a refusal it falls to half."""
    limiter = StartRateLimiter(5, probing=True, shard=Shard(1, 16), wall_offset_s=lambda: 0.0)
    now, starts = 1e6, []
    while now < 1e6 + 1800:
        now = max(now, limiter.next_start_at(now))
        limiter.record_start(now)
        limiter.record_accepted(now)
        starts.append(now)

    assert starts[1] - starts[0] > 60
    assert starts[-1] - starts[-2] < 10

    refused = StartRateLimiter(8, probing=True, shard=Shard(1, 16), wall_offset_s=lambda: 0.0)
    first = refused.next_start_at(1e6)
    refused.record_start(first)
    refused.record_refused(first, first + 1)
    refused.skip_pause()
    second = refused.next_start_at(first + 2)

    assert refused.next_start_at(second + 2) - second == pytest.approx(62 * 16 / 4, abs=0.01)
