"""Connections that are not clients, and clients that leave, flood or send nothing.

A connection that never becomes a session is closed. A neighbouring session streams a recording
meanwhile and is recognised as usual.
"""

import selectors
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import soundfile
from websocket import ABNF, WebSocketException

from tests.conformance.logging_client import LONG_ENOUGH, LoggingClient
from tests.engine.support.bystander import (
    RECORDING,
    RunningEngine,
    assert_undisturbed,
    running_engine,
    session_outcome,
)
from workers.protocol.messages import (
    ClientMessage,
    ForceEndpoint,
    KeepAlive,
    Terminate,
    UpdateConfiguration,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    with running_engine(tmp_path_factory.mktemp("engine")) as started:
        yield started


# --- what is no WebSocket

HTTP = b"GET /v3/ws HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
REFUSED: Mapping[str, bytes] = {
    "noise": bytes(range(256)) * 64,
    "another protocol": b"EHLO localhost\r\n",
    "another method": HTTP.replace(b"GET", b"POST") + b"Content-Length: 2\r\n\r\n{}",
    "no upgrade": HTTP + b"\r\n",
    "an upgrade without a key": HTTP + UPGRADE + b"\r\n",
    "an older WebSocket": HTTP + UPGRADE + b"Sec-WebSocket-Version: 8\r\n\r\n",
    "a key that is none": HTTP
    + UPGRADE
    + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \xff\r\n\r\n",
    "a line without end": b"GET /" + b"x" * 100_000,
    "a thousand headers": HTTP + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n",
}
UNFINISHED = {
    "nothing": b"",
    "half a request": HTTP,
    "half a line": HTTP[:-2],
    "nothing but zeros": bytes(4096),
    "the hello of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),
    "a frame at once": ABNF.create_frame('{"type":"Terminate"}', 1).format(),
}


def connected(engine: RunningEngine) -> socket.socket:
    address = urlsplit(engine.url)
    assert address.hostname is not None
    assert address.port is not None
    return socket.create_connection((address.hostname, address.port), timeout=LONG_ENOUGH)


def hung_up(connection: socket.socket) -> bool:
    """Waits until the other end has closed or reset the connection."""
    with suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


def test_whatever_else_knocks_finds_a_closed_door(engine: RunningEngine):
    """It gets an HTTP response or none, and the connection is closed."""
    with assert_undisturbed(engine) as neighbour:
        for name, data in REFUSED.items():
            with connected(engine) as connection:
                with suppress(ConnectionError):
                    connection.sendall(data)
                assert hung_up(connection), name
            neighbour.send_chunks()
        with connected(engine) as connection:
            connection.sendall(HTTP)
            connection.shutdown(socket.SHUT_WR)
            assert hung_up(connection), "half a request and a goodbye"


def test_a_hundred_connections_that_never_finish_asking_are_closed(engine: RunningEngine):
    """Some send nothing, some one byte at a time without end; none may wait forever."""
    with assert_undisturbed(engine) as neighbour, selectors.DefaultSelector() as still_open:
        for number in range(100):
            connection = connected(engine)
            connection.sendall([*UNFINISHED.values()][number % len(UNFINISHED)])
            still_open.register(connection, selectors.EVENT_READ)
        while still_open.get_map():
            ended = [key.fileobj for key, _ in still_open.select(timeout=0.2)]
            for client in [key.fileobj for key in still_open.get_map().values()]:
                assert isinstance(client, socket.socket)
                if client in ended and hung_up(client):
                    still_open.unregister(client)
                    client.close()
                else:
                    with suppress(ConnectionError):
                        client.send(b"x")
            neighbour.send_chunks()


# --- what is no end


def vanish(client: LoggingClient) -> None:
    """Closes the socket without a word, as when the client is killed."""
    client.socket.shutdown()


def reset(client: LoggingClient) -> None:
    """Resets the connection with data in flight."""
    client.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.shutdown()


def leave(client: LoggingClient) -> None:
    """Closes properly, but without Terminate."""
    client.socket.close()


def break_off(client: LoggingClient) -> None:
    """Closes in the middle of a frame."""
    client.socket.sock.sendall(ABNF.create_frame(bytes(3200), 2).format()[:1000])
    client.socket.shutdown()


def test_clients_that_leave_without_a_word_are_forgotten(engine: RunningEngine):
    """Several at once, during speech; their slots are free for others."""
    pcm, rate = soundfile.read(RECORDING, dtype="int16")
    with assert_undisturbed(engine) as neighbour:
        for go in (vanish, reset, leave, break_off) * 2:
            clients = [engine.connect(sample_rate=str(rate)) for _ in range(2)]
            for client in clients:
                client.send_audio(pcm[rate : 2 * rate].tobytes(), 1000)
            for client in clients:
                go(client)
            neighbour.send_chunks(2)


def test_what_follows_a_terminate_changes_nothing(engine: RunningEngine):
    """Audio, commands and noise are ignored, and the session ends as usual."""
    found = {}
    with assert_undisturbed(engine) as neighbour:
        for after in (bytes(3200), b"", '{"type":"ForceEndpoint"}', '{"type":"Terminate"}', "{"):
            client = engine.connect()
            client.send_control(Terminate())
            with suppress(OSError, WebSocketException):  # it may have ended already
                client.socket.send(after, 1 if isinstance(after, str) else 2)
            found[after[:20]] = session_outcome(client)
            neighbour.send_chunks()

    assert dict.fromkeys(found, "Termination") == found


def test_a_flood_of_orders_is_only_a_flood(engine: RunningEngine):
    """Thousands of messages, each of them legal."""
    orders: list[ClientMessage] = [
        ForceEndpoint(),
        KeepAlive(),
        UpdateConfiguration(max_turn_silence=500),
    ]
    with assert_undisturbed(engine) as neighbour:
        client = engine.connect()
        for _ in range(100):
            for order in orders * 10:
                client.send_control(order)
            neighbour.send_chunks()
        client.send_control(Terminate())

        assert "Termination" == session_outcome(client)


def test_a_hundred_sessions_that_say_nothing_cost_nothing(engine: RunningEngine):
    """Those that are admitted end as usual on request."""
    with assert_undisturbed(engine) as neighbour:
        clients = [client for _ in range(100) if (client := engine.try_connect({})) is not None]
        neighbour.send_chunks(10)
        for client in clients:
            client.send_control(Terminate())
        ends = [session_outcome(client) for client in clients]

    assert ends
    assert {"Termination"} == set(ends)
