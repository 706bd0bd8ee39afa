"""Which delays of a trial are measured."""

from workers.evaluation.latency import JobLatency
from workers.evaluation.metrics import Clock
from workers.limit_search.trial import add_window

BEGAN_S = 1000.0
"""When the session began, in Unix time."""


def lags_at(*positions_s: float) -> JobLatency:
    """A session with one lag at each position in the recording: as many ms as it has seconds."""
    latency = JobLatency(open_spans=[(BEGAN_S, BEGAN_S + 60)])
    for at_s in positions_s:
        latency.add("pacing", at_s, at_s, at_s)
        latency.add("eot", at_s, at_s, at_s)
    return latency


def test_delays_count_that_begin_within_the_window() -> None:
    """Warm-up and what comes after the window do not."""
    found: dict[str, list[float]] = {}

    window = BEGAN_S + 10, BEGAN_S + 20
    add_window(found, lags_at(9.0, 10.0, 15.0, 21.0), ["pacing"], Clock.DUE, window)

    assert found == {"pacing": [10.0, 15.0]}


def test_a_chunk_that_was_due_while_the_machine_stood_still_says_nothing() -> None:
    """It would be late with any number of sessions. Other delays count: they are much longer."""
    found: dict[str, list[float]] = {}

    add_window(
        found,
        lags_at(11.0, 12.0, 12.3, 15.0),
        ["pacing", "eot"],
        Clock.DUE,
        (BEGAN_S + 10, BEGAN_S + 20),
        stalls=[(BEGAN_S + 12.05, BEGAN_S + 12.25)],
    )

    assert found == {"pacing": [11.0, 15.0], "eot": [11.0, 12.0, 12.3, 15.0]}
