"""Proxy variables as people write them, read as curl reads them."""

import pytest

from workers.errors import UsageProblem
from workers.protocol.proxies import Proxy, ProxyKind, find_proxy

WSS, WS = "wss://recorder.example/v3/ws", "ws://recorder.example:8080/v3/ws"
PROXY = {"https_proxy": "http://proxy.corp:3128"}


def found(value: str) -> Proxy:
    proxy = find_proxy(WSS, {"https_proxy": value})
    assert proxy is not None
    return proxy


def address_of(environment: dict[str, str], url: str = WSS) -> str | None:
    proxy = find_proxy(url, environment)
    return None if proxy is None else proxy.address


@pytest.mark.parametrize(
    ("value", "kind", "address"),
    [
        ("proxy.corp:3128", ProxyKind.HTTP, "proxy.corp:3128"),
        ("http://proxy.corp:3128", ProxyKind.HTTP, "proxy.corp:3128"),
        ("HTTP://Proxy.Corp:3128/", ProxyKind.HTTP, "Proxy.Corp:3128"),
        ("  http://proxy.corp:3128  ", ProxyKind.HTTP, "proxy.corp:3128"),
        ("proxy.corp", ProxyKind.HTTP, "proxy.corp:1080"),
        ("http://proxy.corp:", ProxyKind.HTTP, "proxy.corp:1080"),
        ("10.0.0.1:8888", ProxyKind.HTTP, "10.0.0.1:8888"),
        ("[::1]:3128", ProxyKind.HTTP, "[::1]:3128"),
        ("http://[fe80::1%25eth0]:3128", ProxyKind.HTTP, "[fe80::1%eth0]:3128"),
        ("socks://proxy.corp", ProxyKind.SOCKS4, "proxy.corp:1080"),
        ("socks4://proxy.corp:9", ProxyKind.SOCKS4, "proxy.corp:9"),
        ("socks4a://proxy.corp:9", ProxyKind.SOCKS4A, "proxy.corp:9"),
        ("socks5://proxy.corp:9050", ProxyKind.SOCKS5, "proxy.corp:9050"),
        ("SOCKS5H://proxy.corp:9050", ProxyKind.SOCKS5H, "proxy.corp:9050"),
        ("my_proxy:3128", ProxyKind.HTTP, "my_proxy:3128"),
    ],
)
def test_a_proxy_is_read_as_curl_reads_it(value: str, kind: ProxyKind, address: str) -> None:
    """Without a scheme it is an HTTP proxy, without a port it is 1080."""
    assert (found(value).kind, found(value).address) == (kind, address)


@pytest.mark.parametrize(
    ("value", "user", "password"),
    [
        ("http://me:secret@proxy.corp:1", b"me", b"secret"),
        ("me:secret@proxy.corp:1", b"me", b"secret"),
        ("http://me@proxy.corp:1", b"me", b""),
        ("http://:secret@proxy.corp:1", b"", b"secret"),
        ("http://me:se%2Fcret@proxy.corp:1", b"me", b"se/cret"),
        ("http://me:p@ss:word@proxy.corp:1", b"me", b"p@ss:word"),
        ("http://corp%5Cme:100%@proxy.corp:1", b"corp\\me", b"100%"),
        ("http://corp\\me:p%C3%A4ss@proxy.corp:1", b"corp\\me", "päss".encode()),
        ("http://me:päss@proxy.corp:1", b"me", "päss".encode()),
        ("socks5://me:secret@proxy.corp:1", b"me", b"secret"),
    ],
)
def test_a_login_is_decoded_and_not_shown(value: str, user: bytes, password: bytes) -> None:
    """The last at sign ends it; a percent sign that begins no code stays."""
    assert (found(value).user, found(value).password) == (user, password)
    assert "secret" not in repr(found(value))


