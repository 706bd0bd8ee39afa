"""Where sessions go: the vendor's service, an endpoint of the user's, or the embedded engine."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, ip_address
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from workers.errors import UsageProblem

PROTOCOL_PATH = "/v3/ws"

EMBEDDED_NAME = "embedded engine on this machine"
"""Its name for people."""

MIN_KEY_CHARS = 16
"""Characters; the service's keys have 32, the embedded engine's 43."""

_SECRET_PARAMETERS = frozenset(
    ["token", "access_token", "key", "api_key", "apikey", "authorization"]
)
"""Parameters of an address that hold a key, whoever's endpoint it is."""

REDACTED = "[the key]"
"""What stands where a key stood."""

# Hosts by region: the vendor's page on selecting a region.
_HOSTS = {"us": "streaming.us.assemblyai.com", "eu": "streaming.eu.assemblyai.com"}
_NEAREST_HOST = "streaming.assemblyai.com"


class EndpointKind(Enum):
    """Whose endpoint it is."""

    SERVICE = "service"
    CUSTOM = "custom"
    EMBEDDED = "embedded"


class Secret:
    """A key that does not show: not in a repr, an error or a traceback, nor in `vars`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, to be put into a request header and nowhere else."""
        return self._value

    def redact(self, text: str) -> str:
        """A text without the key, which a server may have repeated, as it is or as in an address.

        A key shorter than any real one stays where it is: it may well be a word that was spoken.
        """
        if len(self._value) < MIN_KEY_CHARS:
            return text
        for written in {self._value, quote(self._value, safe="")}:
            text = text.replace(written, REDACTED)
        return text

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that speaks the protocol."""

    kind: EndpointKind
    url: str
    """With scheme, host and path; may carry parameters of its own, never a key."""
    name: str
    """For people."""
    ca: str | None = None
    """The path of a PEM file with the authorities to trust; None: those that the system trusts."""

    @property
    def address(self) -> str:
        """The URL without its parameters, fit to be shown and kept."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

    def with_parameters(self, parameters: dict[str, str]) -> str:
        """The URL to dial; ``parameters`` win over the URL's own."""
        parts = urlsplit(self.url)
        query = urlencode({**dict(parse_qsl(parts.query)), **parameters})
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def service_endpoint(region: str | None) -> Endpoint:
    """The vendor's service: in a region where the data stays, or the nearest one."""
    host = _HOSTS[region] if region else _NEAREST_HOST
    where = f" ({region.upper()})" if region else ""
    return Endpoint(EndpointKind.SERVICE, f"wss://{host}{PROTOCOL_PATH}", f"AssemblyAI{where}")


def custom_endpoint(url: str, *, allow_unencrypted: bool = False) -> Endpoint:
    """An endpoint that the user names; raises `UsageProblem` for what must not be dialled.

    A bare host gets the protocol's path. Nothing leaves this machine ``allow_unencrypted`` unless
    the user insists.
    """
    address, _, query = url.partition("?")
    names = {name.lower() for name, _ in parse_qsl(query)}
    if (
        "@" in address or names & _SECRET_PARAMETERS
    ):  # first, because other words repeat the address
        raise UsageProblem(
            "the address carries a secret", "Give the key in ASSEMBLYAI_API_KEY instead."
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise UsageProblem(f"“{url}” is not an address ({error})", "Use ws://HOST:PORT.") from error
    if parts.scheme not in ("ws", "wss") or not host:
        raise UsageProblem(
            f"“{url}” is not the address of a WebSocket", "It begins with ws:// or wss://."
        )
    if parts.scheme == "ws" and not allow_unencrypted and not is_loopback(host):
        raise UsageProblem(
            f"everything would travel unencrypted to {host}",
            "Use wss://, or insist with --unencrypted.",
        )
    path = PROTOCOL_PATH if parts.path in ("", "/") else parts.path
    url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    return Endpoint(EndpointKind.CUSTOM, url, parts.netloc)


def embedded_endpoint(url: str) -> Endpoint:
    """The engine on this machine."""
    return Endpoint(EndpointKind.EMBEDDED, url, EMBEDDED_NAME)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine for certain; what only a resolver can tell does not count."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
