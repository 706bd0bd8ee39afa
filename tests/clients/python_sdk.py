"""The two clients of the vendor's Python SDK, and what they receive.

`threaded_client` uses threads, `async_client` asyncio; they share options, parameters and events.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import pytest
from assemblyai.streaming.v3 import (
    AsyncRealTimeTranscriber,
    RealTimeError,
    RealTimeEvents,
    RealTimeParameters,
    RealTimeTranscriber,
    RealTimeTranscriberOptions,
    TurnEvent,
)

from tests.clients.sample_audio import normalise_text

LONG_ENOUGH = 60.0
"""Timeout in seconds for what must happen; no test waits for it to pass."""

IGNORED_SDK_WARNINGS = [
    pytest.mark.filterwarnings(rf"ignore:{words}:DeprecationWarning")
    for words in (
        r"connect\(\) must be used as a context manager",
        "ConnectionClosed.code is deprecated",
        "ConnectionClosed.reason is deprecated",
    )
]
"""Warnings about how the SDK uses the package `websockets`."""

Event = TypeVar("Event")


class EventCollector:
    """Collects the events of a client, in order of arrival."""

    def __init__(self, client: RealTimeTranscriber | AsyncRealTimeTranscriber) -> None:
        self.events: list[Any] = []
        for kind in RealTimeEvents:
            client.on(kind, lambda _, event: self.events.append(event))

    def events_of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def turns(self) -> list[TurnEvent]:
        return self.events_of(TurnEvent)

    @property
    def finals(self) -> list[TurnEvent]:
        return [turn for turn in self.turns if turn.end_of_turn]

    @property
    def errors(self) -> list[tuple[int | None, str]]:
        """Code and text of each error."""
        return [(error.code, str(error)) for error in self.events_of(RealTimeError)]

    @property
    def final_text(self) -> str:
        """The last final of each turn, in plain lower case."""
        return normalise_text({turn.turn_order: turn.transcript for turn in self.finals}.values())

    def wait_until(self, there: Callable[[], object]) -> None:
        """Blocks until a condition is met."""
        deadline = time.monotonic() + LONG_ENOUGH
        while not there():
            assert time.monotonic() < deadline, f"it never came: {self.events}"
            time.sleep(0.01)

    async def wait_until_async(self, there: Callable[[], object]) -> None:
        """Waits until a condition is met."""
        deadline = time.monotonic() + LONG_ENOUGH
        while not there():
            assert time.monotonic() < deadline, f"it never came: {self.events}"
            await asyncio.sleep(0.01)


@contextmanager
def threaded_client(
    host: str, key: str | None = None, *, token: str | None = None, **parameters: Any
) -> Iterator[tuple[RealTimeTranscriber, EventCollector]]:
    """A connected client; leaving the context disconnects it without Terminate."""
    client = RealTimeTranscriber(client_options(host, key, token))
    listener = EventCollector(client)
    client.connect(RealTimeParameters(**{"sample_rate": 16_000, **parameters}))
    try:
        yield client, listener
    finally:
        client.disconnect()


@asynccontextmanager
async def async_client(
    host: str, key: str | None = None, *, token: str | None = None, **parameters: Any
) -> AsyncIterator[tuple[AsyncRealTimeTranscriber, EventCollector]]:
    """A connected client; leaving the context terminates its session."""
    async with AsyncRealTimeTranscriber(client_options(host, key, token)) as client:
        listener = EventCollector(client)
        await client.connect(RealTimeParameters(**{"sample_rate": 16_000, **parameters}))
        yield client, listener


def client_options(
    host: str, key: str | None = None, token: str | None = None
) -> RealTimeTranscriberOptions:
    """Client options; timeouts are long, since a busy machine may need more than a second."""
    return RealTimeTranscriberOptions(
        api_host=host,
        api_key=key,
        token=token,
        connect_timeout=LONG_ENOUGH,
        terminate_timeout=LONG_ENOUGH,
    )
