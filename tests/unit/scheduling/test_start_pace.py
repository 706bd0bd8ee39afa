"""How starts are spaced by the lag that they cause."""

from workers.scheduling.start_pace import (
    CALM_LAG_MS,
    FIRST_GAP_S,
    MAX_GAP_S,
    MIN_GAP_S,
    StartPace,
)

LATE_MS = CALM_LAG_MS + 1


def test_starts_come_faster_while_chunks_are_on_time() -> None:
    """The gap shrinks to its least, and no further."""
    pace = StartPace()

    for _ in range(100):
        pace.record_lag(0.1)

    assert MIN_GAP_S == pace.gap_s


def test_starts_become_rarer_while_chunks_are_late_but_do_not_stop() -> None:
    """One late chunk counts more than many that are on time; the gap has a limit."""
    pace = StartPace()

    pace.record_lag(LATE_MS)
    first = pace.gap_s
    for _ in range(100):
        pace.record_lag(LATE_MS)

    assert FIRST_GAP_S < first < MAX_GAP_S
    assert MAX_GAP_S == pace.gap_s


def test_machines_share_a_gap() -> None:
    """A start takes no time from sessions on other machines."""
    pace = StartPace()
    pace.machines = 4

    assert FIRST_GAP_S / 4 == pace.gap_s


def test_the_gap_holds_its_own_where_few_chunks_are_late() -> None:
    """One in 100 lets it shrink, one in 20 makes it grow."""
    calm, busy = StartPace(), StartPace()

    for number in range(400):
        calm.record_lag(LATE_MS if number % 100 == 0 else 0.0)
        busy.record_lag(LATE_MS if number % 20 == 0 else 0.0)

    assert calm.gap_s < FIRST_GAP_S < busy.gap_s
