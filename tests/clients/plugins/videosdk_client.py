"""VideoSDK's plugin, as its pipeline uses it: audio goes in, transcripts come to a callback."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from inspect import signature

from videosdk.agents import SpeechEventType, STTResponse, audio_format
from videosdk.plugins.assemblyai import AssemblyAISTT

from tests.clients.plugins.scenario import Result, Scenario, frames_of, serve_scenarios, wait_until


async def run(scenario: Scenario) -> Result:
    """Runs one session; with a lost connection, the plugin opens another at the next frame."""
    result = Result()
    audio_format.publish(scenario.rate, channels=1)  # as the room does with its first frame
    stt = AssemblyAISTT(api_key=scenario.key, base_url=scenario.address, **scenario.options)
    stt.on("error", lambda error: result.errors.append(str(error)))

    async def keep(response: STTResponse) -> None:
        match response.event_type:
            case SpeechEventType.FINAL:
                result.finals.append(response.data.text)
            case SpeechEventType.INTERIM:
                result.partials.append(response.data.text)

    stt.on_stt_transcript(keep)
    logged = LoggedErrors(result.errors.append)
    logging.getLogger("videosdk").addHandler(logged)
    try:
        for verb, argument in scenario.steps:
            match verb:
                case "send":
                    for frame in frames_of(scenario, *argument):
                        await stt.process_audio(frame)
                        await asyncio.sleep(0)
                case "force":
                    await stt.flush()
                case "word":
                    await wait_until(partial(result.has_final_word, argument))
                case "lost":
                    await wait_until(lambda: stt._ws is None)
                case "update":
                    await stt.update_options(**argument)
                case "finals":
                    await wait_until(partial(result.has_finals, argument))
        await stt.aclose()
    finally:
        logging.getLogger("videosdk").removeHandler(logged)
    return result


class LoggedErrors(logging.Handler):
    """The plugin only logs what the server says is wrong."""

    def __init__(self, keep: Callable[[str], object]) -> None:
        super().__init__(logging.ERROR)
        self._keep = keep

    def emit(self, record: logging.LogRecord) -> None:
        self._keep(record.getMessage())


if __name__ == "__main__":
    offered = {
        "start": signature(AssemblyAISTT).parameters,
        "update": signature(AssemblyAISTT.update_options).parameters.keys() - {"self"},
    }
    serve_scenarios(run, offered)
