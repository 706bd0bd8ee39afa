"""Addresses that may be dialled, and a key that does not show."""

import pickle
from io import StringIO

import pytest
from rich.console import Console
from rich.traceback import Traceback

from tests.unit.cli.test_run_options import parse_command_line
from workers.errors import UsageProblem
from workers.protocol.endpoint import (
    Endpoint,
    EndpointKind,
    custom_endpoint,
    embedded_endpoint,
    is_vendors,
    service_endpoint,
)
from workers.secrecy import Secret

KEY = "0123456789abcdef0123456789abcdef"

HERE = [
    "ws://127.0.0.1:8080",
    "ws://127.8.7.6",
    "ws://[::1]:8080/v3/ws",
    "ws://[::ffff:127.0.0.1]",
    "ws://localhost:8080",
    "WS://LocalHost:8080",
]
ELSEWHERE = [
    "ws://example.org",
    "ws://10.0.0.1",
    "ws://0.0.0.0:8080",
    "ws://[::]",
    "ws://[::ffff:10.0.0.1]",
    "ws://localhost.example.org",
    "ws://127.0.0.1.example.org",
    "ws://example.org/127.0.0.1?localhost",
    "ws://example.org#localhost",
    "ws://localhost%2eexample.org",
]
ONLY_A_RESOLVER_KNOWS = [
    "ws://127.1",
    "ws://0x7f000001",
    "ws://2130706433",
    "ws://localhost.",
    "ws://ｌｏｃａｌｈｏｓｔ",
    "ws://①27.0.0.1",
]


@pytest.mark.parametrize("url", HERE)
def test_this_machine_is_dialled_unencrypted(url: str) -> None:
    """Every spelling of a loopback address is accepted."""
    assert custom_endpoint(url).url.startswith("ws://")


@pytest.mark.parametrize("url", ELSEWHERE + ONLY_A_RESOLVER_KNOWS)
def test_another_machine_is_dialled_unencrypted_only_on_request(url: str) -> None:
    """The audio is as secret as the key. An unclear host counts as another machine."""
    with pytest.raises(UsageProblem, match=r"unencrypted.*--unencrypted"):
        custom_endpoint(url)

    assert custom_endpoint(url, allow_unencrypted=True).url.startswith("ws://")
    assert custom_endpoint(url.replace("ws:", "wss:")).url.startswith("wss://")


@pytest.mark.parametrize(
    "url",
    [
        "wss://user:pa55@example.org",
        "wss://user:pa55@example.org:port",
        "https://user:pa55@example.org",
        "wss://localhost:pa55@example.org",
        "wss://localhost\\@example.org/pa55",
        "ws://localhost#@example.org/pa55",
        "wss://example.org/?token=pa55",
        "wss://example.org/?API_Key=pa55",
        "wss://example.org/?access_token=pa55",
        "wss://example.org/?key=pa55",
        "wss://example.org/?apikey=pa55",
        "wss://example.org/?Authorization=pa55",
        "https://example.org/?x=1&token=pa55",
        "wss://[example.org/?token=pa55",
    ],
)
def test_an_address_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    """This is checked first, because other errors show the address on the terminal."""
    with pytest.raises(UsageProblem, match="secret") as refused:
        custom_endpoint(url)

    assert "pa55" not in str(refused.value)


def test_what_is_shown_is_what_is_dialled() -> None:
    """The address stays the same, except that a missing path is added."""
    endpoint = custom_endpoint("WSS://Example.org:8443?mode=balanced")

    assert endpoint.url == "wss://Example.org:8443/v3/ws?mode=balanced"
    assert endpoint.address == "wss://Example.org:8443/v3/ws"
    assert endpoint.name == "Example.org:8443"
    assert endpoint.kind is EndpointKind.CUSTOM
    assert custom_endpoint("wss://h/own/path").url == "wss://h/own/path"
    assert custom_endpoint("wss://h/").url == "wss://h/v3/ws"


@pytest.mark.parametrize(
    ("region", "host", "name"),
    [
        (None, "streaming.assemblyai.com", "AssemblyAI"),
        ("us", "streaming.us.assemblyai.com", "AssemblyAI (US)"),
        ("eu", "streaming.eu.assemblyai.com", "AssemblyAI (EU)"),
    ],
)
def test_the_service_has_a_host_in_each_region(region: str | None, host: str, name: str) -> None:
    """The host without a region routes to the nearest one."""
    expected = Endpoint(EndpointKind.SERVICE, f"wss://{host}/v3/ws", name)

    assert service_endpoint(region) == expected


