"""Fixtures for tests of third-party clients: the local server, and a TLS proxy in front of it.

The server runs in its own process; clients know only its address.
"""

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.clients.python_sdk import LONG_ENOUGH
from tests.support.tls_proxy import TlsProxy
from workers.localserver.child import LocalServer


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("engine") / "engine.log") as started:
        started.wait_for_address(LONG_ENOUGH)
        yield started


@pytest.fixture(scope="package")
def host(server: LocalServer) -> str:
    """The address in the form of the Python SDK: scheme, host and port."""
    return server.wait_for_address(LONG_ENOUGH).removesuffix("/v3/ws")


@pytest.fixture(scope="package")
def tls_proxy(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsProxy]:
    port = urlsplit(server.wait_for_address(LONG_ENOUGH)).port
    assert port is not None
    with TlsProxy(port, tmp_path_factory.mktemp("front")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the user's proxy, which the SDKs would use even on loopback."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    """Checks that all threads of a test end: those of the SDK would keep a program alive."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG_ENOUGH)
        assert not thread.is_alive(), f"{thread.name} never ends"


@pytest.fixture
def trust_tls_proxy(tls_proxy: TlsProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes clients in this process trust the certificate of the TLS proxy."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_proxy.ca_path))
