"""The figures of each recording as a table, for spreadsheets and data frames: CSV or Parquet.

One row a job. Rates are shares (0.05 is 5 %), delays are in ms by the clock ``due``. A figure that
a recording does not have, such as a percentile of too few samples, is empty.
"""

import csv
import io
from pathlib import Path
from typing import TypeAlias

from workers import files
from workers.errors import MissingExtra
from workers.evaluation.accuracy import ErrorCounts
from workers.evaluation.job_score import JobScore
from workers.evaluation.metrics import METRICS, Clock
from workers.evaluation.reference_formats import TEXT_COLUMNS
from workers.evaluation.score import RunScore
from workers.evaluation.statistics import summarise
from workers.exports.table import safe_cell

Figure: TypeAlias = str | int | float | bool | None

_STATISTICS = ("n", "mean", "p50", "p90", "p95", "p99", "max")


def recording_rows(score: RunScore) -> list[dict[str, Figure]]:
    """The rows, each with the same columns. Columns of a manifest come last, without its texts."""
    columns = dict.fromkeys(
        name for job in score.jobs for name, _ in job.file.metadata if name not in TEXT_COLUMNS
    )
    rows = []
    for job in score.jobs:
        row = _row(job)
        metadata = dict(job.file.metadata)
        rows.append(row | {name: metadata.get(name) for name in columns if name not in row})
    return rows


def _row(job: JobScore) -> dict[str, Figure]:
    chunks = {one.chunk_ms for one in job.latency.certificates}
    row: dict[str, Figure] = {
        "job": job.job,
        "file": job.name,
        "group": job.group,
        "model": job.model,
        "chunk_ms": chunks.pop() if len(chunks) == 1 else None,
        "sessions_at_once": job.sessions,
        "seconds": job.seconds,
        "reference": job.reference.origin if job.reference else None,
        "valid_for_latency": not job.latency.invalid,
        "invalid": "; ".join(job.latency.invalid) or None,
        "seams_and_damage": len(job.marks),
    }
    found = job.alignment is not None
    for name, counts in (
        ("wer", job.words),
        ("cer", job.characters),
        ("fwer", job.formatted_words),
        ("cpwer", job.speaker_words),
    ):
        row |= _error_columns(name, counts if found else None)
    row["recall"] = job.terms.recall
    row["precision"] = job.terms.precision
    row["missed"] = None if job.entities.recall is None else 1 - job.entities.recall
    for metric in METRICS.values():
        if metric.is_latency:
            delays = job.latency.delays.get(metric.name)
            summary = summarise(delays.ms[Clock.DUE]) if delays is not None else None
            for name in _STATISTICS:
                row[f"{metric.name}_{name}"] = getattr(summary, name) if summary else None
    return row


def _error_columns(name: str, counts: ErrorCounts | None) -> dict[str, Figure]:
    """A rate and its counts, empty without a reference."""
    if counts is None or not (counts.reference_length or counts.errors):
        return dict.fromkeys((name, *(f"{name}_{part}" for part in ("of", "s", "d", "i"))))
    return {
        name: counts.rate,
        f"{name}_of": counts.reference_length,
        f"{name}_s": counts.substitutions,
        f"{name}_d": counts.deletions,
        f"{name}_i": counts.insertions,
    }


def write_csv(path: Path, score: RunScore, *, bom: bool = False) -> None:
    """Writes the rows as CSV by RFC 4180, with texts that no spreadsheet runs as formulas, and with
    a byte-order mark for Excel if ``bom``. Raises `OSError`."""
    rows = recording_rows(score)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([safe_cell(name) for name in (rows[0] if rows else ())])
    for row in rows:
        writer.writerow(
            [safe_cell(cell) if isinstance(cell, str) else cell for cell in row.values()]
        )
    files.write_output(path, text.getvalue().encode("utf-8-sig" if bom else "utf-8"))


def write_parquet(path: Path, score: RunScore) -> None:
    """Writes the rows as Parquet. Raises `MissingExtra` without pyarrow, and `OSError`."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("parquet", "writing Parquet") from error
    data = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(recording_rows(score)), data)
    files.write_output(path, data.getvalue())
