"""Word errors and delays of the embedded engine, over the whole pipeline at the speed of speech.

``python -m tests.benchmarks.accuracy [FOLDER] [--sessions 1 6] [--tail 2] [--level -40]``

FOLDER holds a ``manifest.tsv`` with the columns ``file`` and ``reference`` (default: ``samples``).
Every file takes the usual way: probe, process, pacing, socket, engine, transcript. Each
number of sessions gives a table of its own: 1 shows the idle engine, its capacity the busy one.

WER
    ``(substitutions + deletions + insertions) / words of the reference``, after Whisper's English
    normaliser on both sides, so that case, punctuation and the spelling of numbers do not count.
    *Pooled* adds up errors and words of all files; the *mean* weighs every file alike.
first
    From the onset of speech to the first reading that has words: one of each recording, in seconds.
final
    From the end of speech to the first final reading of its turn, in seconds; see `latency`. Onset
    and end of speech are found in the recording by loudness, not told by the engine; see
    `speech_segments`. *Timed* are the finals of speech that ends more than 1.5 s before the
    recording does: later ones may be caused by `Terminate` and say nothing about endpointing. By
    the release convention ``start``, the default, a chunk leaves when its first sample is due; so a
    delay is up to one chunk shorter than it would be at a microphone.
percentiles
    By nearest rank: with few values, p95 is the largest.
tail
    Silence added after each recording, in seconds. With ``--tail 2`` silence ends every last turn,
    as it would at a microphone, so that all finals are timed; but a recording that ends in the
    middle of a sound is then understood better than it is as it stands.
level
    A gain in dB for quiet recordings: with -40, every sample is a hundredth of what it was.
"""

import argparse
import math
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import jiwer
import numpy as np
import soundfile
from whisper_normalizer.english import EnglishTextNormalizer

from tests.benchmarks import ROOT, speech_segments, system_metrics
from tests.benchmarks.latency import (
    final_latency_after_speech,
    finals,
    first_word_latency,
    format_value,
    percentile,
)
from tests.benchmarks.report_collector import JobCollector, stream_files
from tests.benchmarks.speech_segments import Sample, SpeechAudio
from tui.text.tables import table
from workers.jobs.job import StreamSettings

normalised = EnglishTextNormalizer()
"""The text as Whisper compares it: without case and punctuation, numbers in digits."""

_HEAD = ("words", "S", "D", "I", "WER %", "first p50", "p95", "finals", "timed", "final p50", "p95")


@dataclass(frozen=True, slots=True)
class Score:
    """The errors of one recording, or of several together."""

    words: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def wer(self) -> float:
        """In %."""
        return 100 * (self.substitutions + self.deletions + self.insertions) / max(1, self.words)


@dataclass(frozen=True, slots=True)
class AccuracyResult:
    """The engine's errors and delays (in seconds) for one recording or several."""

    score: Score
    finals: int
    first: list[float]
    final: list[float]
    """Delays of the timed finals."""


def main() -> None:
    """Streams the folder and prints its tables."""
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    samples = list(speech_segments.samples(args.folder))
    known = [speech_segments.load_speech(sample.file) for sample in samples]
    with tempfile.TemporaryDirectory() as scratch:
        files = _files(samples, Path(scratch), args.level, args.tail)
        for sessions in args.sessions:
            rounds = [
                stream_files(files, sessions, StreamSettings(speech_model=args.speech_model))
                for _ in range(args.repeat)
            ]
            every = [
                merge_results(
                    _heard(sample.reference, spoken, args.tail, listeners[str(file)])
                    for listeners in rounds
                )
                for sample, spoken, file in zip(samples, known, files, strict=True)
            ]
            print(f"\n{_table(samples, every, sessions)}", flush=True)
    print(
        f"\nstreamed at the speed of speech, {args.speech_model}, embedded engine; delays in "
        f"seconds; gain {args.level:g} dB, tail {args.tail:g} s, repeat {args.repeat}"
    )


