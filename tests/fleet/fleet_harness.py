"""Runs a supervisor whose sessions are on the nodes of a Ray cluster."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from tests.engine.support.supervisor_harness import FAST_RETRIES, SHORT_SESSIONS, ObservedSupervisor
from workers.fleet.fleet import Fleet
from workers.fleet.leases import LeaseTerms
from workers.fleet.ray_transport import RayTransport
from workers.jobs.job import StreamSettings
from workers.jobs.node_status import NodeState, NodeStatus
from workers.protocol.endpoint import custom_endpoint
from workers.runs import reader, run_folder
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.secrecy import Secret

SHORT_TERMS = LeaseTerms(
    lease_s=6.0, end_lead_s=3.0, kill_lead_s=0.5, inactivity_timeout_s=5, fence_margin_s=1.0
)
"""Leases that end while a test waits."""


@contextmanager
def fleet_supervisor(
    url: str,
    folder: Path,
    *,
    sessions: int = 30,
    settings: StreamSettings | None = None,
    retry_policy: RetryPolicy = FAST_RETRIES,
    terms: LeaseTerms = SHORT_TERMS,
    key: str | None = None,
    resume: bool = False,
) -> Iterator[ObservedSupervisor]:
    """Runs a supervisor on the fleet that `RAY_ADDRESS` names, in a new or a resumed run."""
    target = SessionTarget(
        custom_endpoint(url, allow_unencrypted=True), Secret(key) if key else None, sessions
    )
    left = reader.read_run(folder) if resume else None
    opened = run_folder.reopen(folder) if resume else run_folder.create(folder)
    with (
        closing(opened),
        Fleet(
            lambda record, terms: RayTransport(
                record.address, record.run, folder / "ray.log", terms
            ),
            folder,
            "auto",
            terms=terms,
        ) as fleet,
        Supervisor(
            lambda: target,
            opened,
            left.settings if left else settings or StreamSettings(),
            retry_policy=retry_policy,
            timeouts=replace(SHORT_SESSIONS),
            launcher=fleet,
        ) as supervisor,
    ):
        observed = ObservedSupervisor(supervisor)
        if left is not None:
            observed.job_states = {job_state.job: job_state for job_state in left.jobs}
            supervisor.resume(left.jobs)
        yield observed


def node(observed: ObservedSupervisor, name: str) -> NodeStatus:
    """How a node is now."""
    return next(status for status in observed.supervisor.nodes() if status.name == name)


def wait_for_state(observed: ObservedSupervisor, name: str, *states: NodeState) -> None:
    """Waits until a node is in one of these states."""

    def has_state() -> bool:
        found = [one.state for one in observed.supervisor.nodes() if one.name == name]
        return bool(found) and found[0] in states

    observed.wait_until(has_state)
