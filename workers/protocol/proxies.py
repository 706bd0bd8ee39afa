"""Finds the proxy of an address in the environment, and reads it as curl does.

A value may lack its scheme (then it is an HTTP proxy) and its port (then it is 1080). An empty
variable is as good as none. See “ENVIRONMENT” and “--proxy” in curl(1).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address, ip_network
from urllib.parse import unquote_to_bytes, urlsplit

from workers.errors import UsageProblem
from workers.protocol.endpoint import host_and_port, is_loopback

DEFAULT_PORT = 1080
"""The port of a proxy whose address has none, of any kind."""

_VARIABLES = {
    "ws": ("ws_proxy", "http_proxy", "all_proxy"),
    "wss": ("wss_proxy", "https_proxy", "all_proxy"),
    "http": ("http_proxy", "all_proxy"),
    "https": ("https_proxy", "all_proxy"),
}
"""The variables that may name the proxy of an address, by its scheme; the first one that is set
counts. Each is also read in upper case, if it is not set in lower case."""

_SPELLING_HINT = (
    "Write http://USER:PASSWORD@HOST:PORT, percent-encode special characters of the password (%2F "
    "for /), or unset the variable."
)


class ProxyKind(Enum):
    """How a proxy is spoken to."""

    HTTP = "http"  # CONNECT (RFC 9110, section 9.3.6)
    SOCKS4 = "socks4"  # it gets an IPv4 address, which is looked up here
    SOCKS4A = "socks4a"  # it gets the name of the host
    SOCKS5 = "socks5"  # it gets an address, which is looked up here (RFC 1928)
    SOCKS5H = "socks5h"  # it gets the name of the host


_KINDS = {kind.value: kind for kind in ProxyKind} | {"socks": ProxyKind.SOCKS4}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it."""

    kind: ProxyKind
    host: str
    port: int
    variable: str
    user: bytes | None = field(default=None, repr=False)
    password: bytes = field(default=b"", repr=False)

    @property
    def address(self) -> str:
        """HOST:PORT, to be shown."""
        return host_and_port(self.host, self.port)


def find_proxy(url: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """The proxy through which ``url`` is reached; None if it is reached directly.

    What stays on this machine never takes a proxy. Raises `UsageProblem` for a variable that cannot
    be read; its text contains no part of the value, since that may be a password.
    """
    parts = urlsplit(url)
    host, scheme = parts.hostname or "", parts.scheme.lower()
    if is_loopback(host):
        return None
    port = parts.port or (443 if scheme in ("wss", "https") else 80)
    for name in _VARIABLES.get(scheme, ()):
        for variable in (name, name.upper()):
            if value := environment.get(variable, "").strip():
                return None if _is_excluded(host, port, environment) else _parse(variable, value)
    return None


def _parse(variable: str, value: str) -> Proxy:
    def problem(why: str, hint: str = _SPELLING_HINT) -> UsageProblem:
        return UsageProblem(f"{variable} is not the address of a proxy: {why}", hint)

    before, separator, after = value.partition("://")
    scheme, rest = (before.lower(), after) if separator else ("http", value)
    if scheme == "https":
        reason = f"{variable} names a proxy that is spoken to over TLS (https://)"
        hint = "Paceline does not support that: write http:// if the proxy allows it."
        raise UsageProblem(reason, hint)
    if scheme not in _KINDS:
        known = ", ".join(f"{kind}://" for kind in _KINDS if kind != "socks")
        raise problem("it does not begin as one", f"It may begin with {known} or the host.")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(authority) :]:
        raise problem("a special character of its user or password is not percent-encoded")
    login, at, address = authority.rpartition("@")
    host, port = _split_address(address)
    if host is None or port is None:
        raise problem("it has no valid host and port")
    user, _, password = login.partition(":")
    return Proxy(
        _KINDS[scheme],
        host,
        port,
        variable,
        unquote_to_bytes(os.fsencode(user)) if at else None,
        unquote_to_bytes(os.fsencode(password)),
    )


def _split_address(address: str) -> tuple[str | None, int | None]:
    """The host and port of an address; None for what is not valid."""
    found = re.fullmatch(
        r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:@\[\]\"'`<>\\]+))(?::(\d{0,5}))?", address
    )
    if found is None:
        return None, None
    port = int(found[3]) if found[3] else DEFAULT_PORT
    host = found[1].replace("%25", "%", 1) if found[1] else found[2]  # RFC 6874
    return host, port if 0 < port < 65536 else None


def _is_excluded(host: str, port: int, environment: Mapping[str, str]) -> bool:
    """Whether ``no_proxy`` lists a host: by name, which covers all names below it, by address or
    by network; each may have a port. ``*`` stands for all hosts."""
    value = environment.get("no_proxy", "").strip() or environment.get("NO_PROXY", "")
    host = host.rstrip(".").lower()
    return any(_matches(entry, host, port) for entry in re.split(r"[\s,]+", value) if entry)


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    found = re.fullmatch(r"(?:\[([^\]]+)\]|([^:]+)):(\d+)", entry)
    if found is not None and int(found[3]) != port:
        return False
    name = (found[1] or found[2] if found is not None else entry.strip("[]")).lower()
    try:
        address = ip_address(host)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return bool(name) and f".{host}".endswith(f".{name}")
    try:
        return address in ip_network(name, strict=False)
    except ValueError:
        return False
