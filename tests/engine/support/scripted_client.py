"""A client that acts out a session: sounds in chunks, and messages between them."""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from tests.conformance.logging_client import LONG_ENOUGH, Client
from workers.localserver.child import LocalServer
from workers.protocol.messages import ForceEndpoint, KeepAlive, Terminate, UpdateConfiguration

RECORDINGS = Path(__file__).parents[3] / "samples" / "recordings"
Samples = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Speech:
    """A piece of a recording, in seconds; it may begin and end in the middle of a word."""

    name: str
    start: float
    seconds: float

    def samples(self, rate: int) -> Samples:
        whole = recording(self.name, rate)
        return whole[round(self.start * rate) : round((self.start + self.seconds) * rate)]


@dataclass(frozen=True)
class Sound:
    """Something that nobody said."""

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
class Wait:
    """The client takes what comes for so many seconds, or until something came."""

    seconds: float


Act = Speech | Sound | Wait | ForceEndpoint | KeepAlive | UpdateConfiguration


@dataclass(frozen=True)
class Script:
    """A whole session up to its Terminate."""

    parameters: dict[str, str]
    chunk_ms: int
    hurry: int
    """How many times as fast as speech it is sent."""
    acts: list[Act]
    tail: bool
    """Ends with the short chunk that is left over; else that is filled up with silence."""


@cache
def recording(name: str, rate: int) -> Samples:
    samples, own = soundfile.read(RECORDINGS / name, dtype="float32", always_2d=True)
    resampled: Samples = soxr.resample(samples[:, 0], own, rate)
    return resampled


class Actor:
    """Sends the sounds of a script in chunks of one length, and its messages in between.

    It never sleeps longer than until something is said: what happens then is up to the engine.
    """

    def __init__(self, server: LocalServer, script: Script) -> None:
        self.client = Client(server.address(LONG_ENOUGH), server.token, script.parameters)
        self._script = script
        self._rate = int(script.parameters["sample_rate"])
        self._chunk = -(-self._rate * script.chunk_ms // 1000)
        self._waiting = np.zeros(0, np.float32)  # samples that fill no chunk yet

    def play(self) -> Client:
        for act in self._script.acts:
            match act:
                case Speech() | Sound():
                    self._sound(act.samples(self._rate))
                case Wait():
                    self.client.take(within=act.seconds)
                case _:
                    self.client.say(act)
        self._end()
        self.client.say(Terminate())
        return self.client.rest()

    def _sound(self, samples: Samples) -> None:
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= self._chunk:
            self._send(self._waiting[: self._chunk])
            self._waiting = self._waiting[self._chunk :]

    def _end(self) -> None:
        if not self._script.tail:
            self._waiting = np.pad(self._waiting, (0, self._chunk - len(self._waiting)))
        if len(self._waiting):
            self._send(self._waiting)

    def _send(self, samples: Samples) -> None:
        chunk = encoded(samples, self._script.parameters["encoding"])
        milliseconds = len(samples) * 1000 / self._rate
        self.client.stream(chunk, milliseconds, silent=not samples.any())
        self.client.take(within=milliseconds / 1000 / self._script.hurry)


def encoded(samples: Samples, encoding: str) -> bytes:
    if encoding == "pcm_s16le":
        return (samples * 32767).astype("<i2").tobytes()
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format="RAW", subtype="ULAW")
    return file.getvalue()
