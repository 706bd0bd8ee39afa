"""Which side gave in, from what a trial saw."""

from dataclasses import replace

import pytest

from workers.limit_search.diagnosis import Diagnosis, Side, diagnose
from workers.limit_search.machine_watch import MachineLoad
from workers.limit_search.objectives import parse_objective
from workers.limit_search.trial import Failure, Trial
from workers.pacing.certificate import Verdict

IDLE = MachineLoad(
    seconds=20.0,
    cores=2,
    busy=0.2,
    stolen=0.0,
    sessions_cpu=0.1,
    engine_cpu=0.0,
    stalls=0,
    stalled_s=0.0,
    stall_spans=(),
    unsent_bytes=0,
    unread_bytes=0,
    unread_by_server_bytes=0,
    resent=0.0,
)
EOT, PACING = parse_objective("eot.p95<1s"), parse_objective("pacing.p99<10ms")


def trial(
    eot: float = 500.0, eot_sent: float | None = None, pacing: float = 2.0, sessions: int = 8
) -> Trial:
    """A trial with these figures, on an idle machine, whose sessions connected in 20 ms."""
    by_due = {"eot": [eot], "pacing": [pacing]}
    by_sent = {"eot": [eot if eot_sent is None else eot_sent], "pacing": [pacing]}
    return Trial(
        sessions=sessions,
        failure=None,
        reason="",
        results=tuple(one.check(by_due) for one in (EOT, PACING)),
        sent_results=tuple(one.check(by_sent) for one in (EOT, PACING)),
        verdicts={Verdict.HELD: sessions},
        connect_p95_ms=20.0,
        begin_p95_ms=30.0,
        warnings={},
        refusals=0,
        load=IDLE,
        open_seconds=200.0,
    )


def found(one: Trial, *, is_embedded: bool = False) -> Diagnosis:
    return diagnose(one, trial(sessions=1), is_embedded=is_embedded)


def test_nothing_gave_in_where_all_holds() -> None:
    """And there is no evidence."""
    assert found(trial()) == Diagnosis(Side.NONE, ())


def test_delays_that_grow_while_chunks_leave_in_time_are_the_services() -> None:
    """The certificates say so."""
    diagnosis = found(trial(eot=1800.0))

    assert diagnosis.side is Side.SERVICE
    assert "pacing held in 8 of 8 sessions, by their certificates" in diagnosis.evidence
    assert "eot.p95 1800.0 ms breaks eot.p95<1s" in diagnosis.evidence


def test_chunks_that_leave_late_are_ours() -> None:
    """With how busy this machine was, and who used it."""
    late = replace(trial(pacing=40.0), load=replace(IDLE, busy=0.98))
    diagnosis = found(late)

    assert diagnosis.side is Side.OURS
    assert any("98 % busy" in one and "other programs 1.86" in one for one in diagnosis.evidence)


def test_a_pacing_that_held_says_more_than_certificates() -> None:
    """Those of short sessions count chunks that were late because the machine stood still."""
    slow = replace(trial(eot=1800.0), verdicts={Verdict.LATE: 6, Verdict.HELD: 2})
    unmeasured = replace(slow, results=slow.results[:1], sent_results=slow.sent_results[:1])

    assert found(slow).side is Side.SERVICE
    assert found(unmeasured).side is Side.OURS


def test_stalls_of_the_machine_are_named() -> None:
    """If the watch could tell them from waits of this program."""
    stalled = replace(IDLE, stalls=2, stalled_s=0.19, stall_spans=((1.0, 1.1), (2.0, 2.09)))

    evidence = found(replace(trial(eot=1800.0), load=stalled)).evidence

    assert "this machine stood still 2 times, 190 ms in all" in evidence


def test_an_engine_without_processor_time_gave_in_unless_others_have_it() -> None:
    """The embedded engine is the service, but this machine may be busy with something else."""
    slow, full = trial(eot=1800.0), replace(IDLE, busy=0.99, engine_cpu=1.85)
    alone = found(replace(slow, load=full), is_embedded=True)
    crowded = found(replace(slow, load=replace(full, engine_cpu=0.5)), is_embedded=True)

    assert alone.side is Side.SERVICE
    assert "more processor time than there is" in alone.evidence[0]
    assert crowded.side is Side.OURS
    assert "other programs" in crowded.evidence[0]


def test_delays_that_hold_from_when_chunks_were_sent_are_ours() -> None:
    """Only our own lateness breaks the objective."""
    diagnosis = found(trial(eot=1200.0, eot_sent=700.0))

    assert diagnosis.side is Side.OURS
    assert "counted from when chunks were sent: 700.0 ms" in diagnosis.evidence


def test_chunks_that_nobody_takes_are_not_ours() -> None:
    """They are the network's if segments are sent again, else the server does not read."""
    stuck = replace(IDLE, unsent_bytes=10 << 20)
    blocked = replace(trial(pacing=900.0), load=stuck)
    lossy = replace(blocked, load=replace(stuck, resent=0.05))

    assert found(blocked).side is Side.SERVICE
    assert found(lossy).side is Side.NETWORK
    assert "5.0 % of TCP segments were sent again" in found(lossy).evidence


def test_a_network_that_connects_slowly_gave_in() -> None:
    """Unless the engine is on this machine, where there is none."""
    slow = replace(trial(eot=1500.0), connect_p95_ms=400.0)

    assert found(slow).side is Side.NETWORK
    assert found(slow, is_embedded=True).side is Side.SERVICE


@pytest.mark.parametrize(
    ("failure", "side"),
    [
        (Failure.REFUSED, Side.SERVICE),
        (Failure.MACHINE_FULL, Side.OURS),
        (Failure.BROKEN, Side.UNKNOWN),
        (Failure.SILENT, Side.UNKNOWN),
    ],
)
def test_a_trial_that_ended_early_says_why(failure: Failure, side: Side) -> None:
    """In the words of the server or the system."""
    diagnosis = found(replace(trial(), failure=failure, reason="no more room", load=None))

    assert diagnosis.side is side
    assert "no more room" in diagnosis.evidence[0]
