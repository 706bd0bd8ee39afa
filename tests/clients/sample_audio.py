"""Recordings of this project as a client sends them: 16-bit mono PCM in chunks."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import soundfile

from tests.support.audio_files import Samples

FOLDER = Path(__file__).parents[2] / "samples" / "recordings"
CHUNK_SECONDS = 0.1
"""Seconds."""


@dataclass(frozen=True, slots=True)
class SampleRecording:
    """A mono recording; its last chunk is padded with silence."""

    rate: int
    samples: Samples

    def head(self, seconds: float) -> "SampleRecording":
        return SampleRecording(self.rate, self.samples[: round(seconds * self.rate)])

    @property
    def chunks(self) -> list[bytes]:
        size = round(self.rate * CHUNK_SECONDS) * 2
        pcm = self.samples.tobytes()
        return [pcm[at : at + size].ljust(size, b"\0") for at in range(0, len(pcm), size)]


def load_sample(name: str) -> SampleRecording:
    """The recording with this file name."""
    samples, rate = soundfile.read(FOLDER / name, dtype="int16")
    return SampleRecording(rate, samples)


def normalise_text(texts: Iterable[str]) -> str:
    """The text in lower case, without punctuation."""
    text = " ".join(texts).lower()
    return "".join(letter for letter in text if letter.isalnum() or letter in " '")
