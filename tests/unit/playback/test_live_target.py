"""What should be heard of a live session."""

import pytest

from workers.jobs.sent_position import SentPosition
from workers.playback.live_target import (
    MAX_EXTRAPOLATION_S,
    MAX_SPEED_CHANGE,
    LiveTarget,
    playback_speed,
)

CHUNK_S = 0.1


def test_a_chunk_is_heard_from_the_moment_at_which_it_is_sent() -> None:
    """The chunk from 4.9 to 5 s has just been sent at 100 s; it sounds until the next is sent."""
    target = LiveTarget(SentPosition(5.0, 100.0), CHUNK_S)

    assert target.position_s(100.0) == pytest.approx(4.9)
    assert target.position_s(100.1) == pytest.approx(5.0)
    assert target.unheard_s(4.9, 100.0) == pytest.approx(CHUNK_S)


def test_a_report_between_two_chunks_does_not_pull_it_back() -> None:
    """A session reports before each final turn too, up to a chunk after it has sent something."""
    target = LiveTarget(SentPosition(5.0, 100.0), CHUNK_S)
    target.update(SentPosition(5.5, 100.59))

    assert target.position_s(100.6) == pytest.approx(5.5)


def test_a_session_that_stalls_is_not_overtaken_for_long() -> None:
    """Without a report, it counts as stalled; a slip moves the target back."""
    target = LiveTarget(SentPosition(5.0, 100.0), CHUNK_S)
    assert target.position_s(200.0) == pytest.approx(5.0 + MAX_EXTRAPOLATION_S - CHUNK_S)

    target.update(SentPosition(6.0, 106.0))
    assert target.position_s(106.0) == pytest.approx(5.9)


def test_nothing_is_heard_before_the_start() -> None:
    """The first report may come before the first chunk is over."""
    assert LiveTarget(SentPosition(0.0, 100.0), CHUNK_S).position_s(100.0) == 0.0


@pytest.mark.parametrize(
    ("late_s", "speed"),
    [
        (0.0, 1.0),
        (0.019, 1.0),
        (-0.019, 1.0),
        (0.05, 1.01),
        (-0.05, 0.99),
        (0.8, 1.0 + MAX_SPEED_CHANGE),
        (-0.8, 1.0 - MAX_SPEED_CHANGE),
    ],
)
def test_a_playback_that_is_off_is_a_little_faster_or_slower(late_s: float, speed: float) -> None:
    """Never by so much that it is heard; one that is close is exact."""
    assert playback_speed(late_s) == pytest.approx(speed)
