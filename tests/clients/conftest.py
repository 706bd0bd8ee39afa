"""What the tests of other people's clients share: the engine, and TLS before it.

The engine is the real one in a process of its own; clients know its address and nothing else.
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
    """As the Python SDK takes it: a scheme, a host and a port."""
    return server.wait_for_address(LONG_ENOUGH).removesuffix("/v3/ws")


@pytest.fixture(scope="package")
def tls_proxy(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsProxy]:
    port = urlsplit(server.wait_for_address(LONG_ENOUGH)).port
    assert port is not None
    with TlsProxy(port, tmp_path_factory.mktemp("front")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the user's comes between: the SDKs would take it even on loopback."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    """Every thread of a test ends; a client of the SDK has some that keep a program alive."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG_ENOUGH)
        assert not thread.is_alive(), f"{thread.name} never ends"


@pytest.fixture
def trust_tls_proxy(tls_proxy: TlsProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients in this process trust the certificate of the `front`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_proxy.ca_path))
