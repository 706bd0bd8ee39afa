"""How far off the engine's word times are, against a forced alignment of the reference.

``python -m tests.benchmarks.word_times [FOLDER] [--sessions 2]``

FOLDER holds a ``manifest.tsv`` with the columns ``file`` and ``reference`` (default: ``samples``).
Each recording whose words all stand in pocketsphinx's English dictionary is aligned with its
reference text by that package, offline, and streamed to the embedded engine. Recognised words are
matched with words of the reference as the word error rate matches them, and only equal words count:
for finals over the whole recording; for a partial over the words of its turn, from the first on,
since a partial is how a turn begins.

start, end
    The engine's time minus the alignment's, in ms: the median tells a bias, |median| and |p90| (by
    nearest rank) the size. A word of a partial counts in every partial that has it.
matched
    Words that were compared, and their share of the engine's words.

The alignment is not exact either. It has frames of 10 ms, and at a pause it may add a part of the
silence to the word before or after; so differences of some 50 ms mean nothing,
and ends are less certain than starts.
"""

import argparse
import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import jiwer

from tests.benchmarks import ROOT, speech_segments, system_metrics
from tests.benchmarks.latency import Reading, finals, format_value, percentile
from tests.benchmarks.report_collector import stream_files
from tests.benchmarks.speech_segments import Samples
from tui.text.tables import table
from workers.jobs.job import StreamSettings
from workers.protocol.messages import Word

ALIGNER = "pocketsphinx==5.1.1"
"""Its model is in the package. No dependency of the tests: not every Python has a wheel of it."""

FRAME_MS = 10
"""The aligner's resolution."""

