"""Word errors of the embedded engine on speech from a telephone line.

``python -m tests.benchmarks.telephone [FOLDER] [--sessions 4] [--lead 1] [--tail 2]``

FOLDER holds a ``manifest.tsv`` with the columns ``file`` and ``reference`` (default: ``samples``).
Each recording is brought to 8 kHz, limited to 300 to 3400 Hz, and encoded. Before and after it the
line is silent. It is streamed in four ways: by a client that sends as fast as the server accepts,
as ``pcm_s16le`` and as ``pcm_mulaw`` at 8 kHz, and by the program at the speed of speech, from WAV
files with µ-law and A-law. A row with noise has white noise 30 dB below the speech on all the line.

WER
    As in `accuracy`, over all recordings.
turns
    Final turns, and among them those that nobody said: no word of theirs is in the reference.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import soundfile
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.benchmarks import ROOT, speech_segments, system_metrics
from tests.benchmarks.accuracy import normalised, pool_scores, score
from tests.benchmarks.report_collector import stream_files
from tests.benchmarks.speech_segments import Sample
from tests.support.telephone import RATE_HZ, Waveform, encode_samples, telephone_line
from tui.text.tables import table
from workers.jobs.job import StreamSettings
from workers.localserver.child import LocalServer

START_TIMEOUT_S = 60.0
NOISE_DB = 30.0


@dataclass(frozen=True, slots=True)
class TelephoneResult:
    """What the engine made of one recording."""

    reference: str
    turns: list[str]

    @property
    def unsaid_count(self) -> int:
        """The number of turns that nobody said."""
        return unsaid_turns(self.reference, self.turns)


def main() -> None:
    args = _parse_arguments()
    print(system_metrics.describe_machine(), flush=True)
    samples = list(speech_segments.samples(args.folder))
    rows = []
    for noise_db in (None, NOISE_DB):
        lines = [_line(sample, args.lead, args.tail, noise_db) for sample in samples]
        for way, results in _results(samples, lines, args.sessions):
            errors = pool_scores(score(r.reference, " ".join(r.turns)) for r in results)
            rows.append(
                (
                    way,
                    "-" if noise_db is None else f"{noise_db:g} dB",
                    str(errors.words),
                    f"{errors.wer:.2f}",
                    str(sum(len(result.turns) for result in results)),
                    str(sum(result.unsaid_count for result in results)),
                )
            )
            print(*rows[-1], flush=True)
    head = ("telephone", "noise", "words", "WER %", "turns", "nobody's")
    print(f"\n{table(head, rows)}\n\n{len(samples)} recordings, {args.lead:g} s before each")


def unsaid_turns(reference: str, turns: Sequence[str]) -> int:
    """How many turns consist of words that are not in the reference, when both are aligned."""
    texts = [normalised(turn).split() for turn in turns]
    words = [word for text in texts for word in text]
    if not words:
        return 0
    aligned = jiwer.process_words(normalised(reference), " ".join(words))
    inserted = {
        index
        for chunk in aligned.alignments[0]
        if chunk.type == "insert"
        for index in range(chunk.hyp_start_idx, chunk.hyp_end_idx)
    }
    count = first = 0
    for text in texts:
        after = first + len(text)
        count += bool(text) and inserted.issuperset(range(first, after))
        first = after
    return count


def _line(sample: Sample, lead_s: float, tail_s: float, noise_db: float | None) -> Waveform:
    recording, rate = soundfile.read(sample.file, always_2d=True)
    mono = recording.mean(axis=1)
    return telephone_line(mono, rate, lead_s=lead_s, tail_s=tail_s, noise_db=noise_db)


def _results(
    samples: Sequence[Sample], lines: Sequence[Waveform], sessions: int
) -> Iterator[tuple[str, list[TelephoneResult]]]:
    """The results of each way to stream the lines."""
    references = [sample.reference for sample in samples]

    def results(turns: Iterable[list[str]]) -> list[TelephoneResult]:
        return [TelephoneResult(*pair) for pair in zip(references, turns, strict=True)]

    with tempfile.TemporaryDirectory() as scratch:
        with LocalServer(Path(scratch) / "engine.log") as server:
            server.wait_for_address(START_TIMEOUT_S)
            for encoding, subtype in (("pcm_s16le", "PCM_16"), ("pcm_mulaw", "ULAW")):
                # One at a time: audio in a burst is a backlog, and then others are refused.
                audio = (encode_samples(line, subtype) for line in lines)
                turns = (_final_turns(server, encoding, data) for data in audio)
                yield f"client, {encoding}", results(turns)
        for subtype in ("ULAW", "ALAW"):
            files = [Path(scratch) / f"{n:03d}-{subtype}.wav" for n in range(len(lines))]
            for file, line in zip(files, lines, strict=True):
                soundfile.write(file, line, RATE_HZ, subtype=subtype)
            collectors = stream_files(files, sessions, StreamSettings())
            histories = (collectors[str(file)].history for file in files)
            yield (
                f"paceline, WAV {subtype}",
                results(
                    [turn.transcript for turn in history.transcript.turns] for history in histories
                ),
            )


def _final_turns(server: LocalServer, encoding: str, data: bytes) -> list[str]:
    """The final turns of a session that gets this audio."""
    query = f"sample_rate={RATE_HZ}&encoding={encoding}&include_partial_turns=false"
    address = f"{server.wait_for_address(START_TIMEOUT_S)}?{query}"
    headers = {"Authorization": server.api_key}
    size = RATE_HZ // 10 * (2 if encoding == "pcm_s16le" else 1)
    turns = []
    with connect(address, additional_headers=headers, proxy=None) as client:
        for at in range(0, len(data), size):
            client.send(data[at : at + size])
        client.send('{"type":"Terminate"}')
        try:
            while True:
                message = json.loads(client.recv(START_TIMEOUT_S))
                if message["type"] == "Turn":
                    turns.append(message["transcript"])
        except ConnectionClosed:
            return turns


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Word error rate on telephone speech.")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "samples")
    parser.add_argument("--sessions", type=int, default=4, help="how many files at once")
    parser.add_argument("--lead", type=float, default=1.0, help="seconds of silence before each")
    parser.add_argument("--tail", type=float, default=2.0, help="seconds of silence after each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
