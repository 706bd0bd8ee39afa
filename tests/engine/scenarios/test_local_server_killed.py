"""The embedded engine dies under its sessions: it comes up again, and they go on."""

from collections.abc import Iterator
from pathlib import Path

import jiwer
import psutil
import pytest
from whisper_normalizer.english import EnglishTextNormalizer

from tests.engine.cli.test_program import SAMPLES, reference
from tests.engine.support.supervisor_harness import LONG_ENOUGH, SOON, Watched
from workers.jobs.events import Began, Ended, Outcome, TurnHeard
from workers.jobs.job import Settings
from workers.jobs.job_state import Status
from workers.localserver.child import LocalServer
from workers.protocol.endpoint import Secret, embedded
from workers.runs import run_folder
from workers.scheduling.supervisor import Access, Supervisor

pytestmark = pytest.mark.engine

RECORDING = SAMPLES / "recordings" / "station.aiff"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A supervisor that streams to an engine of its own."""
    with LocalServer(tmp_path / "engine.log") as server:

        def access() -> Access:
            server.revive()
            url = server.address(LONG_ENOUGH)
            return Access(embedded(url), Secret(server.token), server.capacity, server.revivals)

        folder = run_folder.create(tmp_path / "run")
        with Supervisor(access, folder, Settings(), retries=SOON) as supervisor:
            yield Watched(supervisor)


def engine() -> psutil.Process:
    """Its server's process."""
    (found,) = [
        each for each in psutil.Process().children() if "workers.localserver" in each.cmdline()
    ]
    return found


def test_an_engine_that_is_killed_comes_up_again(watched: Watched) -> None:
    """One of its recognisers in mid-speech, then its server: all of the words are there."""
    watched.supervisor.add([str(RECORDING)])
    watched.until_said(TurnHeard)
    for recogniser in engine().children(recursive=True):
        recogniser.kill()
    watched.until_said(Began, times=2)
    engine().kill()
    watched.until_idle()
    history, ends = watched.histories[1], watched.said(Ended)
    normal = EnglishTextNormalizer()
    heard = history.transcript.text

    assert history.status is Status.DONE
    # A server that is only just dead may be called once more.
    outcomes = [each.outcome for each in ends if each.outcome is not Outcome.UNREACHABLE]
    assert outcomes == [Outcome.LOST, Outcome.LOST, Outcome.DONE]
    assert watched.supervisor.revivals == 1
    assert all(line.final for line in history.transcript.lines)
    assert jiwer.wer(normal(reference(RECORDING.name)), normal(heard)) < 0.25
