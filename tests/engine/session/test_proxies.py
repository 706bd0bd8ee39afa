"""Sessions through proxies of every kind, and proxies that refuse, on real sockets."""

import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import transcribe
from tests.support.forward_proxy import ForwardProxy, open_proxy
from tests.support.raw_server import RawServer, Script, answer, http
from workers.protocol.dialing import dial
from workers.protocol.happy_eyeballs import resolve
from workers.protocol.proxies import Proxy, ProxyKind
from workers.protocol.tunnels import open_tunnel
from workers.protocol.unreachable import Recurrence, Unreachable
from workers.runs import reader

HOST = "recorder.example"
URL = f"ws://{HOST}/v3/ws?sample_rate=16000"
ADDRESSED_URL = "ws://192.0.2.7/v3/ws?sample_rate=16000"
"""A documentation address, which is not looked up."""


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ws", "http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


def upstream_port(endpoint: ScriptedServer) -> int:
    return int(endpoint.url.rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize(
    ("value", "url", "target"),
    [
        ("{}", URL, f"{HOST}:80"),
        ("http://{}", f"ws://{HOST}:8080/v3/ws", f"{HOST}:8080"),
        ("http://{}", "ws://[2001:db8::7]/v3/ws", "[2001:db8::7]:80"),
        ("socks4://{}", ADDRESSED_URL, "192.0.2.7:80"),
        ("socks4a://{}", URL, f"{HOST}:80"),
        ("socks4a://{}", ADDRESSED_URL, "192.0.2.7:80"),
        ("socks5://{}", ADDRESSED_URL, "192.0.2.7:80"),
        ("socks5://{}", "ws://[2001:db8::7]/v3/ws", "2001:db8::7:80"),
        ("socks5h://{}", URL, f"{HOST}:80"),
    ],
)
def test_a_connection_goes_through_the_proxy(
    value: str, url: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are looked up where the scheme says; the first messages arrive whole."""
    with ScriptedServer() as endpoint:
        proxy = ForwardProxy(upstream_port(endpoint))
        with open_proxy(proxy) as opened:
            monkeypatch.setenv("ALL_PROXY", value.format(opened.address))
            with dial(url, {}) as connection:
                assert connection.server_clock_offset_s is not None
                assert abs(time.monotonic() + connection.server_clock_offset_s - time.time()) < 5

    assert proxy.targets == [target]


@pytest.mark.parametrize("login", ["me:p%C3%A4ss%2Fword", "me:päss%2Fword"])
def test_a_login_is_sent_decoded(login: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By SOCKS 5 and by HTTP."""
    with ScriptedServer() as endpoint:
        proxy = ForwardProxy(upstream_port(endpoint), b"me", "päss/word".encode())
        with open_proxy(proxy) as opened:
            monkeypatch.setenv("all_proxy", f"socks5h://{login}@{opened.address}")
            dial(URL, {}).close()
            monkeypatch.setenv("all_proxy", f"{login}@{opened.address}")
            dial(URL, {}).close()

    sent = opened.requests[-1].decode().split("Proxy-Authorization: Basic ")[1].split("\r\n")[0]
    assert base64.b64decode(sent).decode() == "me:päss/word"


def test_a_proxy_may_add_headers_to_its_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a type of content that it does not send."""
    head = "200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 Gone"
    with RawServer(answer(f"HTTP/1.1 {head}\r\n\r\n")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        with pytest.raises(Unreachable, match=r"recorder\.example refused .* HTTP 404 Gone"):
            dial(URL, {})


SECRET = "correct-horse-battery"
PAGE = f"<html><head><title>Access\x1b[31m denied &amp; logged</title></head>{SECRET}</html>"
NTLM = {"Proxy_Authenticate": "Negotiate, NTLM"}

REFUSALS: Mapping[str, tuple[Script, str, Recurrence]] = {
    "407": (
        http("407 Proxy Authentication Required", Proxy_Authenticate='Basic realm="x"'),
        "refuses (407: user or password)",
        Recurrence.LASTING,
    ),
    "407 for NTLM": (http("407 Auth", **NTLM), "it wants Negotiate, NTLM", Recurrence.LASTING),
    "403": (
        http("403 Forbidden", PAGE, Content_Type="text/html"),
        "refuses (403 Forbidden: Access [31m denied & logged)",
        Recurrence.LASTING,
    ),
    "an echo": (
        http("403 Forbidden", json.dumps({"error": f"not with {SECRET}"})),
        "refuses (403 Forbidden: not with [",
        Recurrence.LASTING,
    ),
    "405": (http("405 Method Not Allowed"), "refuses (405", Recurrence.LASTING),
    "502": (
        http("502 Bad Gateway", "no such host"),
        f"cannot reach {HOST} (502 Bad Gateway: no such host)",
        Recurrence.UNLESS_REACHED,
    ),
    "504": (http("504 Gateway Timeout"), f"cannot reach {HOST}", Recurrence.UNLESS_REACHED),
    "a redirect": (http("302 Found", Location="/login"), "302 Found", Recurrence.UNLESS_REACHED),
    "a page": (
        http("200 OK", "<html><title>Welcome</title></html>", Content_Type="text/html"),
        "does not answer as a proxy (200 OK: Welcome)",
        Recurrence.UNLESS_REACHED,
    ),
    "bare HTML": (answer("<html>"), "does not answer as an HTTP proxy", Recurrence.UNLESS_REACHED),
    "SSH": (answer("SSH-2.0-x\r\n"), "does not answer as an HTTP", Recurrence.UNLESS_REACHED),
    "nothing": (answer(b""), "closed the connection", Recurrence.UNLESS_REACHED),
    "half": (answer("HTTP/1.1 200"), "does not answer as an HTTP", Recurrence.UNLESS_REACHED),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_proxy_that_refuses_is_blamed_itself(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, with its address, without the password, and with a way around it."""
    script, reason, recurrence = REFUSALS[kind]
    with RawServer(script) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:{SECRET}@{proxy.address}")
        with pytest.raises(Unreachable) as caught:
            dial(URL, {})

    error = caught.value
    assert error.reason.startswith(f"the proxy {proxy.address} ")
    assert reason in error.reason
    assert f"name {HOST} in NO_PROXY" in error.hint
    assert (error.recurrence, error.status) == (recurrence, 407 if "407" in kind else None)
    assert SECRET not in str(error)
    assert str(error).isprintable()
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("scheme", "reply", "reason", "recurrence"),
    [
        ("socks5h", b"\x05\xff", "refuses (user or password)", Recurrence.LASTING),
        ("socks5h", b"\x05\x00\x05\x02\x00\x01", "not allowed by its rules", Recurrence.LASTING),
        ("socks5h", b"\x05\x00\x05\x04\x00\x01", "is unreachable", Recurrence.UNLESS_REACHED),
        ("socks5h", b"\x05\x00\x05\x63\x00\x01", "its code 99", Recurrence.UNLESS_REACHED),
        ("socks5h", b"\x05\x00\x05", "closed the connection", Recurrence.UNLESS_REACHED),
        ("socks5h", b"HTTP/1.1 400 Bad", "answer as a SOCKS 5", Recurrence.UNLESS_REACHED),
        ("socks4a", b"HTTP/1.1 400 Bad", "answer as a SOCKS 4", Recurrence.UNLESS_REACHED),
        ("socks4a", b"\x00\x5b" + bytes(6), "rejected or failed", Recurrence.UNLESS_REACHED),
        ("socks4a", b"\x00\x5d" + bytes(6), "refuses (user or password)", Recurrence.LASTING),
        ("socks4a", b"", "closed the connection", Recurrence.UNLESS_REACHED),
    ],
)
def test_a_socks_proxy_that_refuses_is_blamed_itself(
    scheme: str,
    reply: bytes,
    reason: str,
    recurrence: Recurrence,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever it answers."""
    with RawServer(answer(reply)) as proxy:
        monkeypatch.setenv("all_proxy", f"{scheme}://{proxy.address}")
        with pytest.raises(Unreachable) as caught:
            dial(URL, {})

    assert caught.value.reason.startswith(f"the proxy {proxy.address} ")
    assert reason in caught.value.reason
    assert caught.value.recurrence is recurrence


@pytest.mark.parametrize("scheme", ["socks4", "socks4a"])
def test_a_proxy_that_only_knows_ipv4_is_told(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not even asked."""
    monkeypatch.setenv("all_proxy", f"{scheme}://127.0.0.1:9")
    with pytest.raises(Unreachable, match="only knows IPv4"):
        dial("ws://[2001:db8::7]/v3/ws", {})


def test_a_proxy_tries_the_addresses_of_a_host_that_was_looked_up_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may reach only some of them."""
    local = {address[0] for _, address in resolve("localhost", 80)}
    with ScriptedServer() as endpoint:
        proxy = ForwardProxy(upstream_port(endpoint), refused=frozenset({"::1"} & local))
        with open_proxy(proxy) as opened:
            found = Proxy(ProxyKind.SOCKS5, "127.0.0.1", opened.port, "ALL_PROXY")
            open_tunnel(found, "localhost", 80, 5.0).close()

    assert proxy.targets[-1] == "127.0.0.1:80"


def test_a_proxy_that_does_not_answer_is_blamed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at its port, or its name has no address."""
    with RawServer(answer(b"")) as proxy:
        pass
    monkeypatch.setenv("http_proxy", proxy.address)
    with pytest.raises(Unreachable, match=f"the proxy {proxy.address} does not answer .*refused"):
        dial(URL, {})
    monkeypatch.setenv("http_proxy", "proxy.invalid:3128")
    with pytest.raises(Unreachable, match=r"the proxy proxy\.invalid:3128 cannot be found"):
        dial(URL, {})


@pytest.mark.slow
def test_a_run_goes_through_a_proxy_and_one_that_refuses_fails_at_once(tmp_path: Path) -> None:
    """As a user starts it. A wrong password is sent once, for all recordings, since a few more
    could lock the account; a variable that cannot be read is said before anything starts."""
    truth = write_numbered_recording(tmp_path, 6)
    with ScriptedServer(transcribe()) as endpoint:
        proxy = ForwardProxy(upstream_port(endpoint))
        with open_proxy(proxy) as opened:
            done = run(tmp_path / "done", [truth.path], f"socks5h://{opened.address}")
    with RawServer(http("407 Proxy Authentication Required")) as refusing:
        names = [str(shutil.copy(truth.path, tmp_path / f"{number}.wav")) for number in range(8)]
        refused = run(tmp_path / "refused", names, f"me:wrong@{refusing.address}")
    unread = run(tmp_path / "unread", [truth.path], "http://me:hunter/2@proxy.corp:3128")

    assert done.returncode == 0, done.stderr
    (job_state,) = reader.read_job_states(tmp_path / "done")
    assert transcript_errors(truth, job_state) == []
    assert proxy.targets == [f"{HOST}:80"]

    assert refused.returncode == 3
    assert f"the proxy {refusing.address} refuses (407: user or password)" in refused.stderr
    assert refused.stderr.count("refused: the proxy") == 1
    assert refused.stderr.count("refused, as [1] was") == len(names) - 1
    assert len(refusing.requests) == 1
    assert b"Basic " + base64.b64encode(b"me:wrong") in refusing.requests[0]

    assert unread.returncode == 2
    assert "HTTP_PROXY is not the address of a proxy" in unread.stderr
    assert "hunter" not in unread.stderr
    assert not (tmp_path / "unread").exists()


def run(folder: Path, recordings: list[str], proxy: str) -> subprocess.CompletedProcess[str]:
    endpoint = ["--endpoint", f"ws://{HOST}/v3/ws", "--unencrypted"]
    command = [sys.executable, "-m", "tui", "run", *endpoint, "--out", str(folder), *recordings]
    environment = {"HTTP_PROXY": proxy, "HOME": str(folder.parent), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
