"""Who is admitted by the local server, and how others are refused."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
from websockets.exceptions import InvalidStatus

from tests.engine.support.localserver_harness import ACCESS_KEY, TERMINATE, ServerHarness
from workers.localserver.admission import ServerPolicy
from workers.localserver.refusal import CloseCode

pytestmark = pytest.mark.engine


@pytest.fixture
async def endpoint() -> AsyncIterator[ServerHarness]:
    async with ServerHarness(ServerPolicy(ACCESS_KEY)) as started:
        yield started


# --- the key


@pytest.mark.parametrize("key", ["wrong", f"Bearer {ACCESS_KEY}"])
async def test_a_wrong_key_is_refused(endpoint: ServerHarness, key: str):
    """It is refused after the upgrade."""
    client = await endpoint.client(key=key)

    assert (1008, "Unauthorized Connection: Invalid API key") == await client.expect_refusal()


async def test_another_machine_finds_no_door(endpoint: ServerHarness):
    """The server listens on loopback only."""
    listening = [
        connection.laddr.ip
        for connection in psutil.Process().net_connections()
        if connection.status == psutil.CONN_LISTEN
        and f":{connection.laddr.port}/" in endpoint.lines[0]
    ]

    assert ["127.0.0.1"] == listening


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://example.org"}, 403),
        ({"Host": "example.org"}, 421),
        ({"Host": "example.org", "Origin": "http://example.org"}, 421),
    ],
)
async def test_a_web_page_gets_no_upgrade(
    endpoint: ServerHarness, headers: dict[str, str], status: int
):
    """Not with the key: of another origin, or under a name of its own that leads to this machine.

    So a page that guesses the port learns nothing, even where any key is let in.
    """
    with pytest.raises(InvalidStatus) as refused:
        await endpoint.client(**headers)

    assert status == refused.value.response.status_code


# --- temporary tokens


async def token(
    endpoint: ServerHarness, query: str, key: str = ACCESS_KEY
) -> tuple[int, dict[str, Any]]:
    status, body = await endpoint.http_get(f"/v3/token?{query}", Authorization=key)
    return status, json.loads(body)


@pytest.mark.parametrize("key", [ACCESS_KEY, f"Bearer {ACCESS_KEY}"])
async def test_a_temporary_token_opens_and_limits_a_session(endpoint: ServerHarness, key: str):
    """It works more than once, in the query or in the header."""
    status, issued = await token(
        endpoint, "expires_in_seconds=600&max_session_duration_seconds=60", key
    )
    for client in (
        await endpoint.client(f"token={issued['token']}", key=None),
        await endpoint.client(key=issued["token"]),
    ):
        begin = await client.receive_until("Begin")
        assert abs(begin["expires_at"] - time.time() - 60) < 30

    assert 200 == status
    assert 600 == issued["expires_in_seconds"]


async def test_a_token_expires(endpoint: ServerHarness):
    """An expired token gets another text than a wrong one."""
    _, issued = await token(endpoint, "expires_in_seconds=1")
    words = ""
    while not words:
        client = await endpoint.client(f"token={issued['token']}", key=None)
        if (await client.next())["type"] == "Error":
            words = (await client.expect_refusal())[1]
        else:
            await client.socket.send(TERMINATE)
            await client.receive_rest()

    assert "Unauthorized Connection: Signature has expired" == words


async def test_a_token_is_issued_for_the_key_alone(endpoint: ServerHarness):
    """Another token is not enough."""
    _, issued = await token(endpoint, "expires_in_seconds=60")

    for key in ("wrong", issued["token"]):
        assert (401, {"error": "Invalid API key"}) == await token(
            endpoint, "expires_in_seconds=60", key
        )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["expires_in_seconds"]),
        ("expires_in_seconds=0", ["expires_in_seconds"]),
        ("expires_in_seconds=601", ["expires_in_seconds"]),
        ("expires_in_seconds=soon", ["expires_in_seconds"]),
        ("expires_in_seconds=60&max_session_duration_seconds=59", ["max_session_duration_seconds"]),
        (
            "max_session_duration_seconds=10801",
            ["expires_in_seconds", "max_session_duration_seconds"],
        ),
    ],
)
async def test_a_token_out_of_range_is_refused(
    endpoint: ServerHarness, query: str, names: list[str]
):
    """The error lists each parameter, in the format of the service's framework."""
    status, body = await token(endpoint, query)

    assert 422 == status
    assert [["query", name] for name in names] == [error["loc"] for error in body["detail"]]
    assert all(error["msg"] and error["type"] for error in body["detail"])


