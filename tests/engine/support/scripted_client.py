"""A client that plays a script: sounds in chunks, with messages between them."""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from tests.conformance.logging_client import LONG_ENOUGH, LoggingClient
from workers.localserver.child import LocalServer
from workers.protocol.messages import ForceEndpoint, KeepAlive, Terminate, UpdateConfiguration

RECORDINGS = Path(__file__).parents[3] / "samples" / "recordings"
Samples = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class RecordingClip:
    """A piece of a recording, in seconds; it may begin and end in the middle of a word."""

    name: str
    start: float
    seconds: float

    def samples(self, rate: int) -> Samples:
        whole = load_recording(self.name, rate)
        return whole[round(self.start * rate) : round((self.start + self.seconds) * rate)]


@dataclass(frozen=True)
class SyntheticSound:
    """A sound without speech."""

    kind: str
    seconds: float

    def samples(self, rate: int) -> Samples:
        count = round(self.seconds * rate)
        match self.kind:
            case "noise":
                made = np.random.default_rng(count).normal(0, 0.01, count)
            case "tone":
                made = 0.3 * np.sin(2 * np.pi * 440 * np.arange(count) / rate)
            case _:
                made = np.zeros(count)
        return made.astype(np.float32)


@dataclass(frozen=True)
class ReceiveFor:
    """Receives for this many seconds, or until a message arrives."""

    seconds: float


ClientAction = (
    RecordingClip | SyntheticSound | ReceiveFor | ForceEndpoint | KeepAlive | UpdateConfiguration
)


@dataclass(frozen=True)
class ClientScript:
    """A whole session up to its Terminate."""

    parameters: dict[str, str]
    chunk_ms: int
    speedup: int
    """Speed relative to speech."""
    actions: list[ClientAction]
    send_short_last_chunk: bool
    """Send a last chunk that is shorter than the others; otherwise it is filled with silence."""


@cache
def load_recording(name: str, rate: int) -> Samples:
    samples, own = soundfile.read(RECORDINGS / name, dtype="float32", always_2d=True)
    resampled: Samples = soxr.resample(samples[:, 0], own, rate)
    return resampled


class ScriptedClient:
    """Sends the sounds of a script in chunks of one length, and its messages in between.

    It never sleeps past a message from the engine.
    """

    def __init__(self, server: LocalServer, script: ClientScript) -> None:
        self.client = LoggingClient(
            server.wait_for_address(LONG_ENOUGH), server.api_key, script.parameters
        )
        self._script = script
        self._rate = int(script.parameters["sample_rate"])
        self._chunk = -(-self._rate * script.chunk_ms // 1000)
        self._unsent_samples = np.zeros(0, np.float32)  # samples that fill no chunk yet

    def run(self) -> LoggingClient:
        for act in self._script.actions:
            match act:
                case RecordingClip() | SyntheticSound():
                    self._queue_audio(act.samples(self._rate))
                case ReceiveFor():
                    self.client.receive_available(within=act.seconds)
                case _:
                    self.client.send_control(act)
        self._flush_audio()
        self.client.send_control(Terminate())
        return self.client.receive_rest()

    def _queue_audio(self, samples: Samples) -> None:
        self._unsent_samples = np.concatenate([self._unsent_samples, samples])
        while len(self._unsent_samples) >= self._chunk:
            self._send(self._unsent_samples[: self._chunk])
            self._unsent_samples = self._unsent_samples[self._chunk :]

    def _flush_audio(self) -> None:
        if not self._script.send_short_last_chunk:
            self._unsent_samples = np.pad(
                self._unsent_samples, (0, self._chunk - len(self._unsent_samples))
            )
        if len(self._unsent_samples):
            self._send(self._unsent_samples)

    def _send(self, samples: Samples) -> None:
        chunk = encode_audio(samples, self._script.parameters["encoding"])
        milliseconds = len(samples) * 1000 / self._rate
        self.client.send_audio(chunk, milliseconds, silent=not samples.any())
        self.client.receive_available(within=milliseconds / 1000 / self._script.speedup)


def encode_audio(samples: Samples, encoding: str) -> bytes:
    if encoding == "pcm_s16le":
        return (samples * 32767).astype("<i2").tobytes()
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format="RAW", subtype="ULAW")
    return file.getvalue()
