"""Sessions over TLS: whom they trust, and what they send to whom they do not."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.engine.cli.test_program import run_cli
from tests.engine.support.scripted_server import BEGIN, ScriptedServer
from tests.engine.support.supervisor_harness import run_supervisor
from tests.support import audio_files
from tests.support.tls_proxy import TlsProxy
from workers.jobs.events import Connecting, Ended, Outcome
from workers.scheduling.retry_policy import RetryPolicy
from workers.session.assignment import Timeouts


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


@pytest.fixture
def front(endpoint: ScriptedServer, tmp_path: Path) -> Iterator[TlsProxy]:
    """TLS before it, with a certificate for 127.0.0.1 from an authority that nobody knows."""
    port = urlsplit(endpoint.url).port
    assert port is not None
    with TlsProxy(port, tmp_path) as opened:
        yield opened


@pytest.fixture
def recording(tmp_path: Path) -> str:
    return audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.5))


def test_an_authority_of_ones_own_is_trusted(
    endpoint: ScriptedServer, front: TlsProxy, recording: str, tmp_path: Path
) -> None:
    """When it is named; then all is as elsewhere."""
    where = ("--endpoint", f"wss://{front.address}", "--ca-file", front.ca_path)
    result = run_cli(
        "run", *where, "--out", tmp_path / "run", recording, ASSEMBLYAI_API_KEY="a-key"
    )

    assert 0 == result.returncode, result.stderr
    assert "Hello world." in result.stderr
    assert "a-key" == endpoint.received_sessions[0].headers["Authorization"]
    assert [{"type": "Terminate"}] == endpoint.received_sessions[0].control_messages


@pytest.mark.parametrize("known", ["by nobody", "by another authority", "under another name"])
def test_a_server_that_cannot_prove_its_name_gets_nothing(
    known: str, endpoint: ScriptedServer, front: TlsProxy, recording: str, tmp_path: Path
) -> None:
    """No audio, no key, not even a request; the words say why, and it is not tried again.

    An authority that is named stands instead of the system's: another one proves nothing.
    """
    address, ca = front.address, None
    if known == "by another authority":
        ca = tmp_path / "another.pem"
        trustme.CA().cert_pem.write_to_path(str(ca))
    if known == "under another name":  # the certificate is for the number alone
        address, ca = address.replace("127.0.0.1", "localhost"), front.ca_path
    with run_supervisor(
        f"wss://{address}", tmp_path / "run", key="a-key", ca=ca, retry_policy=RetryPolicy()
    ) as observed:
        observed.supervisor.add([recording])
        observed.wait_until_idle()
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert Outcome.REFUSED is ended.outcome
    assert f"no trusted TLS connection to {address}" in ended.reason
    assert "certificate" in ended.reason
    assert 1 == len(observed.events_of(Connecting))
    assert [] == endpoint.received_sessions


def say_all_at_once(listening: socket.socket, tls: ssl.SSLContext) -> None:
    """To one caller: the upgrade, Begin, an Error and the close, in a single record of TLS."""
    plain, _ = listening.accept()
    with tls.wrap_socket(plain, server_side=True) as caller:
        protocol = ServerProtocol()
        while not (requests := protocol.events_received()):
            protocol.receive_data(caller.recv(65_536))
        assert isinstance(requests[0], Request)
        protocol.send_response(protocol.accept(requests[0]))
        protocol.send_text(json.dumps(BEGIN).encode())
        error = {"type": "Error", "error_code": 3006, "error": "No such model"}
        protocol.send_text(json.dumps(error).encode())
        protocol.send_close(3006)
        caller.sendall(b"".join(protocol.data_to_send()))
        while caller.recv(65_536):
            pass


def test_what_came_with_the_upgrade_is_read_at_once(recording: str, tmp_path: Path) -> None:
    """A record of TLS is read as a whole, so what is left of it never makes the socket readable."""
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=say_all_at_once, args=(listening, tls))
        server.start()
        with run_supervisor(
            "wss://127.0.0.1:{1}".format(*listening.getsockname()),
            tmp_path / "run",
            ca=tmp_path / "ca.pem",
            timeouts=Timeouts(begin_s=1.0),
        ) as observed:
            observed.supervisor.add([recording])
            observed.wait_until_idle()
        server.join()
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert (Outcome.REFUSED, 3006) == (ended.outcome, ended.code)