# --- what is answered without a WebSocket


async def test_health_tells_how_busy_it_is(endpoint: ServerHarness):
    """The answer is JSON, for load balancers."""
    await endpoint.session()
    endpoint.backend.backlog_s = 0.25
    status, body = await endpoint.http_get("/v3/ws/health")

    assert 200 == status
    assert {"status": "ok", "capacity": 2, "sessions": 1, "backlog_seconds": 0.25} == json.loads(
        body
    )


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/v2/realtime/ws?sample_rate=16000", {}, 410, "v2 is retired: connect to /v3/ws"),
        ("/", {}, 404, "only /v3/ws is served here"),
        ("/v3/ws/", {}, 404, "only /v3/ws is served here"),
        ("//[", {}, 404, "only /v3/ws is served here"),
        ("/v3/ws", {}, 426, "You need a WebSocket client"),
        ("/v3/ws", {"Origin": "https://example.org"}, 403, "this origin is not allowed"),
        ("/v3/token", {"Origin": "https://example.org"}, 403, "this origin is not allowed"),
        ("/v3/ws", {"Origin": "http://[::1"}, 403, "this origin is not allowed"),
        ("/v3/ws", {"Origin": "null"}, 403, "this origin is not allowed"),
        ("/v3/ws", {"Origin": "https://localhost.example.org"}, 403, "this origin is not allowed"),
        ("/v3/ws/health", {"Origin": "http://localhost:8000"}, 200, "ok"),
        ("/v3/ws/health", {"Host": "example.org"}, 421, "this host is not served here"),
        ("/v3/token", {"Host": "127.0.0.1.example.org:80"}, 421, "this host is not served here"),
        ("/v3/ws", {"Host": "localhost@example.org"}, 421, "this host is not served here"),
        ("/v3/ws", {"Host": ""}, 421, "this host is not served here"),
        ("/v3/ws/health", {"Host": "[::1]:80"}, 200, "ok"),
        ("/v3/ws/health", {"Host": "LocalHost"}, 200, "ok"),
    ],
)
async def test_every_address_is_answered_in_words(
    endpoint: ServerHarness, path: str, headers: dict[str, str], status: int, words: str
):
    """Wrong addresses get an explanation too."""
    found, body = await endpoint.http_get(path, **headers)

    assert status == found
    assert words in body


# --- how many


@pytest.mark.parametrize("code", [CloseCode.UNAUTHORIZED, CloseCode.BUSY])
async def test_one_too_many_is_refused_after_the_upgrade(code: CloseCode):
    """Until another session ends: its slot is free as soon as the client gets the close."""
    async with ServerHarness(ServerPolicy(ACCESS_KEY, max_sessions=1, busy_code=code)) as endpoint:
        client, _ = await endpoint.session()

        assert (code, "Unauthorized Connection: Too many concurrent sessions") == (
            await (await endpoint.client()).expect_refusal()
        )
        for _ in range(5):
            await client.socket.send(TERMINATE)
            await client.receive_until("Termination")
            client, _ = await endpoint.session()


async def test_clients_beyond_the_capacity_are_warned():
    """The policy may admit more sessions than the capacity, with a Warning."""
    policy = ServerPolicy(ACCESS_KEY, max_sessions=3, send_warnings=True)
    async with ServerHarness(policy) as endpoint:
        clients = [await endpoint.client() for _ in range(3)]
        for client in clients:
            await client.receive_until("Begin")
        warning = await clients[-1].receive_until("Warning")
        for client in clients:
            await client.socket.send(TERMINATE)

        assert "more sessions than this machine can serve in real time (2)" in warning["warning"]
        for client in clients[:2]:
            assert "Warning" not in [message["type"] for message in await client.receive_rest()]


async def test_capacity_is_what_the_house_allows():
    """The second announced line is the policy's limit."""
    async with ServerHarness(ServerPolicy()) as endpoint:
        assert "capacity 2" == endpoint.lines[1]
    async with ServerHarness(ServerPolicy(max_sessions=7)) as endpoint:
        assert "capacity 7" == endpoint.lines[1]
