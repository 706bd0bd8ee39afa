"""Recordings of speech whose true beginnings and ends are known without any recogniser.

A stretch of speech is found by loudness alone: frames of 10 ms whose power is at most `QUIETER` dB
below the recording's loud frames (the 95th percentile). Quieter gaps shorter than `GAP` belong to a
stretch, and what is shorter than `SHORTEST` is a click or a breath. Beside a voice detector and a
forced alignment these ends come early, some 0.1 s and at most 0.25, since the last sound fades; so
delays counted from them are rather too long than too short.
"""

import csv
import importlib.util
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tests.benchmarks import ROOT
from workers.audio import decode
from workers.audio.probe import probe

Samples: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int16]]"
"""Mono, at `RATE`."""

RATE = 16_000
"""Hz."""

QUIETER = 22.0
GAP = 0.2
SHORTEST = 0.15
"""In dB, and in seconds; chosen where they agree best with a voice detector on 21 recordings."""

PAUSE = 1.5
"""Seconds of silence between two recordings of a programme: longer than any default that ends a
turn."""

_FRAME = RATE // 100


@dataclass(frozen=True, slots=True)
class Sample:
    """A recording and what is said in it."""

    file: Path
    reference: str


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """Somebody speaks, from ``onset`` to ``end``, in seconds of the recording."""

    onset: float
    end: float

    def later(self, seconds: float) -> "SpeechSegment":
        """The same, so much later."""
        return SpeechSegment(self.onset + seconds, self.end + seconds)


@dataclass(frozen=True, slots=True, eq=False)
class SpeechAudio:
    """Audio, and where somebody speaks in it."""

    samples: Samples
    stretches: tuple[SpeechSegment, ...]

    def write(self, path: Path) -> Path:
        """As a WAV file."""
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(self.samples.astype("<i2").tobytes())
        return path


def samples(folder: Path) -> Iterator[Sample]:
    """What the folder's ``manifest.tsv`` lists, by its columns ``file`` and ``reference``."""
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Sample(folder / row["file"], row["reference"])


def recordings(folder: Path | None) -> list[Path]:
    """A folder's recordings; without one, the samples and the person who comes with the engine."""
    if folder is not None:
        return [sample.file for sample in samples(folder)]
    engine = importlib.util.find_spec("moonshine_voice")
    if engine is None or engine.origin is None:
        raise RuntimeError("the embedded engine is not installed")
    person = Path(engine.origin).parent / "assets" / "two_cities.wav"
    return [*(sample.file for sample in samples(ROOT / "samples")), person]


def load_speech(path: Path) -> SpeechAudio:
    """A recording as it is streamed: mono, at `RATE`."""
    pcm = b"".join(decode.pcm_blocks(probe(str(path)), RATE, RATE))
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int16)
    return SpeechAudio(samples, find_speech_segments(samples))


def find_speech_segments(samples: Samples) -> tuple[SpeechSegment, ...]:
    """Where somebody speaks; the rule stands at the top of this module."""
    frames = len(samples) // _FRAME
    if not frames:
        return ()
    power = (samples[: frames * _FRAME].astype(float).reshape(frames, _FRAME) ** 2).mean(axis=1)
    loudness = 10 * np.log10(power + 1e-3)
    loud = loudness > np.percentile(loudness, 95) - QUIETER
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud, [0])))).reshape(-1, 2)
    return tuple(
        _merge_segments(SpeechSegment(begin / 100, end / 100) for begin, end in edges.tolist())
    )


def concatenate(parts: Sequence[SpeechAudio], first: int, seconds: float) -> SpeechAudio:
    """Recordings one after the other from number ``first`` on, `PAUSE` after each, cut at the end.

    A stretch that the cut goes through is left out.
    """
    length = round(seconds * RATE)
    pieces: list[Samples] = []
    found: list[SpeechSegment] = []
    position = 0
    for part in islice(cycle(parts), first % len(parts), None):
        if position >= length:
            break
        found += [stretch.later(position / RATE) for stretch in part.stretches]
        pieces += [part.samples, np.zeros(round(PAUSE * RATE), np.int16)]
        position += sum(map(len, pieces[-2:]))
    samples: Samples = np.concatenate(pieces)[:length]
    return SpeechAudio(samples, tuple(stretch for stretch in found if stretch.end <= seconds))


def _merge_segments(loud: Iterable[SpeechSegment]) -> Iterator[SpeechSegment]:
    """Bridges the gaps, then drops what is too short to be speech."""
    bridged: list[SpeechSegment] = []
    for stretch in loud:
        if bridged and stretch.onset - bridged[-1].end < GAP:
            bridged[-1] = SpeechSegment(bridged[-1].onset, stretch.end)
        else:
            bridged.append(stretch)
    return (stretch for stretch in bridged if stretch.end - stretch.onset >= SHORTEST)
