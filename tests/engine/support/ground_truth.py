"""Recordings with numbered words, a detector for them, and a check of transcripts.

Each tenth of a second is a word: from its 20th to its 80th millisecond, every sample has the word's
number; the rest is silence. A server can tell which words arrived complete, and when. The check of
a transcript can tell whether each word is there once, in order and at its time.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pysubs2

from tests.support import audio_files
from workers.exports.files import write_exports
from workers.jobs.job_state import JobState, JobStatus

RATE = 8000
TENTH_MS = 100
WORD_START_MS, WORD_END_MS = 20, 80
"""Where in its tenth a word begins and ends."""
WORD_NUMBERS_PER_JOB = 1000
"""Word numbers that are reserved for each job."""
MAX_JOBS = 32
"""Jobs whose word numbers fit into 16 bits."""


@dataclass(frozen=True)
class GroundTruth:
    """A recording and the words in it."""

    path: str
    numbers: tuple[int, ...]
    """In order. The number of a word encodes its recording and its tenth of a second."""

    @property
    def texts(self) -> list[str]:
        return [word_text(number) for number in self.numbers]


def write_numbered_recording(
    folder: Path, tenths: int, job: int = 0, *, silent: Iterable[int] = (), rate: int = RATE
) -> GroundTruth:
    """Writes a recording of so many tenths of a second; the ``silent`` ones have no word."""
    numbers = np.arange(tenths) + job * WORD_NUMBERS_PER_JOB + 1
    numbers[list(silent)] = 0
    samples = np.zeros((tenths, rate // 10), np.int16)
    samples[:, rate * WORD_START_MS // 1000 : rate * WORD_END_MS // 1000] = numbers[:, np.newaxis]
    path = audio_files.write_recording(folder / f"truth-{job}.wav", samples.ravel(), rate)
    return GroundTruth(path, tuple(int(number) for number in numbers if number))


def word_text(number: int) -> str:
    """The text of a word."""
    return f"w{number:05d}"


def word_start_ms(number: int) -> int:
    """In ms on the recording's clock."""
    return (number - 1) % WORD_NUMBERS_PER_JOB * TENTH_MS + WORD_START_MS


# --- what a server hears ------------------------------------------------------------------------


@dataclass(frozen=True)
class DetectedWord:
    """A word as it arrived; times in ms of the stream."""

    number: int
    start: int
    end: int
    is_complete: bool

    @property
    def text(self) -> str:
        return word_text(self.number) if self.is_complete else f"torn-{self.number}"


class WordDetector:
    """Finds the words in a stream of 16-bit PCM, however it is cut into chunks."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._length = rate * (WORD_END_MS - WORD_START_MS) // 1000
        self._position = 0
        self._number = 0
        self._began_at = 0

    def feed(self, pcm: bytes) -> Iterator[DetectedWord]:
        """Adds audio and returns the words that ended in it."""
        samples = np.frombuffer(pcm, "<i2")
        changes = np.flatnonzero(np.diff(samples, prepend=np.int16(self._number)))
        for at in changes:
            yield from self._change(self._position + int(at), int(samples[at]))
        self._position += len(samples)

    @property
    def heard_ms(self) -> float:
        """Milliseconds of the stream so far."""
        return 1000 * self._position / self._rate

    @property
    def is_inside_word(self) -> bool:
        """Whether a word has begun and not ended."""
        return self._number != 0

    def flush(self) -> Iterator[DetectedWord]:
        """The word that the end of the stream ends, if any."""
        yield from self._change(self._position, 0)

    def _change(self, at: int, number: int) -> Iterator[DetectedWord]:
        if self._number:
            begin, end = (round(1000 * sample / self._rate) for sample in (self._began_at, at))
            yield DetectedWord(self._number, begin, end, at - self._began_at == self._length)
        self._number, self._began_at = number, at


_ATTEMPT_MARKER = re.compile(r"^(\[attempt \d+ goes on from .*\]|NOTE .*)$", re.MULTILINE)
"""The WebVTT comment where another attempt took over."""


# --- what was kept ------------------------------------------------------------------------------


def transcript_errors(
    truth: GroundTruth, job_state: JobState, padding_ms: int = 0, *, timed: bool = True
) -> list[str]:
    """Every error in the transcript and the exports of a finished job.

    ``padding_ms``: how much too late the server reports ends of turns. ``timed``: whether the times
    of words must be right, which they cannot be if the server lies about them.
    """
    found = (
        []
        if job_state.status is JobStatus.DONE
        else [f"it is {job_state.status}: {job_state.ended}"]
    )
    found += [f"not final: {line.text}" for line in job_state.transcript.lines if not line.is_final]
    found += _word_differences("transcript", truth.texts, job_state.transcript.text.split())
    for line in job_state.transcript.lines if timed else ():
        for word in line.words:
            if word.text not in truth.texts:
                continue  # that was complained of already
            true = word_start_ms(int(word.text[1:]))
            if not (word.start == true and 60 <= word.end - true <= 60 + padding_ms):
                found.append(f"{word.text} is said to be at {word.start}–{word.end} ms")
    with TemporaryDirectory() as folder:
        files = write_exports(job_state, ("txt", "srt", "vtt", "json", "csv"), Path(folder))
        for path in files:
            found += _word_differences(path.suffix, truth.texts, _exported_words(path))
    return found


def _word_differences(where: str, expected: list[str], kept: list[str]) -> list[str]:
    if expected == kept:
        return []
    twice = sorted({word for word in kept if kept.count(word) > 1})
    missing = [word for word in expected if word not in kept]
    strange = [word for word in kept if word not in expected]
    order = [f"{a} before {b}" for a, b in pairwise(kept) if a > b]
    return [f"{where}: {missing=} {twice=} {strange=} {order=}"]


def _exported_words(path: Path) -> list[str]:
    """All words of an export, in its order."""
    match path.suffix:
        case ".json":
            turns: list[dict[str, Any]] = json.loads(path.read_text())["turns"]
            return [word for turn in turns for word in turn["transcript"].split()]
        case ".csv":
            with path.open(newline="") as file:
                return [word for row in csv.DictReader(file) for word in row["text"].split()]
        case ".srt" | ".vtt":
            written = _ATTEMPT_MARKER.sub("", path.read_text())
            cues = pysubs2.SSAFile.from_string(written, format_=path.suffix[1:])
            assert all(a.end <= b.start for a, b in pairwise(cues))
            return [word for cue in cues for word in cue.plaintext.split()]
    return _ATTEMPT_MARKER.sub("", path.read_text()).split()
