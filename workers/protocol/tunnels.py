"""Opens a connection through a proxy: HTTP CONNECT, and SOCKS 4, 4a and 5.

A proxy that does not let it through is named in the error, with what the user can do.
"""

import base64
import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import assert_never

from workers.protocol import unreachable
from workers.protocol.connection import error_text
from workers.protocol.endpoint import host_and_port
from workers.protocol.happy_eyeballs import open_connection, resolve
from workers.protocol.http_answers import NotHttp, limit, read_answer, read_reason
from workers.protocol.proxies import Proxy, ProxyKind
from workers.protocol.unreachable import ProxyFailed, Recurrence, Unreachable

MAX_TARGETS = 4
"""How many addresses of a host are tried through a proxy that does not look it up itself."""
MAX_LOGIN_BYTES = 255
"""Of a user or password for SOCKS 5 (RFC 1929, section 2)."""

_SOCKS5_REASONS = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "the host refuses the connection",
    6: "the host is too far away",
    7: "it does not support this command",
    8: "it does not support this kind of address",
}
"""RFC 1928, section 6."""


class _TargetFailed(Exception):
    """The proxy could not reach this address; it may reach another one of the host."""


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where the tunnel leads, and through which proxy."""

    proxy: Proxy
    host: str
    port: int
    deadline: float
    """Until when the proxy must have connected, on the monotonic clock."""

    def failed(
        self, what: str, advice: str = "", recurrence: Recurrence = Recurrence.UNLESS_REACHED
    ) -> ProxyFailed:
        return ProxyFailed(self.proxy, what, self.host, advice, recurrence)

    def bad_login(self) -> ProxyFailed:
        """The error for a user or password that the proxy does not accept, or misses."""
        verb = "Add" if self.proxy.user is None else "Correct"
        what, advice = "refuses (user or password)", f"{verb} them in {self.proxy.variable}"
        return ProxyFailed(self.proxy, what, self.host, advice, Recurrence.LASTING, status=407)


def open_tunnel(proxy: Proxy, host: str, port: int, timeout_s: float) -> socket.socket:
    """Connects to ``host`` through a proxy; raises `Unreachable`.

    ``timeout_s`` limits all of it, and then each read and write.
    """
    destination = _Destination(proxy, host, port, time.monotonic() + timeout_s)
    problem = ""
    for target in _targets(destination):
        sock = _open_proxy(destination)
        try:
            match proxy.kind:
                case ProxyKind.HTTP:
                    _connect_http(sock, destination)
                case ProxyKind.SOCKS4 | ProxyKind.SOCKS4A:
                    _connect_socks4(sock, destination, target)
                case ProxyKind.SOCKS5 | ProxyKind.SOCKS5H:
                    _connect_socks5(sock, destination, target)
                case _:
                    assert_never(proxy.kind)
            sock.settimeout(timeout_s)
            return sock
        except _TargetFailed as error:
            problem = str(error)
            sock.close()
        except Unreachable:
            sock.close()
            raise
        except TimeoutError:
            sock.close()
            raise destination.failed("did not answer in time") from None
        except (OSError, EOFError):
            sock.close()
            raise destination.failed("closed the connection") from None
    raise destination.failed(f"cannot reach {host} ({problem})", "Check the address")


def _targets(destination: _Destination) -> list[str]:
    """What the proxy is asked to connect to, one after the other: the host, or its addresses."""
    kind, host, port = destination.proxy.kind, destination.host, destination.port
    only_ipv4 = "only knows IPv4, and the endpoint has no such address"
    if kind is ProxyKind.SOCKS4A and ":" in host:
        raise destination.failed(only_ipv4)
    if kind not in (ProxyKind.SOCKS4, ProxyKind.SOCKS5):
        return [host]
    netloc = host_and_port(host, port)
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        problem = unreachable.not_resolved(netloc)
        longer = "socks5h" if kind is ProxyKind.SOCKS5 else "socks4a"
        problem.hint += f" With {longer}:// in {destination.proxy.variable}, the proxy looks it up."
        raise problem from None
    targets = [
        str(address[0])
        for family, address in addresses
        if kind is ProxyKind.SOCKS5 or family is socket.AF_INET
    ]
    if not targets:
        raise destination.failed(only_ipv4)
    return targets[:MAX_TARGETS]


def _open_proxy(destination: _Destination) -> socket.socket:
    proxy = destination.proxy
    try:
        addresses = resolve(proxy.host, proxy.port)
        return open_connection(addresses, destination.deadline - time.monotonic())
    except (socket.gaierror, UnicodeError):
        raise destination.failed("cannot be found: its host has no address") from None
    except TimeoutError:
        raise destination.failed("did not answer in time") from None
    except OSError as error:
        raise destination.failed(f"does not answer ({error_text(error)})") from None


def _connect_http(sock: socket.socket, destination: _Destination) -> None:
    proxy, target = destination.proxy, host_and_port(destination.host, destination.port)
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", "User-Agent: Paceline"]
    secrets: list[str] = []
    if proxy.user is not None:
        login = base64.b64encode(proxy.user + b":" + proxy.password).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
        secrets = [login, proxy.password.decode(errors="replace")]
    sock.sendall("\r\n".join((*lines, "", "")).encode())
    try:
        answer = read_answer(sock, destination.deadline)
    except NotHttp as error:
        if not error.received:
            raise EOFError from None
        raise destination.failed("does not answer as an HTTP proxy") from None
    if answer.status // 100 == 2 and not (answer.is_web_page and answer.has_body):
        return  # RFC 9110, section 9.3.6; a page is that of a login, from what is no proxy
    detail = read_reason(sock, answer)
    for secret in filter(None, secrets):
        detail = detail.replace(secret, "[secret]")
    raise unreachable.refused_by_proxy(proxy, destination.host, answer, detail)


def _connect_socks4(sock: socket.socket, destination: _Destination, target: str) -> None:
    """See https://www.openssh.com/txt/socks4.protocol and socks4a.protocol."""
    from socksio import ProtocolError, SOCKS4ARequest, SOCKS4Command, SOCKS4Reply, SOCKS4Request

    user = destination.proxy.user or b""
    try:
        is_ipv4 = isinstance(ip_address(target), IPv4Address)
    except ValueError:
        is_ipv4 = False
    request_type = SOCKS4Request if is_ipv4 else SOCKS4ARequest
    request = request_type.from_address(SOCKS4Command.CONNECT, (target, destination.port), user)
    sock.sendall(request.dumps(user))
    try:
        code = SOCKS4Reply.loads(_receive(sock, destination, 8)).reply_code.value[0]
    except ProtocolError:
        raise destination.failed("does not answer as a SOCKS 4 proxy") from None
    if code in (92, 93):
        raise destination.bad_login()
    if code != 90:
        raise _TargetFailed("request rejected or failed")


