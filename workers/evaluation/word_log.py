"""Writes when each word was shown, in the log of SimulEval, which OmniSTEval reads too.

One JSON object a line and recording: ``prediction`` and ``reference``, words separated by spaces;
``delays``, for each word of the prediction how much audio had been sent when it was there to stay;
``elapsed``, how much time had passed since the first chunk was due; ``source_length``; all in ms.
"""

import json
from bisect import bisect_right
from pathlib import Path

from workers import files
from workers.evaluation.attempt_log import read_attempt, shown_words
from workers.evaluation.job_score import JobScore
from workers.evaluation.reference_formats import Reference
from workers.evaluation.score import RunScore
from workers.protocol.codec import JsonObject
from workers.traces.files import trace_files
from workers.traces.reader import TraceReader


def write_word_log(path: Path, score: RunScore) -> int:
    """Writes the log of the recordings that have a reference and whose ``laal`` is measured: one
    session streamed all of it, at the speed of speech, and its pacing held. Returns how many.
    Raises `OSError`."""
    records: list[JsonObject] = []
    for job in score.jobs:
        if job.reference is not None and "laal" in job.latency.delays and len(job.halves) == 1:
            records.append(_record(score.run, job, job.reference, len(records)))
    lines = "".join(json.dumps(record, ensure_ascii=True) + "\n" for record in records)
    files.write_output(path, lines.encode())
    return len(records)


def _record(run: Path, job: JobScore, reference: Reference, index: int) -> JsonObject:
    *_, (number, path) = trace_files(run, job.job)  # those before it streamed nothing
    trace = TraceReader(path)
    attempt = read_attempt(number, trace)
    turns = [turn for _, turn in sorted(attempt.turns.items()) if turn.final is not None]
    words, times = shown_words(turns), list(trace.chunk_times)
    sent_s = [chunk.sent_s for chunk in times]
    first, last = times[0], times[-1]

    def sent_ms(t: float) -> float:
        """How much audio had been sent by then."""
        chunk = times[max(bisect_right(sent_s, t) - 1, 0)]
        return (chunk.start_s + chunk.seconds - first.start_s) * 1000

    return {
        "index": index,
        "source": [job.name],
        "source_length": (last.start_s + last.seconds - first.start_s) * 1000,
        "prediction": " ".join(word.replace(" ", "-") for word, _ in words),
        "prediction_length": len(words),
        "delays": [sent_ms(t) for _, t in words],
        "elapsed": [(t - first.due_s) * 1000 for _, t in words],
        "reference": " ".join(reference.said.split()),
    }
