"""Why no session could be opened: the errors of dialing, each with what the user can do."""

import os
import ssl
import time
from enum import Enum

from workers.errors import PacelineError
from workers.protocol.http_answers import HttpAnswer
from workers.protocol.proxies import Proxy


class Recurrence(Enum):
    """Whether another attempt would fail in the same way."""

    PASSING = "passing"  # perhaps not
    UNLESS_REACHED = "unless reached"  # yes, unless the endpoint was reached earlier in the run
    LASTING = "lasting"  # yes


class Unreachable(PacelineError):
    """Nothing answered, or what answered is not a v3 endpoint."""

    code = "unreachable"

    def __init__(
        self,
        reason: str,
        hint: str = "",
        status: int | None = None,
        *,
        recurrence: Recurrence = Recurrence.PASSING,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason, hint)
        self.status = status
        """The HTTP status of a refused upgrade, or 407 if a proxy refused the password. None
        for anything else that a proxy answers."""
        self.recurrence = recurrence
        self.retry_after_s = retry_after_s
        """How long the server asks to wait before the next attempt."""


# --- the endpoint ---------------------------------------------------------------------------------

_TRANSIENT_4XX = frozenset({408, 421, 425, 429})
"""Client errors that may not recur: RFC 9110, sections 15.5.9 and 15.5.20; RFC 8470; RFC 6585."""
_LASTING_5XX = frozenset({501, 505})
"""Server errors that recur: RFC 9110, sections 15.6.2 and 15.6.6."""
_ADDRESS_HINT = "Is this the address of a v3 endpoint?"


def refused_upgrade(netloc: str, answer: HttpAnswer, detail: str) -> Unreachable:
    """The error for an HTTP status instead of a WebSocket, by its class (RFC 9110, section 15).

    ``detail``: the reason that the server gives, safe to show.
    """
    status, told = answer.status, f": {detail}" if detail else ""
    reason = f"{netloc} refused the connection with HTTP {answer.title}{told}"
    recurrence = _recurrence(answer)
    match status:
        case _ if status // 100 == 3:
            where = f": {answer.location}" if answer.location else ""
            reason = f"{netloc} redirects to another address (HTTP {answer.title}){where}"
            hint = "Use that address, or log in to the network if it is a login page."
        case _ if status // 100 not in (4, 5) or status == 511:
            what = "a web page" if answer.is_web_page else "something"
            reason = f"{what} answers at {netloc}, not a WebSocket (HTTP {answer.title}){told}"
            hint = "A login page or a proxy may stand between; otherwise check the address."
        case 401 | 402 | 403:
            hint = "Check the API key (ASSEMBLYAI_API_KEY) and the state of the account."
        case 407:  # from a proxy that is not in the environment
            hint = "A proxy stands between; name it, with user and password, in HTTPS_PROXY."
        case 429:
            hint = "Retry later, or lower --sessions and --start-rate."
        case _ if recurrence is Recurrence.PASSING:
            hint = "The server is overloaded or in trouble; retry later."
        case _:
            hint = _ADDRESS_HINT
    wait_s = answer.retry_after_s if recurrence is Recurrence.PASSING else None
    return Unreachable(reason, hint, status, recurrence=recurrence, retry_after_s=wait_s)


def _recurrence(answer: HttpAnswer) -> Recurrence:
    """Whether the server would answer so again."""
    status = answer.status
    if status // 100 not in (4, 5) or status in (404, 511):  # 404: perhaps it is being deployed
        return Recurrence.UNLESS_REACHED
    is_transient = status // 100 == 5 and status not in _LASTING_5XX
    is_transient |= status in _TRANSIENT_4XX
    is_transient |= status == 413 and answer.retry_after_s is not None  # RFC 9110, 15.5.14
    return Recurrence.PASSING if is_transient else Recurrence.LASTING


def not_a_websocket(netloc: str) -> Unreachable:
    """The error for a status of 101 without the headers of RFC 6455, section 4.1."""
    reason = f"{netloc} answered the upgrade with headers that are not a WebSocket server's"
    hint = "A proxy or a cache may stand between; otherwise check the address."
    return Unreachable(reason, hint, recurrence=Recurrence.UNLESS_REACHED)


def not_http(netloc: str, answer: bytes, *, is_encrypted: bool) -> Unreachable:
    """The error for an answer that does not begin as HTTP does."""
    if not answer:
        hint = "Retry later." if is_encrypted else "Does it need wss://? Otherwise retry later."
        return Unreachable(f"{netloc} closed the connection without an answer", hint)
    if not is_encrypted and answer[0] in (0x15, 0x16):  # a record of TLS: RFC 8446, section 5.1
        reason = f"{netloc} only speaks TLS"
        return Unreachable(reason, "Use wss://.", recurrence=Recurrence.LASTING)
    reason = f"what answers at {netloc} does not speak HTTP"
    return Unreachable(reason, _ADDRESS_HINT, recurrence=Recurrence.UNLESS_REACHED)