def _connect_socks5(sock: socket.socket, destination: _Destination, target: str) -> None:
    """See RFC 1928, and RFC 1929 for user and password."""
    from socksio import (
        ProtocolError,
        SOCKS5AuthMethod,
        SOCKS5AuthMethodsRequest,
        SOCKS5AuthReply,
        SOCKS5Command,
        SOCKS5CommandRequest,
        SOCKS5UsernamePasswordRequest,
    )

    proxy = destination.proxy
    methods = [SOCKS5AuthMethod.NO_AUTH_REQUIRED]
    if proxy.user is not None:
        methods.append(SOCKS5AuthMethod.USERNAME_PASSWORD)
    if max(len(proxy.user or b""), len(proxy.password)) > MAX_LOGIN_BYTES:
        raise destination.bad_login()
    sock.sendall(SOCKS5AuthMethodsRequest(methods).dumps())
    try:
        chosen = _receive(sock, destination, 2)
        method = SOCKS5AuthReply.loads(chosen).method if chosen[0] == 5 else None
    except ProtocolError:
        method = None
    if method is None:
        raise destination.failed("does not answer as a SOCKS 5 proxy")
    if method is SOCKS5AuthMethod.USERNAME_PASSWORD and proxy.user is not None:
        sock.sendall(SOCKS5UsernamePasswordRequest(proxy.user, proxy.password).dumps())
        if _receive(sock, destination, 2)[1]:
            raise destination.bad_login()
    elif method is not SOCKS5AuthMethod.NO_AUTH_REQUIRED:
        raise destination.bad_login()
    request = SOCKS5CommandRequest.from_address(SOCKS5Command.CONNECT, (target, destination.port))
    sock.sendall(request.dumps())
    code, _, kind = _receive(sock, destination, 4)[1:]
    if code == 2:
        advice = f"Ask who runs the proxy to allow {destination.host}"
        raise destination.failed("refuses (not allowed by its rules)", advice, Recurrence.LASTING)
    if code:
        raise _TargetFailed(_SOCKS5_REASONS.get(code, f"its code {code}"))
    # The address from which the proxy connects, which nobody needs, and its port.
    _receive(sock, destination, {1: 4, 4: 16}.get(kind) or _receive(sock, destination, 1)[0])
    _receive(sock, destination, 2)


def _receive(sock: socket.socket, destination: _Destination, count: int) -> bytes:
    """Reads so many bytes, no more; raises `EOFError` if the connection ends before them."""
    received = b""
    while len(received) < count:
        limit(sock, destination.deadline)
        if not (block := sock.recv(count - len(received))):
            raise EOFError
        received += block
    return received
