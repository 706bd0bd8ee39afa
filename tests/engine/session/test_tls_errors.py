"""Why a TLS connection is not trusted, or is none: each has a sentence of its own."""

import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.raw_server import RawServer, answer, http
from workers.protocol.dialing import dial
from workers.protocol.unreachable import Recurrence, Unreachable

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
HOST = "127.0.0.1"


class Authority:
    """An authority that only these tests know, and the file that names it."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = str(folder / "authority.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def server(
        self,
        host: str = HOST,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = self._ca.issue_cert(host, not_before=not_before, not_after=not_after)
        certificate.configure_cert(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alone")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, NOW - DAY, NOW + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("alone")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "alone.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def failure(url: str, ca_file: str | None = None) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        dial(url, {}, ca_file=ca_file)
    return caught.value


CASES: dict[str, tuple[Callable[[Authority, Path], ssl.SSLContext], str, str]] = {
    "expired": (
        lambda ca, _: ca.server(not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        "its certificate has expired",
        "renew",
    ),
    "early": (
        lambda ca, _: ca.server(not_before=NOW + DAY, not_after=NOW + 9 * DAY),
        "its certificate is not valid yet",
        "this machine's clock",
    ),
    "another host": (
        lambda ca, _: ca.server("another.example"),
        "its certificate is for another host",
        "Check the host",
    ),
    "self-signed": (
        lambda _, folder: self_signed(folder),
        "its certificate is self-signed",
        "--ca-file",
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_certificate_that_is_not_trusted_says_why(
    kind: str, authority: Authority, tmp_path: Path
) -> None:
    """Another attempt would get it again."""
    make, reason, hint = CASES[kind]
    with RawServer(http("404 X"), make(authority, tmp_path)) as server:
        error = failure(f"wss://{server.address}/", authority.file)

    assert error.reason == f"no trusted TLS connection to {server.address}: {reason}"
    assert hint in error.hint
    assert error.recurrence is Recurrence.LASTING
    assert server.requests == []


def test_an_unknown_authority_may_be_that_of_a_proxy(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is trusted when SSL_CERT_FILE names it; a file that is missing is told."""
    with RawServer(http("404 X"), authority.server()) as server:
        url = f"wss://{server.address}/"
        unknown = failure(url)
        monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/corporate.pem")
        missing = failure(url)
        monkeypatch.setenv("SSL_CERT_FILE", authority.file)
        trusted = failure(url)

    assert "an authority that this machine does not trust" in unknown.reason
    assert "If your network inspects TLS" in unknown.hint
    assert missing.hint == "SSL_CERT_FILE names a file that does not exist."
    assert trusted.status == 404


@pytest.mark.parametrize(
    ("said", "reason", "recurrence"),
    [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS", Recurrence.LASTING),
        ("SSH-2.0-OpenSSH_9.6\r\n", "does not speak TLS", Recurrence.LASTING),
        ("", "closed the connection during the TLS handshake", Recurrence.PASSING),
        ("\x15\x03\x03\x00\x02\x02\x28", "no TLS connection to", Recurrence.PASSING),
    ],
)
def test_a_port_without_tls_is_told(said: str, reason: str, recurrence: Recurrence) -> None:
    """Or a firewall that closes connections."""
    with RawServer(answer(said.encode("latin-1"))) as server:
        error = failure(f"wss://{server.address}/")

    assert reason in error.reason
    assert error.recurrence is recurrence


def test_a_tls_port_spoken_to_in_plain_text_is_told(authority: Authority) -> None:
    """OpenSSL answers with an alert; nginx with a page, which is shown."""
    page = "<title>400 The plain HTTP request was sent to HTTPS port</title>"
    with RawServer(http("400 Bad Request", page, Content_Type="text/html")) as nginx:
        told = failure(f"ws://{nginx.address}/")

    assert "The plain HTTP request was sent to HTTPS port" in told.reason
