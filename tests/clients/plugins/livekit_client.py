"""LiveKit's plugin, as an agent uses it: a stream is pushed frames and yields events."""

import asyncio
import logging
from functools import partial
from inspect import signature
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEventType
from livekit.plugins import assemblyai

from tests.clients.plugins.scenario import Result, Scenario, frames_of, serve_scenarios, wait_until

CONNECT_OPTIONS = APIConnectOptions(max_retry=3, retry_interval=0.2, timeout=10.0)


async def run(scenario: Scenario) -> Result:
    """Runs one stream to its end; after a lost connection the plugin opens another by itself."""
    result = Result()
    async with aiohttp.ClientSession() as http:
        stt = assemblyai.STT(
            api_key=scenario.key,
            base_url=scenario.address,
            sample_rate=scenario.rate,
            http_session=http,
            **scenario.options,
        )
        stt.on("error", lambda event: result.errors.append(str(event.error)))
        stream = stt.stream(conn_options=CONNECT_OPTIONS)
        reading = asyncio.create_task(read(stream, result))
        for verb, argument in scenario.steps:
            match verb:
                case "send":
                    for frame in frames_of(scenario, *argument):
                        samples = len(frame) // 2
                        stream.push_frame(rtc.AudioFrame(frame, scenario.rate, 1, samples))
                        await asyncio.sleep(0)
                case "flush":
                    stream.flush()
                case "update":
                    stt.update_options(**argument)
                case "force":
                    await wait_until(lambda: stream._input_ch.empty())
                    stream.force_endpoint()
                case "word":
                    await wait_until(partial(result.has_final_word, argument))
                case "lost":  # it reports an error, and tries again
                    await wait_until(lambda: result.errors)
                    result.errors.clear()
                case "finals":
                    await wait_until(partial(result.has_finals, argument))
        stream.end_input()
        try:
            await reading
        except Exception as error:
            result.errors.append(f"{type(error).__name__}: {error}")
        await stream.aclose()
    return result


async def read(stream: Any, result: Result) -> None:
    """Keeps the events of a stream."""
    async for event in stream:
        match event.type:
            case SpeechEventType.FINAL_TRANSCRIPT:
                result.finals.append(event.alternatives[0].text)
            case SpeechEventType.INTERIM_TRANSCRIPT:
                result.partials.append(event.alternatives[0].text)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    offered = {
        "start": signature(assemblyai.STT).parameters,
        "update": signature(assemblyai.STT.update_options).parameters.keys() - {"self"},
    }
    serve_scenarios(run, offered)
