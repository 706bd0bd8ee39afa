"""Sessions on agents of their own, one of which dies."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.engine.support.ground_truth import transcript_errors
from tests.engine.support.scenario import make_recordings
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import FAST_RETRIES, SHORT_SESSIONS, ObservedSupervisor
from tests.engine.support.transcribing_server import TranscriptionStyle, transcribe
from tests.support.agent_processes import AgentProcesses
from workers.fleet.fleet import Fleet
from workers.fleet.leases import LeaseTerms
from workers.fleet.node_agent import MAX_IDLE_S
from workers.jobs.events import ChunksSent, Progressed
from workers.jobs.job import StreamSettings
from workers.jobs.node_status import NodeState
from workers.protocol.endpoint import custom_endpoint
from workers.runs import reader, run_folder
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.traces.files import trace_files
from workers.traces.reader import read_trace

pytestmark = pytest.mark.slow


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@contextmanager
def agents_of(
    url: str, folder: Path, sockets: Path, names: tuple[str, ...]
) -> Iterator[tuple[ObservedSupervisor, AgentProcesses]]:
    """A supervisor whose sessions are on nodes with these names."""
    made: list[AgentProcesses] = []
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}

    def make(record: object, terms: LeaseTerms) -> AgentProcesses:
        made.append(AgentProcesses(sockets, "test", terms, names, environment))
        return made[0]

    with (
        closing(run_folder.create(folder / "run")) as created,
        Fleet(make, created.path, "auto") as fleet,
        Supervisor(
            lambda: SessionTarget(custom_endpoint(url), None, 10),
            created,
            StreamSettings(),
            retry_policy=FAST_RETRIES,
            timeouts=SHORT_SESSIONS,
            launcher=fleet,
        ) as supervisor,
    ):
        yield ObservedSupervisor(supervisor), made[0]


def test_the_sessions_of_a_dead_agent_continue_elsewhere(tmp_path: Path, sockets: Path) -> None:
    """No word is lost or doubled; the run folder has whole traces, and live nodes keep nothing."""
    truths = make_recordings(tmp_path / "recordings", 3, 30)
    with (
        ScriptedServer(transcribe(TranscriptionStyle(word_by_word=True))) as server,
        agents_of(server.url, tmp_path, sockets, ("a", "b")) as (observed, agents),
    ):
        jobs = observed.supervisor.add([truth.path for truth in truths])
        for job in jobs:
            observed.wait_for_event(Progressed, job)
        first = {job: observed.job_states[job].node for job in jobs}
        agents.processes["a"].send_signal(signal.SIGKILL)
        observed.wait_until_idle()
        states = {one.name: one.state for one in observed.supervisor.nodes()}
        assert all(session.closed.wait(10) for session in server.received_sessions)
    saved = reader.read_job_states(tmp_path / "run")
    traces = [trace_files(tmp_path / "run", job)[-1][1] for job in jobs]

    assert [] == [
        error
        for truth, state in zip(truths, saved, strict=True)
        for error in transcript_errors(truth, state)
    ]
    assert {"a", "b"} == set(first.values())
    assert ["b"] * 3 == [state.node for state in saved]
    assert [2 if first[job] == "a" else 1 for job in jobs] == [state.attempt for state in saved]
    assert {"a": NodeState.GONE, "b": NodeState.READY} == states
    for trace in traces:
        assert any(isinstance(timed.event, ChunksSent) for timed in read_trace(trace))
    assert [] == list((tmp_path / "state" / "paceline" / "fleet" / "test" / "b").rglob("*.jsonl"))


def test_a_node_that_was_silent_is_asked_one_question_at_a_time(
    tmp_path: Path, sockets: Path
) -> None:
    """It answers all that it was asked meanwhile, but only the last answer leads to a question."""
    with (
        ScriptedServer() as server,
        agents_of(server.url, tmp_path, sockets, ("a",)) as (observed, agents),
    ):

        def wait_for_state(state: NodeState) -> None:
            observed.wait_until(lambda: observed.supervisor.nodes()[0].state is state)

        agents.processes["a"].send_signal(signal.SIGSTOP)
        wait_for_state(NodeState.SILENT)
        agents.processes["a"].send_signal(signal.SIGCONT)
        wait_for_state(NodeState.READY)

        def wait_for_questions(count: int) -> None:
            asked = agents.calls["next_news"]
            observed.wait_until(lambda: agents.calls["next_news"] >= asked + count)

        wait_for_questions(5)  # its lease is renewed meanwhile, which is news
        began = time.monotonic()
        wait_for_questions(5)

        # Without news, an answer takes half a second.
        assert time.monotonic() - began > 3 * MAX_IDLE_S
