"""What a node may do with its permits, and until when."""

from dataclasses import replace

import pytest

from workers.fleet.lease_granter import LeaseGranter
from workers.fleet.lease_holder import LeaseHolder
from workers.fleet.leases import LeaseBeat, LeaseGrant, LeaseTerms

TERMS = LeaseTerms(lease_s=20.0, end_lead_s=6.0, kill_lead_s=1.0)


def make_granter(
    *, epoch: int = 1, predecessors: frozenset[str] = frozenset(), sessions: int = 10
) -> LeaseGranter:
    return LeaseGranter(
        TERMS,
        max_sessions=sessions,
        starts_per_minute=10,
        epoch=epoch,
        now=0.0,
        predecessors=predecessors,
    )


def answer(granter: LeaseGranter, beat: LeaseBeat, now: float = 0.0) -> LeaseGrant:
    grant = granter.apply(beat, now)
    assert grant is not None
    return grant


@pytest.fixture
def holder() -> LeaseHolder:
    return LeaseHolder("a", TERMS)


def test_a_session_starts_once_there_is_a_permit(holder: LeaseHolder) -> None:
    """The first one that asked comes first."""
    granter = make_granter(sessions=2)
    for session in ("1", "2", "3"):
        holder.request(session)
    assert holder.has_news
    assert holder.take_startable(0.0) == []
    assert holder.apply(answer(granter, holder.make_beat(0.0)), 0.1)
    assert holder.take_startable(0.1) == ["1", "2"]
    assert holder.live == ["1", "2"]
    assert holder.waiting == ["3"]


def test_a_lease_counts_from_the_beat_that_asked_for_it(holder: LeaseHolder) -> None:
    """However late the answer is. Sessions end, and are killed, before the lease does."""
    granter = make_granter()
    holder.request("1")
    grant = answer(granter, holder.make_beat(100.0))
    assert holder.apply(grant, 110.0)
    assert holder.take_startable(110.0) == ["1"]
    assert holder.seconds_to_use(110.0) == 4.0
    assert holder.overdue(118.9) == []
    assert holder.overdue(119.0) == ["1"]


def test_a_late_answer_is_void(holder: LeaseHolder) -> None:
    """By then the granter may have given the permit to another node."""
    holder.request("1")
    grant = answer(make_granter(), holder.make_beat(100.0))
    assert not holder.apply(grant, 120.0)
    assert holder.take_startable(120.0) == []


def test_permits_end_with_their_lease(holder: LeaseHolder) -> None:
    """A new lease does not bring them back."""
    granter = make_granter()
    holder.request("1")
    assert holder.apply(answer(granter, holder.make_beat(0.0)), 15.0)
    assert holder.take_startable(15.0) == []  # it would have to end at once
    beat = holder.make_beat(20.0)
    assert (beat.permits, beat.waiting) == (0, 1)


def test_permits_that_nothing_needs_any_more_go_back(holder: LeaseHolder) -> None:
    """With the next beat."""
    granter = make_granter()
    holder.request("1")
    assert holder.apply(answer(granter, holder.make_beat(0.0)), 0.0)
    holder.withdraw("1")
    beat = holder.make_beat(1.0)
    assert (beat.permits, beat.waiting) == (0, 0)


@pytest.mark.parametrize("repeats", [False, True])
def test_a_grant_counts_once(holder: LeaseHolder, repeats: bool) -> None:
    """Neither a repeated nor an overtaken one brings permits."""
    granter = make_granter()
    holder.request("1")
    first = answer(granter, holder.make_beat(0.0))
    holder.request("2")
    second = answer(granter, holder.make_beat(0.1))
    assert holder.apply(second, 0.2)
    assert not holder.apply(second if repeats else first, 0.3)
    assert len(holder.take_startable(0.3)) == 1


def test_a_new_granter_must_know_what_the_earlier_one_has_granted(holder: LeaseHolder) -> None:
    """Its first answer is void if a grant of the earlier one came in between."""
    earlier = make_granter()
    assert holder.apply(answer(earlier, holder.make_beat(0.0)), 0.0)
    holder.request("1")
    delayed = answer(earlier, holder.make_beat(1.0))
    later = make_granter(epoch=2, predecessors=frozenset("a"))
    grant = answer(later, holder.make_beat(2.0))
    assert holder.apply(delayed, 2.1)
    assert not holder.apply(grant, 2.2)
    assert holder.apply(answer(later, holder.make_beat(3.0)), 3.0)
    assert later.statuses(3.0)[0].permits == 1


def test_the_earlier_granter_counts_no_more(holder: LeaseHolder) -> None:
    """After the new one was heard."""
    earlier, later = make_granter(), make_granter(epoch=2)
    holder.request("1")
    delayed = answer(earlier, holder.make_beat(0.0))
    assert holder.apply(answer(later, replace(holder.make_beat(0.1))), 0.1)
    assert not holder.apply(delayed, 0.2)


def test_each_start_is_told_until_it_is_known(holder: LeaseHolder) -> None:
    """The minute of a start begins when the server has answered, not before it was asked."""
    granter = make_granter()
    holder.request("1")
    assert holder.apply(answer(granter, holder.make_beat(0.0)), 0.0)
    holder.take_startable(0.0)
    assert holder.make_beat(1.0).opening == 1
    holder.note_answer("1", 2.0)
    lost, heard = holder.make_beat(3.0), holder.make_beat(4.0)
    assert [1.0] == [start.age_s for start in lost.starts]
    assert [2.0] == [start.age_s for start in heard.starts]
    assert holder.apply(answer(granter, heard, 4.0), 4.0)
    assert holder.make_beat(5.0).starts == ()
