"""Word error rate and delay of the embedded engine, over the whole pipeline at the speed of speech.

``python -m tests.benchmarks.accuracy [FOLDER] [--sessions 6]``

FOLDER holds a ``manifest.tsv`` with the columns ``file`` and ``reference`` (default: ``samples``).
Every file goes the way that a user's goes: probe, process, pacing, socket, engine, transcript.

WER
    ``(substitutions + deletions + insertions) / words of the reference``, after Whisper's English
    normaliser on both sides, so that case, punctuation and the spelling of numbers do not count.
    *Pooled* adds up errors and words of all files; the *mean* weighs every file alike.
delay
    From the end of a turn's last word in the recording until its first final reading is here, in
    seconds. By the release convention ``start``, the default, a chunk leaves when its first sample
    is due; so a delay is up to one chunk shorter than it would be at a microphone.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

from tests.benchmarks import ROOT
from tests.benchmarks.table import table
from tui.options import Options
from tui.program import supervised
from workers.events import Began, Ended, Outcome, Report, TurnHeard
from workers.history import JobHistory
from workers.jobs import Settings
from workers.supervisor import Supervisor

_normalised = EnglishTextNormalizer()


@dataclass(frozen=True, slots=True)
class Sample:
    """A recording and what is said in it."""

    file: Path
    reference: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the engine made of a recording."""

    text: str
    delays: list[float]
    """Of its finals, in seconds."""


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


class Listener:
    """Folds the reports of one job."""

    def __init__(self, report: Report) -> None:
        self.history = JobHistory(report.job, report.file)
        self._start = 0.0
        self._delays: dict[int, float] = {}

    def hear(self, report: Report) -> None:
        """Takes one report in."""
        self.history.apply(report)
        match report.event:
            case Began():
                self._start = report.t
            case TurnHeard(turn) if turn.end_of_turn and turn.words:
                behind = report.t - self._start - turn.words[-1].end / 1000
                self._delays.setdefault(turn.turn_order, behind)
            case Ended(outcome=outcome) as ended if outcome is not Outcome.DONE:
                raise RuntimeError(f"{report.file}: {ended.reason}")

    @property
    def heard(self) -> Heard:
        """All of it."""
        return Heard(self.history.transcript.text, list(self._delays.values()))


def main() -> None:
    """Streams the folder and prints its table."""
    asked = _asked()
    samples = list(_samples(asked.folder))
    heard = _heard([str(sample.file) for sample in samples], asked.sessions)
    scores = [score(sample.reference, heard[str(sample.file)].text) for sample in samples]
    rows = [
        _row(sample.file.name, each, heard[str(sample.file)].delays)
        for sample, each in zip(samples, scores, strict=True)
    ]
    every_delay = [delay for each in heard.values() for delay in each.delays]
    rows.append(_row("pooled", pooled(scores), every_delay))
    head = ("", "words", "S", "D", "I", "WER %", "finals", "delay p50 s", "max s")
    print(table(head, rows))
    print(f"\nmean of files: {mean(each.wer for each in scores):.2f} % WER")
    print(f"streamed at the speed of speech, {asked.sessions} at once, embedded engine")


def score(reference: str, text: str) -> Score:
    """The errors of a text."""
    said, heard = _normalised(reference), _normalised(text)
    if not said:
        return Score(0, 0, 0, len(heard.split()))
    found = jiwer.process_words(said, heard)
    return Score(len(said.split()), found.substitutions, found.deletions, found.insertions)


def pooled(scores: Iterable[Score]) -> Score:
    """The errors of all of them."""
    every = list(scores)
    return Score(
        sum(each.words for each in every),
        sum(each.substitutions for each in every),
        sum(each.deletions for each in every),
        sum(each.insertions for each in every),
    )


def _heard(files: Sequence[str], sessions: int) -> dict[str, Heard]:
    with tempfile.TemporaryDirectory() as scratch:
        options = Options(
            settings=Settings(),
            target=None,
            key=None,
            sessions=sessions,
            start_rate=None,
            out=Path(scratch) / "run",
        )
        with supervised(options) as supervisor:
            listeners: dict[str, Listener] = {}
            for report in _reports(supervisor, files):
                listeners.setdefault(report.file, Listener(report)).hear(report)
    return {file: listener.heard for file, listener in listeners.items()}


def _reports(supervisor: Supervisor, files: Sequence[str]) -> Iterator[Report]:
    """Everything that is reported, until each file has ended once."""
    supervisor.add(files)
    left = len(files)
    while left:
        report = supervisor.reports.get()
        left -= isinstance(report.event, Ended)
        yield report


def _samples(folder: Path) -> Iterator[Sample]:
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Sample(folder / row["file"], row["reference"])


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Word error rate of the embedded engine.")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "samples")
    parser.add_argument("--sessions", type=int, default=6, help="how many at once")
    return parser.parse_args()


def _row(name: str, scored: Score, delays: Sequence[float]) -> tuple[str, ...]:
    return (
        name,
        str(scored.words),
        str(scored.substitutions),
        str(scored.deletions),
        str(scored.insertions),
        f"{scored.wer:.2f}",
        str(len(delays)),
        f"{median(delays):.2f}" if delays else "",
        f"{max(delays):.2f}" if delays else "",
    )


if __name__ == "__main__":
    main()
