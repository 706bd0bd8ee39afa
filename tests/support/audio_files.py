"""Writes recordings for tests: real files of real formats."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

Samples = np.ndarray[Any, np.dtype[Any]]


def distinct_samples(seconds: float, rate: int = 16000) -> Samples:
    """16-bit samples, each unlike its neighbours, so that a shift or a loss is noticed."""
    return ((np.arange(round(seconds * rate)) * 37) % 50021 - 25010).astype(np.int16)


def sine(seconds: float, rate: int = 16000, channels: int = 1, level: float = 0.3) -> Samples:
    """A sine of 440 Hz as floats; further channels are quieter."""
    wave = level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return wave if channels == 1 else np.stack([wave / (n + 1) for n in range(channels)], axis=1)


def write_recording(
    path: Path, samples: Samples, rate: int = 16000, kind: str = "WAV", sub: str | None = None
) -> str:
    """Writes a recording and returns its path as text."""
    soundfile.write(path, samples, rate, format=kind, subtype=sub)
    return str(path)