@pytest.mark.parametrize(
    "value",
    [
        "http://me:hunter/2@proxy.corp:3128",
        "http://me:hunter#2@proxy.corp:3128",
        "http://me:hunter?2@proxy.corp:3128",
        "me:hunter/2@proxy.corp:3128",
        "http://me:hunter2",
        "http://me:hunter2@",
        "http://me:hunter2@proxy.corp:port",
        "http://me:hunter2@proxy.corp:99999",
        "http://me:hunter2@proxy.corp:0",
        "http://me:hunter2@::1:3128",
        "http://me:hunter2@proxy corp:3128",
        "http://me:hunter2@[proxy.corp]:3128x",
        '"http://me:hunter2@proxy.corp:3128"',
        "ftp://me:hunter2@proxy.corp",
        "https://me:hunter2@proxy.corp",
        "http://",
        "http:///",
        ":3128",
    ],
)
def test_a_value_that_cannot_be_read_is_named_without_any_part_of_it(value: str) -> None:
    """What looks like a host or a port may be a part of the password."""
    with pytest.raises(UsageProblem) as caught:
        find_proxy(WSS, {"HTTPS_PROXY": value})

    assert caught.value.reason.startswith("HTTPS_PROXY ")
    assert caught.value.hint
    for part in ("hunter", "proxy.corp", ":port", "99999", "ftp"):
        assert part not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "url", "address"),
    [
        ({}, WSS, None),
        ({"https_proxy": "a:1"}, WSS, "a:1"),
        ({"HTTPS_PROXY": "a:1"}, WSS, "a:1"),
        ({"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}, WSS, "a:1"),
        ({"https_proxy": "", "HTTPS_PROXY": "b:1"}, WSS, "b:1"),
        ({"https_proxy": " ", "all_proxy": "c:1"}, WSS, "c:1"),
        ({"http_proxy": "a:1"}, WSS, None),
        ({"http_proxy": "a:1"}, WS, "a:1"),
        ({"HTTP_PROXY": "a:1"}, WS, "a:1"),
        ({"https_proxy": "a:1"}, WS, None),
        ({"all_proxy": "socks5://c:1"}, WS, "c:1"),
        ({"ALL_PROXY": "c:1", "https_proxy": "a:1"}, WSS, "a:1"),
        ({"wss_proxy": "w:1", "https_proxy": "a:1"}, WSS, "w:1"),
        ({"ws_proxy": "w:1", "http_proxy": "a:1"}, WS, "w:1"),
        ({"https_proxy": "a:1", "http_proxy": "b:1"}, "https://files.example/a.wav", "a:1"),
        ({"all_proxy": "c:1"}, "s3://bucket/a.wav", None),
        ({"HTTPS_PROXY": "a:1"}, "wss://localhost/v3/ws", None),
        ({"HTTPS_PROXY": "a:1"}, "wss://127.0.0.2/v3/ws", None),
        ({"HTTPS_PROXY": "a:1"}, "wss://[::1]:8443/v3/ws", None),
    ],
)
def test_the_variable_depends_on_the_address(
    environment: dict[str, str], url: str, address: str | None
) -> None:
    """Small letters come first, empty ones count as not set, and loopback takes no proxy."""
    assert address_of(environment, url) == address


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_direct"),
    [
        ("*", WSS, True),
        ("other.example, *", WSS, True),
        ("recorder.example", WSS, True),
        ("RECORDER.example.", WSS, True),
        ("example", WSS, True),
        (".example", WSS, True),
        ("*.example", WSS, True),
        (".recorder.example", WSS, True),
        ("order.example", WSS, False),
        ("recorder.example.org", WSS, False),
        ("a.example,recorder.example", WSS, True),
        ("a.example  recorder.example", WSS, True),
        (" , ,", WSS, False),
        ("", WSS, False),
        ("recorder.example:443", WSS, True),
        ("recorder.example:8080", WSS, False),
        ("recorder.example:8443", "wss://recorder.example:8443/", True),
        ("10.0.0.0/8", "wss://10.1.2.3/", True),
        ("10.0.0.5/8", "wss://10.1.2.3/", True),
        ("10.1.2.3", "wss://10.1.2.3/", True),
        ("10.1.2.3:443", "wss://10.1.2.3/", True),
        ("10.0.0.0/8:444", "wss://10.1.2.3/", False),
        ("192.168.0.0/16", "wss://10.1.2.3/", False),
        ("3", "wss://10.1.2.3/", False),
        ("fd00::/8", "wss://[fd12::1]/", True),
        ("fd12::1", "wss://[fd12::1]/", True),
        ("[fd12::1]", "wss://[fd12::1]/", True),
        ("[fd12::1]:443", "wss://[fd12::1]/", True),
        ("[fd12::1]:444", "wss://[fd12::1]/", False),
        ("10.0.0.0/8", "wss://[fd12::1]/", False),
        ("10.0.0.0/99", "wss://10.1.2.3/", False),
        ("10.0.0.0/8", WSS, False),
    ],
)
def test_no_proxy_lists_what_is_reached_directly(no_proxy: str, url: str, is_direct: bool) -> None:
    """Names cover what is below them; networks, ports and a star are understood."""
    for variable in ("no_proxy", "NO_PROXY"):
        assert (find_proxy(url, PROXY | {variable: no_proxy}) is None) is is_direct


def test_no_proxy_in_small_letters_comes_first() -> None:
    """An empty one counts as not set."""
    both = PROXY | {"no_proxy": "other.example", "NO_PROXY": "*"}

    assert find_proxy(WSS, both) is not None
    assert find_proxy(WSS, both | {"no_proxy": ""}) is None


def test_a_value_that_is_not_needed_is_not_read() -> None:
    """The endpoint is reached directly, so nobody must correct the variable."""
    broken = {"https_proxy": "http://me:hunter/2@proxy"}

    assert find_proxy(WSS, broken | {"no_proxy": "recorder.example"}) is None
    assert find_proxy(WS, broken) is None
