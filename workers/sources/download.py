"""Downloads a recording into a spool: over HTTP, or with fsspec for other schemes.

A connection that breaks is continued where it broke. Only the schemes that the user named are ever
used: a redirect may not lead to a file, and not from another machine to this one.
"""

import base64
import http.client
import re
import string
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import IO
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit, urlunsplit

from workers import secrecy
from workers.audio.source import HIDDEN_URL, ReadOptions, Source
from workers.errors import Unreadable, UsageProblem
from workers.protocol.http_answers import reason_text
from workers.protocol.proxies import ProxyKind, find_proxy
from workers.secrecy import Secret
from workers.sources.addresses import HTTP_SCHEMES
from workers.sources.needed_bytes import HEAD_BYTES, needed_bytes
from workers.sources.spool import ReceptionCancelled, SpoolWriter

TIMEOUT_S = 30.0
"""How long a server may take to accept a connection, or to send anything."""
MAX_REDIRECTS = 5
MAX_FAILURES = 5
"""How often in a row a download may break without having received anything."""
FIRST_RETRY_PAUSE_S = 0.5
"""The pause after the first failure; it doubles with each further one."""
_BLOCK_BYTES = 256 * 1024
_REQUEST_BYTES = 4 * 1024 * 1024
"""How much is asked for at once where each read is a request."""

_RETRIED_STATUSES = frozenset([408, 425, 429, 500, 502, 503, 504])
_STATUS_HINTS = {
    401: "It needs a user and a password.",
    403: "Is the link complete, and still valid?",
    404: "Check the URL.",
    410: "Check the URL.",
}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_PROXY_HINT = "Check the proxy in the environment, or name the server in NO_PROXY."
_TUNNEL_FAILURE = "Tunnel connection failed: "
"""How `http.client` begins its error for what a proxy answers."""
_RETRY_HINT = "Retry; it continues where it broke."


class _Broken(Exception):
    """The connection broke, or the server is busy; another try may succeed."""


ProgressCallback = Callable[[int, int | None], object]
"""Called with the bytes that have arrived, and the bytes in all if they are known. It may raise
`ReceptionCancelled`."""


def download(
    source: Source,
    spool: SpoolWriter,
    on_progress: ProgressCallback,
    *,
    first_pause_s: float = FIRST_RETRY_PAUSE_S,
) -> None:
    """Downloads the rest of a recording. Raises `Unreadable`, or what ``on_progress`` raises."""
    try:
        _download(source, spool, on_progress, first_pause_s)
    except Unreadable as error:  # it may repeat what the server said
        secrets = url_secrets(source.secret_url)
        reason, hint = (_redact(text, secrets) for text in (error.reason, error.hint))
        raise Unreadable(reason, hint) from None


def _download(
    source: Source, spool: SpoolWriter, on_progress: ProgressCallback, first_pause_s: float
) -> None:
    if source.secret_url == HIDDEN_URL:
        reason = "its URL had a password or a query, which are never stored"
        raise Unreadable(reason, "Add the recording again with its whole URL.")
    url = source.secret_url or source.file
    is_http = urlsplit(url).scheme.lower() in HTTP_SCHEMES
    options = source.options
    client = _HttpClient(url, options) if is_http else _FsspecClient(url, options)
    failures, pause_s = 0, first_pause_s
    while True:
        before = spool.size
        try:
            client.continue_download(spool, on_progress)
            return
        except _Broken as broken:
            failures = 1 if spool.size > before else failures + 1
            pause_s = first_pause_s if spool.size > before else pause_s * 2
            if failures >= MAX_FAILURES:
                reason = f"the download broke {MAX_FAILURES} times ({broken})"
                raise Unreadable(reason, _RETRY_HINT) from None
        deadline = time.monotonic() + pause_s
        while time.monotonic() < deadline:
            on_progress(spool.size, None)  # so that it can be cancelled
            time.sleep(min(0.1, pause_s))


