"""Tries the decoders: writes a short tone in each format, reads it back and measures its length."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import soundfile

from workers.audio.decode import pcm_blocks
from workers.audio.probe import probe
from workers.errors import Unreadable

TRIAL_RATE_HZ = 48_000
"""A rate that every format takes; Opus takes few."""
TONE_S = 0.5
_TOLERANCE_S = 0.1
"""Lossy formats add some silence."""

Tone: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"


@dataclass(frozen=True, slots=True)
class DecoderTrial:
    """One format, and why it could not be read; empty if it could."""

    format: str
    problem: str = ""


def try_decoders(folder: Path) -> Iterator[DecoderTrial]:
    """Tries one format after the other in an empty folder."""
    tone = (
        0.5 * np.sin(np.arange(round(TRIAL_RATE_HZ * TONE_S)) * 2 * math.pi * 440 / TRIAL_RATE_HZ)
    ).astype(np.float32)
    for name, write in WRITERS.items():
        path = folder / f"tone.{name}"
        try:
            write(path, tone)
            yield DecoderTrial(name, _problem(path))
        except Exception as error:  # whatever a broken decoder raises is the finding
            yield DecoderTrial(name, str(error) or type(error).__name__)


def _problem(path: Path) -> str:
    try:
        recording = probe(str(path))
        decoded = sum(len(block) for block in pcm_blocks(recording, 16_000, 1600)) / 2 / 16_000
    except Unreadable as error:
        return error.reason
    if abs(decoded - TONE_S) > _TOLERANCE_S:
        return f"{decoded:.2f} s were decoded of {TONE_S:.2f} s"
    return ""


def _write_with_libsndfile(path: Path, tone: Tone) -> None:
    subtype = "OPUS" if path.suffix == ".opus" else None
    kind = "OGG" if path.suffix == ".opus" else None
    soundfile.write(path, tone, TRIAL_RATE_HZ, format=kind, subtype=subtype)


def _write_with_ffmpeg(path: Path, tone: Tone) -> None:
    import av  # slow to load

    container, codec = {".m4a": ("mp4", "aac"), ".webm": ("webm", "libopus")}[path.suffix]
    with av.open(str(path), "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=TRIAL_RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate = TRIAL_RATE_HZ
        resampler = av.AudioResampler(
            stream.format, "mono", TRIAL_RATE_HZ, frame_size=stream.frame_size or 1024
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))


WRITERS: Mapping[str, Callable[[Path, Tone], None]] = {
    **dict.fromkeys(("wav", "flac", "mp3", "ogg", "opus", "aiff"), _write_with_libsndfile),
    **dict.fromkeys(("m4a", "webm"), _write_with_ffmpeg),
}
"""How a file of each format is written: those with decoders of their own."""