def score(reference: str, text: str) -> Score:
    """Counts the errors of a text."""
    expected, recognised = normalised(reference), normalised(text)
    if not expected:
        return Score(0, 0, 0, len(recognised.split()))
    found = jiwer.process_words(expected, recognised)
    return Score(len(expected.split()), found.substitutions, found.deletions, found.insertions)


def pool_scores(scores: Iterable[Score]) -> Score:
    """Adds up scores."""
    every = list(scores)
    return Score(
        sum(each.words for each in every),
        sum(each.substitutions for each in every),
        sum(each.deletions for each in every),
        sum(each.insertions for each in every),
    )


def merge_results(results: Iterable[AccuracyResult]) -> AccuracyResult:
    """Merges the results of several recordings, or of several runs of one."""
    every = list(results)
    return AccuracyResult(
        pool_scores(each.score for each in every),
        sum(each.finals for each in every),
        [delay for each in every for delay in each.first],
        [delay for each in every for delay in each.final],
    )


def _heard(
    reference: str, spoken: SpeechAudio, tail: float, listener: JobCollector
) -> AccuracyResult:
    seconds = len(spoken.samples) / speech_segments.RATE + tail
    first = first_word_latency(listener.readings, spoken.stretches)
    final = final_latency_after_speech(listener.readings, spoken.stretches, seconds)
    return AccuracyResult(
        score(reference, listener.history.transcript.text),
        len(finals(listener.readings)),
        [first.seconds] if first else [],
        [delay.seconds for delay in final],
    )


def _files(samples: Sequence[Sample], folder: Path, level: float, tail: float) -> list[Path]:
    """The recordings as they are, or louder, quieter, and followed by silence."""
    if not level and not tail:
        return [sample.file for sample in samples]
    files = []
    for number, sample in enumerate(samples):
        recording, rate = soundfile.read(sample.file, always_2d=True)
        silence = np.zeros((round(tail * rate), recording.shape[1]))
        files.append(folder / f"{number:03d}-{sample.file.stem}.wav")
        soundfile.write(
            files[-1], np.concatenate((recording * math.pow(10, level / 20), silence)), rate
        )
    return files


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Word error rate of the embedded engine.")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "samples")
    parser.add_argument("--sessions", type=int, nargs="+", default=[6], help="how many at once")
    parser.add_argument("--repeat", type=int, default=1, help="how often each is streamed")
    parser.add_argument("--speech-model", default=StreamSettings().speech_model)
    parser.add_argument("--level", type=float, default=0.0, help="gain in dB")
    parser.add_argument("--tail", type=float, default=0.0, help="seconds of silence after each")
    return parser.parse_args()


def _table(samples: Sequence[Sample], every: Sequence[AccuracyResult], sessions: int) -> str:
    rows = [_row(sample.file.name, result) for sample, result in zip(samples, every, strict=True)]
    whole = merge_results(every)
    rows.append(_row("pooled", whole))
    errors = whole.score
    return (
        f"{table((f'{sessions} at once', *_HEAD), rows)}\n\n"
        f"pooled: {errors.substitutions} substitutions, {errors.deletions} deletions, "
        f"{errors.insertions} insertions in {errors.words} words: {errors.wer:.2f} % WER; "
        f"mean of files {mean(each.score.wer for each in every):.2f} %"
    )


def _row(name: str, result: AccuracyResult) -> tuple[str, ...]:
    errors = result.score
    return (
        name,
        *map(str, (errors.words, errors.substitutions, errors.deletions, errors.insertions)),
        f"{errors.wer:.2f}",
        *(format_value(percentile(result.first, rank)) for rank in (50, 95)),
        str(result.finals),
        str(len(result.final)),
        *(format_value(percentile(result.final, rank)) for rank in (50, 95)),
    )


if __name__ == "__main__":
    main()
