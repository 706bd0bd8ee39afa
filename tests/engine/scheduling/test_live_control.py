"""Controls sessions and a queue: real processes, a scripted server and the engine."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    serve_normally,
    turn_message,
)
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    LONG_ENOUGH,
    ObservedSupervisor,
    resume_supervisor,
    run_supervisor,
)
from tests.support import audio_files
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    MessageSent,
    Progressed,
    Queued,
    TurnReceived,
)
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobStatus
from workers.localserver.child import LocalServer
from workers.protocol.messages import UpdateConfiguration
from workers.runs import reader, run_folder
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.traces.reader import read_trace

SAMPLES = Path(__file__).parents[3] / "samples" / "recordings"


async def obedient(line: ServerConnectionScript) -> None:
    """Ends a turn on request; drops the connection when its configuration changes."""
    await line.send(BEGIN, turn_message(0, "not yet"))
    async for message in line.socket:
        if isinstance(message, bytes):
            line.received.audio.append((time.monotonic(), message))
            continue
        line.received.control_messages.append(json.loads(message))
        match line.received.control_messages[-1]["type"]:
            case "ForceEndpoint":
                await line.send(turn_message(0, "Now.", final=True))
            case "UpdateConfiguration" if line.received.audio:
                line.socket.transport.abort()
            case "Terminate":
                await line.send(TERMINATION)
                return


def test_a_session_is_steered_while_it_streams(tmp_path: Path) -> None:
    """Both messages arrive and are in the trace; later attempts send the changes before audio."""
    path = audio_files.write_recording(tmp_path / "long.wav", audio_files.sine(120.0))
    changes = UpdateConfiguration(
        max_turn_silence=300, keyterms_prompt=("Halvorsen",), format_turns=True
    )
    folder = tmp_path / "run"
    with ScriptedServer(obedient) as endpoint:
        with run_supervisor(endpoint.url, folder, retry_policy=FAST_RETRIES) as observed:
            supervisor = observed.supervisor
            (job,) = supervisor.add([path])
            assert not supervisor.end_turn(job)
            assert not supervisor.configure(job, changes)
            observed.wait_for_event(Began)
            observed.wait_for_event(TurnReceived)

            assert supervisor.end_turn(job)
            observed.wait_for_event(TurnReceived, times=2)
            assert observed.job_states[job].transcript.text == "Now."
            observed.wait_for_event(Progressed)

            assert not supervisor.configure(job, UpdateConfiguration(format_turns=True))
            assert supervisor.configure(job, changes)
            observed.wait_for_event(Began, times=2)
            levels = observed.job_states[job].levels_db
            supervisor.cancel(job)
            assert not supervisor.end_turn(job)
            observed.wait_until_idle()
            assert supervisor.retry(job)
            observed.wait_for_event(Began, times=3)
        with resume_supervisor(endpoint.url, folder) as again:
            again.wait_for_event(Began)

    first = [
        traced.event.message
        for traced in read_trace(next(folder.glob("*.1.trace.jsonl")))
        if isinstance(traced.event, MessageSent)
    ]
    update = {
        "type": "UpdateConfiguration",
        "max_turn_silence": 300,
        "keyterms_prompt": ["Halvorsen"],
    }
    assert (
        first
        == endpoint.received_sessions[0].control_messages
        == [{"type": "ForceEndpoint"}, update]
    )
    assert len(endpoint.received_sessions) == 4
    for further in endpoint.received_sessions[1:]:
        assert further.control_messages[0] == update
    progress = observed.events_of(Progressed)[0]
    assert isinstance(progress, Progressed)
    assert set(progress.levels_db) == {-13}  # a sine of 0.3
    assert levels == ()


def nowhere() -> SessionTarget:
    raise AssertionError("nothing starts here")


def test_the_queue_is_arranged_and_a_resumption_keeps_to_it(tmp_path: Path) -> None:
    """With one session at once, then two, queued jobs start in the order that was set."""
    long = audio_files.write_recording(tmp_path / "long.wav", audio_files.distinct_samples(120.0))
    short = audio_files.write_recording(tmp_path / "short.wav", audio_files.distinct_samples(0.1))
    folder = tmp_path / "run"

    def arrange(observed: ObservedSupervisor, order: Sequence[int]) -> None:
        observed.supervisor.reorder([JobId(job) for job in order])

    with ScriptedServer(serve_normally) as endpoint:
        with run_supervisor(endpoint.url, folder, sessions=1) as watched:
            supervisor = watched.supervisor
            supervisor.add([long, long, short, short, short, short])
            watched.wait_for_event(Queued, job=6)
            watched.wait_for_event(Began)
            assert supervisor.queue == [2, 3, 4, 5, 6]
            arrange(watched, [5, 4])
            assert supervisor.queue == [5, 4, 2, 3, 6]

            supervisor.set_max_sessions(2)
            assert supervisor.max_sessions == 2
            watched.wait_for_event(TurnReceived, job=2)
            assert supervisor.queue == [3, 6]
            supervisor.set_max_sessions(0)
            assert supervisor.max_sessions == 1
            assert watched.job_states[1].status is JobStatus.STREAMING
            arrange(watched, [6, 3])
        watched.wait_until_idle()
    begun = [report.job for report in watched.reports if isinstance(report.event, Connecting)]
    assert begun == [1, 5, 4, 2]

    with closing(run_folder.reopen(folder)) as reopened:
        again = Supervisor(nowhere, reopened, StreamSettings())  # nothing is started
        again.resume(reader.read_job_states(folder))
        assert again.queue == [1, 2, 6, 3]


@pytest.mark.engine
@pytest.mark.slow
def test_the_engine_does_as_it_is_asked_in_mid_stream(tmp_path: Path) -> None:
    """Only ForceEndpoint ends a turn, until the changed configuration makes silence end one."""
    speech, rate = soundfile.read(SAMPLES / "station.aiff", dtype="int16")
    words, pause = speech[: 2 * rate], np.zeros(3 * rate, np.int16)
    path = audio_files.write_recording(
        tmp_path / "a.wav", np.concatenate([words, words, pause, pause]), rate
    )
    settings = StreamSettings(params=(("min_turn_silence", "9000"), ("max_turn_silence", "9000")))
    with (
        LocalServer(tmp_path / "engine.log") as server,
        run_supervisor(
            server.wait_for_address(LONG_ENOUGH),
            tmp_path / "run",
            settings=settings,
            key=server.api_key,
        ) as observed,
    ):
        supervisor = observed.supervisor

        def finals() -> int:
            turn_events = [
                event
                for event in observed.events_of(TurnReceived)
                if isinstance(event, TurnReceived)
            ]
            return len({event.turn.turn_order for event in turn_events if event.turn.end_of_turn})

        (job,) = supervisor.add([path])
        observed.wait_for_event(TurnReceived)
        assert finals() == 0
        assert supervisor.end_turn(job)
        observed.wait_until(lambda: finals() == 1)
        assert supervisor.configure(
            job, UpdateConfiguration(min_turn_silence=200, max_turn_silence=400)
        )
        observed.wait_until(lambda: finals() == 2 or bool(observed.events_of(Ended)))

        assert observed.job_states[job].status is JobStatus.STREAMING
        supervisor.cancel(job)
        observed.wait_until_idle()
    assert observed.job_states[job].status is JobStatus.CANCELLED


def test_what_a_session_has_sent_is_known_while_it_streams(tmp_path: Path) -> None:
    """With the moment at which it had sent it; a job that has ended sends nothing."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(2.4))
    with (
        ScriptedServer(serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        before = time.monotonic()
        (job,) = observed.supervisor.add([path])
        assert observed.supervisor.sent_position(job) is None
        observed.wait_until(lambda: observed.supervisor.sent_position(job) is not None)
        sent, after = observed.supervisor.sent_position(job), time.monotonic()
        observed.wait_until_idle()
        assert observed.supervisor.sent_position(job) is None

    assert sent is not None
    assert 0.1 <= sent.seconds <= 2.4
    assert before + sent.seconds - 0.1 <= sent.at <= after
