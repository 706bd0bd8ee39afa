"""A session on a node of a fleet ends by itself when its node can no longer renew its lease."""

import time
from dataclasses import replace
from pathlib import Path

from tests.engine.support.scripted_server import ScriptedServer, serve_normally
from tests.engine.support.supervisor_harness import FAST_RETRIES, run_supervisor
from tests.support import audio_files
from workers.jobs.events import Began, Connecting, Ended, Outcome
from workers.jobs.job_state import JobStatus
from workers.secrecy import Secret
from workers.session.assignment import Assignment, ExtendLease
from workers.session.local_launcher import LocalLauncher, LocalSession


class LeasedLauncher(LocalLauncher):
    """Gives the first attempt a lease of so many seconds."""

    def __init__(self, lease_s: float) -> None:
        super().__init__()
        self._lease_s = lease_s
        self.sessions: list[LocalSession] = []

    def create(self, assignment: Assignment, key: Secret | None) -> LocalSession:
        if assignment.attempt == 1:
            until_s = time.monotonic() + self._lease_s
            assignment = replace(assignment, lease_until_s=until_s)
        self.sessions.append(super().create(assignment, key))
        return self.sessions[-1]

    def extend(self, seconds: float) -> None:
        """Lets the first session go on for so long from now."""
        self.sessions[0].send(ExtendLease(time.monotonic() + seconds))


def test_a_session_ends_with_its_lease_and_another_one_continues(tmp_path: Path) -> None:
    """It sends Terminate in time, although nobody tells it to, and nothing is lost."""
    samples = audio_files.distinct_samples(3.0)
    path = audio_files.write_recording(tmp_path / "a.wav", samples)
    launcher = LeasedLauncher(60.0)
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(
            endpoint.url,
            tmp_path / "run",
            retry_policy=FAST_RETRIES,
            launcher=launcher,
        ) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_for_event(Began)
        launcher.extend(0.3)  # it is shorter now, but nobody says so when it ends
        observed.wait_until_idle()
        ended = [event for event in observed.events_of(Ended) if isinstance(event, Ended)]
    first, second = endpoint.received_sessions

    assert [Outcome.INTERRUPTED, Outcome.DONE] == [event.outcome for event in ended]
    assert ended[0].reason == "its node has lost touch with the run"
    assert {"type": "Terminate"} in first.control_messages
    assert len(first.pcm) < samples.nbytes
    assert first.pcm + second.pcm[-(samples.nbytes - len(first.pcm)) :] == samples.tobytes()
    assert observed.job_states[1].status is JobStatus.DONE


def test_a_lease_that_is_extended_ends_nothing(tmp_path: Path) -> None:
    """Although the timer of the first one rings."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    launcher = LeasedLauncher(60.0)
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", launcher=launcher) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_for_event(Began)
        launcher.extend(0.2)
        launcher.extend(60.0)
        observed.wait_until_idle()

    assert observed.job_states[1].status is JobStatus.DONE


def test_a_session_whose_lease_is_over_does_not_dial(tmp_path: Path) -> None:
    """Its process may have been frozen before its start."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", launcher=LeasedLauncher(-1.0)) as observed,
    ):
        observed.supervisor.add([path])
        observed.wait_until_idle()
        (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.INTERRUPTED
    assert endpoint.received_sessions == []
    assert len(observed.events_of(Connecting)) <= 1