def test_the_embedded_engine_is_named_as_such() -> None:
    """Its address would mean nothing to users."""
    url = "ws://127.0.0.1:5000/v3/ws"

    assert embedded_endpoint(url) == Endpoint(
        EndpointKind.EMBEDDED, url, "embedded engine on this machine"
    )


def test_parameters_win_over_those_of_the_address() -> None:
    """Parameters that only the address has are kept."""
    endpoint = custom_endpoint("wss://h/v3/ws?mode=a%20b&speech_model=old")

    dialled = endpoint.with_parameters({"speech_model": "new", "keyterms": "a&b"})
    assert dialled == "wss://h/v3/ws?mode=a+b&speech_model=new&keyterms=a%26b"


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "Access_Token",
        "api-key",
        "apiKey",
        "X-Amz-Signature",
        "x-amz-security-token",
        "sig",
        "client_secret",
        "password",
        "subscription-key",
        "AWSCredential",
    ],
)
def test_a_secret_in_an_address_or_a_parameter_is_refused(name: str) -> None:
    """Both are stored with the run and shown; the message does not repeat the secret."""
    for refuse in (
        lambda: custom_endpoint(f"wss://h/v3/ws?mode=a&{name}={KEY}"),
        lambda: parse_command_line(params=[f"{name}={KEY}"]),
    ):
        with pytest.raises(UsageProblem) as caught:
            refuse()
        assert KEY not in str(caught.value)
        assert "ASSEMBLYAI_API_KEY" in caught.value.hint


def test_words_that_only_look_like_secrets_are_parameters() -> None:
    """Those of the protocol, above all."""
    names = (
        "keyterms_prompt",
        "keyterms",
        "keyboard",
        "authors",
        "speech_model",
        "monkeys",
        "design",
    )
    for name in names:
        assert custom_endpoint(f"wss://h/v3/ws?{name}=a").url.endswith(f"?{name}=a")


@pytest.mark.parametrize(
    ("url", "problem", "hint"),
    [
        (
            "wss://h?token=x",
            "the address contains a secret",
            "Set ASSEMBLYAI_API_KEY instead.",
        ),
        (
            "wss://h:port",
            "“wss://h:port” is not an address (Port could not be cast to integer value as 'port')",
            "Use ws://HOST:PORT.",
        ),
        (
            "https://h",
            "“https://h” is not a WebSocket address",
            "It must begin with ws:// or wss://.",
        ),
        (
            "ws:///v3",
            "“ws:///v3” is not a WebSocket address",
            "It must begin with ws:// or wss://.",
        ),
        (
            "ws://h",
            "all data would be sent unencrypted to h",
            "Use wss://, or allow it with --unencrypted.",
        ),
    ],
)
def test_a_refused_address_comes_with_a_way_out(url: str, problem: str, hint: str) -> None:
    """The user sees both the problem and the hint."""
    with pytest.raises(UsageProblem) as refused:
        custom_endpoint(url)

    assert (problem, hint) == (refused.value.reason, refused.value.hint)


def test_a_key_shows_nowhere_in_a_traceback_with_its_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The desk draws such a traceback when it crashes: every variable of every frame, expanded."""
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", KEY)
    options = parse_command_line()

    def crash(key: Secret | None, keys: list[Secret | None]) -> None:
        message = f"{key} {key!r} {key!s}"
        raise RuntimeError(message, key, keys, options)

    screen = StringIO()
    try:
        crash(options.key, [options.key])
    except RuntimeError as error:
        shown = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
        Console(file=screen, width=200).print(shown)

    assert "Secret(…)" in screen.getvalue()
    assert KEY not in screen.getvalue()
    with pytest.raises(TypeError):
        vars(options.key)


def test_a_key_reaches_a_process_of_ours() -> None:
    """A session receives the key pickled, through a pipe."""
    assert pickle.loads(pickle.dumps(Secret(KEY))).reveal() == KEY
    assert repr(Secret(KEY)) == str(Secret(KEY)) == "Secret(…)"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://streaming.assemblyai.com/v3/ws", True),
        ("wss://Streaming.EU.AssemblyAI.com.:443/v3/ws", True),
        ("wss://assemblyai.com", True),
        ("wss://notassemblyai.com", False),
        ("wss://assemblyai.com.example.org", False),
        ("ws://127.0.0.1:8080/v3/ws?host=assemblyai.com", False),
    ],
)
def test_the_service_is_known_by_its_address(url: str, expected: bool) -> None:
    """Also if the user gave that address as an endpoint of their own."""
    assert is_vendors(custom_endpoint(url)) == expected
    assert is_vendors(service_endpoint("us"))
    assert not is_vendors(embedded_endpoint("ws://127.0.0.1:9/v3/ws"))