class _HttpClient:
    """Requests one file, and what is missing of it."""

    def __init__(self, url: str, options: ReadOptions) -> None:
        self._url, self._options = _request_url(url), options
        self._login = _basic_login(url)
        self._secrets = url_secrets(url)
        self._total: int | None = None

    def continue_download(self, spool: SpoolWriter, on_progress: ProgressCallback) -> None:
        """Requests what the spool lacks, and appends it."""
        is_part = self._options.start_s > 0 or self._options.end_s is not None
        if is_part and spool.size < HEAD_BYTES:
            self._append(spool, on_progress, HEAD_BYTES)
        end = None
        if is_part and self._total is not None:
            first, end = needed_bytes(spool.head(HEAD_BYTES), self._total, self._options)
            if spool.size < first:
                spool.skip_to(first)
        if end is None or spool.size < end:
            self._append(spool, on_progress, end)
        if self._total is not None and end is not None:
            spool.skip_to(self._total)
        on_progress(spool.size, spool.size)

    def _append(self, spool: SpoolWriter, on_progress: ProgressCallback, end: int | None) -> None:
        """Appends the bytes up to ``end``, or all. A server that cannot deliver parts delivers all
        of the file."""
        try:
            response = self._open(spool.size, end, spool.validator)
            if response is None:
                return
            with response:
                skipped = self._check_range(response, spool)
                is_partial = response.status == 206
                while block := response.read1(_BLOCK_BYTES):
                    on_progress(spool.size, self._total)
                    if skipped:
                        block, skipped = block[skipped:], max(0, skipped - len(block))
                    spool.write(block)
        except (http.client.InvalidURL, UnicodeError):  # such as a host “a..b”
            raise Unreadable("its URL is not valid", "Check how it is written.") from None
        except (http.client.HTTPException, OSError) as error:
            raise _Broken(_words_of(error)) from None
        wanted = self._total
        if wanted is not None and end is not None and is_partial:
            wanted = min(end, wanted)
        if wanted is not None and spool.size < wanted:
            raise _Broken(f"after {spool.size:,} of {wanted:,} bytes")
        if wanted is not None and spool.size > wanted:
            raise Unreadable("the server sent more than it announced", "Is the URL right?")

    def _open(
        self, offset: int, end: int | None, validator: str
    ) -> http.client.HTTPResponse | None:
        """The response with the bytes from ``offset`` on, up to ``end``; None if there are none."""
        request = urllib.request.Request(self._url, headers={"Accept-Encoding": "identity"})
        request.add_header("User-Agent", "paceline")
        if self._login:  # not sent on after a redirect
            request.add_unredirected_header("Authorization", self._login)
        if offset or end is not None:
            last = "" if end is None else end - 1
            request.add_header("Range", f"bytes={offset}-{last}")
            if validator:
                request.add_header("If-Range", validator)
        opener = urllib.request.OpenerDirector()
        for handler in (
            _Proxies(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            _Redirects(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        try:
            response = opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            error.close()
            length = (error.headers.get("Content-Range") or "").removeprefix("bytes */")
            if error.code == 416 and offset and length == str(offset):
                return None
            if error.code == 416 and offset:
                raise Unreadable("the file on the server has changed", "Add it again.") from None
            if error.code in range(300, 400):
                raise Unreadable("the server redirects too often, or not to the web") from None
            if error.code == 407:
                raise Unreadable("the proxy refuses (407: user or password)", _PROXY_HINT) from None
            answer = f"the server answered {error.code} ({http.client.responses.get(error.code)})"
            if error.code in _RETRIED_STATUSES:
                raise _Broken(answer) from None
            raise Unreadable(answer, _STATUS_HINTS.get(error.code, "")) from None
        except urllib.error.URLError as error:
            answer = reason_text(str(error.reason).partition(_TUNNEL_FAILURE)[2])
            if answer.startswith("4"):
                raise Unreadable(f"the proxy refuses ({answer})", _PROXY_HINT) from None
            if answer:
                raise _Broken(f"the proxy answered {answer}") from None
            if isinstance(error.reason, Exception):
                raise _Broken(_words_of(error.reason)) from None
            raise Unreadable(f"it cannot be downloaded ({error.reason})") from None
        assert isinstance(response, http.client.HTTPResponse)
        return response

    def _check_range(self, response: http.client.HTTPResponse, spool: SpoolWriter) -> int:
        """Learns the total length. Returns how many bytes come again, because the server cannot
        continue. Raises `Unreadable` if the file has changed."""
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if _redact(validator, self._secrets) != validator:
            validator = ""  # it would be stored
        if spool.validator and validator != spool.validator:
            raise Unreadable("the file on the server has changed", "Add it again.")
        spool.validator, offset = "" if validator.startswith("W/") else validator, spool.size
        found = _CONTENT_RANGE.match(response.headers.get("Content-Range") or "")
        if response.status == 206 and found:
            if int(found[1]) != offset:
                raise Unreadable("the server sent another part than it was asked for")
            self._total = None if found[2] == "*" else int(found[2])
            return 0
        length = response.headers.get("Content-Length")
        self._total = int(length) if length is not None and length.isdigit() else None
        return offset


class _Proxies(urllib.request.BaseHandler):
    """Uses the proxy that sessions would use for the same address, if it is an HTTP proxy."""

    handler_order = urllib.request.ProxyHandler.handler_order

    def http_open(self, request: urllib.request.Request) -> None:
        """Called for each request before it is sent, also after a redirect."""
        try:
            proxy = find_proxy(request.full_url)
        except UsageProblem as problem:
            raise Unreadable(problem.reason, problem.hint) from None
        if proxy is None:
            return
        if proxy.kind is not ProxyKind.HTTP:
            reason = f"{proxy.variable} names a SOCKS proxy, which downloads cannot use"
            raise Unreadable(reason, "Download the recording first.")
        if proxy.user is not None:
            login = base64.b64encode(proxy.user + b":" + proxy.password).decode()
            request.add_unredirected_header("Proxy-authorization", f"Basic {login}")
        request.set_proxy(proxy.address, "http")

    https_open = http_open


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = MAX_REDIRECTS
    max_repeats = 2

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        target = urlsplit(urljoin(req.full_url, newurl))
        before, after = urlsplit(req.full_url).hostname or "", target.hostname or ""
        if before != after and _is_this_machine(after):
            fp.close()
            raise Unreadable("the server redirects to an address of this machine")
        if target.scheme.lower() not in HTTP_SCHEMES:
            fp.close()
            raise Unreadable("the server redirects to something that is not on the web")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _FsspecClient:
    """Reads one file of a file system that fsspec knows."""

    def __init__(self, url: str, options: ReadOptions) -> None:
        self._url, self._options = url, options

    def continue_download(self, spool: SpoolWriter, on_progress: ProgressCallback) -> None:
        """Reads what the spool lacks, and appends it."""
        import fsspec  # the extra `remote`; slow to load

        try:
            system, path = fsspec.core.url_to_fs(self._url)
            # Without a cache, which would read 50 MB ahead for the first byte.
            with system.open(path, "rb", cache_type="none") as file:
                total = getattr(file, "size", None)
                self._append(file, spool, on_progress, HEAD_BYTES, total)
                end = total
                if total is not None:
                    first, end = needed_bytes(spool.head(HEAD_BYTES), total, self._options)
                    if spool.size < first:
                        spool.skip_to(first)
                self._append(file, spool, on_progress, end, total)
                if total is not None and spool.size == end:
                    spool.skip_to(total)
        except (ReceptionCancelled, Unreadable):
            raise
        except ImportError as error:
            package = error.name or "a package"
            hint = f"Install it: pip install {package}" if error.name else str(error)
            raise Unreadable(
                "reading this URL needs a package that is not installed", hint
            ) from None
        except FileNotFoundError:
            raise Unreadable("there is no such file on the server", "Check the URL.") from None
        except PermissionError:
            hint = "Check the credentials of this service."
            raise Unreadable("the server does not allow to read it", hint) from None
        except Exception as error:  # each file system has exceptions of its own
            raise _Broken(type(error).__name__) from None
        if total is not None and spool.size != total:
            raise _Broken(f"after {spool.size:,} of {total:,} bytes")

    def _append(
        self,
        file: IO[bytes],
        spool: SpoolWriter,
        on_progress: ProgressCallback,
        end: int | None,
        total: int | None,
    ) -> None:
        """Appends the bytes up to ``end``, or all of them."""
        file.seek(spool.size)
        while end is None or spool.size < end:
            on_progress(spool.size, total)
            wanted = _REQUEST_BYTES if end is None else min(_REQUEST_BYTES, end - spool.size)
            if not (block := file.read(wanted)):
                break
            spool.write(block)


def url_secrets(url: str) -> list[Secret]:
    """The password and the values of the query in a URL, as they are written and as they are."""
    parts = urlsplit(url)
    values = [parts.password or "", *(value for _, value in parse_qsl(parts.query))]
    return [Secret(text) for value in values for text in {value, unquote(value)} if value]


def _redact(text: str, secrets: Iterable[Secret]) -> str:
    for secret in secrets:
        text = secret.redact(text)
    return secrecy.redact(text)


def _request_url(url: str) -> str:
    """The URL to request: without user and password, and in ASCII."""
    parts = urlsplit(url)
    path, query = (quote(part, safe=string.punctuation) for part in (parts.path, parts.query))
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, path, query, ""))


def _basic_login(url: str) -> str:
    parts = urlsplit(url)
    if parts.username is None:
        return ""
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(login.encode()).decode()


def _is_this_machine(host: str) -> bool:
    """Whether a name is this machine's, or an address that only machines of a cloud have."""
    if host.lower() in ("", "localhost") or host.lower().endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local or address.is_unspecified


def _words_of(error: Exception) -> str:
    """What went wrong, without the URL, which may contain secrets."""
    if isinstance(error, TimeoutError):
        return f"nothing arrived within {TIMEOUT_S:g} s"
    if isinstance(error, http.client.IncompleteRead):
        return "it ended too early"
    strerror = getattr(error, "strerror", None)
    return strerror if isinstance(strerror, str) else type(error).__name__