SPARE = 2
"""How many reference words a partial may have missed."""


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """A word of the reference and when it is spoken, in ms of the recording."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TimingErrors:
    """Differences in ms, engine minus alignment, of so many of ``words`` of the engine."""

    words: int
    starts: list[int]
    ends: list[int]


def main() -> None:
    """Aligns, streams, compares and prints a table."""
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    samples = list(speech_segments.samples(args.folder))
    found = {
        sample.file: aligned
        for sample in samples
        if (
            aligned := force_align(
                speech_segments.load_speech(sample.file).samples, sample.reference
            )
        )
    }
    print(f"{len(found)} of {len(samples)} recordings could be aligned", flush=True)
    heard = stream_files(list(found), args.sessions, StreamSettings(speech_model=args.speech_model))
    rows = []
    every: dict[str, list[TimingErrors]] = {"finals": [], "partials": []}
    for file, aligned in found.items():
        readings = heard[str(file)].readings
        for kind, compared in (
            ("finals", final_word_errors(readings, aligned)),
            ("partials", partial_word_errors(readings, aligned)),
        ):
            rows.append(_row(f"{file.name}, {kind}", compared))
            every[kind].append(compared)
    rows += [_row(f"all, {kind}", merge_errors(each)) for kind, each in every.items()]
    head = ("", "matched", "%", "start median", "|median|", "|p90|", "end median", "|median|")
    print(f"\n{table((*head, '|p90|'), rows)}\n")
    print(f"differences in ms, {args.speech_model}; the alignment has frames of {FRAME_MS} ms")


def force_align(heard: Samples, reference: str) -> list[AlignedWord]:
    """Every word of the reference, in order; empty if it cannot be aligned."""
    from pocketsphinx import Decoder  # here, because the arithmetic can be tested without it

    words = _words(reference)
    decoder = Decoder(samprate=float(speech_segments.RATE), lm=None, loglevel="FATAL")
    if not words or any(decoder.lookup_word(word) is None for word in words):
        return []
    decoder.set_align_text(" ".join(words))
    decoder.start_utt()
    decoder.process_raw(heard.astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:  # the audio and the text do not go together
        return []
    spoken = [
        AlignedWord(_text(each.word), each.start_frame * FRAME_MS, (each.end_frame + 1) * FRAME_MS)
        for each in decoder.seg()
        if each.word[0] not in "<["  # silence and noise
    ]
    return spoken if [each.text for each in spoken] == words else []


def final_word_errors(readings: Iterable[Reading], aligned: Sequence[AlignedWord]) -> TimingErrors:
    """Timing errors of the words of all finals."""
    words = [word for final in finals(readings) for word in final.turn.words]
    return _compared(words, aligned)


def partial_word_errors(
    readings: Sequence[Reading], aligned: Sequence[AlignedWord]
) -> TimingErrors:
    """Timing errors of the words of all partials."""
    begins = turn_start_indices(readings, aligned)
    every = []
    for reading in readings:
        turn = reading.turn
        if not turn.end_of_turn and turn.turn_order in begins:
            begin = begins[turn.turn_order]
            beginning = aligned[begin : begin + len(turn.words) + SPARE]
            every.append(_compared(turn.words, beginning))
    return merge_errors(every)


def turn_start_indices(
    readings: Iterable[Reading], aligned: Sequence[AlignedWord]
) -> dict[int, int]:
    """With which word of the reference each turn begins, as far as its final was understood."""
    orders = [
        (final.turn.turn_order, index, word)
        for final in finals(readings)
        for index, word in enumerate(final.turn.words)
    ]
    begins: dict[int, int] = {}
    for heard, said in _equal([word for *_, word in orders], aligned):
        order, index, _ = orders[heard]
        begins.setdefault(order, max(0, said - index))
    return begins


def merge_errors(compared: Iterable[TimingErrors]) -> TimingErrors:
    """Merges timing errors."""
    every = list(compared)
    return TimingErrors(
        sum(each.words for each in every),
        [start for each in every for start in each.starts],
        [end for each in every for end in each.ends],
    )


def _compared(words: Sequence[Word], aligned: Sequence[AlignedWord]) -> TimingErrors:
    pairs = [(words[heard], aligned[said]) for heard, said in _equal(words, aligned)]
    return TimingErrors(
        len(words),
        [word.start - said.start for word, said in pairs],
        [word.end - said.end for word, said in pairs],
    )


def _equal(words: Sequence[Word], aligned: Sequence[AlignedWord]) -> Iterator[tuple[int, int]]:
    """Pairs of indices, in ``words`` and in ``aligned``, where the same word stands."""
    heard = [" ".join(_words(word.text)).replace(" ", "") or "-" for word in words]
    if not heard or not aligned:
        return
    found = jiwer.process_words(" ".join(each.text for each in aligned), " ".join(heard))
    for piece in found.alignments[0]:
        if piece.type == "equal":
            yield from zip(
                range(piece.hyp_start_idx, piece.hyp_end_idx),
                range(piece.ref_start_idx, piece.ref_end_idx),
                strict=True,
            )


def _words(text: str) -> list[str]:
    """In small letters and without punctuation, as the dictionary has them."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower().replace("’", "'"))


def _text(word: str) -> str:
    """Without the number of its pronunciation: ``and(2)`` is ``and``."""
    return word.partition("(")[0]


# --- words ----------------------------------------------------------------------------------------


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Word times beside a forced alignment.")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "samples")
    parser.add_argument("--sessions", type=int, default=2, help="how many at once")
    parser.add_argument("--speech-model", default=StreamSettings().speech_model)
    if importlib.util.find_spec("pocketsphinx") is None:
        parser.error(f"the aligner is missing: pip install {ALIGNER}")
    return parser.parse_args()


def _row(name: str, compared: TimingErrors) -> tuple[str, ...]:
    share = 100 * len(compared.starts) / max(1, compared.words)
    cells = [str(len(compared.starts)), f"{share:.0f}"]
    for differences in (compared.starts, compared.ends):
        sizes = [abs(each) for each in differences]
        cells.append(f"{median(differences):+.0f}" if differences else "-")
        cells += [format_value(percentile(sizes, rank), 0) for rank in (50, 90)]
    return name, *cells


if __name__ == "__main__":
    main()
