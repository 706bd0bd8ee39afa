"""Sessions that are open but dead are found; quiet ones are left alone."""

import asyncio
import json
import select
import threading
import time
from pathlib import Path

import pytest

from tests.engine import faults
from tests.engine.hearing import PLAIN, Hearing, Moment, Over, telling
from tests.engine.running import SOON, Hurried, supervised
from tests.engine.scripted import Endpoint
from tests.engine.truth import complaints, record
from workers.events import Ended, Outcome, Progressed
from workers.session.assignment import Patience
from workers.session.pulse import Pulse
from workers.speech.connection import PART, ConnectionLost, framed
from workers.speech.dialling import dial

ALERT = Patience(silence=0.5)


def test_a_server_that_answers_nothing_is_dead(tmp_path: Path) -> None:
    """Neither messages nor pongs come, though the connection stands; the job goes on elsewhere."""
    truths = [record(tmp_path, 12, job) for job in range(2)]
    with (
        Endpoint(
            telling(PLAIN, faults.deaf(), Moment.BEGIN),
            telling(PLAIN, faults.deaf(), 6),
            telling(),
        ) as endpoint,
        supervised(
            endpoint.url, tmp_path / "run", starts=Hurried(), retries=SOON, patience=ALERT
        ) as watched,
    ):
        watched.supervisor.add([truth.path for truth in truths])
        watched.until_idle()
    first = [ended for job in (1, 2) for ended in watched.said(Ended, job)[:1]]

    assert [ended.outcome for ended in first] == [Outcome.LOST] * 2
    assert ["has not answered" in ended.reason for ended in first] == [True] * 2
    assert [complaints(truth, watched.histories[n]) for n, truth in enumerate(truths, 1)] == [
        [],
        [],
    ]


async def chatters(hearing: Hearing) -> None:
    """It takes nothing any more, but talks on."""
    transport = hearing.line.socket.transport
    transport.pause_reading()
    while not transport.is_closing():
        heartbeat = {"type": "Heartbeat", "total_audio_received_ms": 1, "total_duration_ms": 1}
        await hearing.line.socket.send(json.dumps(heartbeat))
        await asyncio.sleep(0.05)
    raise Over


def test_a_server_that_talks_but_takes_nothing_is_dead(tmp_path: Path) -> None:
    """Audio does not drain: meanwhile it is said how far it is, and then that it is over."""
    truth = record(tmp_path, 15, rate=48_000)
    with (
        Endpoint(telling(PLAIN, chatters, Moment.BEGIN), telling(), narrow=True) as endpoint,
        supervised(
            endpoint.url,
            tmp_path / "run",
            starts=Hurried(),
            retries=SOON,
            patience=Patience(silence=2.5),
        ) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_idle()
    first = watched.said(Ended)[0]
    told = [r for r in watched.reports if isinstance(r.event, Progressed) and r.attempt == 1]

    assert "has taken no audio" in first.reason
    assert complaints(truth, watched.histories[1]) == []
    assert told  # no second of audio was sent


def test_a_server_that_only_answers_pings_is_alive(tmp_path: Path) -> None:
    """Nothing is said in the recording, so nothing is told, for many times as long as is waited."""
    truth = record(tmp_path, 20, silent=range(20))
    with (
        Endpoint(telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", patience=ALERT) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_idle()

    assert complaints(truth, watched.histories[1]) == []
    assert len(endpoint.heard) == 1


def test_a_server_that_stops_for_a_while_is_alive(tmp_path: Path) -> None:
    """Shorter than is waited, at any moment, and whether it then has much to take in or not."""
    moments = [Moment.CONNECT, Moment.BEGIN, 3, 9, Moment.TERMINATE]
    truths = [record(tmp_path, 12, job) for job in range(len(moments))]
    with (
        Endpoint(*[telling(PLAIN, faults.deaf(0.6), at) for at in moments]) as endpoint,
        supervised(endpoint.url, tmp_path / "run", patience=Patience(silence=6.0)) as watched,
    ):
        watched.supervisor.add([truth.path for truth in truths])
        watched.until_idle()

    for job, truth in enumerate(truths, start=1):
        assert complaints(truth, watched.histories[job]) == []
    assert len(endpoint.heard) == len(moments)


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
