"""How the vendor's Python SDK reports each way in which the server ends a session.

Its handler for errors gets one `RealTimeError` each time, with the code and the words of the Error
message and not of the close that follows, and its client comes to an end by itself.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from assemblyai.streaming.v3 import (
    BeginEvent,
    HeartbeatEvent,
    RealTimeError,
    RealTimeSessionParameters,
    TerminationEvent,
)
from pydantic import BaseModel

from tests.clients.python_sdk import (
    IGNORED_SDK_WARNINGS,
    EventCollector,
    async_client,
    threaded_client,
)
from workers.localserver.child import LocalServer

pytestmark = [pytest.mark.engine, *IGNORED_SDK_WARNINGS]

INVALID = "User Input Validation Error: "
IDLE = "Session terminated due to inactivity: No messages received for 5 seconds"
DURATION = "Input Duration Error: Input Duration Violation: "


class Text(BaseModel):
    """What the SDK would never say by itself; it sends any model that it is given to stream."""

    text: str

    def model_dump_json(self, **_: Any) -> str:  # the SDK's has a dozen options
        return self.text


@dataclass(frozen=True, slots=True)
class Fault:
    """What a client does wrong, and what it must be told.

    Each step is a method of the SDK and its argument.
    """

    code: int
    words: str
    """Start of the error text."""
    parameters: dict[str, Any] = field(default_factory=dict)
    steps: Sequence[tuple[str, Any]] = ()
    key: str | None = None
    """None: the valid key."""


FAULTS = {
    "a wrong key": Fault(1008, "Unauthorized Connection: Invalid API key", key="wrong"),
    "a rate too low": Fault(3006, f"{INVALID}Invalid 'sample_rate': ", {"sample_rate": 7000}),
    "no such turn": Fault(3006, f"{INVALID}Invalid 'max_turn_silence': ", {"max_turn_silence": -1}),
    "a setting out of range": Fault(
        3006,
        f"{INVALID}Invalid 'max_turn_silence': ",
        steps=[("set_params", RealTimeSessionParameters(max_turn_silence=-1))],
    ),
    "chunks too short": Fault(
        3007,
        f"{DURATION}25.0 ms. Expected between 50 and 1000 ms",
        steps=[("stream", [bytes(800)] * 60)],
    ),
    "a chunk too long": Fault(
        3007,
        f"{DURATION}1500.0 ms. Expected between 50 and 1000 ms",
        steps=[("stream", bytes(48_000))],
    ),
    "audio too fast": Fault(
        3007,
        "Input Duration Error: Audio Transmission Rate Exceeded: Received ",
        {"encoding": "pcm_mulaw", "sample_rate": 8000},
        steps=[("stream", [b"\xff" * 8000] * 400)],
    ),
    "an unknown message": Fault(
        3006,
        f"{INVALID}Invalid Message Type: Hello",
        steps=[("stream", [Text(text='{"type":"Hello"}')])],
    ),
    "no JSON": Fault(3006, f"{INVALID}Invalid JSON: ", steps=[("stream", [Text(text="{")])]),
    "no message": Fault(3006, f"{INVALID}Invalid Message: ", steps=[("stream", [Text(text="[]")])]),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told(host: str, server: LocalServer, fault: Fault):
    """The client with threads gets it once and stops; a later terminate is harmless."""
    with threaded_client(host, fault.key or server.api_key, **fault.parameters) as (client, heard):
        for method, argument in fault.steps:
            getattr(client, method)(argument)
        heard.wait_until(lambda: heard.errors)
        client.disconnect(terminate=True)

    assert_told(heard, fault)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_is_told_to_tasks(host: str, server: LocalServer, fault: Fault):
    """The same for the asyncio client."""
    async with async_client(host, fault.key or server.api_key, **fault.parameters) as (
        client,
        heard,
    ):
        for method, argument in fault.steps:
            await getattr(client, method)(argument)
        await heard.wait_until_async(lambda: heard.errors)

    assert_told(heard, fault)


def assert_told(heard: EventCollector, fault: Fault) -> None:
    ((code, words),) = heard.errors
    assert fault.code == code
    assert words.startswith(fault.words)
    assert isinstance(heard.events[-1], RealTimeError)


def test_who_says_nothing_is_sent_away(host: str, server: LocalServer):
    """After the five seconds that it asked for; a client that sends KeepAlive stays."""
    with (
        # First, so that it would have had to go first.
        threaded_client(host, server.api_key, inactivity_timeout=5, session_heartbeat=True) as (
            awake,
            heard,
        ),
        threaded_client(host, server.api_key, inactivity_timeout=5) as (_, silence),
    ):

        def over() -> bool:
            awake.keep_alive()
            return bool(silence.errors and heard.events_of(HeartbeatEvent))

        silence.wait_until(over)
        awake.disconnect(terminate=True)

    assert [(3006, f"{INVALID}{IDLE}")] == silence.errors
    assert [] == heard.errors
    assert isinstance(heard.events[-1], TerminationEvent)


async def test_one_session_too_many(host: str, server: LocalServer):
    """It is refused with the text of the service, and admitted once another has ended."""
    async with AsyncExitStack() as stack:
        others = [
            await stack.enter_async_context(async_client(host, server.api_key))
            for _ in range(server.capacity)
        ]
        for _, heard in others:
            await heard.wait_until_async(partial(getattr, heard, "events"))
        async with async_client(host, server.api_key) as (_, refused):
            await refused.wait_until_async(lambda: refused.events)
        await others[0][0].disconnect(terminate=True)
        async with async_client(host, server.api_key) as (_, welcome):
            await welcome.wait_until_async(lambda: welcome.events)

    assert [(1008, "Unauthorized Connection: Too many concurrent sessions")] == refused.errors
    assert isinstance(welcome.events[0], BeginEvent)
