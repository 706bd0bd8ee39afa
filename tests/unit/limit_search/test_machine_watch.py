"""What a machine does while it is watched."""

import socket
import sys
import time

import pytest

from workers.limit_search.machine_watch import MachineWatch, socket_queues

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


def test_bytes_that_a_server_does_not_read_are_seen_in_its_socket_or_ours() -> None:
    """Nothing is unsent or unread on the way back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0]:
            client.sendall(b"x" * 10_000)
            deadline = time.monotonic() + 10
            while sum(socket_queues(port)) < 10_000 and time.monotonic() < deadline:
                time.sleep(0.01)

            unsent, unread, unread_by_server = socket_queues(port)

    assert unsent + unread_by_server == 10_000
    assert unread == 0


def test_a_window_has_the_processors_and_this_program() -> None:
    """Also where the window is short."""
    with MachineWatch() as watch:
        watch.begin()
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        load = watch.end()

    assert load.cores >= 1
    assert load.busy is not None
    assert 0 <= load.busy <= 1
    assert load.sessions_cpu is not None
    assert load.sessions_cpu > 0
    assert load.engine_cpu == 0
