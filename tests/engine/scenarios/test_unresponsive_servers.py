"""Sessions that are open but dead are found; quiet ones are left alone."""

import asyncio
import json
import select
import threading
import time
from collections.abc import Mapping

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import write_numbered_recording
from tests.engine.support.scenario import Scenario, ScenarioResult, make_recordings, run_scenarios
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import (
    DEFAULT_STYLE,
    ConnectionFinished,
    FaultMoment,
    ServerSession,
    transcribe,
)
from workers.jobs.events import Outcome, Progressed
from workers.protocol.connection import NON_MESSAGE, ConnectionLost, audio_frame
from workers.protocol.dialing import dial
from workers.session.assignment import Timeouts
from workers.session.timers import Keepalive

ALERT = Timeouts(silence_s=0.5)
PAUSES: list[FaultMoment | int] = [
    FaultMoment.CONNECT,
    FaultMoment.BEGIN,
    3,
    9,
    FaultMoment.TERMINATE,
]


async def chatters(session: ServerSession) -> None:
    """It takes nothing any more, but talks on."""
    transport = session.connection.socket.transport
    transport.pause_reading()
    while not transport.is_closing():
        heartbeat = {"type": "Heartbeat", "total_audio_received_ms": 1, "total_duration_ms": 1}
        await session.connection.socket.send(json.dumps(heartbeat))
        await asyncio.sleep(0.05)
    raise ConnectionFinished


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ScenarioResult]:
    folder = tmp_path_factory.mktemp("dead")
    deaf = [
        transcribe(DEFAULT_STYLE, server_faults.stop_reading(), FaultMoment.BEGIN),
        transcribe(DEFAULT_STYLE, server_faults.stop_reading(), 6),
    ]
    return run_scenarios(
        folder,
        {
            "deaf": Scenario(
                make_recordings(folder / "a", len(deaf), 12), [*deaf, transcribe()], timeouts=ALERT
            ),
            "chatters": Scenario(
                [write_numbered_recording(folder, 15, rate=48_000)],
                [transcribe(DEFAULT_STYLE, chatters, FaultMoment.BEGIN), transcribe()],
                timeouts=Timeouts(silence_s=2.5),
                small_buffers=True,
            ),
            "quiet": Scenario(
                make_recordings(folder / "c", 1, 52, silent=range(52)),
                [transcribe()],
                timeouts=Timeouts(silence_s=2.5),  # a busy machine answers late
            ),
            "pauses": Scenario(
                make_recordings(folder / "d", len(PAUSES), 12),
                [transcribe(DEFAULT_STYLE, server_faults.stop_reading(0.6), at) for at in PAUSES],
                timeouts=Timeouts(silence_s=8.0),
            ),
        },
    )


def test_a_server_that_answers_nothing_is_dead(scenes: Mapping[str, ScenarioResult]) -> None:
    """Nothing arrives, not even pongs, although the connection is open; the job goes on."""
    scenario = scenes["deaf"]

    assert scenario.transcript_errors() == []
    for job in (1, 2):
        assert scenario.outcomes(job)[0] is Outcome.LOST
        assert "has not answered" in scenario.ended_events(job)[0].reason


def test_a_server_that_talks_but_takes_nothing_is_dead(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """Audio does not drain: meanwhile it is said how far it is, and then that it is over."""
    scenario = scenes["chatters"]
    reports = scenario.observed.reports

    assert scenario.transcript_errors() == []
    assert "has taken no audio" in scenario.ended_events()[0].reason
    assert [r for r in reports if isinstance(r.event, Progressed) and r.attempt == 1]


def test_a_server_that_only_answers_pings_is_alive(scenes: Mapping[str, ScenarioResult]) -> None:
    """The recording is silent, so no message comes for longer than the timeout."""
    assert scenes["quiet"].transcript_errors() == []
    assert len(scenes["quiet"].connections) == 1


def test_a_server_that_stops_for_a_while_is_alive(scenes: Mapping[str, ScenarioResult]) -> None:
    """For less than the timeout, at any moment, with much or little to read afterwards."""
    assert scenes["pauses"].transcript_errors() == []
    assert len(scenes["pauses"].connections) == len(PAUSES)


def test_an_answer_that_is_there_counts_however_late_it_is_looked_at() -> None:
    """The client itself was suspended, by a signal or a closed lid."""

    async def idle(session: ServerSession) -> None:
        await session.connection.socket.wait_closed()

    with (
        ScriptedServer(transcribe(DEFAULT_STYLE, idle, FaultMoment.CONNECT)) as endpoint,
        dial(f"{endpoint.url}?sample_rate=8000", {}) as connection,
    ):
        keepalive = Keepalive(connection, 1.0)
        asked = time.monotonic() + 10
        keepalive.tick(asked)
        select.select([connection], [], [], 30)  # the pong is there

        assert keepalive.tick(asked + 1000) == 0.0  # to be felt again when it was looked at
        assert connection.receive() == NON_MESSAGE
        assert keepalive.tick(connection.last_received_at + 0.4) > 0.0


def test_a_silent_connection_is_used_before_a_gateway_closes_it() -> None:
    """However patient the user is: most gateways wait a minute, some half of one."""

    async def idle(session: ServerSession) -> None:
        await session.connection.socket.wait_closed()

    with (
        ScriptedServer(transcribe(DEFAULT_STYLE, idle, FaultMoment.CONNECT)) as endpoint,
        dial(f"{endpoint.url}?sample_rate=8000", {}) as connection,
    ):
        keepalive, opened = Keepalive(connection, 600.0), connection.last_received_at

        assert keepalive.tick(opened) == pytest.approx(20.0)
        assert keepalive.tick(opened + 20.0) == pytest.approx(580.0)
        assert select.select([connection], [], [], 30)[0]  # the pong
        assert connection.receive() == NON_MESSAGE


def test_room_that_is_there_counts_however_late_it_is_looked_at() -> None:
    """Likewise for a server that reads again."""
    held, taken = threading.Event(), threading.Event()

    async def holds(session: ServerSession) -> None:
        transport = session.connection.socket.transport
        transport.pause_reading()
        await asyncio.to_thread(held.wait)
        transport.resume_reading()
        async for message in session.connection.socket:
            if isinstance(message, str):
                taken.set()

    with (
        ScriptedServer(
            transcribe(DEFAULT_STYLE, holds, FaultMoment.CONNECT), narrow=True
        ) as endpoint,
        dial(f"{endpoint.url}?sample_rate=8000", {}) as connection,
    ):
        while not connection.has_unsent:
            connection.send_audio(audio_frame(bytes(9600)))
        keepalive = Keepalive(connection, 1.0)
        late = connection.last_write_at + 1000
        with pytest.raises(ConnectionLost, match="has taken no audio"):
            keepalive.tick(late)
        held.set()
        select.select([], [connection], [], 30)  # there is room

        assert keepalive.tick(late) == 0.0
