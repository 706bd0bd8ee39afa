"""Sessions and a queue that somebody steers: real processes, a scripted endpoint and the engine."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.engine.support.scripted_server import BEGIN, TERMINATION, Endpoint, Line, perfect, turn
from tests.engine.support.supervisor_harness import LONG_ENOUGH, SOON, Watched, resumed, supervised
from tests.support import audio_files
from workers.jobs.events import Began, Connecting, Ended, MessageSent, Progressed, Queued, TurnHeard
from workers.jobs.job import JobId, Settings
from workers.jobs.job_state import Status
from workers.localserver.child import LocalServer
from workers.protocol.messages import UpdateConfiguration
from workers.runs import reader, run_folder
from workers.scheduling.supervisor import Access, Supervisor
from workers.traces import trace_file

SAMPLES = Path(__file__).parents[3] / "samples" / "recordings"


async def obedient(line: Line) -> None:
    """Ends a turn when asked to; when what it listens with is changed, the connection dies."""
    await line.say(BEGIN, turn(0, "not yet"))
    async for message in line.socket:
        if isinstance(message, bytes):
            line.heard.audio.append((time.monotonic(), message))
            continue
        line.heard.control.append(json.loads(message))
        match line.heard.control[-1]["type"]:
            case "ForceEndpoint":
                await line.say(turn(0, "Now.", final=True))
            case "UpdateConfiguration" if line.heard.audio:
                line.socket.transport.abort()
            case "Terminate":
                await line.say(TERMINATION)
                return


def test_a_session_is_steered_while_it_streams(tmp_path: Path) -> None:
    """Both messages arrive, the trace has them, and what goes on is changed before any audio."""
    path = audio_files.write(tmp_path / "long.wav", audio_files.tone(120.0))
    changes = UpdateConfiguration(
        max_turn_silence=300, keyterms_prompt=("Halvorsen",), format_turns=True
    )
    folder = tmp_path / "run"
    with Endpoint(obedient) as endpoint:
        with supervised(endpoint.url, folder, retries=SOON) as watched:
            supervisor = watched.supervisor
            (job,) = supervisor.add([path])
            assert not supervisor.end_turn(job)
            assert not supervisor.configure(job, changes)
            watched.until_said(Began)
            watched.until_said(TurnHeard)

            assert supervisor.end_turn(job)
            watched.until_said(TurnHeard, times=2)
            assert watched.histories[job].transcript.text == "Now."
            watched.until_said(Progressed)

            assert not supervisor.configure(job, UpdateConfiguration(format_turns=True))
            assert supervisor.configure(job, changes)
            watched.until_said(Began, times=2)
            levels = watched.histories[job].levels_db
            supervisor.cancel(job)
            assert not supervisor.end_turn(job)
            watched.until_idle()
            assert supervisor.retry(job)
            watched.until_said(Began, times=3)
        with resumed(endpoint.url, folder) as again:
            again.until_said(Began)

    first = [
        traced.event.message
        for traced in trace_file.read(next(folder.glob("*.1.trace.jsonl")))
        if isinstance(traced.event, MessageSent)
    ]
    update = {
        "type": "UpdateConfiguration",
        "max_turn_silence": 300,
        "keyterms_prompt": ["Halvorsen"],
    }
    assert first == endpoint.heard[0].control == [{"type": "ForceEndpoint"}, update]
    assert len(endpoint.heard) == 4
    for further in endpoint.heard[1:]:
        assert further.control[0] == update
    told = watched.said(Progressed)[0]
    assert isinstance(told, Progressed)
    assert set(told.levels_db) == {-13}  # a sine of 0.3
    assert levels == ()


def nowhere() -> Access:
    raise AssertionError("nobody starts anything here")


def test_the_queue_is_arranged_and_a_resumption_keeps_to_it(tmp_path: Path) -> None:
    """One place, then two: what waits starts in the order it was put into."""
    long = audio_files.write(tmp_path / "long.wav", audio_files.counting(120.0))
    short = audio_files.write(tmp_path / "short.wav", audio_files.counting(0.1))
    folder = tmp_path / "run"

    def arrange(watched: Watched, order: Sequence[int]) -> None:
        watched.supervisor.arrange([JobId(job) for job in order])

    with Endpoint(perfect) as endpoint:
        with supervised(endpoint.url, folder, sessions=1) as watched:
            supervisor = watched.supervisor
            supervisor.add([long, long, short, short, short, short])
            watched.until_said(Queued, job=6)
            watched.until_said(Began)
            assert supervisor.queue == [2, 3, 4, 5, 6]
            arrange(watched, [5, 4])
            assert supervisor.queue == [5, 4, 2, 3, 6]

            supervisor.allow(2)
            assert supervisor.sessions == 2
            watched.until_said(TurnHeard, job=2)
            assert supervisor.queue == [3, 6]
            supervisor.allow(0)
            assert supervisor.sessions == 1
            assert watched.histories[1].status is Status.STREAMING
            arrange(watched, [6, 3])
        watched.until_idle()
    begun = [report.job for report in watched.reports if isinstance(report.event, Connecting)]
    assert begun == [1, 5, 4, 2]

    with closing(run_folder.reopen(folder)) as reopened:
        again = Supervisor(nowhere, reopened, Settings())  # nothing is started
        again.resume(reader.histories(folder))
        assert again.queue == [1, 2, 6, 3]


@pytest.mark.engine
def test_the_engine_does_as_it_is_asked_in_mid_stream(tmp_path: Path) -> None:
    """Silence ends no turn, an order does; then less silence does, because it was changed."""
    speech, rate = soundfile.read(SAMPLES / "station.aiff", dtype="int16")
    words, pause = speech[: 2 * rate], np.zeros(3 * rate, np.int16)
    path = audio_files.write(tmp_path / "a.wav", np.concatenate([words, words, pause, pause]), rate)
    settings = Settings(params=(("min_turn_silence", "9000"), ("max_turn_silence", "9000")))
    with (
        LocalServer(tmp_path / "engine.log") as server,
        supervised(
            server.address(LONG_ENOUGH), tmp_path / "run", settings=settings, key=server.token
        ) as watched,
    ):
        supervisor = watched.supervisor

        def finals() -> int:
            said = [event for event in watched.said(TurnHeard) if isinstance(event, TurnHeard)]
            return len({event.turn.turn_order for event in said if event.turn.end_of_turn})

        (job,) = supervisor.add([path])
        watched.until_said(TurnHeard)
        assert finals() == 0
        assert supervisor.end_turn(job)
        watched.until(lambda: finals() == 1)
        assert supervisor.configure(
            job, UpdateConfiguration(min_turn_silence=200, max_turn_silence=400)
        )
        watched.until(lambda: finals() == 2 or bool(watched.said(Ended)))

        assert watched.histories[job].status is Status.STREAMING
        supervisor.cancel(job)
        watched.until_idle()
    assert watched.histories[job].status is Status.CANCELLED
