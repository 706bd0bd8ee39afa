"""The embedded engine dies under its sessions: it comes up again, and they go on."""

from collections.abc import Iterator
from pathlib import Path

import jiwer
import psutil
import pytest
from whisper_normalizer.english import EnglishTextNormalizer

from tests.engine.cli.test_program import SAMPLES, reference_text
from tests.engine.support.supervisor_harness import FAST_RETRIES, LONG_ENOUGH, ObservedSupervisor
from workers.jobs.events import Began, Ended, Outcome, TurnReceived
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobStatus
from workers.localserver.child import LocalServer
from workers.protocol.endpoint import embedded_endpoint
from workers.runs import run_folder
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.secrecy import Secret

pytestmark = pytest.mark.engine

RECORDING = SAMPLES / "recordings" / "station.aiff"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[ObservedSupervisor]:
    """A supervisor that streams to an engine of its own."""
    with LocalServer(tmp_path / "engine.log") as server:

        def access() -> SessionTarget:
            server.restart_if_dead()
            url = server.wait_for_address(LONG_ENOUGH)
            return SessionTarget(
                embedded_endpoint(url), Secret(server.api_key), server.capacity, server.restarts
            )

        folder = run_folder.create(tmp_path / "run")
        with Supervisor(access, folder, StreamSettings(), retry_policy=FAST_RETRIES) as supervisor:
            yield ObservedSupervisor(supervisor)


def engine() -> psutil.Process:
    """Its server's process."""
    (found,) = [
        each for each in psutil.Process().children() if "workers.localserver" in each.cmdline()
    ]
    return found


@pytest.mark.slow
def test_an_engine_that_is_killed_comes_up_again(watched: ObservedSupervisor) -> None:
    """First a recogniser in mid-speech, then the server: no word is missing."""
    watched.supervisor.add([str(RECORDING)])
    watched.wait_for_event(TurnReceived)
    for recogniser in engine().children(recursive=True):
        recogniser.kill()
    watched.wait_for_event(Began, times=2)
    engine().kill()
    watched.wait_until_idle()
    job_state, ends = watched.job_states[1], watched.events_of(Ended)
    normal = EnglishTextNormalizer()
    heard = job_state.transcript.text

    assert job_state.status is JobStatus.DONE
    # A server that is only just dead may be called once more.
    outcomes = [each.outcome for each in ends if each.outcome is not Outcome.UNREACHABLE]
    assert outcomes == [Outcome.LOST, Outcome.LOST, Outcome.DONE]
    assert watched.supervisor.server_restarts == 1
    assert all(line.is_final for line in job_state.transcript.lines)
    assert jiwer.wer(normal(reference_text(RECORDING.name)), normal(heard)) < 0.25
