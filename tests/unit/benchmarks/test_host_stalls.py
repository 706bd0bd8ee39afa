"""Which measurements a stall of the machine spoils."""

from tests.benchmarks.host_stalls import Stalls


def test_a_stall_spoils_what_happens_in_it_and_shortly_after() -> None:
    """A time counts as spoilt if a stall lies in it, or no more than the margin before it."""
    stalls = Stalls()
    stalls.add([(20.0, 20.0)])
    stalls.add([(9.95, 10.0), (9.9, 9.98)])

    assert [(9.9, 10.0), (20.0, 20.0)] == stalls.spans_s
    assert stalls.touch(9.8, 10.1, 0.25)
    assert stalls.touch(10.2, 10.3, 0.25)
    assert not stalls.touch(10.3, 10.4, 0.25)
    assert not stalls.touch(9.0, 9.8, 0.25)
    assert stalls.touch(15.0, 25.0, 0.25)
    assert not stalls.touch(21.0, 30.0, 0.25)
    assert not Stalls().touch(0.0, 100.0, 0.25)
