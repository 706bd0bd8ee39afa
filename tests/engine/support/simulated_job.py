"""A job without processes, sockets or clocks: many attempts in milliseconds.

The server is that of `transcribing_server`. Its messages are encoded, decoded, applied by a real
`SessionState` and folded by a real `JobState`. Only the loop between them is simulated.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from tests.engine.support.ground_truth import RATE, GroundTruth
from tests.engine.support.scripted_server import ReceivedSession, ServerConnectionScript
from tests.engine.support.transcribing_server import ServerSession, TranscriptionStyle
from workers.audio.recording import Recording
from workers.errors import Malformed
from workers.jobs.events import Began, Connecting, Ended, JobReport, Outcome, Warned
from workers.jobs.job import Job, JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.protocol import messages
from workers.protocol.endpoint import custom_endpoint
from workers.protocol.messages import PartlyMalformed
from workers.session.assignment import Assignment
from workers.session.chunks import Chunk
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.session_state import SessionState
from workers.traces.files import TRACE_SUFFIX
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

CHUNK_MS = 70
"""Chunks that end anywhere in a word."""


@dataclass(frozen=True)
class SimulatedAttempt:
    """One session, and when its connection breaks."""

    style: TranscriptionStyle
    cut_after_chunks: int | None = None
    """None: it ends by itself."""
    chunks_in_flight: int = 0
    """How many chunks the server has not received yet when the client has its messages."""


class _LineInMemory(ServerConnectionScript):
    """The server's side of a connection that keeps frames until the client takes them."""

    def __init__(self) -> None:
        self.received = ReceivedSession(path=f"/v3/ws?sample_rate={RATE}")
        self._frames: list[str | bytes] = []

    async def send(self, *said: dict[str, Any] | str | bytes) -> None:
        self._frames += [json.dumps(each) if isinstance(each, dict) else each for each in said]

    def take(self) -> list[str | bytes]:
        frames, self._frames = self._frames, []
        return frames


class SimulatedJob:
    """Streams a numbered recording through attempts until it is done."""

    def __init__(self, folder: Path, truth: GroundTruth) -> None:
        self._folder = folder
        self._samples, _ = soundfile.read(truth.path, dtype="int16")
        frames = len(self._samples)
        recording = Recording(
            truth.path, frames / RATE, RATE, 1, frames, "WAV PCM_16", 2 * frames + 44
        )
        self._job = Job(JobId(1), truth.path, recording, StreamSettings(chunk_ms=CHUNK_MS))
        self.state = JobState(JobId(1), truth.path)

    def put(self, report: JobReport) -> None:
        """Receives the reports of all attempts."""
        self.state.apply(report)

    def run(self, attempts: Sequence[SimulatedAttempt]) -> JobState:
        """Runs the attempts; the last one ends by itself."""
        for number, attempt in enumerate(attempts, start=1):
            path = self._folder / f"{number}{TRACE_SUFFIX}"
            job, start = self._job, self.state.resume_point
            endpoint = custom_endpoint("ws://127.0.0.1:9")
            assignment = Assignment(job, number, endpoint, str(path), "", resume_point=start)
            with TraceWriter(path, TraceHead(job=1, attempt=number, file=job.file)) as trace:
                recorder = Recorder(assignment, trace, self)
                connecting = Connecting("", "", start.at_ms, start.turn, start.kept_words)
                recorder.publish(connecting)
                recorder.publish(asyncio.run(self._stream(attempt, recorder)))
        return self.state

    async def _stream(self, attempt: SimulatedAttempt, recorder: Recorder) -> Ended:
        start = self.state.resume_point
        state, first = SessionState(recorder, start), start.at_ms * RATE // 1000
        progress = SendProgress(self._job.recording, self._job.settings, first, recorder)
        line = _LineInMemory()
        server = ServerSession(line, attempt.style)

        def receive() -> None:
            _apply(line.take(), state, progress)

        await server.begin()
        receive()
        recorder.publish(Began("7a1d", "m", RATE, 0, 0.0, 0.0))
        state.publish_pending_warnings()
        pcm, size = self._samples[first:].tobytes(), 2 * RATE * CHUNK_MS // 1000
        chunks = [pcm[at : at + size] for at in range(0, len(pcm), size)]
        for number, chunk in enumerate(chunks):
            if number == attempt.cut_after_chunks:
                return Ended(Outcome.LOST, "cut")
            progress.add_chunk(Chunk.of(chunk), 0.0)
            if number >= attempt.chunks_in_flight:
                await server.receive_audio(chunks[number - attempt.chunks_in_flight])
            receive()
        if attempt.cut_after_chunks is not None:
            return Ended(Outcome.LOST, "cut")
        state.mark_all_audio_sent()
        progress.mark_end()
        progress.report()
        state.mark_terminate_sent()
        for chunk in chunks[max(0, len(chunks) - attempt.chunks_in_flight) :]:
            await server.receive_audio(chunk)
        await server.say_last_words()
        receive()
        return state.final_ending()


def _apply(frames: Iterable[str | bytes], state: SessionState, progress: SendProgress) -> None:
    """Applies frames as `SessionLoop` does."""
    for frame in frames:
        try:
            message = messages.decode(frame)
        except PartlyMalformed as error:
            message = error.message
            state.warn_of_unread_part(error.reason, message)
        except Malformed as error:
            state.warn(Warned(f"a message was not understood: {error.reason}"))
            continue
        state.apply(message, sent_seconds=progress.sent_seconds)
