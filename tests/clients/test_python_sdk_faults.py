"""The vendor's Python SDK against the faults of a script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import pytest
from assemblyai.streaming.v3 import BeginEvent, TerminationEvent

from tests.clients.python_sdk import IGNORED_SDK_WARNINGS, LONG_ENOUGH, async_client
from workers.localserver.admission import ServerPolicy
from workers.localserver.scripts import script_file
from workers.localserver.scripts.scripted_backend import ScriptedBackend
from workers.localserver.server import run_server

pytestmark = [pytest.mark.engine, pytest.mark.slow, *IGNORED_SDK_WARNINGS]

CHUNK = bytes(3200)

SCRIPT = """
[[session]]
final_after = 0

[[session.turn]]
text = "Good morning."
start = 0
end = 500

[[session.fault]]
{fault}
"""

EXPIRED = "Session Expired: Maximum session duration exceeded"
BROKEN = "Session Cancelled: An error occurred"
BUSY = "Unauthorized Connection: Too many concurrent sessions"
CUT = "Connection closed (code=1006)"
"""The SDK's own words: there are none on the wire."""


@asynccontextmanager
async def performed(fault: str) -> AsyncIterator[str]:
    """The host at which every session has this fault, given as a script has it."""
    script = script_file.parse_script(SCRIPT.format(fault=fault).encode(), "script")
    lines: asyncio.Queue[str] = asyncio.Queue()
    stop = asyncio.Event()
    serving = asyncio.create_task(
        run_server(0, ServerPolicy(), nullcontext(ScriptedBackend(script)), lines.put_nowait, stop)
    )
    try:
        address = await asyncio.wait_for(lines.get(), LONG_ENOUGH)
        yield address.removesuffix("/v3/ws")
    finally:
        stop.set()
        await serving


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("what = 'busy'", 1008, BUSY),
        ("what = 'busy'\ncode = 3009", 3009, BUSY),
        ("what = 'error'\nafter = 0.1", 3005, BROKEN),
        (f"what = 'error'\nafter = 0.1\ncode = 3008\ntext = '{EXPIRED}'", 3008, EXPIRED),
        ("what = 'error_without_close'\nafter = 0.1", 3005, BROKEN),
        ("what = 'close_without_error'\nafter = 0.1\ntext = 'Come later'", 1011, "Come later"),
        ("what = 'cut'\nafter = 0.1", 1006, CUT),
        ("what = 'reset'\nafter = 0.1", 1006, CUT),
    ],
)
async def test_what_goes_wrong_is_told_once(fault: str, code: int, words: str):
    """The client stops in any case, whether the server closes or not."""
    async with performed(fault) as host, async_client(host, "any") as (client, heard):
        await client.stream(CHUNK)
        await heard.wait_until_async(lambda: heard.errors)

    assert [(code, words)] == heard.errors


@pytest.mark.parametrize(
    "what", ["unknown_type", "warning", "garbage", "duplicate_final", "extra_empty_final"]
)
async def test_what_is_odd_does_no_harm(what: str):
    """The session goes on to its end."""
    async with (
        performed(f"what = '{what}'\nafter = 0.1") as host,
        async_client(host, "any") as session,
    ):
        client, heard = session
        await client.stream([CHUNK] * 10)

    assert [] == heard.errors
    assert isinstance(heard.events[0], BeginEvent)
    assert "good morning" in heard.final_text
    assert isinstance(heard.events[-1], TerminationEvent)
