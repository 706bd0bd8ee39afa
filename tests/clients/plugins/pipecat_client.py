"""Pipecat's service in a pipeline: frames go in at the top, transcripts and errors come out."""

import asyncio
import sys
from dataclasses import fields
from functools import partial
from inspect import signature

from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    LLMContextAssistantTurnFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.assemblyai.stt import AssemblyAISTTService
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from tests.clients.plugins.scenario import Result, Scenario, frames_of, serve_scenarios, wait_until

INIT_OPTIONS = (
    *("encoding", "vad_force_turn_endpoint", "speaker_format", "should_interrupt"),
    "ttfs_p99_latency",
)
"""Arguments of the service; every other option is one of its settings."""


class Collector(FrameProcessor):
    """Keeps what passes it, in either direction."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self._result = result

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self._result.finals.append(frame.text)
        elif isinstance(frame, InterimTranscriptionFrame):
            self._result.partials.append(frame.text)
        elif isinstance(frame, ErrorFrame):
            self._result.errors.append(frame.error)
        await self.push_frame(frame, direction)


async def run(scenario: Scenario) -> Result:
    """Runs a pipeline to its end; after a lost connection the service opens another by itself."""
    result = Result()
    options = scenario.options
    service = AssemblyAISTTService(
        api_key=scenario.key,
        api_endpoint_base_url=f"{scenario.address}/v3/ws",
        reconnect_backoff_min_wait=0.2,
        settings=AssemblyAISTTService.Settings(
            **{name: value for name, value in options.items() if name not in INIT_OPTIONS}
        ),
        **{name: value for name, value in options.items() if name in INIT_OPTIONS},
    )
    worker = PipelineWorker(
        Pipeline([Collector(result), service, Collector(result)]),
        params=PipelineParams(audio_in_sample_rate=scenario.rate),
        cancel_on_idle_timeout=False,
        enable_rtvi=False,
    )
    started, connected, lost = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def note_start(*_: object) -> None:
        started.set()

    async def note_connection(*_: object) -> None:
        connected.set()

    async def note_loss(*_: object) -> None:
        lost.set()

    worker.add_event_handler("on_pipeline_started", note_start)
    service.add_event_handler("on_connected", note_connection)
    service.add_event_handler("on_disconnected", note_loss)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await started.wait()
    for verb, argument in scenario.steps:
        match verb:
            case "send":
                for frame in frames_of(scenario, *argument):
                    await worker.queue_frame(InputAudioRawFrame(frame, scenario.rate, 1))
                    await asyncio.sleep(0)
            case "update":
                settings = AssemblyAISTTService.Settings(**argument)
                connected.clear()
                await worker.queue_frame(STTUpdateSettingsFrame(delta=settings))
            case "say":  # the agent's own words, which the service forwards as context
                await worker.queue_frame(LLMContextAssistantTurnFrame(argument, time_now_iso8601()))
            case "force":
                await worker.queue_frame(VADUserStoppedSpeakingFrame())
            case "word":
                await wait_until(partial(result.has_final_word, argument))
            case "connected":  # again, since the update: audio overtakes it in the pipeline
                await connected.wait()
            case "lost":
                await lost.wait()
            case "finals":
                await wait_until(partial(result.has_finals, argument))
    await worker.queue_frame(EndFrame())
    await running
    return result


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    settings = {field.name for field in fields(AssemblyAISTTService.Settings)}
    offered = {
        "start": settings | signature(AssemblyAISTTService).parameters.keys(),
        "update": settings,
    }
    serve_scenarios(run, offered)
