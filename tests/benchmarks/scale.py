"""Measures the constants of `docs/scale.md`: ``python -m tests.benchmarks.scale``.

What one event, one start, one beat and one job cost the program that drives a fleet, by the real
code on one core. The medians of several runs are printed. Ray's own share is not in them.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

from tests.support.fake_launcher import RECORDING, FakeLauncher, script
from tests.support.report_builders import began, connecting, progressed, turn_heard
from tests.support.run_builders import save
from workers.audio.source import Source
from workers.fleet.fleet_node import FleetNode
from workers.fleet.fleet_session import FleetSession
from workers.fleet.lease_granter import LeaseGranter
from workers.fleet.lease_holder import LeaseHolder
from workers.fleet.leases import LeaseTerms
from workers.fleet.node_messages import (
    NodeFigures,
    NodeId,
    SessionKey,
    SessionReported,
    pack,
    unpack,
)
from workers.fleet.placement import choose_node
from workers.jobs.events import Event, JobReport, Outcome
from workers.jobs.job import Job, JobId, StreamSettings
from workers.protocol.endpoint import custom_endpoint
from workers.runs import run_folder
from workers.runs.index import INDEX_NAME
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Scheduler, SessionTarget
from workers.scheduling.start_rate import StartRateLimiter
from workers.session.assignment import Assignment, ControlMessage, Timeouts

RUNS = 5
EVENTS = 4_000
EVENTS_A_BATCH = 50
"""What a node with some tens of sessions has to say in a tenth of a second."""


class _Host:
    """Stands for the fleet of one session."""

    def place(self, session: FleetSession) -> None:
        """Its node is of no interest."""

    def send(self, session: FleetSession, message: ControlMessage) -> None:
        """Nobody listens."""

    def kill(self, session: FleetSession) -> None:
        """Nothing runs."""

    def is_reachable(self, node: NodeId) -> bool:
        return True

    def is_suspended(self, session: FleetSession) -> bool:
        return False

    def bytes_read_asleep(self, session: FleetSession) -> int | None:
        return None


def make_scheduler(folder: run_folder.RunFolder, launcher: FakeLauncher) -> Scheduler:
    return Scheduler(
        folder,
        StreamSettings(),
        launcher,
        clock=launcher.clock,
        start_limiter=StartRateLimiter(None),
        retry_policy=RetryPolicy(),
        timeouts=Timeouts(),
        session_limit=100,
    )


def measure_event(parent: Path) -> float:
    """Microseconds for an event of a session: unpacked, written into the trace in the run folder,
    and applied by the scheduler. A third of them are turns."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    with closing(run_folder.create(parent / "run")) as folder:
        scheduler = make_scheduler(folder, launcher)
        scheduler.add(Source("a.wav"))
        claim = scheduler.claim_unprobed()
        assert claim is not None
        scheduler.enqueue(claim, RECORDING)
        claim = scheduler.claim_start()
        assert claim is not None
        target = SessionTarget(custom_endpoint("ws://127.0.0.1:1"), None, 1)
        local = scheduler.create_session(claim, target)
        assert local is not None
        job = Job(JobId(1), "a.wav", RECORDING, StreamSettings())
        assignment = Assignment(job, 1, target.endpoint, str(parent / "a.trace"), "a.log")
        session = FleetSession(_Host(), SessionKey("1.1.a"), assignment, None)
        session.start(partial(scheduler.apply_report, claim.slot, local), lambda how: None)
        events: list[Event] = [connecting(), began()]
        for number in range(EVENTS):
            at_s = number / 3
            events.append(
                turn_heard(number // 12, "some words that were said", final=number % 12 == 11)
                if number % 3 == 2
                else progressed(at_s, EVENTS / 3)
            )
        facts = [
            SessionReported(session.key, number, JobReport(JobId(1), 1, "a.wav", number / 3, event))
            for number, event in enumerate(events)
        ]
        batches = [
            pack(facts[first : first + EVENTS_A_BATCH])
            for first in range(0, len(facts), EVENTS_A_BATCH)
        ]
        began_at = time.process_time()
        for batch in batches:
            for fact in unpack(batch):
                session.apply_report(fact.number, fact.report)
        return (time.process_time() - began_at) / len(facts) * 1e6


def measure_beat(nodes: int) -> float:
    """Microseconds for a beat of one of so many nodes, and its answer."""
    terms = LeaseTerms()
    granter = LeaseGranter(
        terms, max_sessions=10 * nodes, starts_per_minute=10 * nodes, epoch=1, now=0.0
    )
    holders = [LeaseHolder(f"node-{number}", terms) for number in range(nodes)]
    rounds = max(2, 3_000 // nodes)
    began_at = time.process_time()
    for number in range(rounds):
        for holder in holders:
            granter.apply(holder.make_beat(float(number)), float(number))
    return (time.process_time() - began_at) / (rounds * nodes) * 1e6


def measure_choice(nodes: int) -> float:
    """Microseconds to choose one of so many nodes for a session."""
    figures = NodeFigures(10, 1.0, 50.0, 1 << 40)
    fleet = []
    for number in range(nodes):
        node = FleetNode(NodeId(f"{number}"), f"node-{number}")
        node.holder, node.capacity, node.figures = f"node-{number}:1", 300, figures
        fleet.append(node)
    rounds, chance = 1_000, Random(1)
    began_at = time.process_time()
    for _ in range(rounds):
        assert choose_node(fleet, lambda node: node.candidate("/data/a.wav", 0.0), chance)
    return (time.process_time() - began_at) / rounds * 1e6


def measure_jobs(parent: Path, jobs: int = 1_000) -> tuple[float, float]:
    """Microseconds for a job from its addition to its end, with all that the run folder writes of
    it; and its bytes in the finished index."""
    launcher = FakeLauncher(lambda _: script(Outcome.DONE))
    with closing(run_folder.create(parent / "run")) as folder:
        scheduler = make_scheduler(folder, launcher)
        began_at = time.process_time()
        for number in range(jobs):
            scheduler.add(Source(f"/calls/2026-11/{number:06}.wav"))
        launcher.run(scheduler, between=lambda: save(folder))
        save(folder, final=True)
        cost_us = (time.process_time() - began_at) / jobs * 1e6
    return cost_us, (parent / "run" / INDEX_NAME).stat().st_size / jobs


def median(measure: Callable[[Path], float]) -> float:
    values = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as parent:
            values.append(measure(Path(parent)))
    return statistics.median(values)


def main() -> None:
    print(f"an event of a session: {median(measure_event):.0f} µs")
    print(f"a job, from its addition to its end: {median(lambda p: measure_jobs(p)[0]):.0f} µs")
    print(f"a job in the index: {median(lambda p: measure_jobs(p)[1]):.0f} bytes")
    for nodes in (10, 100, 1_000):
        beat_us = statistics.median(measure_beat(nodes) for _ in range(RUNS))
        choice_us = statistics.median(measure_choice(nodes) for _ in range(RUNS))
        print(f"{nodes} nodes: a beat {beat_us:.0f} µs, the choice of a node {choice_us:.0f} µs")


if __name__ == "__main__":
    main()
