"""Sessions that are open but dead are found; quiet ones are left alone."""

import asyncio
import json
import select
import threading
import time
from collections.abc import Mapping

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import record
from tests.engine.support.scenario import Played, Scene, played, recordings
from tests.engine.support.scripted_server import Endpoint
from tests.engine.support.transcribing_server import PLAIN, Hearing, Moment, Over, telling
from workers.jobs.events import Outcome, Progressed
from workers.protocol.connection import PART, ConnectionLost, framed
from workers.protocol.dialing import dial
from workers.session.assignment import Patience
from workers.session.keepalive import Pulse

ALERT = Patience(silence=0.5)
PAUSES = [Moment.CONNECT, Moment.BEGIN, 3, 9, Moment.TERMINATE]


async def chatters(hearing: Hearing) -> None:
    """It takes nothing any more, but talks on."""
    transport = hearing.line.socket.transport
    transport.pause_reading()
    while not transport.is_closing():
        heartbeat = {"type": "Heartbeat", "total_audio_received_ms": 1, "total_duration_ms": 1}
        await hearing.line.socket.send(json.dumps(heartbeat))
        await asyncio.sleep(0.05)
    raise Over


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Played]:
    folder = tmp_path_factory.mktemp("dead")
    deaf = [
        telling(PLAIN, server_faults.deaf(), Moment.BEGIN),
        telling(PLAIN, server_faults.deaf(), 6),
    ]
    return played(
        folder,
        {
            "deaf": Scene(
                recordings(folder / "a", len(deaf), 12), [*deaf, telling()], patience=ALERT
            ),
            "chatters": Scene(
                [record(folder, 15, rate=48_000)],
                [telling(PLAIN, chatters, Moment.BEGIN), telling()],
                patience=Patience(silence=2.5),
                narrow=True,
            ),
            "quiet": Scene(
                recordings(folder / "c", 1, 52, silent=range(52)),
                [telling()],
                patience=Patience(silence=2.5),  # a busy machine answers late
            ),
            "pauses": Scene(
                recordings(folder / "d", len(PAUSES), 12),
                [telling(PLAIN, server_faults.deaf(0.6), at) for at in PAUSES],
                patience=Patience(silence=8.0),
            ),
        },
    )


def test_a_server_that_answers_nothing_is_dead(scenes: Mapping[str, Played]) -> None:
    """Neither messages nor pongs come, though the connection stands; the job goes on elsewhere."""
    scene = scenes["deaf"]

    assert scene.complaints() == []
    for job in (1, 2):
        assert scene.outcomes(job)[0] is Outcome.LOST
        assert "has not answered" in scene.ends(job)[0].reason


def test_a_server_that_talks_but_takes_nothing_is_dead(scenes: Mapping[str, Played]) -> None:
    """Audio does not drain: meanwhile it is said how far it is, and then that it is over."""
    scene = scenes["chatters"]
    reports = scene.watched.reports

    assert scene.complaints() == []
    assert "has taken no audio" in scene.ends()[0].reason
    assert [r for r in reports if isinstance(r.event, Progressed) and r.attempt == 1]


def test_a_server_that_only_answers_pings_is_alive(scenes: Mapping[str, Played]) -> None:
    """Nothing is said in the recording, so nothing is told, for longer than is waited."""
    assert scenes["quiet"].complaints() == []
    assert len(scenes["quiet"].heard) == 1


def test_a_server_that_stops_for_a_while_is_alive(scenes: Mapping[str, Played]) -> None:
    """Shorter than is waited, at any moment, and whether it then has much to take in or not."""
    assert scenes["pauses"].complaints() == []
    assert len(scenes["pauses"].heard) == len(PAUSES)


def test_an_answer_that_is_there_counts_however_late_it_is_looked_at() -> None:
    """It was the client that had stood still: stopped by a signal, or by a lid that was closed."""

    async def idle(hearing: Hearing) -> None:
        await hearing.line.socket.wait_closed()

    with (
        Endpoint(telling(PLAIN, idle, Moment.CONNECT)) as endpoint,
        dial(f"{endpoint.url}?sample_rate=8000", {}) as connection,
    ):
        pulse = Pulse(connection, 1.0)
        asked = time.monotonic() + 10
        pulse.feel(asked)
        select.select([connection], [], [], 30)  # the pong is there

        assert pulse.feel(asked + 1000) == 0.0  # to be felt again when it was looked at
        assert connection.receive() == PART
        assert pulse.feel(connection.heard_at + 0.4) > 0.0


def test_room_that_is_there_counts_however_late_it_is_looked_at() -> None:
    """The same for a server that takes audio again."""
    held, taken = threading.Event(), threading.Event()

    async def holds(hearing: Hearing) -> None:
        transport = hearing.line.socket.transport
        transport.pause_reading()
        await asyncio.to_thread(held.wait)
        transport.resume_reading()
        async for message in hearing.line.socket:
            if isinstance(message, str):
                taken.set()

    with (
        Endpoint(telling(PLAIN, holds, Moment.CONNECT), narrow=True) as endpoint,
        dial(f"{endpoint.url}?sample_rate=8000", {}) as connection,
    ):
        while not connection.waiting:
            connection.send_audio(framed(bytes(9600)))
        pulse = Pulse(connection, 1.0)
        late = connection.taken_at + 1000
        with pytest.raises(ConnectionLost, match="has taken no audio"):
            pulse.feel(late)
        held.set()
        select.select([], [connection], [], 30)  # there is room

        assert pulse.feel(late) == 0.0
