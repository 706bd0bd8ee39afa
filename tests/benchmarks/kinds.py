"""Streams every kind of recording to the embedded engine, and shows how much of it arrives.

``python -m tests.benchmarks.kinds [--sessions 8] [--speed 1] [--keep FOLDER]``

Each kind that `tests.support.audio_kinds` can make holds the same sentence of speech. Files that
were made before, such as Speex, hold tones, so they have no words.

in
    Seconds of audio that are in the file, known from how it was made.
told
    What the prober says before streaming; ``~`` if it had to guess.
sent
    What the session sent.
words
    Words of the sentence that the engine recognised, of all its words.
loss
    ``none`` if the seconds agree within the last frame of the codec, ``told`` if they do not and a
    warning says so, ``SILENT`` if nothing says so, ``unread`` if the file was refused.
"""

import argparse
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from tests.benchmarks import ROOT, system_metrics
from tests.benchmarks.accuracy import score
from tests.benchmarks.report_collector import JobCollector, stream_files
from tests.support.audio_kinds import FIXTURE_SECONDS, KINDS, NOISE, Kind, write_kind
from tui.text.tables import table
from workers.jobs.events import Outcome
from workers.jobs.job import StreamSettings

_SPEECH = ROOT / "samples" / "recordings" / "harbour.wav"
_SPEECH_S = 4.0
_REFERENCE = "Good evening, here is the weather for the coast."
_TOLERANCE_S = 0.1


@dataclass(frozen=True, slots=True)
class KindResult:
    """How one kind of recording was streamed."""

    kind: Kind
    seconds: float
    told: str
    sent_seconds: float
    words: str
    loss: str
    reason: str


def main() -> None:
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    speech, rate = soundfile.read(_SPEECH, frames=round(_SPEECH_S * 16000))
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        paths = {
            kind: write_kind(kind, folder, np.asarray(soxr.resample(speech, rate, kind.rate)))
            for kind in KINDS
        }
        settings = StreamSettings(speed=args.speed)
        collectors = stream_files(list(paths.values()), args.sessions, settings, must_be_done=False)
    results = [_result(kind, collectors[str(path)]) for kind, path in paths.items()]
    rows = [
        (
            result.kind.name,
            f"{result.seconds:.2f}",
            result.told,
            f"{result.sent_seconds:.2f}",
            result.words,
            result.loss,
            result.reason,
        )
        for result in results
    ]
    print(table(("kind", "in", "told", "sent", "words", "loss", ""), rows))
    counts = Counter(result.loss for result in results)
    print(f"\n{len(results)} kinds: " + ", ".join(f"{n} {loss}" for loss, n in counts.items()))


def _result(kind: Kind, collector: JobCollector) -> KindResult:
    state = collector.history
    seconds = FIXTURE_SECONDS.get(kind.name) or kind.seconds(_SPEECH_S)
    ended = state.ended
    assert ended is not None
    told = f"{'' if state.is_exact else '~'}{state.total_seconds:.2f}"
    if ended.outcome is not Outcome.DONE:
        return KindResult(kind, seconds, told, state.sent_seconds, "", "unread", ended.reason)
    slack_s = kind.padding_s + _TOLERANCE_S
    if abs(state.sent_seconds - seconds) <= slack_s and not kind.is_damaged:
        loss = "none"
    else:
        loss = "told" if state.recording_faults else "SILENT"
    errors = score(_REFERENCE, state.transcript.text)
    right = errors.words - errors.substitutions - errors.deletions
    has_words = kind.name not in NOISE and kind.name not in FIXTURE_SECONDS
    words = f"{right}/{errors.words}" if has_words else ""
    reason = "; ".join(state.recording_faults)
    return KindResult(kind, seconds, told, state.sent_seconds, words, loss, reason)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Seconds and words of every kind of recording.")
    parser.add_argument("--sessions", type=int, default=8, help="how many at once")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--keep", type=Path, help="a folder for the files")
    return parser.parse_args()


if __name__ == "__main__":
    main()
