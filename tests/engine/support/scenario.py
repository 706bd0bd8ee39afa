"""Runs numbered recordings against scripted servers, several runs at once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.engine.support.ground_truth import (
    GroundTruth,
    transcript_errors,
    write_numbered_recording,
)
from tests.engine.support.scripted_server import ConnectionScript, ReceivedSession, ScriptedServer
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    AcceleratedStartRate,
    ObservedSupervisor,
    run_supervisor,
)
from workers.jobs.events import Ended, Outcome
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobState
from workers.runs import reader
from workers.scheduling.retry_policy import RetryPolicy
from workers.session.assignment import Timeouts


@dataclass(frozen=True)
class Scenario:
    """A run: each connection gets the next script, and all later ones the last."""

    ground_truths: Sequence[GroundTruth]
    scripts: Sequence[ConnectionScript]
    retry_policy: RetryPolicy = FAST_RETRIES
    timeouts: Timeouts | None = None
    http_statuses: Sequence[int] = ()
    settings: StreamSettings | None = None
    small_buffers: bool = False


@dataclass(frozen=True)
class ScenarioResult:
    """The outcome of a scenario."""

    scenario: Scenario
    folder: Path
    observed: ObservedSupervisor
    connections: Sequence[ReceivedSession]
    """What the server received, by connection, in order."""

    @property
    def live_states(self) -> list[JobState]:
        """The job states as reported during the run."""
        return [self.observed.job_states[job] for job in sorted(self.observed.job_states)]

    @property
    def replayed_states(self) -> list[JobState]:
        """The job states as read back from the traces."""
        return reader.read_job_states(self.folder)

    def ended_events(self, job: int = 1) -> list[Ended]:
        """The endings of a job's attempts."""
        return [each for each in self.observed.events_of(Ended, job) if isinstance(each, Ended)]

    def outcomes(self, job: int = 1) -> list[Outcome]:
        return [ended.outcome for ended in self.ended_events(job)]

    def transcript_errors(self, padding_ms: int = 0) -> list[str]:
        """All transcript errors, by job."""
        found = []
        for kind, job_states in ("live", self.live_states), ("replayed", self.replayed_states):
            for truth, job_state in zip(self.scenario.ground_truths, job_states, strict=True):
                where = f"job {job_state.job}, {kind}"
                found += [
                    f"{where}: {each}" for each in transcript_errors(truth, job_state, padding_ms)
                ]
        return found

    def transcript_errors_of(self, job: int) -> list[str]:
        """The transcript errors of one job."""
        return [each for each in self.transcript_errors() if each.startswith(f"job {job},")]


def make_recordings(
    folder: Path, jobs: int, tenths: int, silent: Sequence[int] = ()
) -> list[GroundTruth]:
    """Writes recordings, each with words of its own."""
    folder.mkdir(exist_ok=True)
    return [write_numbered_recording(folder, tenths, job, silent=silent) for job in range(jobs)]


def run_scenarios(
    folder: Path, scenarios: Mapping[str, Scenario], meanwhile: Callable[[], None] | None = None
) -> dict[str, ScenarioResult]:
    """Runs all scenarios at once; ``meanwhile`` is called ten times a second."""
    with ExitStack() as stack:
        found = {}
        for name, scenario in scenarios.items():
            endpoint = stack.enter_context(
                ScriptedServer(
                    *scenario.scripts,
                    statuses=scenario.http_statuses,
                    narrow=scenario.small_buffers,
                )
            )
            observed = stack.enter_context(
                run_supervisor(
                    endpoint.url,
                    folder / name,
                    settings=scenario.settings,
                    sessions=40,
                    starts=AcceleratedStartRate(),
                    retry_policy=scenario.retry_policy,
                    timeouts=scenario.timeouts,
                )
            )
            observed.supervisor.add([truth.path for truth in scenario.ground_truths])
            found[name] = ScenarioResult(
                scenario, folder / name, observed, endpoint.received_sessions
            )
        for each in found.values():
            while meanwhile is not None and not each.observed.supervisor.wait(0.1):
                meanwhile()
            each.observed.wait_until_idle()
        return found
