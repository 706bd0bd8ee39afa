"""How many sessions the nodes of a fleet may start, and when."""

import pytest

from workers.fleet.lease_granter import LeaseGranter
from workers.fleet.lease_holder import LeaseHolder
from workers.fleet.leases import MINUTE_S, LeaseTerms

TERMS = LeaseTerms(max_drift=0.0)


def make_granter(
    sessions: int | None = 10, starts: int | None = 10, **others: object
) -> LeaseGranter:
    predecessors = others.get("predecessors", frozenset())
    assert predecessors is None or isinstance(predecessors, frozenset)
    return LeaseGranter(
        TERMS,
        max_sessions=sessions,
        starts_per_minute=starts,
        epoch=2 if "predecessors" in others else 1,
        now=0.0,
        predecessors=predecessors,
    )


def make_holders(count: int) -> list[LeaseHolder]:
    return [LeaseHolder(f"node-{number}", TERMS) for number in range(count)]


def exchange(granter: LeaseGranter, holder: LeaseHolder, now: float) -> list[str]:
    """One beat and its answer; returns the sessions that start, which the server accepts."""
    grant = granter.apply(holder.make_beat(now), now)
    assert grant is not None
    assert holder.apply(grant, now)
    startable = holder.take_startable(now)
    for session in startable:
        holder.note_answer(session, now)
    return startable


def request(holder: LeaseHolder, count: int) -> None:
    for number in range(count):
        holder.request(f"{holder.id}/{number}")


def test_all_nodes_share_the_limit_on_open_sessions() -> None:
    """A session that ends makes room for another one anywhere."""
    granter = make_granter(sessions=3, starts=None)
    first, second = make_holders(2)
    request(first, 2)
    request(second, 2)
    assert len(exchange(granter, first, 0.0)) == 2
    assert len(exchange(granter, second, 0.0)) == 1
    assert exchange(granter, second, 1.0) == []
    first.note_end("node-0/0", 2.0)
    exchange(granter, first, 2.0)
    assert len(exchange(granter, second, 2.0)) == 1


def test_all_nodes_share_the_starts_of_a_minute() -> None:
    """Although their sessions have ended."""
    granter = make_granter(starts=3)
    first, second = make_holders(2)
    request(first, 2)
    request(second, 2)
    for session in exchange(granter, first, 0.0):
        first.note_end(session, 0.0)
    assert len(exchange(granter, second, 1.0)) == 1
    exchange(granter, first, 2.0)
    exchange(granter, second, 2.0)
    assert granter.next_start_at(2.0) == MINUTE_S
    assert exchange(granter, second, MINUTE_S - 0.1) == []
    assert len(exchange(granter, second, MINUTE_S)) == 1


def test_the_sessions_of_a_dead_node_come_back() -> None:
    """When its lease has ended and the server has missed its audio for long enough, not before."""
    granter = make_granter(sessions=1, starts=None)
    dead, other = make_holders(2)
    request(dead, 1)
    request(other, 1)
    exchange(granter, dead, 0.0)
    assert not granter.is_over(dead.id, TERMS.fenced_s - 0.1)
    assert exchange(granter, other, TERMS.fenced_s - 0.1) == []
    assert granter.is_over(dead.id, TERMS.fenced_s)
    assert len(exchange(granter, other, TERMS.fenced_s)) == 1


def test_permits_that_a_dead_node_had_count_as_starts() -> None:
    """It may have used them at the last moment."""
    granter = make_granter(starts=1)
    dead, other = make_holders(2)
    request(dead, 1)
    request(other, 1)
    granter.apply(dead.make_beat(0.0), 0.0)
    assert exchange(granter, other, TERMS.fenced_s) == []
    assert exchange(granter, other, TERMS.fenced_s + MINUTE_S - 0.1) == []
    assert len(exchange(granter, other, TERMS.fenced_s + MINUTE_S)) == 1


def test_the_node_that_has_waited_longest_comes_first() -> None:
    """Unless it has stopped to ask."""
    granter = make_granter(sessions=1, starts=None)
    busy, patient, other = make_holders(3)
    for holder in (busy, patient, other):
        request(holder, 1)
        exchange(granter, holder, 0.0)
    busy.note_end("node-0/0", 1.0)
    exchange(granter, busy, 1.0)
    assert exchange(granter, other, 1.0) == []
    assert len(exchange(granter, patient, 1.0)) == 1
    patient.note_end("node-1/0", 2.0)
    exchange(granter, patient, 2.0)
    assert len(exchange(granter, other, 2.0)) == 1


def test_a_node_that_is_silent_does_not_make_others_wait() -> None:
    """For a permit that it would not use."""
    granter = make_granter(sessions=1, starts=None)
    busy, silent, other = make_holders(3)
    for holder in (busy, silent, other):
        request(holder, 1)
        exchange(granter, holder, 0.0)
    busy.note_end("node-0/0", 9.0)
    exchange(granter, busy, 9.0)
    assert len(exchange(granter, other, 9.0)) == 1


def test_after_a_restart_live_sessions_go_on_and_the_limits_hold() -> None:
    """As soon as all nodes were heard, others start; the last minute counts."""
    first, second = make_holders(2)
    earlier = make_granter(sessions=3, starts=3)
    request(first, 2)
    exchange(earlier, first, 0.0)
    exchange(earlier, second, 0.0)
    request(second, 2)
    later = make_granter(3, 3, predecessors=earlier.holders(1.0))
    assert not later.is_over(first.id, 1.0)
    exchange(later, first, 1.0)
    exchange(later, first, 2.0)
    assert first.seconds_to_use(2.0) > 0
    assert exchange(later, second, 2.0) == []
    exchange(later, second, 3.0)
    assert len(second.live) == 1
    assert later.next_start_at(3.0) == MINUTE_S


@pytest.mark.parametrize("predecessors", [None, frozenset({"node-9"})])
def test_what_nobody_tells_is_waited_for(predecessors: frozenset[str] | None) -> None:
    """For as long as an unknown node may have sessions, and then for the minute of its starts."""
    granter = make_granter(predecessors=predecessors)
    (holder,) = make_holders(1)
    request(holder, 1)
    known_at = TERMS.fenced_s + MINUTE_S
    assert granter.next_start_at(0.0) == known_at
    assert not granter.is_over("node-9", TERMS.fenced_s - 0.1)
    assert exchange(granter, holder, known_at - 0.1) == []
    assert len(exchange(granter, holder, known_at)) == 1


def test_a_lower_limit_ends_nothing() -> None:
    """It only lets nothing start until there is room."""
    granter = make_granter(sessions=2, starts=None)
    (holder,) = make_holders(1)
    request(holder, 3)
    exchange(granter, holder, 0.0)
    granter.max_sessions = 1
    holder.note_end("node-0/0", 1.0)
    assert exchange(granter, holder, 1.0) == []
    holder.note_end("node-0/1", 2.0)
    exchange(granter, holder, 2.0)
    assert len(holder.live) == 1