def timed_out(netloc: str) -> Unreachable:
    """The error of an attempt that took too long."""
    return Unreachable(f"{netloc} did not answer in time", "Check the network.")


def not_resolved(netloc: str) -> Unreachable:
    """The error for a host without an address."""
    reason = f"the host of {netloc} cannot be resolved"
    return Unreachable(reason, "Check the address and the network.")


def not_connected(netloc: str, detail: str) -> Unreachable:
    """The error for a host of which no address answers."""
    return Unreachable(f"nothing answers at {netloc} ({detail})", "Is the endpoint running?")


# --- TLS ------------------------------------------------------------------------------------------

_OWN_CA_HINT = (
    "If your network inspects TLS, or the server has its own authority, pass the CA certificate "
    "with --ca-file or SSL_CERT_FILE."
)


def untrusted(netloc: str, error: ssl.SSLCertVerificationError) -> Unreachable:
    """The error for a certificate that cannot be trusted; codes are those of X509_V_ERR_*."""
    hint = _OWN_CA_HINT
    match error.verify_code:
        case 10:
            why, hint = "has expired", "Ask who runs the server to renew it."
        case 9:
            today = time.strftime("%Y-%m-%d")
            why, hint = "is not valid yet", f"Is this machine's clock right? It says {today}."
        case 18:
            why = "is self-signed"
        case 2 | 19 | 20 | 21:
            why = "is signed by an authority that this machine does not trust"
            file = os.environ.get("SSL_CERT_FILE")
            if file and not os.path.isfile(file):
                hint = "SSL_CERT_FILE names a file that does not exist."
        case 62 | 64:
            why, hint = "is for another host", "Check the host in the address."
        case _:
            why = f"cannot be verified ({error.verify_message})"
    reason = f"no trusted TLS connection to {netloc}: its certificate {why}"
    return Unreachable(reason, hint, recurrence=Recurrence.LASTING)


def no_tls(netloc: str, error: Exception, detail: str) -> Unreachable:
    """The error for a TLS handshake that failed for another reason."""
    kind = getattr(error, "reason", None) or ""
    if kind in (
        "WRONG_VERSION_NUMBER",
        "RECORD_LAYER_FAILURE",
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
    ):
        reason = f"{netloc} does not speak TLS"
        return Unreachable(reason, "Without TLS, use ws://.", recurrence=Recurrence.LASTING)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        reason = f"{netloc} closed the connection during the TLS handshake"
        return Unreachable(reason, "A firewall may stand between; otherwise retry later.")
    reason = f"no TLS connection to {netloc} ({detail})"
    if kind in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"):
        hint = "The server and this machine have no version of TLS in common."
        return Unreachable(reason, hint, recurrence=Recurrence.LASTING)
    return Unreachable(reason, "Does the server use TLS? Without TLS, use ws://.")


# --- the proxy ------------------------------------------------------------------------------------


class ProxyFailed(Unreachable):
    """The proxy did not let the connection through."""

    def __init__(
        self,
        proxy: Proxy,
        what: str,
        host: str,
        advice: str = "",
        recurrence: Recurrence = Recurrence.UNLESS_REACHED,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        """``what``: what the proxy did, in words; ``host``: of the endpoint; ``status``: 407 if the
        proxy, of any kind, refused the user or password."""
        advice = advice or f"Check {proxy.variable}"
        super().__init__(
            f"the proxy {proxy.address} {what}",
            f"{advice}, or name {host} in NO_PROXY to connect without it.",
            status,
            recurrence=recurrence,
            retry_after_s=retry_after_s,
        )


def refused_by_proxy(proxy: Proxy, host: str, answer: HttpAnswer, detail: str) -> ProxyFailed:
    """The error for an HTTP status with which a proxy refused to connect."""
    status = answer.status
    if status == 407:
        schemes = answer.authentication_schemes
        if schemes and "basic" not in map(str.lower, schemes):
            offered = ", ".join(schemes)
            what = f"refuses (407: it wants {offered}, and Paceline only knows Basic)"
            advice = f"Put a local proxy that knows it into {proxy.variable}"
        else:
            what = "refuses (407: user or password)"
            verb = "Add" if proxy.user is None else "Correct"
            advice = f"{verb} them in {proxy.variable}"
        return ProxyFailed(proxy, what, host, advice, Recurrence.LASTING, status=status)
    told = f"{answer.title}: {detail}" if detail else answer.title
    if status // 100 == 4 and status not in _TRANSIENT_4XX:
        advice = f"Ask who runs the proxy to allow {host}"
        return ProxyFailed(proxy, f"refuses ({told})", host, advice, Recurrence.LASTING)
    if answer.status // 100 in (4, 5):
        what, wait_s = f"cannot reach {host} ({told})", answer.retry_after_s
        return ProxyFailed(proxy, what, host, "Check the address", retry_after_s=wait_s)
    return ProxyFailed(proxy, f"does not answer as a proxy ({told})", host)
