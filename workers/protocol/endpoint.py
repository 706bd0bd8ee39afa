"""The servers that sessions connect to: the vendor's, a user's own, or the embedded engine."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, ip_address
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from workers import secrecy
from workers.errors import UsageProblem
from workers.ranges import PATH, Text

PROTOCOL_PATH = "/v3/ws"

EMBEDDED_NAME = "embedded engine on this machine"


_SERVICE_DOMAIN = "assemblyai.com"

_HOSTS = {"us": "streaming.us.assemblyai.com", "eu": "streaming.eu.assemblyai.com"}
"""Hosts by region, from the vendor's page on selecting a region."""


class EndpointKind(Enum):
    """Who runs an endpoint."""

    SERVICE = "service"
    CUSTOM = "custom"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks the protocol."""

    kind: EndpointKind
    url: Annotated[str, PATH]
    """The URL with scheme, host and path; may contain a query, but never a key."""
    name: Annotated[str, Text("a name", 500)]
    """The name shown to the user."""
    ca: Annotated[str, PATH] | None = None
    """A PEM file with the CA certificates to trust; None to trust the system's."""

    @property
    def address(self) -> str:
        """The URL without its query, for showing and storing."""
        return urlsplit(self.url)._replace(query="", fragment="").geturl()

    def with_parameters(self, parameters: dict[str, str]) -> str:
        """The URL to dial; ``parameters`` replace those of the URL's query."""
        parts = urlsplit(self.url)
        query = urlencode({**dict(parse_qsl(parts.query)), **parameters})
        return parts._replace(query=query, fragment="").geturl()


def service_endpoint(region: str | None) -> Endpoint:
    """The vendor's service: in one region, which the data does not leave, or in the nearest."""
    host = _HOSTS[region] if region else "streaming.assemblyai.com"
    where = f" ({region.upper()})" if region else ""
    return Endpoint(EndpointKind.SERVICE, f"wss://{host}{PROTOCOL_PATH}", f"AssemblyAI{where}")


def custom_endpoint(url: str, *, allow_unencrypted: bool = False) -> Endpoint:
    """Creates an endpoint for a user's URL; raises `UsageProblem` if it must not be dialed.

    A bare host gets the protocol's path. ``allow_unencrypted`` allows ws:// to another machine.
    """
    address, _, query = url.partition("?")
    names = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    # Checked first, because the other errors repeat the address.
    if "@" in address or any(map(secrecy.names_secret_parameter, names)):
        hint = "Set ASSEMBLYAI_API_KEY instead."
        raise UsageProblem("the address contains a secret", hint)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageProblem(f"“{url}” is not an address ({error})", "Use ws://HOST:PORT.") from error
    if parts.scheme not in ("ws", "wss") or not host:
        hint = "It must begin with ws:// or wss://."
        raise UsageProblem(f"“{url}” is not a WebSocket address", hint)
    if parts.scheme == "ws" and not allow_unencrypted and not is_loopback(host):
        hint = "Use wss://, or allow it with --unencrypted."
        raise UsageProblem(f"all data would be sent unencrypted to {host}", hint)
    path = PROTOCOL_PATH if parts.path in ("", "/") else parts.path
    url = parts._replace(path=path, fragment="").geturl()
    return Endpoint(EndpointKind.CUSTOM, url, parts.netloc)


def embedded_endpoint(url: str) -> Endpoint:
    """The embedded engine on this machine."""
    return Endpoint(EndpointKind.EMBEDDED, url, EMBEDDED_NAME)


def is_vendors(endpoint: Endpoint) -> bool:
    """Whether an endpoint is the vendor's service, even if the user gave its address."""
    host = (urlsplit(endpoint.url).hostname or "").rstrip(".")
    return endpoint.kind is EndpointKind.SERVICE or f".{host}".endswith(f".{_SERVICE_DOMAIN}")


def host_and_port(host: str, port: int) -> str:
    """HOST:PORT, with the brackets that an IPv6 address needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host is certainly this machine, without asking a resolver."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
