"""Samples of this project as a client sends them: 16-bit mono PCM in chunks."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import soundfile

from tests.support.audio_files import Samples

FOLDER = Path(__file__).parents[2] / "samples" / "recordings"
CHUNK = 0.1
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A mono sample; the last of its chunks is padded with silence."""

    rate: int
    samples: Samples

    def first(self, seconds: float) -> "Recording":
        return Recording(self.rate, self.samples[: round(seconds * self.rate)])

    @property
    def chunks(self) -> list[bytes]:
        size = round(self.rate * CHUNK) * 2
        pcm = self.samples.tobytes()
        return [pcm[at : at + size].ljust(size, b"\0") for at in range(0, len(pcm), size)]


def read(name: str) -> Recording:
    """A recording by its file's name."""
    samples, rate = soundfile.read(FOLDER / name, dtype="int16")
    return Recording(rate, samples)


def plain(texts: Iterable[str]) -> str:
    """All of it in lower case, without punctuation."""
    text = " ".join(texts).lower()
    return "".join(letter for letter in text if letter.isalnum() or letter in " '")
